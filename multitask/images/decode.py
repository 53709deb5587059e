"""How does a file, an array or a PIL image become upright uint8 RGB pixels?

Every picture goes through `decode` and `resize`, in training, measuring and prediction
alike, so that the network always sees the same pixels.
"""

import os
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from multitask.images.damage import (
    Damaged,
    DamageError,
    check_whole,
    in_memory,
    may_be_turned,
    plain_jpeg,
)
from multitask.images.room import ROOM
from multitask.images.threads import in_order
from multitask.images.upright import MAX_PIXELS, turned, upright
from multitask.images.upright import PictureError as PictureError  # for all who decode

Pixels = npt.NDArray[np.uint8]
Cut = Callable[[Pixels, int], Pixels]  # pixels of any size to (size, size, 3)
Picture = str | PathLike[str] | bytes | Image.Image | npt.NDArray[Any]

NO_PATH = "has no path"
_FORMATS: tuple[str, ...] = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
with suppress(ImportError):  # Pillow before 11.3
    from PIL import AvifImagePlugin

    _FORMATS += (AvifImagePlugin.AvifImageFile.format,)
_EDGES = "must be 'left top right bottom'"
# Blocks so large that their memory goes back to the system, whichever thread has them:
# smaller ones, as Pillow has by itself, stay with the thread that once needed them.
Image.core.set_block_size(2**26)  # type: ignore[attr-defined]
# An image that is given twice must not be read by two threads at once: each has one of
# these locks, by its address.
_READING = tuple(threading.Lock() for _ in range(61))
# Pillow's decoders raise all of these on broken data.
_BROKEN = (
    OSError,
    AssertionError,
    AttributeError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    RuntimeError,
    TypeError,
    struct.error,
)
# Pillow warns of odd but readable EXIF data, and of pictures above 89 megapixels.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode(
    picture: Picture,
    box: str | None = None,
    margin: float = 0.0,
    damaged: Damaged = "skip",
) -> Pixels:
    """Decode a picture to upright RGB (height, width, 3), uint8.

    `picture` is a path or the bytes of a JPEG, PNG, BMP, GIF, WebP, TIFF or AVIF file,
    of which the first frame counts; a PIL image; or a uint8 array (height, width) or
    (height, width, channels) with 1, 3 or 4 channels in RGB order. Grey, palette, CMYK
    and 16-bit pictures are converted, transparent parts become white, an EXIF rotation
    is undone. `box` is `left top right bottom` in pixels of the upright picture.
    `margin`, a share of the box's width and height, is added on each side; then it is
    clipped to the picture.

    Raises PictureError, which says why, if the picture can't be decoded or has 100
    megapixels or more; and, unless `damaged` is `keep`, for a file whose decoder
    reports damage, or of which a part is missing.

    >>> decode(np.zeros((4, 6), np.uint8)).shape
    (4, 6, 3)
    """
    pixels = np.asarray(_rgb(picture, damaged))
    return _crop(pixels, box, margin) if box else pixels


def visible_fault(picture: object) -> str:
    """Why a picture can't be used, as far as one knows without reading it; else "".

    >>> visible_fault(np.zeros((4, 6, 3)))
    'is an array of float64, must be uint8 from 0 to 255'
    """
    try:
        if isinstance(picture, np.ndarray):
            _check_array(picture)
        elif isinstance(picture, str) and not picture:
            return NO_PATH
        elif not isinstance(picture, (str, bytes, PathLike, Image.Image)):
            _rgb(picture)  # type: ignore[arg-type]  # which refuses it
    except PictureError as error:
        return str(error)
    if isinstance(picture, (str, PathLike)) and not os.path.exists(picture):
        return "no such file"
    return ""


