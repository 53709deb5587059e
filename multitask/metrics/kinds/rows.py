"""Which rows of a head are labelled, and how good is the answer to each?

A score of a head is a function of sums over rows, so that it can be computed for all
resamples and sub-groups at once.
"""

from abc import ABC, abstractmethod

import numpy as np

from multitask.contracts.head import Array, Better
from multitask.metrics.resampling import mean_of_known, ratio


class HeadRows(ABC):
    """Labels and answers of a head as arrays.

    `known` (rows, labels) says where there is a label; `values` (rows, labels) are the
    scores of the single answers there, and 0 elsewhere: 1 or 0 for right or wrong, or
    the absolute error of a number. The mean over labels of their means is the `main`
    score; all but yes/no heads have one label.
    """

    main: str  # the key of the summary
    better: Better = "higher"
    known: Array
    values: Array

    @abstractmethod
    def constant(self, rows: Array) -> Array:
        """The best constant answer (labels,) to rows (rows,), a mask."""

    @abstractmethod
    def constant_values(self, constant: Array) -> Array:
        """The `values` (rows, labels) of a constant answer (labels,)."""

    @abstractmethod
    def columns(self) -> Array:
        """What must be summed (rows, columns) for `from_sums`."""

    @abstractmethod
    def from_sums(self, sums: Array) -> dict[str, Array]:
        """All scores (draws,) by their names, from sums (draws, columns)."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """How many rows each score is over, by its name."""

    @property
    def labelled(self) -> Array:
        """Which rows (rows,) have a label."""
        return np.asarray(self.known.any(axis=1))

    def scores(self) -> dict[str, float]:
        """All scores by their names, but for those of nothing."""
        sums = self.columns().sum(axis=0, dtype=float)[None]
        values = {name: float(one[0]) for name, one in self.from_sums(sums).items()}
        return {name: value for name, value in values.items() if value == value}

    @property
    def is_share(self) -> bool:
        """Whether the main score is a share of right answers."""
        return self.better == "higher"

    def score(self, values: Array, rows: Array) -> float:
        """The main score of `values` (rows, labels) on some rows (rows,), a mask."""
        known = self.known[rows]
        sums = np.where(known, values[rows], 0.0).sum(axis=0)
        return float(mean_of_known(ratio(sums, known.sum(axis=0))[None])[0])


def f1(hits: Array, truths: Array, answers: Array) -> Array:
    """F1 from counts of right answers, labels and answers; NaN without a label."""
    scores = ratio(2 * hits, truths + answers)
    return np.asarray(np.where(truths > 0, scores, np.nan))


def precision(hits: Array, answers: Array) -> Array:
    """Precision from counts; 0 without an answer, as in scikit-learn's report."""
    return np.nan_to_num(ratio(hits, answers))
