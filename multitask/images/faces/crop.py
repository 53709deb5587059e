"""How is a face cut out so that it lies as faces did in a network's training pictures?

The place of a face is that of its eyes, as all five landmarks tell it: a mean face is
moved, turned and scaled to fit them. So a face in profile, whose eyes seem close to
each other, is not taken for a small one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from PIL import Image

from multitask.images.decode import Pixels, resize
from multitask.images.faces.face import Face

Shape = tuple[int, ...]  # of pixels: (height, width, 3)
LEAST_FACES, LEAST_SHARE = 20, 0.5  # with which a framing can be measured
# How far a face may lie from the framing in a picture that is already a crop: shares
# of the picture's sides, factors, radians.
_OFF, _LARGER, _WIDER, _TURNED = 0.16, 1.56, 1.21, 0.5
# A mean face (5,): x + iy of its landmarks from the middle of the eyes, in distances
# between them; medians of `mtcnn` on 300 pictures each of UTKFace and CelebA.
_MEAN = np.array([-0.5, 0.5, 0.61j, -0.445 + 1.033j, 0.445 + 1.033j])
# Where eyes are in the box of a face without landmarks, as shares of its sides: medians
# of `haar` on 285 pictures of UTKFace and CelebA, with the landmarks of `mtcnn`.
_BOX_X, _BOX_Y, _BOX_DISTANCE = 0.503, 0.388, 0.394
_POINT = 0.01  # pixels between the eyes, of landmarks that are all one point
_DETAIL = 4  # pixels for each of the crop's; if there are more, they are averaged first


@dataclass(frozen=True, kw_only=True)
class Framing:
    """The face alignment of a network: where its training pictures have their faces.

    `x` and `y` are the middle of the eyes as shares of a picture's width and height,
    `distance` is that between the eyes as a share of the width, and `aspect` the width
    as a share of the height: a network sees pictures that aren't square squeezed.
    `pictures` is how many were measured.
    """

    x: float
    y: float
    distance: float
    aspect: float = 1.0
    pictures: int = 0


class _Place(NamedTuple):
    """The x, y, distance and aspect of a framing, and the angle of the eyes."""

    x: float
    y: float
    distance: float
    aspect: float
    angle: float


class _Eyes(NamedTuple):
    """The eyes of a face in pixels, x + iy: their middle, and from left to right."""

    middle: complex
    across: complex


def measure(pictures: Iterable[tuple[Shape, Sequence[Face]]]) -> Framing | None:
    """The median framing of pictures, each the shape of its pixels and its faces.

    Outliers don't change it. It is None, as the pictures are no crops of faces, if
    fewer than 20 of them or less than half show one face that lies roughly there.
    """
    places, count = list[_Place](), 0
    for shape, faces in pictures:
        count += 1
        if len(faces) == 1:
            places.append(_placed(shape, faces[0]))
    if not places:
        return None
    x, y, distance, aspect, _ = np.median(places, axis=0).tolist()
    framing = Framing(x=x, y=y, distance=distance, aspect=aspect)
    alike = sum(_lies(place, framing) for place in places)
    if alike < max(LEAST_FACES, LEAST_SHARE * count):
        return None
    return replace(framing, pictures=len(places))


def is_crop(shape: Shape, faces: Sequence[Face], framing: Framing) -> bool:
    """Whether a picture of a shape is itself a crop as the framing says.

    It is if the detector found one face in it, which lies there, is about as large and
    level, and if the picture has the shape of the training pictures.
    """
    return len(faces) == 1 and _lies(_placed(shape, faces[0]), framing)


def _lies(place: _Place, framing: Framing) -> bool:
    """Whether a face has the place and size of a framing, its picture the shape."""
    off = max(abs(place.x - framing.x), abs(place.y - framing.y))
    larger = abs(np.log(place.distance / framing.distance))
    wider = abs(np.log(place.aspect / framing.aspect))
    return bool(
        off <= _OFF
        and larger <= np.log(_LARGER)
        and wider <= np.log(_WIDER)
        and abs(place.angle) <= _TURNED
    )


def crop(
    pixels: Pixels, face: Face, framing: Framing, size: int, *, level: bool = True
) -> Pixels:
    """Cut a face out of (height, width, 3): (size, size, 3) with the eyes level.

    The eyes lie where the framing has them. What lies beyond the picture repeats its
    border. The crop is made in the picture's own resolution and then resized as
    training pictures are, antialiased. A face without landmarks gets the usual place
    of the eyes in its box. Without `level` the picture is not turned, only the middle
    of the eyes lies where it should.
    """
    eyes = _eyes(face)
    width = abs(eyes.across) / framing.distance  # of the crop, in pixels
    height = width / framing.aspect
    turn = eyes.across / abs(eyes.across) if level else 1
    corner = eyes.middle - turn * complex(framing.x * width, framing.y * height)
    right, down = turn * width, turn * 1j * height
    corners = np.array([corner, corner + right, corner + down, corner + right + down])
    reduced = max(1, floor(min(width, height) / (_DETAIL * size)))
    shown, start = _cut(pixels, corners, reduced)
    across, along = (max(1, round(side / reduced)) for side in (width, height))
    first = (corner - start) / reduced
    step, step_down = right / reduced / across, down / reduced / along
    upright = Image.fromarray(np.ascontiguousarray(shown)).transform(
        (across, along),
        Image.Transform.AFFINE,
        (step.real, step_down.real, first.real, step.imag, step_down.imag, first.imag),
        Image.Resampling.BICUBIC,
    )
    return resize(np.asarray(upright), size)


def _cut(
    pixels: Pixels, corners: "np.ndarray[tuple[int], np.dtype[np.complex128]]", by: int
) -> tuple[Pixels, complex]:
    """The part around corners, averaged over `by` x `by` pixels, and where it begins.

    The border is repeated as far as the part reaches beyond the picture.
    """
    slices, pads, starts = [], [], []
    for length, places in zip(
        pixels.shape[:2], (corners.imag, corners.real), strict=True
    ):
        low, high = floor(places.min()) - 2 * by, ceil(places.max()) + 2 * by
        start = min(max(low, 0), length - 1)
        end = max(min(high, length), start + 1)
        before, after = ceil(max(0, start - low) / by), ceil(max(0, high - end) / by)
        slices.append(slice(start, end))
        pads.append((before, after))
        starts.append(start - before * by)
    part = pixels[tuple(slices)]
    if by > 1:
        part = np.asarray(Image.fromarray(np.ascontiguousarray(part)).reduce(by))
    if any(map(any, pads)):
        part = np.pad(part, (*pads, (0, 0)), mode="edge")
    return part, complex(starts[1], starts[0])


def _eyes(face: Face) -> _Eyes:
    """The eyes of the mean face that fits the landmarks best, by least squares."""
    if face.landmarks is not None:
        points = face.landmarks[:, 0] + 1j * face.landmarks[:, 1]
        mean = _MEAN - _MEAN.mean()
        across = np.vdot(mean, points) / np.vdot(mean, mean).real
        if abs(across) > _POINT:
            middle = points.mean() - across * _MEAN.mean()
            return _Eyes(complex(middle), complex(across))
    left, top, right, bottom = face.box
    x, y = left + _BOX_X * (right - left), top + _BOX_Y * (bottom - top)
    return _Eyes(complex(x, y), complex(_BOX_DISTANCE * (right - left)))


def _placed(shape: Shape, face: Face) -> _Place:
    height, width = shape[:2]
    middle, across = _eyes(face)
    return _Place(
        x=middle.real / width,
        y=middle.imag / height,
        distance=abs(across) / width,
        aspect=width / height,
        angle=float(np.angle(across)),
    )
