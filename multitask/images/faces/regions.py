"""Which regions are the faces of a picture, and what does a network see of each?

As in DeepFace, a region may be enlarged, eyes need not be levelled, and a picture
without a face may be one region.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from multitask.images.decode import Pixels, resize
from multitask.images.faces.crop import Framing, crop, is_crop
from multitask.images.faces.detectors import detect
from multitask.images.faces.face import Face

Point = tuple[int, int]  # x and y, in whole pixels


class Regions(NamedTuple):
    """The faces of a picture, large ones first.

    `pixels` are (size, size, 3) each, as a network sees the face; `boxes` are `left top
    right bottom` in pixels, inside the picture; `confidences` are from 0 to 1, NaN if
    the detector has none; `eyes` are the left and the right eye of the person, None if
    they are unknown or outside of the picture.
    """

    pixels: list[Pixels]
    boxes: list[str]
    confidences: list[float]
    eyes: list[tuple[Point | None, Point | None]]


@dataclass(frozen=True, kw_only=True)
class RegionFinder:
    """How faces are found and cut out.

    Without a `detector`, each picture is one region. `level` is whether eyes are
    levelled. `margin` is how much wider and higher a region is than the box of its
    face, as a share of the box.
    """

    size: int
    detector: str | None
    framing: Framing | None
    level: bool = True
    margin: float = 0.0

    def find(self, pixels: Pixels, *, whole_if_none: bool = False) -> Regions | None:
        """The faces of upright RGB (height, width, 3); None if there is none.

        With `whole_if_none`, a picture without a face is one region with a confidence
        of 0. Raises UserError as `detect` does.
        """
        if self.detector is None or self.framing is None:
            return self._whole(pixels)
        faces = detect(pixels, self.detector)
        if not faces:
            return self._whole(pixels) if whole_if_none else None
        is_whole = not self.margin and is_crop(pixels.shape, faces, self.framing)
        framing = _enlarged(self.framing, 1 + self.margin)
        return Regions(
            [resize(pixels, self.size)]
            if is_whole
            else [
                crop(pixels, face, framing, self.size, level=self.level)
                for face in faces
            ],
            [self._box(pixels, face) for face in faces],
            [face.confidence for face in faces],
            [_eyes(pixels, face) for face in faces],
        )

    def _whole(self, pixels: Pixels) -> Regions:
        height, width = pixels.shape[:2]
        shown = resize(pixels, self.size)
        return Regions([shown], [f"0 0 {width} {height}"], [0.0], [(None, None)])

    def _box(self, pixels: Pixels, face: Face) -> str:
        """The box of a face, enlarged and clipped to the picture."""
        height, width = pixels.shape[:2]
        left, top, right, bottom = face.box
        more, higher = (
            self.margin * (right - left) / 2,
            self.margin * (bottom - top) / 2,
        )
        box = [left - more, top - higher, right + more, bottom + higher]
        edges: Sequence[float] = np.clip(box, 0, [width, height] * 2).tolist()
        return " ".join(str(round(edge)) for edge in edges)


def _enlarged(framing: Framing, larger: float) -> Framing:
    """A framing whose crops have the same middle, and are `larger` times as wide."""
    return replace(
        framing,
        x=0.5 + (framing.x - 0.5) / larger,
        y=0.5 + (framing.y - 0.5) / larger,
        distance=framing.distance / larger,
    )


def _eyes(pixels: Pixels, face: Face) -> tuple[Point | None, Point | None]:
    """The person's left eye, which is the right one in the picture, and the right."""
    if face.landmarks is None:
        return None, None
    height, width = pixels.shape[:2]
    first, second = (
        (int(x), int(y)) if 0 <= x < width and 0 <= y < height else None
        for x, y in face.landmarks[:2]
    )
    return second, first
