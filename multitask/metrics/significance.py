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
    generalized linear models"), but no smaller than if there were no difference: scores
    of a few units that are all right do not vary. NaN if a set has fewer than two
    units, or if no score differs from its set's mean, or with several rows per unit
    from the mean of both.
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
    either = group | others
    codes = np.unique(members[either], return_inverse=True)[1]
    weights = np.where(group, 1 / group.sum(), -1 / others.sum())[either]
    means = np.where(group, values[group].mean(), values[others].mean())[either]
    scores = values[either]
    variance = max(
        _sandwich(scores - means, weights, codes),
        _variance_without_difference(scores - scores.mean(), weights, codes),
    )
    if not variance > 0:
        return np.nan
    return _two_sided((weights * scores).sum() / np.sqrt(variance), freedom)


def _sandwich(deviations: Array, weights: Array, codes: Units) -> float:
    """The variance of a weighted sum of deviations (rows,) in units `codes` (rows,)."""
    sums = np.bincount(codes, weights * deviations)
    return float((sums**2).sum() * len(sums) / (len(sums) - 1))


def _variance_without_difference(
    deviations: Array, weights: Array, codes: Units
) -> float:
    """The same if all rows vary alike, and rows of a unit by one correlation."""
    variance = (deviations**2).sum() / (len(deviations) - 1)
    sizes, sums = np.bincount(codes), np.bincount(codes, deviations)
    products = (sums**2).sum() - (deviations**2).sum()  # of two rows of a unit
    pairs = (sizes * (sizes - 1)).sum()
    correlation = np.clip(products / (variance * pairs), 0, 1) if variance > 0 else 0.0
    alone, together = (weights**2).sum(), (np.bincount(codes, weights) ** 2).sum()
    return float(variance * ((1 - correlation) * alone + correlation * together))


def _two_sided(statistic: float, freedom: float) -> float:
    return float(2 * stats.t.sf(abs(statistic), freedom))


def corrected(p_values: Array) -> Array:
    """P-values (tests,) corrected for how many there are; NaN stays NaN.

    Of all differences below 0.05, at most 5% on average are chance, and if there is no
    difference at all, the chance to see one is at most 5% (Benjamini and Hochberg 1995,
    "Controlling the false discovery rate").
    """
    p_values = np.asarray(p_values, float)
    known = np.isfinite(p_values)
    result = np.full(len(p_values), np.nan)
    if known.any():
        result[known] = stats.false_discovery_control(np.clip(p_values[known], 0, 1))
    return result
