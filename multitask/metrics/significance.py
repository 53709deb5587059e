"""Is a group's score different from that of all others, or is it chance?"""

import numpy as np
from scipy import stats

from multitask.contracts.head import Array
from multitask.metrics.resampling import Units


def p_value(values: Array, group: Array, others: Array, members: Units) -> float:
    """The p-value of a difference in means between two sets of rows, masks (rows,).

    `values` (rows,) are scores, `members` (rows,) the units that the rows belong to. If
    each row is a unit of its own, it is Fisher's exact test where all scores are 0 or
    1, else Welch's t-test. Else it is a t-test with a variance that allows for scores
    of one unit to be alike (Liang and Zeger 1986, "Longitudinal data analysis using
    generalized linear models"). NaN if a set has less than two units, or if no score
    differs from its set's mean.
    """
    one, other = values[group], values[others]
    if not np.isfinite(one).all() or not np.isfinite(other).all():
        return np.nan
    size = int(members.max()) + 1
    rows_of_unit = np.stack(
        [np.bincount(members[rows], minlength=size) for rows in (group, others)]
    )
    counts = (rows_of_unit > 0).sum(axis=1)
    if counts.min() < 2:
        return np.nan
    if rows_of_unit.sum(axis=0).max() > 1:
        return _clustered(values, group, others, members, int(counts.min()) - 1)
    if all(((both == 0) | (both == 1)).all() for both in (one, other)):
        table = [[both.sum(), len(both) - both.sum()] for both in (one, other)]
        return float(stats.fisher_exact(table).pvalue)
    return _welch(one, other)


def _welch(one: Array, other: Array) -> float:
    errors = [np.var(both, ddof=1) / len(both) for both in (one, other)]
    variance = sum(errors)
    if not variance > 0:
        return np.nan
    freedom = variance**2 / sum(
        error**2 / (len(both) - 1)
        for error, both in zip(errors, (one, other), strict=True)
    )
    return _two_sided((one.mean() - other.mean()) / np.sqrt(variance), float(freedom))


def _clustered(
    values: Array, group: Array, others: Array, members: Units, freedom: int
) -> float:
    influence = np.zeros(len(values))
    for rows, sign in ((group, 1), (others, -1)):
        deviations = values[rows] - values[rows].mean()
        influence[rows] += sign * deviations / rows.sum()
    either = group | others
    codes = np.unique(members[either], return_inverse=True)[1]
    sums = np.bincount(codes, influence[either])
    count = len(sums)
    variance = (sums**2).sum() * count / (count - 1)
    if not variance > 0:
        return np.nan
    difference = values[group].mean() - values[others].mean()
    return _two_sided(difference / np.sqrt(variance), freedom)


def _two_sided(statistic: float, freedom: float) -> float:
    return float(2 * stats.t.sf(abs(statistic), freedom))


def corrected(p_values: Array) -> Array:
    """P-values (tests,) corrected for how many there are; NaN stays NaN.

    Of all differences below 0.05, at most 5% are chance, and if there is no difference
    at all, the chance to see one is at most 5% (Benjamini and Hochberg 1995,
    "Controlling the false discovery rate").
    """
    p_values = np.asarray(p_values, float)
    known = np.isfinite(p_values)
    result = np.full(len(p_values), np.nan)
    if known.any():
        result[known] = stats.false_discovery_control(np.clip(p_values[known], 0, 1))
    return result
