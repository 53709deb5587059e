"""What does the network answer for pixels, in values that JSON can hold?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head
from multitask.images.decode import Pixels, resize
from multitask.images.faces.parts import FaceFinder, Faces, PictureCrop, make_finder
from multitask.networks.analyzer import Analyzer
from multitask.networks.answers import Outputs, finite, read_all
from multitask.networks.forward import Features
from multitask.networks.prediction.formats import records
from multitask.networks.unlike import UNLIKE
from multitask.service.batches import Row

WARNING = "warning"  # in each row, beside the answers
_BATCH = 128  # crops that the network takes at a time


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a head's answers: always, and with probabilities.

    `probabilities` has the column of each class or label.
    """

    head: Head
    answers: tuple[str, ...]
    probabilities: dict[str, str]

    def names(self, probabilities: bool) -> tuple[str, ...]:
        """The columns with or without probabilities, in their order."""
        return self.answers + tuple(self.probabilities.values()) * probabilities


class Predictor:
    """An analyzer that answers about faces or whole pictures, cut out by any thread.

    To make it compiles the network, and loads the detector of faces if it needs one.
    """

    def __init__(self, analyzer: Analyzer, name: str, card: str = "") -> None:
        self.analyzer, self.name, self.card = analyzer, name, card
        self.side = analyzer.spec.side
        blank = np.zeros((1, self.side, self.side, 3), np.uint8)
        outputs, _ = self._outputs(blank)
        self.heads = tuple(self._columns(head, outputs) for head in analyzer.heads)
        self.finder = cache(self._finder)
        self.cut(blank[0], self.finder("auto"))

    @property
    def detects(self) -> bool:
        """Whether faces are looked for by default."""
        return self.analyzer.spec.framing is not None

    @property
    def warns(self) -> bool:
        """Whether rows say what is unlike the training pictures."""
        return self.analyzer.training is not None

    @property
    def caveats(self) -> list[str]:
        """The items of the section `Limits` in the model card, without emphasis."""
        _, _, section = self.card.partition("\n## Limits\n")
        section = section.partition("\n## ")[0]
        items = re.split(r"^[-*] ", section, flags=re.MULTILINE)[1:]
        return [" ".join(re.sub(r"\*\*|`", "", item).split()) for item in items]

    def _columns(self, head: Head, outputs: Outputs) -> Columns:
        answers, every = (
            read_all(
                self.analyzer.heads,
                outputs,
                np.arange(1),
                selected=[head],
                probabilities=probabilities,
            )
            for probabilities in (False, True)
        )
        added = [str(name) for name in every if name not in answers]
        # Of a head whose probabilities are neither of classes nor of labels, columns.
        names = [head.classes, head.columns, tuple(added)]
        labels = next(some for some in names if len(some) == len(added))
        return Columns(
            head=head,
            answers=tuple(map(str, answers)),
            probabilities=dict(zip(labels, added, strict=True)),
        )

    def columns(self, heads: Sequence[str], probabilities: bool) -> list[str]:
        """The columns of the answers of some heads, by default of all.

        Raises UserError for an unknown head.
        """
        known = {one.head.name: one for one in self.heads}
        for name in heads:
            if name not in known:
                raise UserError("heads", f"no head {name!r}", nearest(name, known))
        chosen = [known[name] for name in dict.fromkeys(heads or known)]
        return [column for one in chosen for column in one.names(probabilities)]

    def answers(self, row: Row, columns: Sequence[str]) -> Row:
        """The answers in some `columns`, all None if one of their heads has none."""
        first = {one.answers[0] for one in self.heads}
        known = all(row[name] is not None for name in columns if name in first)
        return {name: row[name] if known else None for name in columns}

    def _finder(self, faces: Faces, largest: bool = False) -> FaceFinder | None:
        """What finds faces, as `faces` and `largest` of `Analyzer.predict` mean it.

        With `auto` a whole picture counts as the largest face, so that clients need not
        know the network. Raises UserError for `detect` if the network was not trained
        on faces, and for `largest` with `whole`.
        """
        counts = faces == "auto" and not self.detects
        framing = self.analyzer.spec.framing
        return make_finder(faces, framing, largest=largest and not counts)

    def cut(self, pixels: Pixels, find: FaceFinder | None) -> list[PictureCrop]:
        """The faces in a picture (height, width, 3), or the whole picture."""
        if find is None:
            return [PictureCrop(resize(pixels, self.side))]
        return find.parts(pixels, self.side)

    def answer(self, parts: Pixels) -> list[Row]:
        """The answers of all heads for parts (parts, side, side, 3), uint8 RGB.

        In the column `warning` is what `predict` has there, None if that is nothing. A
        head that gives no number has None in its columns.
        """
        outputs, features = self._outputs(parts)
        rows = records(self._read(outputs, np.arange(len(parts))))
        training, unlike = self.analyzer.training, np.zeros(len(parts), bool)
        if training and features is not None:
            unlike = training.unlike(features)
        for row, is_unlike in zip(rows, unlike, strict=True):
            row[WARNING] = UNLIKE if is_unlike else None
        return rows

    def _read(self, outputs: Outputs, every: npt.NDArray[np.intp]) -> pd.DataFrame:
        """The answers of all heads, each as if it alone had been asked."""
        heads = self.analyzer.heads
        if finite(heads, outputs).all():
            return read_all(heads, outputs, every, probabilities=True)
        tables = [
            read_all(heads, outputs, every, selected=[head], probabilities=True)
            for head in heads
        ]
        return pd.concat(tables, axis="columns")

    def _outputs(self, parts: Pixels) -> tuple[Outputs, Features | None]:
        """The outputs (parts, ...) by head name, and the features if they are used."""
        every, forward = np.arange(len(parts)), self.analyzer.forward
        if self.warns:
            return forward.with_features(parts, every, _BATCH)
        return forward.outputs(parts, every, _BATCH), None
