"""How do pictures become rows: cut, seen by the network, and read by its heads?"""

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError, first_line
from multitask.contracts.head import Head
from multitask.images.damage import Damaged
from multitask.images.decode import Picture, Pixels
from multitask.images.faces.parts import (
    FaceFinder,
    PictureCrop,
    crop_picture,
    crop_pictures,
)
from multitask.images.threads import as_they_come
from multitask.networks.answers import (
    NO_NUMBER,
    Outputs,
    finite,
    read_columns,
    rows_of,
)
from multitask.networks.forward import Features, Forward
from multitask.networks.prediction.inputs import Inputs
from multitask.networks.spec import NetworkSpec
from multitask.networks.unlike import UNLIKE, TrainingFeatures

_MOST = 512  # parts that are in memory at a time, if the batch size is not larger
_SEEN = np.zeros((0, 0, 3), np.uint8)  # pixels of a part that was answered


class Embeddings(NamedTuple):
    """Rows of predictions, and the features (rows, channels) of what each is about."""

    rows: pd.DataFrame
    features: Features


class CroppedPicture(NamedTuple):
    """The parts of a picture that a network looks at, or why there is none."""

    number: int  # of the picture, which its rows have in common
    path: str | None
    box: str | None
    parts: list[PictureCrop] | str


