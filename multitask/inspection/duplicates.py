"""Which pictures are there twice, and what do their labels say about each other?

A pair is two rows whose perceptual hashes differ in at most 4 of 64 bits, counted
once: n equal pictures are n (n - 1) / 2 pairs. Rows near a third one are no pair for
that alone. Blank pictures have no hash worth the name and are paired only if all
their pixels are equal.

Rows with the same pixels' digest, hash, labels, source and part stand or fall
together, so that they are counted as one cell of n rows: a thousand copies of one
picture take no longer than two.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.head import Array, Head
from multitask.contracts.table import as_text, column, interval
from multitask.images.near import near_links

LISTED = 10_000  # pairs at most that are listed one by one; all are counted
_ROOM = 2**16  # pairs of cells that are compared at a time, so that memory stays flat

Rows = npt.NDArray[np.intp]
COLUMNS = ("left", "right", "exact", "bits", "score", "leaks")


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of each label: it lies from `low` to `high` (rows, labels).

    Numbers are scaled to shares of their range and classes are whole numbers; NaN
    where nobody said anything.
    """

    names: tuple[str, ...]
    low: Array
    high: Array

    def apart(self, one: Rows, other: Rows) -> Array:
        """How far labels (pairs, labels) contradict each other: 0 not at all, to 1.

        >>> ages = np.array([[0.3], [0.4], [np.nan]])
        >>> known = Known(names=("age",), low=ages, high=ages)
        >>> known.apart(np.array([0, 0]), np.array([1, 2])).round(3).tolist()
        [[0.1], [0.0]]
        """
        gap = np.fmax(
            self.low[one] - self.high[other], self.low[other] - self.high[one]
        )
        clipped: Array = np.clip(np.nan_to_num(gap, nan=0.0), 0, 1)
        return clipped


def known(heads: Sequence[Head], table: pd.DataFrame) -> Known:
    """Every label column of the heads as intervals; a class is one of no width."""
    names, low, high = [], [], []
    for head in heads:
        for name in head.columns:
            ends = _ends(head, name, table)
            names.append(name)
            low.append(ends[0])
            high.append(ends[1])
    none = np.zeros((len(table), 0))
    return Known(
        names=tuple(names),
        low=np.stack(low, axis=1) if low else none,
        high=np.stack(high, axis=1) if high else none,
    )


def _ends(head: Head, name: str, table: pd.DataFrame) -> tuple[Array, Array]:
    values = column(table, name)
    if head.answer_type == "class":
        codes = pd.factorize(as_text(values))[0].astype(float)
        codes[codes < 0] = np.nan
        return codes, codes
    if head.answer_type == "labels":
        exact = pd.to_numeric(values).astype(float).to_numpy()
        return exact, exact
    low, high = interval(table, name).to_numpy().T
    if np.isnan(low).all():
        return low, high
    reach = (np.nanmax(high) - np.nanmin(low)) or 1.0
    return low / reach, high / reach


class Groups(NamedTuple):
    """`member` (rows,): the group of equal hashes that a row is in, -1 if none.

    `links` (links, 2) are pairs of groups that are near, not in a chain.
    """

    member: Rows
    links: Rows


