"""How good is an epoch of a trial, in one number, and is the trial worth another?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.metrics import scores
from multitask.tuning.space import MEAN

_OTHERS = 5  # trials without which none is pruned
_SPREAD = math.sqrt(math.pi / 2 - 1)  # of absolute errors by their mean, if normal


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """The heads of a trial, and the objective: one of them, or the mean of all."""

    heads: tuple[Head, ...]
    objective: str = MEAN

    @property
    def judged_heads(self) -> tuple[Head, ...]:
        """The heads whose scores judge a trial."""
        mean = self.objective == MEAN
        return tuple(h for h in self.heads if mean or h.name == self.objective)

    @property
    def description(self) -> str:
        """The objective in words."""
        if len(self.judged_heads) > 1:
            return "mean score of the heads"
        return f"score of {self.judged_heads[0].name}"

    def chance_levels(self, table: pd.DataFrame) -> dict[str, float]:
        """The mean absolute error of a constant answer, by head that answers a number.

        The answer is the median of the training part of `table`, the error that on its
        validation part, or 1 if it is 0, since errors are divided by it. Raises
        UserError for a judged head without a label in the validation part.
        """
        train, val = (table[table["split"] == part] for part in ("train", "val"))
        levels = {}
        for head in self.judged_heads:
            if not head.labelled(val).any():
                raise UserError(
                    head.where,
                    "has no labels in the validation part, which judges the trials",
                )
            if head.answer_type == "number":
                constant = scores.middles(head, train).median()
                answers = pd.DataFrame({head.columns[0]: constant}, index=val.index)
                error = float(np.nanmean(scores.outside(head, val, answers)))
                levels[head.name] = error or 1.0
        return levels

    def metrics(self, figures: Mapping[str, Any]) -> dict[str, float]:
        """The validation metric of each head in an epoch (a row of history.csv)."""
        return {
            head.name: float(figures[f"val_{head.name}_{head.metrics()[0].name}"])
            for head in self.heads
        }

    def score(
        self, figures: Mapping[str, Any], chance_levels: Mapping[str, float]
    ) -> float:
        """The score of an epoch: 1 is best, and 0 a constant answer to a number.

        Raises UserError if a metric is not finite.
        """
        metrics = self.metrics(figures)
        if not all(map(math.isfinite, metrics.values())):
            raise UserError(
                f"epoch {figures['epoch']}",
                f"the validation metrics are {metrics}, must be finite",
            )
        head_scores = [
            1 - metrics[head.name] / chance_levels[head.name]
            if head.name in chance_levels
            else metrics[head.name]
            for head in self.judged_heads
        ]
        return sum(head_scores) / len(head_scores)

    def standard_error(
        self,
        metrics: Mapping[str, float | None],
        rows: Mapping[str, int],
        chance_levels: Mapping[str, float],
    ) -> float | None:
        """About how much a score varies with the pictures that it is measured on.

        `metrics` and `rows`, of labelled validation pictures, are by head. It takes the
        pictures as independent, and the errors of numbers as normal. None if a metric
        or a label is missing.
        """
        variances = []
        for head in self.judged_heads:
            metric, count = metrics.get(head.name), rows.get(head.name)
            if metric is None or not count:
                return None
            if head.name in chance_levels:
                error = metric / chance_levels[head.name]
                variances.append((_SPREAD * error) ** 2 / count)
            else:
                variances.append(max(0.0, metric * (1 - metric)) / count)
        return math.sqrt(sum(variances)) / len(variances)


def is_below_median(
    curve: Sequence[float], others: Sequence[Sequence[float]], warmup: int
) -> bool:
    """Whether the best score so far is below the median of the others at that epoch.

    `curve` holds the scores by epoch of the trial, `others` those of trials that were
    trained to their end. Never so in the first `warmup` epochs. Golovin et al. 2017,
    "Google Vizier: A Service for Black-Box Optimization" (median stopping rule).

    >>> is_below_median([0.1, 0.2], [[0.1, 0.3, 0.5]] * 5, warmup=1)
    True
    """
    epochs = len(curve)
    level = [other[epochs - 1] for other in others if len(other) >= epochs]
    if epochs <= warmup or len(others) < _OTHERS or not level:
        return False
    return max(curve) < median(level)
