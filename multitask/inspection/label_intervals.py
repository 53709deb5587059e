"""In which interval does each label lie, and how far are two pictures' apart?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.head import Array, Head
from multitask.contracts.table import as_text, column, interval, label_columns

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class LabelIntervals:
    """The interval that each label lies in: from `low` to `high` (rows, labels).

    Numbers are scaled by their range and classes are whole numbers; both ends are NaN
    where nobody annotated the picture. `columns` are those in which each label is: it
    may be an interval, or have votes. `swaps` has for each label whose classes change
    places in a mirror, by its number, the classes that they become.
    """

    names: tuple[str, ...]
    low: Array
    high: Array
    columns: tuple[tuple[str, ...], ...]
    swaps: Mapping[int, Array] = field(default_factory=dict)

    def gaps(self, left: Rows, right: Rows, mirrored: Mask | None = None) -> Array:
        """The distance (pairs, labels) between the intervals of two rows, at most 1.

        It is 0 where they overlap or one of them is unknown. Where one picture is the
        other `mirrored` (pairs,), classes of left and right must change places.

        >>> ages = np.array([[0.3], [0.4], [np.nan]])
        >>> age = ("age",)
        >>> labels = LabelIntervals(names=age, low=ages, high=ages, columns=(age,))
        >>> labels.gaps(np.array([0, 0]), np.array([1, 2])).round(3).tolist()
        [[0.1], [0.0]]
        """
        low, high = self.low[right], self.high[right]
        for label, swap in self.swaps.items() if mirrored is not None else ():
            turned = mirrored & ~np.isnan(low[:, label])
            low[turned, label] = swap[low[turned, label].astype(np.intp)]
            high[turned, label] = low[turned, label]
        gap = np.fmax(self.low[left] - high, low - self.high[left])
        clipped: Array = np.clip(np.nan_to_num(gap, nan=0.0), 0, 1)
        return clipped


def label_intervals(heads: Sequence[Head], table: pd.DataFrame) -> LabelIntervals:
    """Every label column of the heads as intervals; a class has one of width 0."""
    names: list[str] = []
    columns, low, high, swaps = [], [], [], {}
    for head in heads:
        for name in head.columns:
            ends = _ends(head, name, table)
            if head.mirror:
                swaps[len(names)] = _swap(head, name, table)
            names.append(name)
            is_only = len(head.columns) == 1  # then its votes are its own, too
            columns.append(head.label_columns if is_only else label_columns([name]))
            low.append(ends[0])
            high.append(ends[1])
    empty = np.zeros((len(table), 0))
    return LabelIntervals(
        names=tuple(names),
        low=np.stack(low, axis=1) if low else empty,
        high=np.stack(high, axis=1) if high else empty,
        columns=tuple(columns),
        swaps=swaps,
    )


def _swap(head: Head, name: str, table: pd.DataFrame) -> Array:
    """What each class of `_ends` becomes in a mirror: an unused number if unseen."""
    classes = pd.factorize(as_text(column(table, name)))[1].tolist()
    partners = dict(head.mirror) | {other: one for one, other in head.mirror}
    turned = [partners.get(text, text) for text in classes]
    absent = range(len(classes), 2 * len(classes))
    return np.array(
        [
            classes.index(text) if text in classes else number
            for text, number in zip(turned, absent, strict=True)
        ],
        float,
    )


def _ends(head: Head, name: str, table: pd.DataFrame) -> tuple[Array, Array]:
    values = column(table, name)
    if head.answer_type == "class":
        codes = pd.factorize(as_text(values))[0].astype(float)
        codes[codes < 0] = np.nan
        return codes, codes
    if head.answer_type == "labels":
        exact = pd.to_numeric(values).astype(float).to_numpy()
        return exact, exact
    low, high = interval(table, name).to_numpy().T
    if np.isnan(low).all():
        return low, high
    reach = (np.nanmax(high) - np.nanmin(low)) or 1.0
    return low / reach, high / reach