def holds_several(path: str | PathLike[str]) -> bool:
    """Whether a file has pictures after the first one: an animation, or pages."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            # Cameras put a preview or depths into a JPEG, which is then an MPO.
            return image.format != "MPO" and getattr(image, "is_animated", False)
    except (*_BROKEN, Image.DecompressionBombError):
        return False


def header(data: bytes) -> tuple[str, int, int]:
    """Colour mode, width and height of an image file, before any conversion."""
    with Image.open(BytesIO(data), formats=_FORMATS) as image:
        return image.mode, image.width, image.height


def decode_resized(picture: Picture, size: int, damaged: Damaged = "skip") -> Pixels:
    """Decode a picture and resize it to (size, size, 3), in less memory than both."""
    return _resized(_rgb(picture, damaged), size)


def _rgb(picture: Picture, damaged: Damaged = "skip") -> Image.Image:
    if isinstance(picture, np.ndarray):
        return _array(picture)
    if isinstance(picture, Image.Image):
        return _image(picture)
    if isinstance(picture, (str, bytes, PathLike)):
        return _file(picture, damaged)
    raise PictureError(
        f"is of type {type(picture).__name__}, must be a path, bytes, PIL image or "
        "array"
    )


def _image(image: Image.Image) -> Image.Image:
    try:
        with _READING[id(image) // 16 % len(_READING)]:
            return upright(image)  # which may only now read the file
    except _BROKEN as error:
        reason = str(error) or "its file may be closed"
        raise PictureError(f"can't be decoded: {reason}") from None


def _file(picture: str | bytes | PathLike[str], damaged: Damaged) -> Image.Image:
    if isinstance(picture, str) and not picture:  # an empty cell; Path("") is a folder
        raise PictureError(NO_PATH)
    source = BytesIO(picture) if isinstance(picture, bytes) else Path(picture)
    try:
        source = in_memory(source)
        plain = plain_jpeg(source, MAX_PIXELS, damaged)
        if plain is not None and not may_be_turned(source):
            return plain
        check_whole(source, damaged)
        with Image.open(source, formats=_FORMATS) as image:
            if plain is not None:
                return turned(plain, image)
            if image.width * image.height < MAX_PIXELS:
                ROOM.take(image.width * image.height)
            return upright(image)
    except FileNotFoundError:
        raise PictureError("no such file") from None
    except IsADirectoryError:
        raise PictureError("is a folder, no picture") from None
    except UnidentifiedImageError:
        kind = "empty file" if _is_empty(source) else "no picture that can be read"
        raise PictureError(f"{kind}: must be {', '.join(_FORMATS)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError("has 100 megapixels or more") from None
    except DamageError as error:
        raise PictureError(f"is damaged: {error}") from None
    except _BROKEN as error:
        # Without the file's name, which may be a whole picture in base64.
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"can't be decoded: {reason}") from None


def _is_empty(source: BytesIO | Path) -> bool:
    if isinstance(source, BytesIO):
        return not source.getvalue()
    return source.stat().st_size == 0


def _array(array: npt.NDArray[Any]) -> Image.Image:
    _check_array(array)
    return upright(Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array))


def _check_array(array: npt.NDArray[Any]) -> None:
    if array.dtype != np.uint8:
        raise PictureError(f"is an array of {array.dtype}, must be uint8 from 0 to 255")
    has_channels = array.ndim == 3 and array.shape[2] in (1, 3, 4)
    if not (array.ndim == 2 or has_channels) or 0 in array.shape:
        raise PictureError(
            f"is an array of shape {array.shape}, must be (height, width, 3)"
        )


def _crop(pixels: Pixels, box: str, margin: float) -> Pixels:
    height, width = pixels.shape[:2]
    try:
        edges = [float(n) for n in box.split()]
        left, top, right, bottom = edges
        across, down = margin * (right - left), margin * (bottom - top)
        left, right = round(left - across), round(right + across)
        top, bottom = round(top - down), round(bottom + down)
    except (ValueError, OverflowError):
        raise PictureError(f"box is {box!r}, {_EDGES}") from None
    if right < left or bottom < top:
        raise PictureError(_swapped(box, *edges))
    # A negative index would count from the far side.
    crop = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if 0 in crop.shape:
        if right == left or bottom == top:
            raise PictureError(f"box {box!r} is less than a pixel wide or high")
        size = f"{width} x {height} pixels"
        raise PictureError(f"box {box!r} lies outside the picture, which has {size}")
    return crop


def _swapped(box: str, left: float, top: float, right: float, bottom: float) -> str:
    """What is wrong with a box that ends before it begins."""
    ends = f"bottom {bottom:g} above top {top:g}"
    if right < left:
        ends = f"right {right:g} before left {left:g}"
    may_be_sized = right > 0 and bottom > 0
    hint = ", or --box xywh: 'left top width height'" if may_be_sized else ""
    return f"box {box!r} has {ends}: {_EDGES}{hint}"


def resize(pixels: Pixels, size: int) -> Pixels:
    """Resize (height, width, 3) to (size, size, 3), bilinear and antialiased.

    An axis of at least twice the size is first averaged over blocks of whole pixels,
    which is fast. The network resizes its input in the same way
    (`multitask.images.resize`).
    """
    if pixels.shape == (size, size, 3):
        return pixels
    return _resized(Image.fromarray(pixels), size)


def _resized(image: Image.Image, size: int) -> Pixels:
    across, down = max(1, image.width // size), max(1, image.height // size)
    # In blocks; incomplete ones at the right and bottom count as fractions.
    width, height = image.width / across, image.height / down
    if across > 1 or down > 1:
        image = image.reduce((across, down))
    # One axis at a time: which one Pillow begins with depends on its version.
    bilinear = Image.Resampling.BILINEAR
    image = image.resize((image.width, size), bilinear, (0, 0, image.width, height))
    return np.asarray(image.resize((size, size), bilinear, (0, 0, width, size)))


def decode_all(
    pictures: Sequence[Picture],
    size: int,
    boxes: Sequence[str | None] | None = None,
    margin: float = 0.0,
    look: Callable[[int, Image.Image], None] | None = None,
    cut: Cut | None = None,
    damaged: Damaged = "skip",
) -> Iterator[tuple[int, Pixels | str]]:
    """Decode and resize many pictures on all cores.

    Yields (index, pixels (size, size, 3)) for each picture in order, or (index, the
    reason) for one that can't be decoded. `margin` is as in `decode`. `cut` takes the
    place of `resize` for pictures without a box. Threads call `look` with each index
    and what is in the box alone, in its full size. `damaged` is as in `decode`.
    """

    def one(index: int) -> tuple[int, Pixels | str]:
        with ROOM.lease():
            return read(index)

    def read(index: int) -> tuple[int, Pixels | str]:
        try:
            shown = inside = _rgb(pictures[index], damaged)
            if boxes is not None and (box := boxes[index]):
                pixels = np.asarray(shown)
                inside = Image.fromarray(_crop(pixels, box, 0))
                shown = Image.fromarray(_crop(pixels, box, margin))
            if look:
                look(index, inside)
            if cut and shown is inside:
                return index, cut(np.asarray(shown), size)
            return index, _resized(shown, size)
        except PictureError as error:
            return index, str(error)

    yield from in_order(one, len(pictures))
