"""Is every request that breaks a limit refused with the right status and line?"""

import socket
import threading
import time

import pytest

from multitask.contracts.errors import UserError
from multitask.service.limits import Limits
from tests.service.served import encoded, pixels, sent, server

PICTURE = encoded(pixels())


def refusal(response, status):
    """The line of a refusal."""
    assert response.status_code == status, response.text
    assert list(response.json()) == ["detail"]
    assert "\n" not in response.text
    return response.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "body", "status", "line"),
    [
        ({}, b"", 415, "Content-Type: is '', must be multipart/form-data; curl -F "),
        ({"Content-Type": "image/png"}, PICTURE, 415, "Content-Type: is 'image/png', "),
        (
            {"Content-Type": "multipart/form-data"}, b"x", 422,
            "upload: is no valid multipart/form-data: Missing boundary",
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=B"}, b"no form at all", 422,
            "upload: is no valid multipart/form-data: Invalid multipart data",
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=B"}, b"--B--\r\n", 422,
            "upload: has no picture; send files in the field 'pictures'",
        ),
    ],
)  # fmt: skip
def test_a_body_that_is_no_form_with_pictures(client, headers, body, status, line):
    response = client.post("/analyze", headers=headers, content=body)
    assert refusal(response, status).startswith(line)


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape"])
def test_names_in_any_encoding_are_told_or_read(client, charset):
    name = r"\ud800..\xe9.png"
    kind = f"multipart/form-data; boundary=B; charset={charset}"
    body = (
        b'--B\r\nContent-Disposition: form-data; name="pictures"; filename="'
        + f'{name}"\r\n\r\n'.encode()
        + PICTURE
        + b"\r\n--B--\r\n"
    )
    response = client.post("/analyze", headers={"Content-Type": kind}, content=body)
    if charset == "unicode_escape":
        assert response.json()["pictures"][0]["name"] == "?..\xe9.png"
    else:
        line = "upload: names its files in an encoding that can't be read"
        assert refusal(response, 422).startswith(line)


def test_the_service_writes_nothing_about_a_broken_form(client, caplog):
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    response = client.post("/analyze", headers=kind, content=b"--B\r\nA\xad: b\r\n")
    refusal(response, 422)
    assert caplog.records == []


def test_paths_and_addresses_are_never_read(client):
    for text in ("/etc/passwd", "http://127.0.0.1/a.png", "file:///etc/passwd"):
        form = {"pictures": (None, text)}
        line = refusal(client.post("/analyze", files=form), 422)
        assert line == (
            "upload: field 'pictures' is text, must be a file; neither paths nor "
            "addresses are read here"
        )
        named = client.post("/analyze", files=sent((text, PICTURE)))
        assert named.json()["pictures"][0]["name"] == text  # and nothing more


def test_another_field_is_refused_rather_than_ignored(client):
    response = client.post("/analyze", files=[("picture", ("a.png", PICTURE))])
    line = "upload: has the unknown field 'picture', must be 'pictures'"
    assert refusal(response, 422) == line
    response = client.post("/analyze", files=sent(PICTURE), data={"faces": "whole"})
    line = "upload: has the unknown field 'faces', must be 'pictures'"
    assert refusal(response, 422) == line


@pytest.fixture(scope="module")
def small(analyzer):
    """A client of a server with low limits."""
    limits = Limits(
        max_bytes=200_000, max_pixels=2_000, max_pictures=3, uploads=2,
        upload_timeout=2, answer_timeout=30,
    )  # fmt: skip
    with server(analyzer, limits=limits) as client:
        yield client


def test_too_many_bytes_whether_announced_or_not(small):
    body = b"x" * 300_000
    line = "upload: has more than 200,000 bytes"
    assert refusal(small.post("/analyze", files=sent(body)), 413) == line
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    start = (
        b'--B\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
    )

    def chunks():
        yield start
        for _ in range(30):
            yield b"x" * 10_000

    response = small.post("/analyze", headers=headers, content=chunks())
    assert refusal(response, 413) == line


def test_too_many_pictures(small):
    assert small.post("/analyze", files=sent(*[PICTURE] * 3)).status_code == 200
    line = refusal(small.post("/analyze", files=sent(*[PICTURE] * 4)), 413)
    assert line == (
        "upload: has more than 3 pictures; send the others in another request"
    )


def test_too_many_pixels(small):
    large = encoded(pixels(0, 50, 41))
    line = refusal(small.post("/analyze", files=sent(large)), 413)
    assert line == "a.png: has 41 x 50 pixels; make it smaller: at most 2,000 pixels"
    both = small.post("/analyze", files=sent(large, PICTURE)).json()["pictures"]
    assert [picture["status"] for picture in both] == [
        "has 41 x 50 pixels; make it smaller: at most 2,000 pixels", "ok",
    ]  # fmt: skip


def stalled(url, length=1000):
    """A connection on which an upload begins, and stops."""
    host, port = url.host, url.port
    connection = socket.create_connection((host, port), timeout=30)
    connection.sendall(
        b"POST /analyze HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: multipart/form-data; boundary=B\r\n"
        + f"Content-Length: {length}\r\n\r\n--B\r\n".encode()
    )
    return connection


def test_an_upload_that_stalls_is_given_up_and_the_others_go_on(small):
    began = time.monotonic()
    with stalled(small.base_url) as connection:
        assert small.post("/analyze", files=sent(PICTURE)).status_code == 200
        response = b""
        while chunk := connection.recv(4096):
            response += chunk
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert body == b'{"detail":"upload: took more than 2 seconds"}'
    assert 1.5 < time.monotonic() - began < 25


def test_too_many_uploads_are_429_until_there_is_a_place(small):
    with stalled(small.base_url), stalled(small.base_url):
        while len(small.service._uploads) < 2:
            time.sleep(0.01)
        response = small.post("/analyze", files=sent(PICTURE))
        line = "service: has 2 uploads in progress; try again in a few seconds"
        assert refusal(response, 429) == line
        assert response.headers["retry-after"] == "2"
        assert small.get("/health").status_code == 200
    while len(small.service._uploads):  # whose clients have gone
        time.sleep(0.01)
    assert small.post("/analyze", files=sent(PICTURE)).status_code == 200


def test_an_answer_that_takes_too_long_is_503(analyzer):
    free = threading.Event()
    limits = Limits(answer_timeout=1)
    with server(analyzer, limits=limits) as client:
        predict = client.service._batches._predict

        def slow(faces):
            free.wait(60)
            return predict(faces)

        client.service._batches._predict = slow
        response = client.post("/analyze", files=sent(PICTURE))
        free.set()
        line = "service: had no answer within 1 second; try again later, or send fewer "
        assert refusal(response, 503).startswith(line)
        assert int(response.headers["retry-after"]) > 0
        assert client.post("/analyze", files=sent(PICTURE)).status_code == 200


@pytest.mark.parametrize("name", ["max_bytes", "queue", "upload_timeout"])
def test_a_limit_below_1_is_a_mistake(name):
    option = "--" + name.replace("_", "-")
    with pytest.raises(UserError, match=f"^{option}: is 0, must be 1 or more"):
        Limits(**{name: 0})


def test_no_limit_allows_more_pixels_than_multitask_decodes():
    assert Limits(max_pixels=99_999_999)
    with pytest.raises(UserError, match="--max-pixels: is 100000000, must be less"):
        Limits(max_pixels=100_000_000)
