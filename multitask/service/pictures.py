"""How do the bytes of an upload become pixels, whoever made them?"""

import re
from http import HTTPStatus

from PIL import Image, UnidentifiedImageError

from multitask.contracts.errors import counted
from multitask.images.damage import Damaged
from multitask.images.decode import PictureError, Pixels, decode, header
from multitask.service.refusals import Refusal

# A progressive JPEG has about ten. Each takes a pass over all pixels, in a few bytes.
_MAX_SCANS = 64
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
# The next marker that has bytes of its own after it, or ends the picture.
_MARKER = re.compile(b"\xff+([\xc0-\xcf\xd9-\xfe])")


def pixel_count(data: bytes, name: str, max_pixels: int) -> int:
    """The number of pixels of a picture file, by its header alone.

    Raises Refusal if it is no picture, has too many pixels, or would take far longer to
    decode than its size suggests.
    """
    if not data:
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, name, "empty file")
    try:
        _, width, height = header(data)
    except UnidentifiedImageError:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            name,
            "no picture that can be read",
            "send JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF",
        ) from None
    except Image.DecompressionBombError:
        # Pillow's own limit is higher than any that can be set here.
        raise _too_large(name, "more than 100 million pixels", max_pixels) from None
    except Exception as error:  # as broken headers make Pillow raise anything
        raise _broken(name, f"can't be decoded: {error}") from None
    if width * height > max_pixels:
        raise _too_large(name, f"{width} x {height} pixels", max_pixels)
    scans = _count_scans(data) if data.startswith(b"\xff\xd8") else 0
    if scans > _MAX_SCANS:
        todo = f"save it again with at most {_MAX_SCANS}"
        raise Refusal(_BROKEN, name, f"is a JPEG of {counted(scans, 'scan')}", todo)
    return width * height


def _count_scans(data: bytes) -> int:
    """The scans of the picture that a JPEG begins with.

    After it phones put a video, and before it a preview, whose bytes don't count.
    """
    scans, place = 0, 2
    while (marker := _MARKER.search(data, place)) and marker[1] != _END_OF_IMAGE:
        scans += marker[1] == _START_OF_SCAN
        place = marker.end()
        place += max(2, int.from_bytes(data[place : place + 2]))  # its own length
    return scans


def decode_upload(data: bytes, name: str, damaged: Damaged = "skip") -> Pixels:
    """Decode the bytes of a picture file as `decode` does; Refusal if they are broken.

    The result is upright RGB (height, width, 3), uint8.
    """
    try:
        return decode(data, damaged=damaged)
    except PictureError as error:
        raise _broken(name, str(error)) from None


_BROKEN = HTTPStatus.UNPROCESSABLE_ENTITY


def _broken(name: str, what: str) -> Refusal:
    return Refusal(_BROKEN, name, what)


def _too_large(name: str, what: str, max_pixels: int) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        name,
        f"has {what}",
        f"make it smaller: at most {max_pixels:,} pixels",
    )
