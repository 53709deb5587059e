"""Which pictures occur twice, and do their labels agree?

A pair is two rows whose perceptual hashes differ in at most 4 of 64 bits, or do so once
one of them is mirrored (`multitask.images.near`), counted once: n equal pictures are
n (n - 1) / 2 pairs. Two rows near a third one are not a pair for that reason alone. The
hash of a blank picture means nothing, so blank pictures are paired only if all their
pixels are equal. Two rows that only look alike (`lookalikes`) are no duplicates; they
are counted apart.

Rows with the same pixels, hash, labels, source and split are interchangeable. They are
counted as one cell of n rows, so that a thousand copies of a picture take no longer
than two.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from multitask.contracts.head import Array
from multitask.contracts.table import column, sources
from multitask.images.near import Groups
from multitask.inspection.label_intervals import LabelIntervals, Rows
from multitask.inspection.lookalikes import NearPairs, group_files

LISTED = 10_000  # pairs listed one by one at most; all are counted
_CHUNK = 2**16  # pairs of cells compared at a time, which bounds the memory

COLUMNS = (
    "left", "right", "exact", "bits", "score", "leaks", "look_alike", "mirrored",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Counts of pairs, and a list of the worst ones.

    `mirrored` counts those that are near in a mirror only, `conflicts` contradicting
    pairs by label, `sources` all pairs by the two data sets that they come from.
    `listed` has the columns `COLUMNS`: `left` and `right` are row numbers of the table,
    `bits` the distance of the hashes, in the mirror if `mirrored`, and `score` the sum
    of the gaps between their labels. Pairs that contradict each other or leak come
    first, the nearest of them on top.

    Pairs that only look alike count in `look_alike` and, to be on the safe side, in
    `leaking`, and nowhere else; their `score` is 0.
    """

    pairs: int
    exact: int
    mirrored: int
    conflicting: int
    look_alike: int
    leaking: int
    conflicts: dict[str, int]
    sources: dict[tuple[str, str], int]
    listed: pd.DataFrame


def duplicates(
    table: pd.DataFrame, files: pd.DataFrame, labels: LabelIntervals
) -> Duplicates:
    """Count and list the pairs of a table whose pictures are near or equal.

    `files` is the result of `files.inspect_files(table)`.
    """
    origins, names = pd.factorize(source_names(table))
    parts = pd.factorize(column(table, "split"))[0]
    digests = pd.factorize(files["digest"])[0]
    traits = np.column_stack([origins, parts, digests, labels.low, labels.high])
    cells = _cells(group_files(files), traits)
    near = NearPairs(files, labels)
    conflicts = np.zeros(len(labels.names), np.int64)
    counted: Counter[str] = Counter()
    between: Counter[tuple[str, str]] = Counter()
    worst = pd.DataFrame(columns=["one", "other", *COLUMNS[2:], "weight"])
    for one, other, times in _pairs(cells):
        pair = near.are_near(cells.first[one], cells.first[other])
        one, other, times = one[pair], other[pair], times[pair]
        left, right = cells.first[one], cells.first[other]
        mirrored, bits, gaps, alike = near.compare(left, right)
        gaps[alike] = 0
        score = gaps.sum(axis=1)
        exact = digests[left] == digests[right]
        leaks = (parts[left] != parts[right]) & (parts[left] >= 0) & (parts[right] >= 0)
        conflicts += times @ (gaps > 0)
        counted["pairs"] += int(times[~alike].sum())
        counted["look_alike"] += int(times[alike].sum())
        counted["exact"] += int(times[exact].sum())
        counted["mirrored"] += int(times[mirrored].sum())
        counted["conflicting"] += int(times[score > 0].sum())
        counted["leaking"] += int(times[leaks].sum())
        ends = origins[left[~alike]], origins[right[~alike]]
        _count_between(between, *ends, times[~alike], names)
        facts = {"exact": exact, "bits": bits, "score": score, "leaks": leaks}
        facts |= {"look_alike": alike, "mirrored": mirrored}
        chunk = pd.DataFrame({"one": one, "other": other, **facts})
        # Harmful pairs come first, and of those the surest: two pictures 4 bits apart
        # may differ, so that the largest contradictions are often no duplicates.
        sure = 10.0 * (exact * 1 - bits) + np.minimum(score, 5)
        worst = _worst(worst, chunk.assign(weight=sure + 100 * (leaks | (score > 0))))
    return Duplicates(
        pairs=counted["pairs"],
        exact=counted["exact"],
        mirrored=counted["mirrored"],
        conflicting=counted["conflicting"],
        look_alike=counted["look_alike"],
        leaking=counted["leaking"],
        conflicts=dict(zip(labels.names, map(int, conflicts), strict=True)),
        sources=dict(sorted(between.items())),
        listed=_listed(worst, cells),
    )


