"""How good is each single answer, and how sure is a mean over them?"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from multitask.contracts.head import Array, Head
from multitask.contracts.table import as_text, column, interval

_DRAWS = 1000
_CELLS = 5_000_000  # of a block of draws, so that memory stays flat


def better_direction(head: Head) -> Literal["higher", "lower"]:
    """Which scores are the better ones."""
    return "lower" if head.answer_type == "number" else "higher"


def scores(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> Array:
    """A score (rows, labels) for each answer, NaN where nobody annotated.

    1 or 0 for a right or wrong class or label (one column a label), or the absolute
    error of a number. `mean` makes of them what the head's summary calls its metric:
    where some labels are exact numbers, an interval has no score; where none is, it is
    how far the number lies outside.
    """
    if head.answer_type == "number":
        low, high = interval(labels, head.columns[0]).to_numpy().T
        off = outside(head, labels, answers)
        exact = low == high
        return np.where(exact | ~exact.any(), off, np.nan)[:, None]
    found = []
    for name in head.columns:
        truth = column(labels, name)
        right = as_text(truth).to_numpy() == as_text(answers[name]).to_numpy()
        found.append(np.where(truth.notna(), right, np.nan))
    return np.stack(found, axis=1).astype(float)


def outside(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> Array:
    """How far each number (rows,) lies outside what is known of it, as in training."""
    low, high = interval(labels, head.columns[0]).to_numpy().T
    slack = np.where(low == high, 0.0, head.slack)
    said = answers[head.columns[0]].to_numpy(float)
    below, above = low - slack - said, said - high - slack
    return np.asarray(np.maximum(np.maximum(below, above), 0.0), float)


def middles(head: Head, labels: pd.DataFrame) -> "pd.Series[float]":
    """The numbers (rows,) that a head is labelled with; of intervals their middle."""
    return interval(labels, head.columns[0]).mean(axis=1, skipna=False)


def mean(found: Array) -> float:
    """The mean over labels of the means over their rows; NaN without any."""
    known = ~np.isnan(found)
    counts = known.sum(axis=0)
    sums = np.where(known, found, 0.0).sum(axis=0)
    return (
        float((sums[counts > 0] / counts[counts > 0]).mean())
        if counts.any()
        else np.nan
    )


def bootstrap(found: Array, groups: Array | None = None) -> Array:
    """What `mean` comes to on pictures drawn anew (draws,), with replacement.

    Pictures of the same group, numbers (rows,) from 0, are drawn together: several
    pictures of a person tell less than as many persons. All draws are of the same
    pictures for all scores (rows, ...) of as many rows, so differences of two are
    paired. Efron 1979, "Bootstrap methods"; Field and Welsh 2007, "Bootstrapping
    clustered data".
    """
    lots = np.random.default_rng(0)
    rows = len(found)
    groups = np.arange(rows) if groups is None else groups
    count = int(groups.max()) + 1
    known = (~np.isnan(found)).astype(float)
    values = np.where(known > 0, found, 0.0)
    means = []
    block = max(1, min(_DRAWS, _CELLS // max(1, rows)))
    left = _DRAWS
    while left:
        size = min(block, left)
        often = lots.multinomial(count, np.full(count, 1 / count), size)
        times = often[:, groups].astype(float)
        sums, counts = times @ values, times @ known
        labels = (counts > 0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            of_labels = np.where(counts > 0, sums / counts, 0.0)
            means.append(of_labels.sum(axis=1) / labels)  # NaN if nothing was drawn
        left -= size
    return np.concatenate(means)


def with_seed_variance(draws: Sequence[Array], means: Sequence[float]) -> Array:
    """Draws (draws,) of the mean over seeds, with what chance in training adds to it.

    `draws` are those of each seed, `means` what they are draws of. A few seeds tell
    little of their spread: their standard error counts as Student's t has it.
    """
    seeds = len(means)
    found = np.mean(draws, axis=0)
    if seeds < 2:
        return np.asarray(found)
    error = np.std(means, ddof=1) / np.sqrt(seeds)
    places = (np.arange(len(found)) + 0.5) / len(found)
    lots = np.random.default_rng(1).permutation(stats.t.ppf(places, seeds - 1))
    return np.asarray(found + error * lots)


def confidence_interval(draws: Array) -> tuple[float, float]:
    """The central 95% of draws."""
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)
