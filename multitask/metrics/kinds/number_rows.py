"""How good is the answer to each picture, where answers are numbers?"""

import numpy as np
import pandas as pd

from multitask.contracts.head import Array, Head
from multitask.contracts.table import column, interval, interval_columns
from multitask.metrics.kinds.rows import HeadRows
from multitask.metrics.resampling import ratio


class NumberRows(HeadRows):
    """The interval of each label (rows,), `low` to `high`, and the answers (rows,).

    The main score is the mean absolute error of the exact labels. If there is none, it
    is the share of answers inside their interval.
    """

    def __init__(self, head: Head, labels: pd.DataFrame, answers: pd.DataFrame):
        name = head.columns[0]
        ends = _ends(head, labels)
        self.low, self.high = ends.T
        self.exact = self.low == self.high
        self.is_interval = self.low < self.high
        self.slack, self.within = head.slack, head.within
        self.answers = answers[name].to_numpy(float)
        self.central = np.stack(
            [column(answers, end).to_numpy(float) for end in interval_columns(name)]
        )
        self.strata = head.strata(labels)
        measured = self.exact if self.exact.any() else self.is_interval
        self._measured = measured  # whose central intervals are
        self._has_central = bool(np.isfinite(self.central[:, measured]).all())
        if self.exact.any() or not self.is_interval.any():
            self.main, self.better, rows = "mae", "lower", self.exact
        else:
            self.main, rows = "interval_accuracy", self.is_interval
        self.known = rows[:, None]
        self.values = self._scored(self.answers)

    def _scored(self, answers: Array) -> Array:
        """The scores (rows, 1) of answers (rows,) or of one answer to all."""
        if self.main == "mae":
            return np.where(self.exact, np.abs(answers - self.low), 0.0)[:, None]
        return self._inside(answers).astype(float)[:, None]

    def _inside(self, answers: Array) -> Array:
        low, high = self.low - self.slack, self.high + self.slack
        return np.asarray(self.is_interval & (low <= answers) & (answers <= high))

    def constant(self, rows: Array) -> Array:
        """The median of exact labels, or what lies in most intervals."""
        known = rows & self.known[:, 0]
        if self.main == "mae":
            return np.array([np.median(self.low[known])])
        low, high = self.low[known] - self.slack, self.high[known] + self.slack
        # Most intervals hold one of the lower ends, and all up to the next upper end.
        starts, stops = np.sort(low), np.sort(high)
        inside = np.searchsorted(starts, starts, side="right") - np.searchsorted(
            stops, starts, side="left"
        )
        best = starts[inside.argmax()]
        return np.array([(best + stops[stops >= best][0]) / 2])

    def mean(self) -> float:
        """The mean of the exact labels, the constant with the least squared error."""
        return float(self.low[self.exact].mean())

    def constant_values(self, constant: Array) -> Array:
        return self._scored(constant[0])

    def columns(self) -> Array:
        exact = self.exact
        error = np.where(exact, self.answers - self.low, 0.0)
        distance = np.abs(error)
        low, high = self.central
        with np.errstate(invalid="ignore"):
            holds = exact & (low <= self.low) & (self.low <= high)
        width = np.where(self._measured, high - low, 0.0)
        parts = [
            *(width, self._measured),
            *(distance, error**2, error, exact & (distance <= self.within), holds),
            *(exact, self._inside(self.answers), self.is_interval),
        ]
        for rows in self._bands().values():
            parts += [np.where(rows, distance, 0.0), rows]
        return np.stack(parts, axis=1).astype(float)

    def _bands(self) -> dict[str, Array]:
        """The exact rows (rows,) of each band."""
        return {
            str(name): rows.to_numpy(bool) & self.exact
            for name, rows in self.strata.items()
        }

    def from_sums(self, sums: Array) -> dict[str, Array]:
        (
            width,
            measured,
            distance,
            square,
            error,
            within,
            holds,
            exact,
            inside,
            all_of,
        ) = sums[:, :10].astype(float).T
        result = {
            "mae": ratio(distance, exact),
            "rmse": np.sqrt(ratio(square, exact)),
            "bias": ratio(error, exact),
            "interval_accuracy": ratio(inside, all_of),
        }
        if self.within:
            result["within_share"] = ratio(within, exact)
        if self._has_central:
            result["coverage_80"] = ratio(holds, exact)
            result["width_80"] = ratio(width, measured)
        for place, name in enumerate(self._bands()):
            band_sums, band_rows = sums[:, 10 + 2 * place : 12 + 2 * place].T
            result[f"bands/{name}/mae"] = ratio(band_sums, band_rows)
        return result

    def counts(self) -> dict[str, int]:
        exact = int(self.exact.sum())
        names = ("mae", "rmse", "bias", "within_share", "coverage_80")
        counts = dict.fromkeys(names, exact)
        counts["width_80"] = exact or int(self.is_interval.sum())
        counts["interval_accuracy"] = int(self.is_interval.sum())
        bands = self._bands().items()
        return counts | {f"bands/{name}/mae": int(rows.sum()) for name, rows in bands}


def _ends(head: Head, labels: pd.DataFrame) -> Array:
    """The interval (rows, 2) of each label, NaN without one.

    A head with a range clips it, as its summary does.
    """
    of_head = getattr(head, "interval", None)  # of `heads._number.Number`
    if of_head is not None:
        return np.asarray(of_head(labels), float)
    ends = interval(labels, head.columns[0]).to_numpy(float, copy=True)
    ends[~head.labelled(labels)] = np.nan
    return ends
