"""Is a picture of any kind answered as it looks, and a hostile one refused in time?"""

import struct
import time
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from multitask.images.decode import decode
from multitask.service import pictures
from multitask.service.pictures import decode_upload, pixel_count
from multitask.service.refusals import Refusal
from tests.images.test_damage import hurt
from tests.service.served import encoded, pixels, sent, server

MOST = 50_000_000


def png_header(width, height):
    """A PNG that promises so many pixels and holds none."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b"")


def bmp_header(width, height):
    """A BMP that promises so many pixels and holds none."""
    size = 54
    header = struct.pack("<2sIHHI", b"BM", size, 0, 0, size)
    return header + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def many_scans(count):
    """A progressive JPEG whose last scan is repeated."""
    data = encoded(pixels(0, 64, 64), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def refusal(data, most=MOST):
    """The status and line with which a picture is refused."""

    def read():
        pixel_count(data, "a.png", most)
        decode_upload(data, "a.png")

    with pytest.raises(Refusal) as raised:
        read()
    return int(raised.value.status), raised.value.line


@pytest.mark.parametrize(
    ("data", "status", "line"),
    [
        (b"", 415, "a.png: empty file"),
        (
            b"a letter",
            415,
            "a.png: no picture that can be read; send JPEG, PNG, WebP, ",
        ),
        (b"%PDF-1.7 ...", 415, "a.png: no picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "a.png: no picture that "),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, 415, "a.png: no picture that can be read"),
        (png_header(60_000, 60_000), 413, "a.png: has more than 100 million pixels; "),
        (bmp_header(60_000, 60_000), 413, "a.png: has more than 100 million pixels; "),
        (png_header(9_000, 9_000), 413, "a.png: has 9000 x 9000 pixels; make it smal"),
        (png_header(700, 700), 422, "a.png: can't be decoded: "),
        (encoded(pixels(0, 90, 90), "JPEG")[:900], 422, "a.png: is damaged: Prema"),
        (encoded(pixels(0, 90, 90))[:900], 422, "a.png: is damaged: its end is"),
        (many_scans(200), 422, "a.png: is a JPEG of 210 scans; save it again with at "),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused_in_a_moment(data, status, line):
    began = time.process_time()
    got, said = refusal(data)
    assert (got, said[: len(line)]) == (status, line)
    assert time.process_time() - began < 2


def test_a_damaged_upload_is_answered_where_the_service_keeps_them(analyzer):
    files = sent(hurt(encoded(pixels(0, 90, 90), "JPEG")))
    with server(analyzer) as client:
        response = client.post("/analyze", files=files)
        assert response.status_code == 422
        assert response.json()["detail"].startswith("a.png: is damaged: ")
    with server(analyzer, damaged="keep") as client:
        (picture,) = client.post("/analyze", files=files).json()["pictures"]
        assert (picture["status"], picture["height"]) == ("ok", 90)
        expected = analyzer.predict(files[0][1][1], damaged="keep")
        answers = picture["faces"][0]["answers"]
        assert answers["age"] == pytest.approx(expected["age"].item(), rel=1e-5)


def test_an_ordinary_progressive_jpeg_is_read():
    data = encoded(pixels(0, 64, 64), "JPEG", progressive=True)
    assert 1 < data.count(b"\xff\xda") <= pictures._MAX_SCANS
    assert pixel_count(data, "a.jpg", MOST) == 64 * 64


@pytest.mark.parametrize("place", ["after", "before"])
def test_what_else_a_phone_puts_into_a_jpeg_counts_as_no_scan(place):
    data, more = encoded(pixels(0, 64, 64), "JPEG"), b"\xff\xda\xff\xd9" * 100
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(more)) + more
    whole = data + more if place == "after" else data[:2] + comment + data[2:]
    assert pixel_count(whole, "a.jpg", MOST) == 64 * 64
    np.testing.assert_array_equal(decode_upload(whole, "a.jpg"), decode(data))


@pytest.mark.parametrize("hiding", [b"\xff\x01", b"\xff\x02", b"\xff\xd0"])
def test_no_marker_hides_scans(hiding):
    # None of these has a length, which the two bytes after each would be.
    data = many_scans(200)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    status, line = refusal(data[:second] + hiding + b"\xff\x00" + data[second:])
    assert (status, line) == (422, refusal(data)[1])


def animated():
    frames = [Image.fromarray(pixels(seed)) for seed in range(3)]
    file = BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    return file.getvalue()


def rotated():
    """A picture that EXIF says to turn by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(pixels(), "PNG", exif=exif)


def sixteen_bit():
    grey = pixels()[..., 0].astype(np.uint16) * 257
    return encoded(Image.fromarray(grey))


def cmyk():
    return encoded(Image.fromarray(pixels()).convert("CMYK"), "TIFF")


KINDS = {
    "animated": (animated(), pixels(0)),
    "rotated": (rotated(), np.rot90(pixels(), -1)),
    "16-bit": (sixteen_bit(), np.repeat(pixels()[..., :1], 3, axis=2)),
    "CMYK": (
        cmyk(),
        np.asarray(Image.fromarray(pixels()).convert("CMYK").convert("RGB")),
    ),
    "palette": (
        encoded(Image.fromarray(pixels()).convert("P")),
        np.asarray(Image.fromarray(pixels()).convert("P").convert("RGB")),
    ),
    "transparent": (
        encoded(np.dstack([pixels(), np.zeros((20, 24), np.uint8)])),
        np.full((20, 24, 3), 255),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_unusual_pictures_are_answered_as_they_look(client, analyzer, kind):
    data, shown = KINDS[kind]
    np.testing.assert_array_equal(decode(data), shown)
    response = client.post("/analyze?probabilities=true", files=sent(data))
    (picture,) = response.json()["pictures"]
    assert (picture["height"], picture["width"]) == shown.shape[:2]
    expected = analyzer.predict(shown.astype(np.uint8), probabilities=True).iloc[0]
    answers = picture["faces"][0]["answers"]
    assert answers["gender_male"] == pytest.approx(expected["gender_male"], abs=1e-5)
    assert answers["age"] == pytest.approx(expected["age"], rel=1e-4)


def hostile():
    """Two hundred uploads that are broken in as many ways."""
    rng = np.random.default_rng(0)
    good = [
        encoded(pixels(0, 60, 80), form)
        for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")
    ]
    for number in range(200):
        data = bytearray(good[number % len(good)])
        if number % 3 == 0:  # cut off
            yield bytes(data[: int(rng.integers(1, len(data)))])
        elif number % 3 == 1:  # some bytes are others
            for place in rng.integers(0, len(data), 1 + number // 10):
                data[place] = int(rng.integers(0, 256))
            yield bytes(data)
        else:  # promises another size, or is no picture at all
            yield png_header(*map(int, rng.integers(1, 70_000, 2)))


@pytest.mark.slow
def test_two_hundred_hostile_uploads_leave_it_healthy(client):
    good = encoded(pixels())
    before = client.post("/analyze", files=sent(good)).json()
    statuses = []
    for data in hostile():
        response = client.post("/analyze", files=sent(data))
        statuses.append(response.status_code)
        assert list(response.json()) in (["detail"], ["network", "pictures"])
    assert set(statuses) <= {200, 413, 415, 422}
    assert statuses.count(200) < 100 < len(statuses) == 200
    assert client.get("/health").json()["status"] == "ok"
    assert client.post("/analyze", files=sent(good)).json() == before
    assert client.service._requests == 0