@dataclass(frozen=True, kw_only=True)
class Answering:
    """What is wanted of a network for any pictures; several threads may call it."""

    spec: NetworkSpec
    forward: Forward
    heads: Sequence[Head]  # those to read
    find: FaceFinder | None
    probabilities: bool
    batch_size: int
    damaged: Damaged = "skip"
    training: TrainingFeatures | None = None  # then rows say what is unlike them

    def predictions(self, inputs: Inputs) -> pd.DataFrame:
        """The rows of some pictures."""
        return self._answer(self._crop_all(inputs), inputs.index, features=False).rows

    def embeddings(self, inputs: Inputs) -> Embeddings:
        """The rows of some pictures, and their features, NaN without an answer."""
        return self._answer(self._crop_all(inputs), inputs.index, features=True)

    def crop(self, numbered: tuple[int, Picture]) -> CroppedPicture:
        """Decode one picture, and cut out what the network looks at."""
        number, picture = numbered
        parts = crop_picture(
            picture, self.spec.side, find=self.find, damaged=self.damaged
        )
        return CroppedPicture(number, _path(picture), None, parts)

    def answered(self, pictures: Sequence[CroppedPicture]) -> Iterator[pd.DataFrame]:
        """Yield the rows of each of some pictures, indexed by its number."""
        index = pd.RangeIndex(pictures[-1].number + 1)
        rows = self._answer(pictures, index, features=False).rows
        start = 0
        for picture in pictures:
            end = start + _count(picture)
            yield rows.iloc[start:end]
            start = end

    def warm_up(self) -> None:
        """Do what else the first pictures would have to wait for."""
        side = self.spec.side
        blank = np.zeros((1, side, side, 3), np.uint8)
        outputs, _ = self.forward.with_features(blank, np.arange(1), self.batch_size)
        self.forward.outputs(blank, np.arange(1), self.batch_size)
        read_columns(self.spec.heads, outputs, probabilities=True)
        if self.find:
            self.find.parts(blank[0], side)

    def _crop_all(self, inputs: Inputs) -> Iterator[CroppedPicture]:
        margin, boxes = self.spec.box_margin, inputs.boxes
        parts = crop_pictures(
            inputs.pictures, self.spec.side, boxes, margin, self.find, self.damaged
        )
        paths = map(_path, inputs.pictures)
        return map(CroppedPicture, count(), paths, boxes, parts)

    def _answer(
        self, pictures: Iterable[CroppedPicture], index: pd.Index, *, features: bool
    ) -> Embeddings:
        rows: list[tuple[CroppedPicture, PictureCrop | None]] = []
        wants_features = features or self.training is not None
        outputs, seen = self._outputs(_noted(pictures, rows), wants_features)
        labels = index[[picture.number for picture, _ in rows]]
        good = np.flatnonzero([part is not None for _, part in rows])
        columns = _before_answers(rows, labels, faces=self.find is not None)
        known = finite(self.heads, outputs)
        columns["status"].iloc[good[~known]] = NO_NUMBER
        good, seen = good[known], seen[known]
        if self.training:
            warnings = np.full(len(rows), None, object)
            warnings[good[self.training.unlike(seen)]] = UNLIKE
            columns["warning"] = pd.Series(warnings, labels, dtype=object)
        answers = read_columns(
            self.spec.heads,
            rows_of(outputs, known),
            selected=self.heads,
            probabilities=self.probabilities,
        )
        for name, values in answers.items():
            columns[name] = _placed(values, good, len(rows))
        aligned = np.full((len(rows), seen.shape[1]), np.nan, np.float32)
        aligned[good] = seen
        # One table at once: to join two takes long beside a network and one picture.
        return Embeddings(pd.DataFrame(columns, index=labels), aligned)

    def _outputs(
        self, parts: Iterable[Pixels], features: bool
    ) -> tuple[Outputs, Features]:
        """The outputs (parts, ...) by head name, and features (parts, channels).

        However many parts there are, few are in memory at a time.
        """
        outputs, seen = list[Outputs](), list[Features]()
        size = max(1, _MOST // self.batch_size) * self.batch_size  # of whole batches
        for pixels in _blocks(parts, size, self.spec.side):
            every = np.arange(len(pixels))
            if features:
                answered = self.forward.with_features(pixels, every, self.batch_size)
            else:
                some = self.forward.outputs(pixels, every, self.batch_size)
                answered = some, np.zeros((len(pixels), 0), np.float32)
            outputs.append(answered[0])
            seen.append(answered[1])
        joined = {
            name: np.concatenate([o[name] for o in outputs]) for name in outputs[0]
        }
        return joined, np.concatenate(seen)


def streamed(
    answering: Answering, pictures: Iterable[Picture]
) -> Generator[pd.DataFrame, None, None]:
    """Yield the rows of each picture as soon as they are there."""
    numbered = enumerate(pictures)
    for ready in as_they_come(answering.crop, numbered, answering.batch_size):
        yield from answering.answered(ready)


def _noted(
    pictures: Iterable[CroppedPicture],
    rows: list[tuple[CroppedPicture, PictureCrop | None]],
) -> Iterator[Pixels]:
    """Yield the pixels of each part, and add its row, which does not hold them."""
    for picture in pictures:
        if isinstance(picture.parts, str):
            rows.append((picture, None))  # a picture without any part is a row, too
            continue
        bare = picture._replace(parts=[])
        for part in picture.parts:
            rows.append((bare, part._replace(pixels=_SEEN)))
            yield part.pixels


def _blocks(parts: Iterable[Pixels], size: int, side: int) -> Iterator[Pixels]:
    """Yield pixels (up to `size`, side, side, 3), which the next ones overwrite.

    Without parts there is one block without any. UserError if `size` takes too much
    memory.
    """
    try:
        block, filled = np.empty((size, side, side, 3), np.uint8), 0
    except (MemoryError, ValueError) as error:  # ValueError: beyond any address
        what = f"is {size}, which takes too much memory: {first_line(error)}"
        raise UserError("--batch-size", what) from error
    for pixels in parts:
        if filled == size:
            yield block
            filled = 0
        block[filled] = pixels
        filled += 1
    yield block[:filled]


def _count(picture: CroppedPicture) -> int:
    """How many rows a picture has: one if it has no part."""
    return 1 if isinstance(picture.parts, str) else len(picture.parts)


def _before_answers(
    rows: Sequence[tuple[CroppedPicture, PictureCrop | None]],
    labels: pd.Index,
    *,
    faces: bool,
) -> dict[str, Any]:
    """The columns before the answers."""

    def text(cells: list[str | None]) -> "pd.Series[Any]":
        return pd.Series(cells, labels, dtype=object)

    # First, as pandas leaves out the middle columns of a table that is printed.
    columns: dict[str, Any] = {
        "status": text(["ok" if part else str(picture.parts) for picture, part in rows])
    }
    columns["path"] = text([picture.path for picture, _ in rows])
    if faces:
        numbers = [part.face if part else None for _, part in rows]
        columns["face"] = pd.array(numbers, dtype="Int64")
    columns["box"] = text([part.box if part else picture.box for picture, part in rows])
    if faces:
        confidence = [part.confidence if part else np.nan for _, part in rows]
        columns["face_confidence"] = np.array(confidence, np.float32)
    return columns


def _placed(values: npt.NDArray[Any], good: npt.NDArray[np.intp], count: int) -> Any:
    """Answers (good,) in the rows `good` of `count`, empty in the others."""
    # Nullable integers: an empty cell would turn a column of ints into floats.
    cells = pd.array(values, dtype="Int64") if values.dtype.kind in "iu" else values
    if len(good) == count:
        return cells
    return pd.Series(cells, good).reindex(range(count)).array


def _path(picture: Picture) -> str | None:
    is_path = isinstance(picture, (str, os.PathLike)) and picture != ""
    return str(picture) if is_path else None
