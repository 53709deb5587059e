"""Which picture is meant by a data URI, a web address or an open file?"""

import binascii
import os
from base64 import b64decode
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from multitask.contracts.version import VERSION
from multitask.images.decode import PictureError

MAX_BYTES = 100_000_000  # of a picture that is downloaded
SECONDS = 60.0  # until a server that says nothing is given up
_DATA, _WEB = "data:image/", ("http://", "https://")
_LONGEST = 255  # letters that a file's name may have
_SHOWN = 60  # letters of a text that errors show


def fetch(picture: Any) -> Any:
    """The bytes of a data URI, a web address or an open file; all else as it is.

    `picture` is a text `data:image/...,` followed by base64, a text that begins with
    `http://` or `https://`, or an object with a `read` that gives bytes, of which all
    are read from the start.

    Raises PictureError if the text is not base64, or so long that it may be base64 with
    nothing before it; if the file is a text file or can't be read, as it is closed; and
    if there is no download: for another status than 200, after 60 seconds of silence,
    and for more than 100 MB.

    >>> fetch("data:image/png;base64,iVBORw0KGgo=")
    b'\\x89PNG\\r\\n\\x1a\\n'
    >>> fetch("photo.jpg")
    'photo.jpg'
    """
    if isinstance(picture, str):
        if picture.startswith(_DATA):
            return _from_data(picture)
        if picture.lower().startswith(_WEB):
            return _from_web(picture)
        if len(picture) > _LONGEST and not os.path.exists(picture):
            begins = f"{_DATA}jpeg;base64,"
            raise PictureError(f"no such file; base64 begins with {begins}")
    if callable(getattr(picture, "read", None)):
        return _from_file(picture)
    return picture


def shown(picture: Any) -> str:
    """How errors name a picture; "" for one without a name.

    >>> shown("data:image/png;base64,iVBORw0KGgo="), shown("a.jpg"), shown(b"")
    ('data:image/png;base64', 'a.jpg', '')
    """
    if isinstance(picture, str) and picture.startswith(_DATA):
        picture = picture.partition(",")[0]
    if not isinstance(picture, str) and not hasattr(picture, "__fspath__"):
        return ""
    text = str(picture)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _from_data(text: str) -> bytes:
    _, comma, body = text.partition(",")
    if not comma:
        raise PictureError("is a data URI without a comma before its base64")
    try:
        return b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"is a data URI, but no base64: {error}") from None


def _from_web(address: str) -> bytes:
    try:
        request = Request(address, headers={"User-Agent": f"multitask/{VERSION}"})
        with urlopen(request, timeout=SECONDS) as response:
            data: bytes = response.read(MAX_BYTES + 1)
            missing: int = response.length or 0
    except HTTPError as error:
        error.close()
        raise PictureError(f"can't be downloaded: {error}") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise PictureError(f"can't be downloaded: {reason}") from None
    if len(data) > MAX_BYTES:
        raise PictureError(f"is larger than {MAX_BYTES // 1_000_000} MB")
    if missing:
        raise PictureError(f"can't be downloaded: {missing:,} bytes are missing")
    return data


def _from_file(file: Any) -> bytes:
    try:
        if callable(getattr(file, "seekable", None)) and file.seekable():
            file.seek(0)
        data = file.read()
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise PictureError(f"can't be read: {error}") from None
    if not isinstance(data, bytes):
        what = f"is a file that gives {type(data).__name__}, must give bytes"
        raise PictureError(f"{what}: open it in binary mode, 'rb'")
    return data