def groups(files: pd.DataFrame) -> Groups:
    """Group rows of `files.look` by their hashes, blank ones by all their pixels."""
    readable = (files["reason"] == "").to_numpy()
    blank = files["blank"].to_numpy(bool)
    member: Rows = np.full(len(files), -1, np.intp)
    varied = readable & ~blank
    distinct, member[varied] = np.unique(
        files["phash"].to_numpy()[varied], return_inverse=True
    )
    member[blank] = len(distinct) + pd.factorize(files["digest"][blank])[0]
    return Groups(member, near_links(distinct))


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Counts of pairs, and the first of them one by one.

    `conflicts` counts by label, `sources` by the two data sets that a pair lies in.
    `listed` has the rows of `COLUMNS`, those that contradict each other or leak
    first, and of these the nearest.
    """

    pairs: int
    exact: int
    conflicting: int
    leaking: int
    conflicts: dict[str, int]
    sources: dict[tuple[str, str], int]
    listed: pd.DataFrame


def duplicates(table: pd.DataFrame, files: pd.DataFrame, labels: Known) -> Duplicates:
    """Count and list the pairs of a table whose pictures are near or equal."""
    sources, names = pd.factorize(named_sources(table))
    parts = pd.factorize(column(table, "split"))[0]
    digests = pd.factorize(files["digest"])[0]
    hashes = files["phash"].to_numpy()
    marks = np.column_stack([sources, parts, digests, labels.low, labels.high])
    cells = _cells(groups(files), marks)
    conflicts = np.zeros(len(labels.names), np.int64)
    counted: Counter[str] = Counter()
    between: Counter[tuple[str, str]] = Counter()
    worst = pd.DataFrame(columns=["one", "other", *COLUMNS[2:], "weight"])
    for one, other, times in _pairs(cells):
        left, right = cells.first[one], cells.first[other]
        gaps = labels.apart(left, right)
        score = gaps.sum(axis=1)
        exact = digests[left] == digests[right]
        leaks = (parts[left] != parts[right]) & (parts[left] >= 0) & (parts[right] >= 0)
        conflicts += times @ (gaps > 0)
        counted["pairs"] += int(times.sum())
        counted["exact"] += int(times[exact].sum())
        counted["conflicting"] += int(times[score > 0].sum())
        counted["leaking"] += int(times[leaks].sum())
        _count_between(between, sources[left], sources[right], times, names)
        bits = np.bitwise_count(hashes[left] ^ hashes[right])
        facts = {"exact": exact, "bits": bits, "score": score, "leaks": leaks}
        chunk = pd.DataFrame({"one": one, "other": other, **facts})
        # What harms comes first, and of that the surest: pictures 4 bits apart may be
        # two, so that the oddest contradictions are no duplicates at all.
        sure = 10.0 * (exact * 1 - bits) + np.minimum(score, 5)
        worst = _worst(worst, chunk.assign(weight=sure + 100 * (leaks | (score > 0))))
    found = {name: int(n) for name, n in zip(labels.names, conflicts, strict=True)}
    return Duplicates(
        pairs=counted["pairs"],
        exact=counted["exact"],
        conflicting=counted["conflicting"],
        leaking=counted["leaking"],
        conflicts=found,
        sources=dict(sorted(between.items())),
        listed=_listed(worst, cells),
    )


def named_sources(table: pd.DataFrame) -> "pd.Series[str]":
    """The data set of each row, `no source` where the table has none."""
    return column(table, "source").astype(object).fillna("no source").astype(str)


def _count_between(
    between: Counter[tuple[str, str]], left: Rows, right: Rows, times: Rows, names: Any
) -> None:
    keys = np.minimum(left, right) * len(names) + np.maximum(left, right)
    for key in np.unique(keys):
        one, other = sorted((names[key // len(names)], names[key % len(names)]))
        between[one, other] += int(times[keys == key].sum())


class _Cells(NamedTuple):
    """Rows that stand or fall together: cell i is `rows[start[i] : start[i + 1]]`."""

    rows: Rows
    start: Rows
    first: Rows  # (cells,) one row of each
    left: Rows  # (runs,) this cell makes pairs with those of a run:
    run: Rows  # (runs, 2) from this cell to before that one


def _cells(found: Groups, marks: Array) -> _Cells:
    member, links = found
    crowded = np.bincount(member[member >= 0], minlength=1) > 1
    crowded[links.ravel()] = True
    rows = np.flatnonzero(member >= 0)
    rows = rows[crowded[member[rows]]]
    kinds = pd.DataFrame(marks[rows]).assign(group=member[rows])
    kind = kinds.groupby(list(kinds), dropna=False).ngroup().to_numpy()
    order = np.lexsort((rows, kind, member[rows]))
    rows, kind = rows[order], kind[order]
    start = np.flatnonzero(np.diff(kind, prepend=-1))
    first = rows[start]
    group = member[first]
    count = len(crowded)
    begin, end = (np.searchsorted(group, np.arange(count), side) for side in _SIDES)
    each = np.arange(len(first))
    within = np.stack([each, end[group]], axis=1)
    lefts, runs = [each], [within]
    sizes = (end - begin)[links[:, 0]]
    which = np.repeat(np.arange(len(links)), sizes)
    lefts.append(_ranges(begin[links[:, 0]], sizes))
    runs.append(np.stack([begin[links[which, 1]], end[links[which, 1]]], axis=1))
    return _Cells(
        rows,
        np.append(start, len(rows)),
        first,
        np.concatenate(lefts),
        np.concatenate(runs),
    )


_SIDES: tuple[Any, Any] = ("left", "right")


def _ranges(begin: Rows, sizes: Rows) -> Rows:
    """Each `begin` and the numbers after it, as many as its size, all in a row.

    >>> _ranges(np.array([5, 1]), np.array([2, 3])).tolist()
    [5, 6, 1, 2, 3]
    """
    steps = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(steps + np.repeat(begin, sizes), np.intp)


def _pairs(cells: _Cells) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Pairs of cells, and how many pairs of rows each stands for, some at a time."""
    sizes = cells.run[:, 1] - cells.run[:, 0]
    task = np.cumsum(sizes) // _ROOM
    counts = np.diff(cells.start)
    for runs in np.split(np.arange(len(sizes)), np.flatnonzero(np.diff(task)) + 1):
        one = np.repeat(cells.left[runs], sizes[runs])
        other = _ranges(cells.run[runs, 0], sizes[runs])
        times = counts[one] * np.where(one == other, counts[one] - 1, counts[other])
        times[one == other] //= 2
        some = times > 0
        yield one[some], other[some], times[some]


def _worst(before: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Those that weigh most of both, as many as are listed."""
    if len(before) == LISTED:
        more = more[more["weight"] > before["weight"].iloc[-1]]
    joined = pd.concat([before, more]) if len(before) else more
    by, rising = ["weight", "one", "other"], [False, True, True]
    return joined.sort_values(by, ascending=rising).head(LISTED)


def _listed(worst: pd.DataFrame, cells: _Cells) -> pd.DataFrame:
    """Pairs of rows out of pairs of cells."""

    def members(cell: int) -> list[int]:
        return [int(r) for r in cells.rows[cells.start[cell] : cells.start[cell + 1]]]

    def rows() -> Iterator[tuple[Any, ...]]:
        columns = worst[["one", "other", *COLUMNS[2:]]]
        for one, other, *facts in columns.itertuples(index=False):
            same = one == other
            found = combinations(members(one), 2) if same else None
            for pair in found or product(members(one), members(other)):
                yield (*sorted(pair), *facts)

    return pd.DataFrame(list(islice(rows(), LISTED)), columns=list(COLUMNS))
