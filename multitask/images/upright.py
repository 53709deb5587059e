"""How does an opened image become upright RGB, and how large is it then?"""

from typing import Any

import numpy as np
from PIL import Image

MAX_PIXELS = 100_000_000
_STRIP = 65_536  # pixels that are scaled to 8 bits at a time
_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {  # the transposition that undoes each orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)  # orientations that swap width and height


class PictureError(Exception):
    """This one picture can't be used; the message says why."""


def upright(image: Image.Image) -> Image.Image:
    """Read an image and convert it to upright RGB.

    Raises PictureError for 100 megapixels or more, and for an image without pixels.
    """
    if image.width * image.height >= MAX_PIXELS:
        raise PictureError(
            f"has {image.width} x {image.height} pixels, must have fewer than 100 "
            "megapixels"
        )
    if 0 in image.size:
        raise PictureError(f"is empty: {image.width} x {image.height} pixels")
    image.load()
    # Copy only where something changes: a copy takes as long as decoding.
    turn = _TURNS.get(_orientation(image))
    if turn is not None:
        image = image.transpose(turn)
    if image.mode.startswith(("I", "F")):
        image = _eight_bit(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def turned(pixels: Image.Image, image: Image.Image) -> Image.Image:
    """The pixels of an opened image, decoded otherwise, the way up that it says."""
    turn = _TURNS.get(_orientation(image))
    return pixels if turn is None else pixels.transpose(turn)


def upright_size(picture: Any) -> tuple[int, int] | None:
    """Width and height of a picture file as it is shown; None if it can't be read."""
    try:
        with Image.open(picture) as image:
            turned = _orientation(image) in _SIDEWAYS
            return (image.height, image.width) if turned else image.size
    except Exception:  # broken EXIF data can raise anything
        return None


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1, upright, if there is none or it can't be read."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF data can raise anything
        return 1


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion would clip it at 255."""
    values = np.asarray(image)
    low, high = values.min(), values.max()
    if not np.isfinite((low, high)).all():
        raise PictureError("has values that are not finite")
    top = 65535.0 if image.mode.startswith("I;16") or high > 255 else 255.0
    if image.mode.startswith("F") and high <= 1:
        top = 1.0  # as TIFF files of floats have it
    scaled = np.empty(values.shape, np.uint8)
    flat, pixels = values.reshape(-1), scaled.reshape(-1)
    for start in range(0, len(flat), _STRIP):  # as float64 takes eight times the memory
        strip = flat[start : start + _STRIP].astype(np.float64) * 255 / top
        pixels[start : start + _STRIP] = np.clip(strip, 0, 255).round()
    return Image.fromarray(scaled)
