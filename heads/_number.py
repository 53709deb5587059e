"""What do all heads have in common whose answer is a number?"""

from abc import ABC
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.head import Array, Head, Targets
from multitask.contracts.table import column, interval, interval_columns


@dataclass(frozen=True, kw_only=True)
class Number(Head, ABC):
    """A number between `low` and `high`, in `unit`, reported by `bands`.

    `bands` are the lower ends of the groups by which errors are reported, rows are
    stratified and, with `class_weights="balanced"`, weighed. `within` is the distance
    up to which a report calls an answer right.

    Targets are intervals (rows, 2), both ends included; an exact label has two equal
    ends.
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
        if not -np.inf < self.low < self.high < np.inf:
            raise UserError(
                self.where,
                f"goes from {self.low} to {self.high}, low must be below high, both "
                "finite",
            )
        if list(self.bands) != sorted(set(self.bands)):
            raise UserError(self.where, f"bands {self.bands} must rise")

    @property
    def answer_type(self) -> Literal["number"]:
        return "number"

    def interval(self, table: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Both ends of what is known of each row's number (rows, 2), NaN if nothing."""
        name = self.columns[0]
        labels = column(table, name)
        exact = pd.to_numeric(labels, errors="coerce")
        text = labels[exact.isna() & labels.notna()]
        if len(text):
            raise UserError(
                self.where,
                f"{len(text)} labels of column {name!r} are no numbers, first "
                f"{text.iloc[0]!r}",
            )
        ends = interval(table, name).to_numpy()
        outside = (ends[:, 0] > self.high) | (ends[:, 1] < self.low)
        if outside.any():
            raise UserError(
                self.where,
                f"{outside.sum()} labels of column {name!r} lie outside "
                f"{self.low:g} to {self.high:g}, first {ends[outside][0, 0]:g}",
                "set low and high of the head, or mend the labels",
            )
        clipped: npt.NDArray[np.float64] = np.clip(ends, self.low, self.high)
        return clipped

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

    def summary(self, labels: pd.DataFrame, answers: pd.DataFrame) -> dict[str, Any]:
        name = self.columns[0]
        truth = self.interval(labels)
        said = answers[name].to_numpy(float)
        exact = truth[:, 0] == truth[:, 1]
        interval = truth[:, 0] < truth[:, 1]
        summary: dict[str, Any] = {"n": int(exact.sum())}
        if exact.any():
            error = said[exact] - truth[exact, 0]
            inside = answers.loc[exact, list(interval_columns(name))].to_numpy(float)
            summary |= {
                "mae": float(np.abs(error).mean()),
                "rmse": float(np.sqrt((error**2).mean())),
                "bias": float(error.mean()),
                "within": self.within,
                "within_share": float((np.abs(error) <= self.within).mean()),
                "bands": self._by_band(labels[exact], np.abs(error)),
            }
            if not np.isnan(inside).any():
                low, high = inside.T
                held = (low <= truth[exact, 0]) & (truth[exact, 0] <= high)
                summary["coverage_80"] = float(held.mean())
        if interval.any():
            low, high = truth[interval].T
            low, high = low - self.slack, high + self.slack
            right = (low <= said[interval]) & (said[interval] <= high)
            summary |= {
                "interval_n": int(interval.sum()),
                "interval_accuracy": float(right.mean()),
            }
        return summary

    def _by_band(self, labels: pd.DataFrame, errors: Array) -> dict[str, Any]:
        strata = self.strata(labels)
        return {
            str(band): {"n": int(rows.sum()), "mae": float(errors[rows].mean())}
            for band, rows in strata.items()
            if rows.any()
        }


def outside(ends: Any, said: Any) -> Any:
    """How far numbers (batch, 1) lie outside intervals (batch, 2): (batch,).

    For an exact label it is the absolute error.
    """
    import keras

    below, above = ends[:, 0] - said[:, 0], said[:, 0] - ends[:, 1]
    return keras.ops.maximum(keras.ops.maximum(below, above), 0.0)
