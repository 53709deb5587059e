"""Is a picture that its decoder calls damaged set aside, or kept where one says so?"""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, features

from multitask.images.decode import PictureError, decode, decode_all
from multitask.images.faces.parts import crop_picture

SHAPE = (60, 80, 3)


def noise(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def encoded(form, frames=1, **options):
    """The bytes of a picture, or of an animation of several."""
    images = [Image.fromarray(noise(number)) for number in range(frames)]
    file = BytesIO()
    if frames > 1:
        options |= {"save_all": True, "append_images": images[1:]}
    images[0].save(file, form, **options)
    return file.getvalue()


def hurt(data):
    """A JPEG without the last bytes of its pixels, of which Pillow says nothing."""
    return data[:-60] + data[-2:]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", [SHAPE, (1100, 1000, 3)])
def test_a_jpeg_that_its_decoder_calls_damaged_is_none_unless_kept(
    progressive, turned, shape
):
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    file = BytesIO()
    image = Image.fromarray(noise(shape=shape))
    image.save(file, "JPEG", progressive=progressive, exif=exif)
    whole, damaged = file.getvalue(), hurt(file.getvalue())
    with Image.open(BytesIO(damaged)) as opened:
        opened.load()  # does not complain
    with pytest.raises(PictureError, match="^is damaged: .*[Cc]orrupt"):
        decode(damaged)
    kept = decode(damaged, damaged="keep")
    assert kept.shape == decode(whole).shape
    assert kept.shape == ((shape[1], shape[0], 3) if turned else shape)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("frames", [1, 3])
def test_whole_files_are_not_called_damaged(form, frames):
    if form == "JPEG" and frames > 1:
        pytest.skip("is never animated")
    if form == "WEBP" and not features.check("webp"):
        pytest.skip("needs a Pillow that writes WebP")
    data = encoded(form, frames)
    np.testing.assert_array_equal(decode(data), decode(data, damaged="keep"))
    decode(data + b"more")  # what follows the end is no damage


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.99])
def test_an_animation_that_is_cut_short_is_damaged(form, share, tmp_path):
    data = encoded(form, frames=4)
    path = tmp_path / "a"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(PictureError, match="^is damaged: its end is missing$"):
        decode(path)
    if form != "WEBP":  # whose decoder reads all of it at once
        np.testing.assert_array_equal(decode(path, damaged="keep"), decode(data))


@pytest.mark.parametrize("progressive", [False, True])
def test_what_is_there_of_a_jpeg_that_is_cut_short_can_be_kept(progressive):
    file = BytesIO()
    Image.fromarray(noise()).save(file, "JPEG", progressive=progressive)
    whole = file.getvalue()
    cut = whole[: len(whole) // 2]
    with pytest.raises(PictureError, match="^is damaged"):
        decode(cut)
    kept = decode(cut, damaged="keep")
    assert kept.shape == decode(whole).shape
    if not progressive:
        np.testing.assert_array_equal(kept[:8], decode(whole)[:8])
        assert len(np.unique(kept[-8:])) == 1  # what is missing is grey
    np.testing.assert_array_equal(decode(whole[:-2], damaged="keep"), decode(whole))


def test_a_truncated_jpeg_is_damaged():
    data = encoded("JPEG")
    with pytest.raises(PictureError, match="^is damaged: [Pp]remature end"):
        decode(data[: len(data) // 2])


def test_what_does_not_begin_as_a_jpeg_is_no_picture_from_any_source(tmp_path):
    data = encoded("JPEG")
    odd = data[:2] + bytes(18) + data[2:]  # in which libjpeg goes on to look
    file = tmp_path / "a.jpg"
    file.write_bytes(odd)
    for source in (odd, file):
        with pytest.raises(PictureError, match="^no picture that can be read"):
            decode(source)


def test_all_ways_to_decode_tell_damage():
    damaged = hurt(encoded("JPEG"))
    ((_, reason),) = decode_all([damaged], 16)
    assert isinstance(reason, str)
    assert reason.startswith("is damaged: ")
    assert crop_picture(damaged, 16) == reason
    ((_, kept),) = decode_all([damaged], 16, damaged="keep")
    parts = crop_picture(damaged, 16, damaged="keep")
    assert not isinstance(parts, str)
    np.testing.assert_array_equal(parts[0].pixels, kept)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
def test_what_a_decoder_reports_is_never_answered(form):
    """No mutation is decoded that strict libjpeg-turbo complains of."""
    simplejpeg = pytest.importorskip("simplejpeg")
    data = encoded(form, frames=1 if form == "JPEG" else 2)
    rng = np.random.default_rng(0)
    for _ in range(200):
        mutated = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            mutated[place] = rng.integers(256)
        try:
            decode(bytes(mutated))
        except PictureError:
            continue
        if form == "JPEG":
            simplejpeg.decode_jpeg(bytes(mutated), "RGB")
