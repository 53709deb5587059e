"""Do data URIs, web addresses and open files give the picture that they mean?"""

import io
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from PIL import Image

from multitask.images import fetch
from multitask.images.decode import PictureError, decode

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


@pytest.fixture
def png():
    """The bytes of a picture."""
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def server(png):
    """The address of a server with /a.png, /cut.png, which ends early, and nothing."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404 if self.path == "/none.png" else 200)
            cut = self.path == "/cut.png"
            self.send_header("Content-Length", str(len(png) + 9 * cut))
            self.end_headers()
            self.wfile.write(png)

        def log_message(self, *arguments):
            """Write nothing to standard error."""

    with HTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("head", ["data:image/png;base64,", "data:image/,"])
def test_base64_is_decoded_with_or_without_line_breaks(png, head):
    text = b64encode(png).decode()
    broken = "\n".join(text[i : i + 20] for i in range(0, len(text), 20))
    for body in (text, broken):
        assert np.array_equal(decode(fetch.fetch(head + body)), PIXELS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("data:image/png;base64", "without a comma"),
        ("data:image/png;base64,abc", "no base64: Incorrect padding"),
        ("data:image/png;base64,ä", "no base64"),
        ("data:image/svg+xml,<svg/>", "no base64"),
    ],
)
def test_what_is_no_base64_is_said(text, why):
    with pytest.raises(PictureError, match=why):
        fetch.fetch(text)


def test_a_web_address_is_downloaded(server):
    assert np.array_equal(decode(fetch.fetch(f"{server}/a.png")), PIXELS)
    upper = server.replace("http", "HTTP")
    assert np.array_equal(decode(fetch.fetch(f"{upper}/a.png")), PIXELS)


@pytest.mark.parametrize(
    ("page", "why"), [("none.png", "404"), ("cut.png", "can't be downloaded")]
)
def test_a_failed_download_is_said(server, page, why):
    with pytest.raises(PictureError, match=why):
        fetch.fetch(f"{server}/{page}")


def test_a_server_that_is_not_there_is_said():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    with pytest.raises(PictureError, match="can't be downloaded: .*refused"):
        fetch.fetch(f"http://127.0.0.1:{port}/a.png")


def test_an_address_that_can_not_be_one_is_said():
    with pytest.raises(PictureError, match="can't be downloaded"):
        fetch.fetch("http://[a.png")


def test_a_download_has_a_limit(server, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_BYTES", 9)
    with pytest.raises(PictureError, match="is larger than"):
        fetch.fetch(f"{server}/a.png")


def test_an_open_file_is_read_from_its_start(png, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png)
    with path.open("rb") as file:
        assert file.read(5)
        assert np.array_equal(decode(fetch.fetch(file)), PIXELS)
        assert np.array_equal(decode(fetch.fetch(file)), PIXELS)


def test_a_text_file_is_refused():
    with pytest.raises(PictureError, match="binary mode, 'rb'"):
        fetch.fetch(io.StringIO("a"))


def test_other_pictures_are_not_touched(tmp_path):
    for picture in (PIXELS, b"abc", "a.jpg", tmp_path, Image.new("RGB", (2, 2))):
        assert fetch.fetch(picture) is picture


def test_a_long_text_is_cut_where_errors_name_it():
    assert fetch.shown("a" * 90) == "a" * 60 + "..."
