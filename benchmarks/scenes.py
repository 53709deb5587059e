"""Which photos hold faces at known places? Photos without people, with faces pasted."""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from multitask.contracts.errors import UserError, nearest
from multitask.data import sources
from multitask.images.decode import Pixels, decode

# The square of a picture that is pasted, and the face in it, from the forehead to the
# chin: medians of each data set, as shares of the picture and of the square.
_SQUARES = {"utkface": (0, 0, 1, 1), "celeba": (0.13, 0.275, 0.85, 0.862)}
_FACES = {"utkface": (0.06, 0, 0.9, 0.97), "celeba": (0.18, 0.05, 0.83, 0.95)}
_SCIKIT_IMAGE = (
    *("coffee", "gravel", "brick", "grass", "moon", "retina", "immunohistochemistry"),
    *("rocket", "chelsea", "coins", "hubble_deep_field", "text", "page", "colorwheel"),
)
_COLUMNS, _ROWS = 3, 2  # cells of a photo, each with one face
SIDE = 640  # pixels of a photo's longer side

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scene:
    """A photo and the boxes of its faces."""

    pixels: Pixels
    boxes: tuple[Box, ...]


def photos(side: int = SIDE) -> list[Pixels]:
    """Photos without people that dev dependencies ship, `side` pixels wide."""
    import skimage.data
    from matplotlib import get_data_path
    from sklearn.datasets import load_sample_images

    arrays = [getattr(skimage.data, name)() for name in _SCIKIT_IMAGE]
    arrays += load_sample_images().images
    goods = Path(get_data_path()) / "sample_data" / "Minduka_Present_Blue_Pack.png"
    arrays.append(decode(goods))
    return [resized(decode(np.ascontiguousarray(array)), side) for array in arrays]


def resized(pixels: Pixels, width: int) -> Pixels:
    """A photo (2/3 width, width, 3), cut to this shape first."""
    height = round(width * 2 / 3)
    image, shape = Image.fromarray(pixels), width / height
    across, down = image.width, image.height
    if across > down * shape:
        across = round(down * shape)
    else:
        down = round(across / shape)
    left, top = (image.width - across) // 2, (image.height - down) // 2
    box = (left, top, left + across, top + down)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box))


def files(source: str, count: int, skip: int = 0) -> list[str]:
    """`count` pictures of NAME=FOLDER chosen at random, always the same ones.

    The first `skip` of them are left out. Raises UserError for other data sets.
    """
    name = source.partition("=")[0]
    if name not in _SQUARES:
        todo = nearest(name, _SQUARES)
        raise UserError("--data", f"{name!r} has no faces at known places", todo)
    paths = sorted(sources.read_all([source]).table["path"].tolist())
    random.Random(0).shuffle(paths)
    return [os.fspath(path) for path in paths[skip : skip + count]]


def scenes(
    paths: Sequence[str], name: str, size: int, most: float = 0.0
) -> Iterator[Scene]:
    """Photos with six faces each, whose height is `size` pixels.

    Faces are turned at random by up to `most` degrees. `name` is the data set's.
    """
    backgrounds, draw = photos(), random.Random(size)
    per_photo = _COLUMNS * _ROWS
    for start in range(0, len(paths), per_photo):
        photo = Image.fromarray(backgrounds[start // per_photo % len(backgrounds)])
        boxes = []
        for place, path in enumerate(paths[start : start + per_photo]):
            row, column = divmod(place, _COLUMNS)
            square = _square(decode(path), name, size)
            width, height = photo.width / _COLUMNS, photo.height / _ROWS
            left = column * width + draw.uniform(0, width - square.width)
            top = row * height + draw.uniform(0, height - square.height)
            turned = draw.uniform(-most, most)
            corner = round(left), round(top)
            _paste(photo, square, corner, turned)
            shares = np.array(_FACES[name]) * square.width
            box = (shares + np.tile(corner, 2)).tolist()
            boxes.append((box[0], box[1], box[2], box[3]))
        yield Scene(np.asarray(photo), tuple(boxes))


def alone(path: str, turned: float, draw: random.Random, photo: Pixels) -> Scene:
    """A photo with one picture of UTKFace, pasted whole in its own resolution."""
    image, picture = Image.fromarray(photo), Image.fromarray(decode(path))
    left = draw.randint(0, image.width - picture.width)
    top = draw.randint(0, image.height - picture.height)
    image.paste(picture, (left, top))
    if turned:
        turn = Image.Resampling.BICUBIC
        middle = left + picture.width / 2, top + picture.height / 2
        image = image.rotate(turned, turn, center=middle)
    shares = np.array(_FACES["utkface"]) * np.tile(picture.size, 2)
    box = (shares + np.tile([left, top], 2)).tolist()
    return Scene(np.asarray(image), ((box[0], box[1], box[2], box[3]),))


def hit(found: Box, real: Box) -> bool:
    """Whether a found box is that of a face: its middle lies in it, it is as large.

    Detectors differ in how much of a head they put into a box: half or twice the
    height is as large.
    """
    across, down = (found[0] + found[2]) / 2, (found[1] + found[3]) / 2
    inside = real[0] < across < real[2] and real[1] < down < real[3]
    return inside and 0.5 < (found[3] - found[1]) / (real[3] - real[1]) < 2


def _square(pixels: Pixels, name: str, size: int) -> Image.Image:
    """The square of a picture that is pasted; the face in it is `size` pixels high."""
    image = Image.fromarray(pixels)
    part = np.array(_SQUARES[name]) * np.tile(image.size, 2)
    side = round(size / (_FACES[name][3] - _FACES[name][1]))
    box = (part[0], part[1], part[2], part[3])
    # Antialiased; with `box`, pixels outside of it don't count.
    return image.resize((side, side), Image.Resampling.BICUBIC, box)


def _paste(
    photo: Image.Image, square: Image.Image, corner: tuple[int, int], turned: float
) -> None:
    """Paste an oval with a soft border."""
    mask = Image.new("L", square.size)
    inner = [0.02 * square.width, 0, 0.98 * square.width, square.height]
    ImageDraw.Draw(mask).ellipse(inner, fill=255)
    soft = mask.filter(ImageFilter.GaussianBlur(square.width / 50))
    turn = Image.Resampling.BICUBIC
    photo.paste(square.rotate(turned, turn), corner, soft.rotate(turned, turn))
