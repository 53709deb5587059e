"""How good is each answer, and how certain is the mean over them?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from multitask.contracts.head import Array, Better, Head
from multitask.contracts.table import as_text, column, interval
from multitask.metrics.resampling import Resampling, mean_of_known, percentiles, ratio


def better_direction(head: Head) -> Better:
    """Which scores are the better ones."""
    return "lower" if head.answer_type == "number" else "higher"


def scores(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> Array:
    """The score (rows, labels) of each answer, NaN where nobody annotated.

    1 or 0 for a right or wrong class or label (one column per label), or the absolute
    error of a number. Their `mean` is the head's metric, as in its summary: if some
    labels are exact numbers, intervals have no score; if none is, the score is the
    distance of the number from its interval.
    """
    if head.answer_type == "number":
        low, high = interval(labels, head.columns[0]).to_numpy().T
        exact = low == high
        errors = outside(head, labels, answers)
        return np.where(exact | ~exact.any(), errors, np.nan)[:, None]
    columns = []
    for name in head.columns:
        truth = column(labels, name)
        right = as_text(truth).to_numpy() == as_text(answers[name]).to_numpy()
        columns.append(np.where(truth.notna(), right, np.nan))
    return np.stack(columns, axis=1).astype(float)


def outside(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> Array:
    """The distance (rows,) of each number from its interval, as in the loss."""
    low, high = interval(labels, head.columns[0]).to_numpy().T
    slack = np.where(low == high, 0.0, head.slack)
    numbers = answers[head.columns[0]].to_numpy(float)
    below, above = low - slack - numbers, numbers - high - slack
    return np.asarray(np.maximum(np.maximum(below, above), 0.0), float)


def middles(head: Head, labels: pd.DataFrame) -> "pd.Series[float]":
    """The numbers (rows,) that label a head; of intervals their middle."""
    return interval(labels, head.columns[0]).mean(axis=1, skipna=False)


def mean(scores: Array) -> float:
    """The mean over labels of the means over their rows; NaN without any."""
    known = ~np.isnan(scores)
    means = ratio(np.where(known, scores, 0.0).sum(axis=0), known.sum(axis=0))
    return float(mean_of_known(means[None])[0])


def bootstrap(scores: Array, groups: Array | None = None) -> Array:
    """The `mean` (draws,) of pictures drawn with replacement, once per draw.

    Pictures of one group, numbers (rows,) from 0, are drawn together: several pictures
    of a person tell less than as many persons. The draws are the same for all scores
    (rows, ...) with as many rows, so differences of two are paired. See `Resampling`.
    """
    groups = np.arange(len(scores)) if groups is None else groups
    return mean_of_known(Resampling(groups).means(scores, ~np.isnan(scores)))


def with_seed_variance(draws: Sequence[Array], means: Sequence[float]) -> Array:
    """Draws (draws,) of the mean over seeds, with the variance between seeds.

    `draws` are those of each seed, `means` their means without resampling. With few
    seeds their standard error is uncertain: it is scaled by Student's t.
    """
    seeds = len(means)
    pooled = np.mean(draws, axis=0)
    if seeds < 2:
        return np.asarray(pooled)
    error = np.std(means, ddof=1) / np.sqrt(seeds)
    quantiles = (np.arange(len(pooled)) + 0.5) / len(pooled)
    deviations = np.random.default_rng(1).permutation(stats.t.ppf(quantiles, seeds - 1))
    return np.asarray(pooled + error * deviations)


def confidence_interval(draws: Array) -> tuple[float, float]:
    """The central 95% of draws that are numbers; NaN without any."""
    return percentiles(draws) or (np.nan, np.nan)
