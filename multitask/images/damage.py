"""Is a picture's file whole, even where its decoder makes pixels of what is left?

libjpeg fills in what damage has taken, and says so only to those who ask. Of animated
files the first frame may be whole, and the rest cut off.
"""

import threading
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from multitask.contracts.errors import wrong_choice
from multitask.images.room import ROOM

Damaged = Literal["skip", "keep"]  # what to do with pictures that are damaged
SMALL = 1_000_000  # most pixels for which a thread keeps memory
_JPEG, _PNG, _GIF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8"
_CHECKED = (_JPEG, _PNG, _GIF, b"RIFF")  # what files begin with that are checked
# The colours that libjpeg-turbo converts each kind of JPEG to.
_SPACES = {"YCbCr": "RGB", "Gray": "RGB", "RGB": "RGB", "CMYK": "CMYK", "YCCK": "CMYK"}
_REPORTS = ("Corrupt JPEG data", "Premature end")  # of what Pillow may still decode
_thread = threading.local()


class DamageError(Exception):
    """A file is damaged; the message says how."""


def check_damaged(damaged: str) -> None:
    """Raise UserError unless this is a word for what to do with damaged pictures."""
    if damaged not in get_args(Damaged):
        raise wrong_choice("--damaged", damaged, get_args(Damaged))


def in_memory(source: BytesIO | Path) -> BytesIO | Path:
    """A source in memory, if it is of a kind whose damage is looked for."""
    if isinstance(source, BytesIO):
        return source
    with open(source, "rb", buffering=0) as file:
        start = file.read(len(_PNG))
        return BytesIO(start + file.read()) if start.startswith(_CHECKED) else source


def plain_jpeg(
    source: BytesIO | Path, most: int, damaged: Damaged
) -> Image.Image | None:
    """Decode a JPEG with libjpeg-turbo alone, not yet turned.

    Pillow gives the same pixels, but reads in many small steps, which take about as
    long as decoding a picture of 200x200 pixels, and says nothing of damage.

    None for another format, a JPEG that has `most` pixels or more, is in other colours,
    or can't be decoded at all: Pillow says why. Raises DamageError if the decoder
    reports damage, such as missing or superfluous data; with `keep`, what is missing is
    grey.
    """
    data = source.getvalue() if isinstance(source, BytesIO) else b""
    if not data.startswith(_JPEG):
        return None
    try:
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except (ValueError, KeyError) as error:  # KeyError: unknown colours
        if damaged == "skip" and str(error).startswith(_REPORTS):
            raise DamageError(str(error)) from None
        return None
    if height * width >= most or colors not in _SPACES:
        return None
    ROOM.take(height * width)
    space = _SPACES[colors]
    buffer = _buffer() if space == "RGB" and height * width <= SMALL else None
    try:
        pixels = simplejpeg.decode_jpeg(data, space, buffer=buffer)
    except ValueError as error:
        reason = str(error)
        is_damage = reason.startswith(_REPORTS) or _is_readable(data, space)
        if damaged == "skip" and is_damage:
            raise DamageError(reason) from None
        if not is_damage:
            return None
        try:
            pixels = simplejpeg.decode_jpeg(data, space, strict=False)
        except ValueError:
            return None
    if colors not in ("YCbCr", "Gray"):
        return None  # Pillow's conversion is kept
    return Image.frombytes("RGB", (width, height), pixels)  # a copy


def may_be_turned(source: BytesIO | Path) -> bool:
    """Whether a file may say that its picture is turned or mirrored."""
    data = source.getvalue() if isinstance(source, BytesIO) else b""
    return b"Exif" in data or b"tiff:Orientation" in data


def _is_readable(data: bytes, space: str) -> bool:
    """Whether the decoder makes pixels of a JPEG if it may be damaged."""
    try:
        simplejpeg.decode_jpeg(data, space, min_factor=8, strict=False)
    except ValueError:
        return False
    return True


def _buffer() -> npt.NDArray[np.uint8]:
    """Memory for a small picture per thread: new pages take as long as decoding."""
    if not hasattr(_thread, "buffer"):
        _thread.buffer = np.empty(3 * SMALL, np.uint8)
    buffer: npt.NDArray[np.uint8] = _thread.buffer
    return buffer


def check_whole(source: BytesIO | Path, damaged: Damaged) -> None:
    """Raise DamageError for a PNG, GIF or WebP that is cut short, animated or not."""
    if damaged == "keep" or not isinstance(source, BytesIO):
        return
    data, is_whole = source.getvalue(), True
    if data.startswith(_PNG):
        is_whole = _ends_png(data)
    elif data.startswith(_GIF):
        is_whole = _ends_gif(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        is_whole = len(data) >= 8 + int.from_bytes(data[4:8], "little")
    if not is_whole:
        raise DamageError("its end is missing")


def _ends_png(data: bytes) -> bool:
    """Whether the chunks of a PNG go on to the last one."""
    place = len(_PNG)
    while place + 12 <= len(data):
        if data[place + 4 : place + 8] == b"IEND":
            return True
        place += 12 + int.from_bytes(data[place : place + 4])
    return False


def _ends_gif(data: bytes) -> bool:
    """Whether the blocks of a GIF go on to its trailer."""
    place = 13 + _colors(data[10:11])
    while place < len(data):
        kind = data[place]
        if kind == 0x3B:
            return True
        if kind == 0x2C:  # a frame: its place, colours, and bits per code
            place += 11 + _colors(data[place + 9 : place + 10])
        elif kind == 0x21:  # an extension
            place += 2
        else:
            place += 1  # what browsers and Pillow pass over
            continue
        while place < len(data) and data[place]:  # blocks, up to an empty one
            place += 1 + data[place]
        place += 1
    return False


def _colors(flags: bytes) -> int:
    """The bytes of a table of colours, by the flags that announce it."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0