def source_names(table: pd.DataFrame) -> "pd.Series[str]":
    """The data set of each row (rows,), `no source` where the table names none."""
    return sources(table).replace("", "no source")


def _count_between(
    between: Counter[tuple[str, str]], left: Rows, right: Rows, times: Rows, names: Any
) -> None:
    keys = np.minimum(left, right) * len(names) + np.maximum(left, right)
    for key in np.unique(keys):
        one, other = sorted((names[key // len(names)], names[key % len(names)]))
        between[one, other] += int(times[keys == key].sum())


class _Cells(NamedTuple):
    """Interchangeable rows: cell i holds `rows[start[i] : start[i + 1]]`."""

    rows: Rows
    start: Rows
    first: Rows  # (cells,) one row of each
    left: Rows  # (runs,) a cell that makes pairs with each cell of a run:
    run: Rows  # (runs, 2) from this cell up to, but without, that one


def _cells(groups: Groups, traits: Array) -> _Cells:
    member, links = groups.member, groups.links
    paired = np.bincount(member[member >= 0], minlength=1) > 1
    paired[links.ravel()] = True
    rows = np.flatnonzero(member >= 0)
    rows = rows[paired[member[rows]]]
    keys = pd.DataFrame(traits[rows]).assign(group=member[rows])
    key = keys.groupby(list(keys), dropna=False).ngroup().to_numpy()
    order = np.lexsort((rows, key, member[rows]))
    rows, key = rows[order], key[order]
    start = np.flatnonzero(np.diff(key, prepend=-1))
    first = rows[start]
    group = member[first]
    ids = np.arange(len(paired))
    begin = np.searchsorted(group, ids, side="left")
    end = np.searchsorted(group, ids, side="right")
    each = np.arange(len(first))
    within = np.stack([each, end[group]], axis=1)
    sizes = (end - begin)[links[:, 0]]
    link = np.repeat(np.arange(len(links)), sizes)
    linked = np.stack([begin[links[link, 1]], end[links[link, 1]]], axis=1)
    return _Cells(
        rows,
        np.append(start, len(rows)),
        first,
        np.concatenate([each, _ranges(begin[links[:, 0]], sizes)]),
        np.concatenate([within, linked]),
    )


def _ranges(begin: Rows, sizes: Rows) -> Rows:
    """Each `begin` and the numbers after it, as many as its size, joined.

    >>> _ranges(np.array([5, 1]), np.array([2, 3])).tolist()
    [5, 6, 1, 2, 3]
    """
    steps = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(steps + np.repeat(begin, sizes), np.intp)


def _pairs(cells: _Cells) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Pairs of cells, and how many pairs of rows each stands for, chunk by chunk."""
    sizes = cells.run[:, 1] - cells.run[:, 0]
    task = np.cumsum(sizes) // _CHUNK
    counts = np.diff(cells.start)
    for runs in np.split(np.arange(len(sizes)), np.flatnonzero(np.diff(task)) + 1):
        one = np.repeat(cells.left[runs], sizes[runs])
        other = _ranges(cells.run[runs, 0], sizes[runs])
        times = counts[one] * np.where(one == other, counts[one] - 1, counts[other])
        times[one == other] //= 2
        any_pair = times > 0
        yield one[any_pair], other[any_pair], times[any_pair]


def _worst(before: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Those of both frames with the highest weight, `LISTED` at most."""
    if len(before) == LISTED:
        more = more[more["weight"] > before["weight"].iloc[-1]]
    joined = pd.concat([before, more]) if len(before) else more
    by, ascending = ["weight", "one", "other"], [False, True, True]
    return joined.sort_values(by, ascending=ascending).head(LISTED)


def _listed(worst: pd.DataFrame, cells: _Cells) -> pd.DataFrame:
    """The pairs of rows that pairs of cells stand for."""

    def members(cell: int) -> list[int]:
        return [int(r) for r in cells.rows[cells.start[cell] : cells.start[cell + 1]]]

    def rows() -> Iterator[tuple[Any, ...]]:
        columns = worst[["one", "other", *COLUMNS[2:]]]
        for one, other, *facts in columns.itertuples(index=False):
            if one == other:
                pairs: Iterable[tuple[int, int]] = combinations(members(one), 2)
            else:
                pairs = product(members(one), members(other))
            for pair in pairs:
                yield (*sorted(pair), *facts)

    return pd.DataFrame(list(islice(rows(), LISTED)), columns=list(COLUMNS))
