"""Which numbers of a head's summary are scores, and how certain is each?"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from multitask.contracts.head import Array, Better
from multitask.metrics.kinds.rows import HeadRows
from multitask.metrics.resampling import (
    Interval,
    Resampling,
    mean_of_known,
    percentiles,
    wilson,
)
from multitask.metrics.results import Score

_COUNTS = ("n", "interval_n", "positive", "support", "within")  # no scores
_ERRORS = ("mae", "rmse", "log_loss", "brier")  # lower is better
_SHARES = (
    *("accuracy", "mean_accuracy", "interval_accuracy", "within_share"),
    *("macro_f1", "precision", "recall", "f1", "f1-score"),
)  # higher is better


def scores(
    rows: HeadRows,
    summary: Mapping[str, Any],
    baselines: Mapping[str, float],
    resampling: Resampling,
    more: Mapping[str, Array],
) -> dict[str, Score]:
    """All scores of a summary with their intervals and baselines, by their names.

    `more` holds those of single answers (rows, labels), NaN where there is none.
    """
    draws = rows.from_sums(resampling.sums(rows.columns()))
    for name, values in more.items():
        draws[name] = mean_of_known(resampling.means(values, ~np.isnan(values)))
    counts, total = rows.counts(), int(rows.labelled.sum())
    units = resampling.unit_count(rows.labelled)
    result = {}
    for name, value in flattened(summary):
        better = direction(name)
        count = counts.get(name, total)
        ci = None
        if name in draws:
            is_share = better == "higher" or name == "coverage_80"
            ci = interval(value, draws[name], min(units, count), is_share)
        result[name] = Score(
            name=name,
            value=value,
            ci=ci,
            baseline=baselines.get(name),
            n=count,
            better=better,
        )
    return result


def flattened(
    summary: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, float]]:
    """The scores of a summary, and of the tables in it, by their names.

    >>> list(flattened({"n": 3, "mae": 2.0, "bands": {"0+": {"n": 3, "mae": 2.0}}}))
    [('mae', 2.0), ('bands/0+/mae', 2.0)]
    """
    for key, value in summary.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{key}/")
        elif key not in _COUNTS and isinstance(value, (int, float)):
            yield f"{prefix}{key}", float(value)


def direction(name: str) -> Better | None:
    """Which values of a score are the better ones.

    None for a bias and a coverage, of which 0 and 0.8 are the best, for a width, which
    is good only beside what it holds, and for scores that a kind of head alone knows.

    >>> direction("bands/0+/mae"), direction("accuracy"), direction("bias")
    ('lower', 'higher', None)
    """
    key = name.rpartition("/")[2]
    if key in _ERRORS:
        return "lower"
    return "higher" if key in _SHARES else None


def interval(value: float, draws: Array, units: int, is_share: bool) -> Interval | None:
    """The 95% interval of a score from its draws (draws,).

    `units` counts what it is over; of one alone nothing is known. The draws of a share
    of 0 or 1 all say the same, and Wilson's interval takes their place.
    """
    if units < 2 or not np.isfinite(value):
        return None
    ci = percentiles(draws)
    if is_share and value in (0.0, 1.0) and (ci is None or ci[0] == ci[1]):
        return wilson(value, units)
    return ci
