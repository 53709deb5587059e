"""Which parts of a picture does a network look at: each face in it, or all of it?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from multitask.contracts.errors import UserError
from multitask.images.damage import Damaged
from multitask.images.decode import (
    Picture,
    PictureError,
    Pixels,
    decode,
    decode_resized,
)
from multitask.images.decode import resize as resized
from multitask.images.faces.crop import Framing, crop, is_crop
from multitask.images.faces.detectors import DETECTORS, detect, unknown_detector
from multitask.images.faces.face import Face
from multitask.images.room import ROOM
from multitask.images.threads import TASK, in_order

DEFAULT = "mtcnn"  # detector
Faces = Literal["auto", "detect", "whole"]
NO_FACE = "no face"
_SEVERAL = 2.0  # how many times the area of the second face that of the labelled one is


class PictureCrop(NamedTuple):
    """A face in a picture, or the whole picture, as a network sees it.

    `pixels` are (size, size, 3). `box` is `left top right bottom` in pixels of the
    upright picture, None for the whole picture; `confidence` is from 0 to 1, NaN if the
    detector has none or did not look.
    """

    pixels: Pixels
    face: int = 0
    box: str | None = None
    confidence: float = math.nan


@dataclass(frozen=True, kw_only=True)
class FaceFinder:
    """Cuts faces out of pictures as a network's training pictures were cropped.

    With `keep_crops`, a picture that is such a crop already stays as it is.
    """

    framing: Framing
    keep_crops: bool
    detector: str = "mtcnn"
    largest: bool = False  # find only the largest face of each picture

    def parts(self, pixels: Pixels, size: int) -> list[PictureCrop]:
        """The faces in (height, width, 3), from large to small; none if there is none.

        Raises PictureError for pixels that can't be searched.
        """
        faces = detect(pixels, self.detector)
        if self.keep_crops and is_crop(pixels.shape, faces, self.framing):
            whole = resized(pixels, size)
            return [PictureCrop(whole, confidence=faces[0].confidence)]
        return [
            self._part(pixels, face, number, size)
            for number, face in enumerate(faces[:1] if self.largest else faces)
        ]

    def labelled(self, pixels: Pixels, size: int) -> Pixels:
        """The `labelled_face` of a picture, (size, size, 3).

        Raises PictureError if there is none.
        """
        faces = detect(pixels, self.detector)
        if not faces:
            raise PictureError(NO_FACE)
        if self.keep_crops and is_crop(pixels.shape, faces, self.framing):
            return resized(pixels, size)
        face = labelled_face(faces)
        if face is None:
            what = f"{len(faces)} faces, none of them much larger than the others"
            raise PictureError(f"{what}: say which by a column `box`")
        return crop(pixels, face, self.framing, size)

    def _part(self, pixels: Pixels, face: Face, number: int, size: int) -> PictureCrop:
        cropped = crop(pixels, face, self.framing, size)
        return PictureCrop(cropped, number, face.box_text, face.confidence)


def labelled_face(faces: Sequence[Face]) -> Face | None:
    """The face that the labels of a picture are about, of its `faces` from large on.

    That is the only face, or one with at least twice the area of any other; None if
    there is none.
    """
    if len(faces) > 1 and faces[0].area < _SEVERAL * faces[1].area:
        return None
    return faces[0] if faces else None


def make_finder(
    faces: str,
    framing: Framing | None,
    *,
    detector: str = "mtcnn",
    largest: bool = False,
) -> FaceFinder | None:
    """What `faces` means for a network whose training pictures had a framing or none.

    `whole` looks at whole pictures, `detect` at the faces in them, and `auto` at faces
    if the network has a framing, but at a picture that is such a crop as it is. None
    stands for whole pictures.

    Raises UserError for another word, for an unknown detector, for `detect` if there is
    no framing, and for `largest` or another detector if no faces are looked for.
    """
    check_faces(faces, detector)
    if faces == "detect" and framing is None:
        what = "this network doesn't know how faces lay in its training pictures"
        todo = "train one on cropped faces, or use --faces whole"
        raise UserError("--faces detect", what, todo)
    if faces == "whole" or framing is None:
        for option, is_given in (
            ("--largest", largest),
            ("--detector", detector != DEFAULT),
        ):
            if is_given:
                why = "--faces whole" if faces == "whole" else "this network"
                what = f"has no effect, as {why} looks at whole pictures"
                raise UserError(option, what, "leave it out")
        return None
    return FaceFinder(
        framing=framing, keep_crops=faces == "auto", detector=detector, largest=largest
    )


def check_faces(faces: str, name: str) -> None:
    """Raise UserError unless `faces` is a known word, and `name` a known detector."""
    if faces not in ("auto", "detect", "whole"):
        what = f"is {faces!r}, must be 'auto', 'detect' or 'whole'"
        raise UserError("--faces", what)
    if name not in DETECTORS:
        raise unknown_detector(name, "--detector")


def crop_picture(
    picture: Picture,
    size: int,
    box: str | None = None,
    margin: float = 0.0,
    find: FaceFinder | None = None,
    damaged: Damaged = "skip",
) -> list[PictureCrop] | str:
    """Decode a picture and cut out what a network looks at, or say why there is none.

    A picture with a box has one part, what is in the box and the `margin` around it; so
    has any other picture without `find`. `damaged` is as in `decode`.
    """
    try:
        with ROOM.lease():
            if not box and find is None:
                return [PictureCrop(decode_resized(picture, size, damaged))]
            pixels = decode(picture, box, margin, damaged)
            if box or find is None:
                return [PictureCrop(resized(pixels, size), box=box)]
            return find.parts(pixels, size) or NO_FACE
    except PictureError as error:
        return str(error)


def crop_pictures(
    pictures: Sequence[Picture],
    size: int,
    boxes: Sequence[str | None],
    margin: float = 0.0,
    find: FaceFinder | None = None,
    damaged: Damaged = "skip",
) -> Iterator[list[PictureCrop] | str]:
    """Yield in order what `crop_picture` gives for each of many, on all cores."""
    most = 1 if find else TASK  # as a picture may have any number of faces
    yield from in_order(
        lambda index: crop_picture(
            pictures[index], size, boxes[index], margin, find, damaged
        ),
        len(pictures),
        most,
    )
