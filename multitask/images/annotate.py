"""What does a network say about the faces in this picture, drawn into it?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from multitask.images.captions import caption, short_caption
from multitask.images.decode import Picture, PictureError, decode
from multitask.images.legend import Entry, with_legend
from multitask.images.lettering import (
    COLORS,
    SMALLEST,
    Color,
    Label,
    Rectangle,
    contrasting,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd

_PER_SIDE = 50  # letters in a row that would fill a square picture
_WORDS = (1, 0.7)  # sizes of letters, the smaller ones where there is little room
_NUMBERS = (1, 0.7, 0.5, 0.35)
_CORNER = 6  # letters in a column that would fill a box


def annotated(picture: Picture, rows: "pd.DataFrame") -> Image.Image:
    """Draw the boxes and answers of `rows` into a picture, upright as `decode` has it.

    `rows` is a table of predictions; its `box` is `left top right bottom` in pixels of
    the upright picture, empty for the whole picture. The answers are those that
    `multitask.images.captions.caption` lists.

    A label lies beside its box, on no other face and no other label. Where there is no
    room it gets shorter; then it is a number, that of the column `face`, and a legend
    below the picture has the answers. Those for the whole picture are below it, too, as
    is the `status` of a row without an answer. So the image is as wide as the picture,
    or wider if a word needs it, and may be higher. Only if faces touch on all sides
    does a number lie in the corner of its box.

    Raises PictureError if the picture can't be decoded, or a box is not valid or lies
    outside the picture.
    """
    image = Image.fromarray(decode(picture, damaged="keep"))
    faces = list(_faces(rows, image.width, image.height))
    size = max(SMALLEST, round((image.width * image.height) ** 0.5 / _PER_SIDE))
    line = max(2, size // 8)
    labels = _layout([face for face in faces if face.box], image.size, size, line)
    draw = ImageDraw.Draw(image)
    for face in faces:
        _frame(draw, face, line)
    entries = []
    for face in faces:
        label = labels.get(face.number)
        if label:
            label.text.draw(draw, label.place, face.color)
        if not label or label.is_number:
            number = str(face.number) if label else ""
            entries.append(Entry(number=number, color=face.color, words=face.words))
    return with_legend(image, entries, size)


@dataclass(frozen=True, kw_only=True)
class _Face:
    """A row of predictions, with its box within the picture, if it has one.

    `short` are its answers without how sure they are.
    """

    number: int
    box: Rectangle | None
    answers: tuple[str, ...]
    short: tuple[str, ...]

    @property
    def color(self) -> Color:
        return COLORS[self.number % len(COLORS)]

    @property
    def words(self) -> tuple[str, ...]:
        """The answers, with commas between them."""
        return _with_commas(self.answers)

    @property
    def area(self) -> int:
        left, top, right, bottom = self.box or (0, 0, 0, 0)
        return (right - left) * (bottom - top)


@dataclass(frozen=True, kw_only=True)
class _Placed:
    text: Label
    place: Rectangle
    is_number: bool


def _faces(rows: "pd.DataFrame", width: int, height: int) -> Iterator[_Face]:
    numbers = list(range(len(rows)))
    if "face" in rows and rows["face"].notna().all() and rows["face"].is_unique:
        numbers = rows["face"].astype(int).tolist()
    for number, (_, row) in zip(numbers, rows.iterrows(), strict=True):
        yield _Face(
            number=number,
            box=_edges(row.get("box"), width, height),
            answers=caption(row),
            short=short_caption(row),
        )


def _with_commas(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*(f"{word}," for word in words[:-1]), *words[-1:])


def _edges(box: Any, width: int, height: int) -> Rectangle | None:
    """The part of a box that lies in the picture; None for the whole picture."""
    if not isinstance(box, str) or not box:
        return None
    try:
        left, top, right, bottom = (round(float(edge)) for edge in box.split())
    except (ValueError, OverflowError):
        raise PictureError(f"box is {box!r}, must be 'left top right bottom'") from None
    left, right = max(left, 0), min(right, width)
    top, bottom = max(top, 0), min(bottom, height)
    if left >= right or top >= bottom:
        size = f"{width} x {height} pixels"
        raise PictureError(f"box {box!r} lies outside the picture, which has {size}")
    return left, top, right, bottom


def _frame(draw: ImageDraw.ImageDraw, face: _Face, line: int) -> None:
    """Draw a box around a face: its colour between two lines of the opposite."""
    if not face.box:
        return
    left, top, right, bottom = face.box
    opposite = contrasting(face.color)
    for grown, color, wide in (
        (line + 2, opposite, 1),
        (line + 1, face.color, line),
        (1, opposite, 1),
    ):
        edges = (left - grown, top - grown, right + grown - 1, bottom + grown - 1)
        # Within the picture, so that a face that its edge cuts has a whole frame.
        within = _clipped(edges, draw.im.size, line + 2 - grown)
        if within:
            draw.rectangle(within, outline=color, width=wide)


def _clipped(
    edges: tuple[int, int, int, int], size: tuple[int, int], inset: int
) -> tuple[int, int, int, int] | None:
    left, top = max(edges[0], inset), max(edges[1], inset)
    right, bottom = (
        min(edges[2], size[0] - 1 - inset),
        min(edges[3], size[1] - 1 - inset),
    )
    return (left, top, right, bottom) if left <= right and top <= bottom else None


# Where labels go


class _Room:
    """What of a picture is still free for labels."""

    def __init__(self, size: tuple[int, int], occupied: Iterable[Rectangle]) -> None:
        self.width, self.height = size
        self._occupied: npt.NDArray[np.int64] = np.array(list(occupied)).reshape(-1, 4)

    def is_free(self, place: Rectangle) -> bool:
        left, top, right, bottom = place
        if left < 0 or top < 0 or right > self.width or bottom > self.height:
            return False
        return not self._overlapping(place).any()

    def covered_area(self, place: Rectangle) -> int:
        """How many pixels of what is taken a place would cover."""
        boxes = self._occupied[self._overlapping(place)]
        wide = np.minimum(boxes[:, 2], place[2]) - np.maximum(boxes[:, 0], place[0])
        high = np.minimum(boxes[:, 3], place[3]) - np.maximum(boxes[:, 1], place[1])
        return int((wide * high).sum())

    def _overlapping(self, place: Rectangle) -> npt.NDArray[np.bool_]:
        left, top, right, bottom = place
        boxes = self._occupied
        return np.asarray(
            (boxes[:, 0] < right)
            & (boxes[:, 2] > left)
            & (boxes[:, 1] < bottom)
            & (boxes[:, 3] > top)
        )

    def take(self, place: Rectangle) -> None:
        self._occupied = np.vstack([self._occupied, place])


_FULL, _SHORT, _NUMBER = range(3)  # what a label says
_NUMBERED = 0.25  # the share of faces above which all labels say less


def _layout(
    faces: Sequence[_Face], picture: tuple[int, int], size: int, line: int
) -> dict[int, _Placed]:
    """A label for each face, by its number; none for a lone face without any room.

    All labels say the same, but where only few faces have no room for it.
    """
    for most in (_FULL, _SHORT):
        kinds = range(most, _NUMBER + (len(faces) > 1))
        placed = _placed(faces, picture, size, line, kinds)
        numbers = sum(label.is_number for label in placed.values())
        if numbers <= _NUMBERED * len(faces):
            return placed
    return _placed(faces, picture, size, line, [_NUMBER])


def _placed(
    faces: Sequence[_Face],
    picture: tuple[int, int],
    size: int,
    line: int,
    kinds: Iterable[int],
) -> dict[int, _Placed]:
    """Labels of these kinds, by the number of the face, where there is room for one."""
    gap = line + 2
    room = _Room(picture, (_grown(face.box, gap) for face in faces if face.box))
    placed: dict[int, _Placed] = {}
    largest_first = sorted(faces, key=lambda face: -face.area)
    for kind, letters in _sizes(kinds, size):
        for face in largest_first:
            if face.number in placed or not face.box:
                continue
            label = _label(face, kind, letters)
            around = _beside(_grown(face.box, gap), label.extent, picture)
            place = next(filter(room.is_free, around), None)
            if place:
                room.take(place)
                is_number = kind == _NUMBER
                placed[face.number] = _Placed(
                    text=label, place=place, is_number=is_number
                )
    for face in faces if len(faces) > 1 else ():
        if face.number not in placed and face.box:
            placed[face.number] = _in_corner(face, face.box, room)
    return placed


def _sizes(kinds: Iterable[int], size: int) -> Iterator[tuple[int, int]]:
    """Each kind of label with sizes of its letters, the largest first.

    Numbers, which are what is left in a crowd, may have smaller ones than words.
    """
    for kind in kinds:
        shares = _NUMBERS if kind == _NUMBER else _WORDS
        for letters in dict.fromkeys(max(SMALLEST, round(s * size)) for s in shares):
            yield kind, letters


def _label(face: _Face, kind: int, size: int) -> Label:
    """The label of a face; short ones are about as wide as its box."""
    lines: Sequence[str] = face.answers
    if kind == _SHORT and face.box:
        lines = wrapped(_with_commas(face.short), size, face.box[2] - face.box[0])
    if kind == _NUMBER or not lines:
        lines = (str(face.number),)
    return Label(lines=tuple(lines), size=size)


def _beside(
    box: Rectangle, extent: tuple[int, int], picture: tuple[int, int]
) -> Iterator[Rectangle]:
    """Places for a label at the edges of a box, the most usual one first."""
    left, top, right, bottom = box
    wide, high = extent
    for down in (top - high, bottom):
        for across in (left, right - wide, (left + right - wide) // 2):
            across = min(max(across, 0), max(0, picture[0] - wide))
            yield across, down, across + wide, down + high
    for across in (right, left - wide):
        for down in (top, bottom - high, (top + bottom - high) // 2):
            down = min(max(down, 0), max(0, picture[1] - high))
            yield across, down, across + wide, down + high


def _in_corner(face: _Face, box: Rectangle, room: _Room) -> _Placed:
    """The number of a face in the corner of its box that costs the least."""
    left, top, right, bottom = box
    letters = max(SMALLEST, (bottom - top) // _CORNER)
    label = Label(lines=(str(face.number),), size=letters)
    wide, high = label.extent
    corners = [
        (across, down, across + wide, down + high)
        for down in (top, bottom - high)
        for across in (left, right - wide)
    ]
    place = min(corners, key=room.covered_area)
    room.take(place)
    return _Placed(text=label, place=place, is_number=True)


def _grown(box: Rectangle, by: int) -> Rectangle:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by
