"""What do all heads with a number for an answer have in common?"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError, counted
from multitask.contracts.head import Array, Columns, Head, Targets
from multitask.contracts.table import column, interval, interval_columns

_LARGEST = float(np.finfo(np.float32).max) / 2  # so that the range is finite, too
_CODES = 3  # different values for "not annotated" in a column, at most


@dataclass(frozen=True, kw_only=True)
class Number(Head, ABC):
    """A number from `low` to `high`, in `unit`.

    `bands` are the lower ends of the groups by which errors are reported, rows are
    stratified and, with `class_weights="balanced"`, weighted. An answer counts as right
    in a report if its error is at most `within`.

    Targets (rows, 2) are the ends of intervals, both included, in `unit`; the two ends
    of an exact label are equal. Weights are (rows,).
    """

    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    bands: tuple[float, ...] = ()
    within: float = 0.0

    metric = "mae"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.columns) != 1:
            raise UserError(
                self.where, f"reads {len(self.columns)} columns, must read one"
            )
        if not -_LARGEST < self.low < self.high < _LARGEST:
            raise UserError(
                self.where,
                f"goes from {self.low} to {self.high}, low must be below high, both "
                "numbers that float32 can hold",
            )
        if list(self.bands) != sorted(set(self.bands)):
            raise UserError(self.where, f"bands are {self.bands}, must ascend")

    @property
    def answer_type(self) -> Literal["number"]:
        return "number"

    def interval(self, table: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The interval (rows, 2) that each number lies in, NaN without a label.

        Raises UserError for a label that is text or outside `low` to `high`.
        """
        name = self.columns[0]
        labels = column(table, name)
        exact = pd.to_numeric(labels, errors="coerce")
        text = labels[exact.isna() & labels.notna()]
        if len(text):
            raise UserError(
                self.where,
                f"{counted(len(text), 'non-numeric label')} in column {name!r}, first "
                f"{text.iloc[0]!r}",
                fault="not a number",
            )
        ends = interval(table, name).to_numpy()
        outside = (ends[:, 0] > self.high) | (ends[:, 1] < self.low)
        if outside.any():
            fault = f"outside {self.low:g} to {self.high:g}"
            raise UserError(
                self.where,
                f"{counted(int(outside.sum()), 'label')} of column {name!r} "
                f"{'lies' if outside.sum() == 1 else 'lie'} {fault}, first "
                f"{ends[outside][0, 0]:g}",
                self._advice(ends, outside),
                fault=fault,
            )
        clipped: npt.NDArray[np.float64] = np.clip(ends, self.low, self.high)
        return clipped

    def _advice(self, ends: Array, outside: Array) -> str:
        """What to do about the labels (rows,) whose `ends` (rows, 2) lie `outside`.

        A few values far away, beside labels within the range, are codes such as 999: a
        wider range would make the network learn them.
        """
        usual = "set low and high of the head, or correct the labels"
        codes, reach = np.unique(ends[outside]), self.high - self.low
        is_below = (codes < self.low - reach) | ((codes < 0) & (self.low >= 0))
        is_code = is_below | (codes > self.high + reach)
        known = ~np.isnan(ends[:, 0])
        if len(codes) > _CODES or not is_code.all() or not (known & ~outside).any():
            return usual
        words = ", ".join(f'"{code:.15g}"' for code in codes)
        return (
            f'if it stands for "not annotated", write missing = [{words}] under '
            f"[column.{self.columns[0]}] into a TOML beside the table, such as "
            f"labels.csv.toml, else {usual}"
        )

    @abstractmethod
    def read_columns(self, outputs: Array) -> Columns: ...

    def read(self, outputs: Array) -> pd.DataFrame:
        return pd.DataFrame(self.read_columns(outputs))

    def probability_columns(self, outputs: Array) -> Columns:
        return {}

    def encode(self, table: pd.DataFrame) -> Targets:
        ends = self.interval(table)
        known = ~np.isnan(ends).any(axis=1)
        ends[~known] = self.low
        return Targets(ends.astype(np.float32), np.asarray(known, np.float32))

    def strata(self, table: pd.DataFrame) -> pd.DataFrame:
        middle = self.interval(table).mean(axis=1)
        edges = [-np.inf, *self.bands[1:], np.inf]
        return pd.DataFrame(
            {
                f"{low:g}+": (middle >= left) & (middle < right)
                for low, (left, right) in zip(
                    self.bands or (self.low,), pairwise(edges), strict=True
                )
            },
            index=table.index,
        )

    def labels_to_calibrate(self, table: pd.DataFrame) -> tuple[Array, Array]:
        """The labels (n, 2) that calibration learns from, and their rows (n,).

        They are those known exactly; only if there is none, those known as intervals.
        """
        truth = self.interval(table)
        is_exact = truth[:, 0] == truth[:, 1]
        known = is_exact if is_exact.any() else ~np.isnan(truth).any(axis=1)
        return truth[known], np.flatnonzero(known)

    def summary(self, labels: pd.DataFrame, answers: pd.DataFrame) -> dict[str, Any]:
        name = self.columns[0]
        truth = self.interval(labels)
        predictions = answers[name].to_numpy(float)
        exact = truth[:, 0] == truth[:, 1]
        is_interval = truth[:, 0] < truth[:, 1]
        summary: dict[str, Any] = {"n": int(exact.sum())}
        if exact.any():
            error = predictions[exact] - truth[exact, 0]
            summary |= {
                "mae": float(np.abs(error).mean()),
                "rmse": float(np.sqrt((error**2).mean())),
                "bias": float(error.mean()),
                **self._within(np.abs(error)),
                "bands": self._by_band(labels[exact], np.abs(error)),
            }
        summary |= self._central(truth, answers)
        if is_interval.any():
            low, high = truth[is_interval].T
            low, high = low - self.slack, high + self.slack
            inside = (low <= predictions[is_interval]) & (
                predictions[is_interval] <= high
            )
            summary |= {
                "interval_n": int(is_interval.sum()),
                "interval_accuracy": float(inside.mean()),
            }
        return summary

    def _central(self, truth: Array, answers: pd.DataFrame) -> dict[str, float]:
        """How many exact labels the intervals hold, and how wide these are.

        Nothing if there are no intervals; without an exact label the width alone.
        """
        exact = truth[:, 0] == truth[:, 1]
        measured = exact if exact.any() else ~np.isnan(truth).any(axis=1)
        names = list(interval_columns(self.columns[0]))
        if not measured.any() or not set(names) <= set(answers):
            return {}
        low, high = answers[names].to_numpy(float)[measured].T
        if np.isnan(low).any():
            return {}
        width = {"width_80": float((high - low).mean())}
        if not exact.any():
            return width
        inside = (low <= truth[exact, 0]) & (truth[exact, 0] <= high)
        return {"coverage_80": float(inside.mean()), **width}

    def _within(self, errors: Array) -> dict[str, float]:
        """The tolerance and how many errors it covers; nothing without a tolerance."""
        if not self.within:
            return {}
        share = float((errors <= self.within).mean())
        return {"within": self.within, "within_share": share}

    def _by_band(self, labels: pd.DataFrame, errors: Array) -> dict[str, Any]:
        strata = self.strata(labels)
        return {
            str(band): {"n": int(rows.sum()), "mae": float(errors[rows].mean())}
            for band, rows in strata.items()
            if rows.any()
        }


def interval_error(y_true: Any, y_pred: Any) -> Any:
    """The distance (batch,) of numbers (batch, 1) to intervals (batch, 2), 0 inside.

    For an exact label it is the absolute error.
    """
    import keras

    below, above = y_true[:, 0] - y_pred[:, 0], y_pred[:, 0] - y_true[:, 1]
    return keras.ops.maximum(keras.ops.maximum(below, above), 0.0)
