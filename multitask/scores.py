"""How good is each single answer, and how sure is a mean over them?"""

from typing import Literal

import numpy as np
import pandas as pd

from multitask.head import Array, Head, column, spelled

_DRAWS = 1000
_CELLS = 5_000_000  # of a block of draws, so that memory stays flat


def better(head: Head) -> Literal["higher", "lower"]:
    """Which scores are the better ones."""
    return "lower" if head.form == "number" else "higher"


def scores(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> Array:
    """A score (rows, labels) for each answer, NaN where nobody annotated.

    1 or 0 for a right or wrong class or label (one column a label), or the absolute
    error of a number; one within an interval label counts as no error. `mean` makes of
    them what the head's summary calls its metric.
    """
    if head.form == "number":
        low, high = _ends(head, labels)
        said = answers[head.columns[0]].to_numpy(float)
        off = np.maximum(np.maximum(low - said, said - high), 0.0)
        return np.asarray(off, float)[:, None]
    found = []
    for name in head.columns:
        truth = column(labels, name)
        right = spelled(truth).to_numpy() == spelled(answers[name]).to_numpy()
        found.append(np.where(truth.notna(), right, np.nan))
    return np.stack(found, axis=1).astype(float)


def middles(head: Head, labels: pd.DataFrame) -> "pd.Series[float]":
    """The numbers (rows,) that a head is labelled with; of intervals their middle."""
    low, high = _ends(head, labels)
    return (low + high) / 2


def _ends(head: Head, labels: pd.DataFrame) -> "tuple[pd.Series[float], ...]":
    """The interval that each number is labelled with; a number is one without width."""
    name = head.columns[0]
    exact = pd.to_numeric(column(labels, name))
    return tuple(
        exact.fillna(pd.to_numeric(column(labels, f"{name}_{end}")))
        for end in ("low", "high")
    )


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


def drawn(found: Array, seed: int = 0) -> Array:
    """What `mean` comes to on pictures drawn anew (draws,), with replacement.

    The draws of a seed are of the same pictures for all scores (rows, ...) of as many
    rows, so differences of two are paired. Efron 1979, "Bootstrap methods".
    """
    lots = np.random.default_rng(seed)
    rows = len(found)
    known = (~np.isnan(found)).astype(float)
    values = np.where(known > 0, found, 0.0)
    means = []
    block = max(1, min(_DRAWS, _CELLS // max(1, rows)))
    left = _DRAWS
    while left:
        size = min(block, left)
        times = lots.multinomial(rows, np.full(rows, 1 / rows), size).astype(float)
        sums, counts = times @ values, times @ known
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(np.nanmean(sums / counts, axis=1))
        left -= size
    return np.concatenate(means)


def interval(draws: Array) -> tuple[float, float]:
    """The central 95% of draws."""
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)
