"""For whom are a head's answers better, and for whom are they worse?"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from multitask.contracts.head import Array
from multitask.metrics.groupings import Grouping
from multitask.metrics.kinds.class_rows import ClassRows
from multitask.metrics.kinds.rows import HeadRows
from multitask.metrics.resampling import Interval, Resampling, mean_of_known, ratio
from multitask.metrics.results import SMALL, Gap, Score, Subgroup
from multitask.metrics.significance import corrected, p_value
from multitask.metrics.uncertainty import interval

_MOST_COLUMNS = 512  # summed at once, so that memory stays bounded


def subgroups(
    rows: HeadRows, groupings: Sequence[Grouping], resampling: Resampling
) -> tuple[Subgroup, ...]:
    """A head's main score on the labelled rows of each group, in their order."""
    masks, results = [], []
    means = _row_means(rows)
    p_values = []
    for grouping in groupings:
        grouped = rows.labelled & (grouping.codes >= 0)
        for code in range(len(grouping.groups)):
            group = grouped & (grouping.codes == code)
            if not group.any():
                continue
            others = grouped & ~group
            masks.append(group)
            results.append(_subgroup(rows, grouping, code, group, others))
            p_values.append(p_value(means, group, others, resampling.members))
    intervals = _intervals(rows, masks, resampling)
    return tuple(
        replace(one, score=replace(one.score, ci=ci), p_value=float(p))
        for one, ci, p in zip(
            results, intervals, corrected(np.array(p_values)), strict=True
        )
    )


def _subgroup(
    rows: HeadRows, grouping: Grouping, code: int, group: Array, others: Array
) -> Subgroup:
    """A group without its interval and p-value."""
    value = rows.score(rows.values, group)
    constant = rows.constant_values(rows.constant(group))
    count = int(group.sum())
    rest = rows.score(rows.values, others) if others.any() else np.nan
    score = Score(
        name=rows.main,
        value=value,
        ci=None,
        baseline=rows.score(constant, group),
        n=count,
        better=rows.better,
    )
    return Subgroup(
        column=grouping.column,
        group=grouping.groups[code],
        title=grouping.titles[code],
        n=count,
        score=score,
        difference=value - rest,
        p_value=np.nan,
        is_small=count < SMALL,
    )


def _row_means(rows: HeadRows) -> Array:
    """The mean score (rows,) of each row over its known labels."""
    sums = np.where(rows.known, rows.values, 0.0).sum(axis=1)
    return ratio(sums, rows.known.sum(axis=1))


def _intervals(
    rows: HeadRows, masks: Sequence[Array], resampling: Resampling
) -> list[Interval | None]:
    """The interval of the main score on each set of rows (rows,)."""
    values, known = np.where(rows.known, rows.values, 0.0), rows.known
    if (known.all(axis=1) | ~known.any(axis=1)).all():
        # Each row has all labels or none: the mean over labels is one over rows.
        values, known = values.mean(axis=1, keepdims=True), known[:, :1]
    both = np.hstack([values, known]).astype(np.float32)
    step = max(1, _MOST_COLUMNS // both.shape[1])
    intervals: list[Interval | None] = []
    for start in range(0, len(masks), step):
        some = masks[start : start + step]
        stacked = [np.where(mask[:, None], both, np.float32(0)) for mask in some]
        sums = resampling.sums(np.hstack(stacked))
        for mask, part in zip(some, np.hsplit(sums, len(some)), strict=True):
            means = mean_of_known(ratio(*np.hsplit(part, 2)))
            value = rows.score(rows.values, mask)
            count = resampling.unit_count(mask)
            intervals.append(interval(value, means, count, rows.is_share))
    return intervals


def gaps(
    rows: HeadRows,
    groupings: Sequence[Grouping],
    groups: Sequence[Subgroup],
    own: Sequence[str] = (),
) -> tuple[Gap, ...]:
    """How far apart the groups of each column are that are not small.

    By one of the head's `own` columns, groups should differ in how often they get an
    answer, so that there is no demographic parity.
    """
    result = []
    for grouping in groupings:
        large = [
            one
            for one in groups
            if one.column == grouping.column
            and not one.is_small
            and np.isfinite(one.score.value)
        ]
        if len(large) < 2:
            continue
        large.sort(key=lambda one: one.score.value)
        lowest, highest = large[0], large[-1]
        worst, best = (lowest, highest) if rows.is_share else (highest, lowest)
        most = highest.score.value
        gap = Gap(
            column=grouping.column,
            difference=most - lowest.score.value,
            ratio=lowest.score.value / most if most else np.nan,
            worst=worst.group,
            best=best.group,
        )
        if isinstance(rows, ClassRows):
            gap = _with_rates(gap, rows, grouping, [one.group for one in large])
            if grouping.columns & set(own):
                gap = replace(gap, demographic_parity=None)
        result.append(gap)
    return tuple(result)


def _with_rates(
    gap: Gap, rows: ClassRows, grouping: Grouping, groups: Sequence[str]
) -> Gap:
    """Add by how much the answers and errors of some groups differ in frequency."""
    rates = []
    for name in groups:
        counts = rows.confusion(grouping.codes == grouping.groups.index(name))
        total, hits = counts.sum(), np.diag(counts)
        truths, answers = counts.sum(axis=1), counts.sum(axis=0)
        true_rate = ratio(hits, truths)
        false_rate = ratio(answers - hits, total - truths)
        rates.append([ratio(answers, np.full(len(hits), total)), true_rate, false_rate])
    selected, true_rates, false_rates = (
        _largest_difference(np.array(each)) for each in zip(*rates, strict=True)
    )
    return replace(
        gap,
        demographic_parity=selected,
        equalized_odds=max(true_rates, false_rates),
    )


def _largest_difference(rates: Array) -> float:
    """The largest difference between groups of rates (groups, classes), over classes.

    A class that a group lacks has no rate there, and is compared without it.
    """
    known = ~np.isnan(rates)
    most = np.where(known, rates, -np.inf).max(axis=0)
    least = np.where(known, rates, np.inf).min(axis=0)
    return float(np.where(known.any(axis=0), most - least, 0.0).max())
