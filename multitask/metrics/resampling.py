"""How certain is a number? Its spread over resampled pictures tells.

Every score is a function of sums over rows, so that a resample is a weight per row, and
all resamples of all scores are one matrix product.
"""

import functools
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.sparse import csr_matrix

from multitask.contracts.head import Array
from multitask.contracts.table import column

DRAWS = 1000
_MOST_CELLS = 400_000_000  # bytes of all draws; more rows have fewer draws,
_FEWEST = 200  # but not fewer than these
# Units from which on all being on one side is less than 5% chance: 2 * 0.5 ** 6.
LEAST_UNITS = 6
_BLOCK_CELLS = 8_000_000  # of draws in float32 at once
_SPARSE = 0.1  # of a column's rows, up to which it is summed as a sparse one
Units = npt.NDArray[np.intp]
Interval = tuple[float, float]
Unit = Literal["pictures", "identities"]  # what the bootstrap draws


def units(labels: pd.DataFrame) -> tuple[Units, Unit]:
    """The number (rows,) of what each row is drawn with, and what that is.

    If the table has identities, it is the person; a row without one is drawn with those
    of its picture, and one without a path by itself.
    """
    # By position: the index of a user's data frame may have a row twice.
    path = column(labels, "path")
    names = np.array([f"row {row}" for row in range(len(labels))], dtype=object)
    is_file = path.notna().to_numpy()
    names[is_file] = ("picture " + path[is_file].astype(str)).to_numpy(dtype=object)
    identity = column(labels, "identity")
    known = identity.notna().to_numpy()
    names[known] = ("person " + identity[known].astype(str)).to_numpy(dtype=object)
    codes, _ = pd.factorize(names)
    return codes, "identities" if known.any() else "pictures"


class Resampling:
    """Samples with replacement of units, the same ones for all scores.

    `members` (rows,) are the numbers of the rows' units, from 0. Efron 1979, "Bootstrap
    methods"; Field and Welsh 2007, "Bootstrapping clustered data".
    """

    def __init__(self, members: Units, draws: int = DRAWS, seed: int = 0) -> None:
        self.members = members
        self.count = int(members.max()) + 1 if len(members) else 0
        limit = _MOST_CELLS // max(1, self.count)
        self.draws = min(draws, max(_FEWEST, limit))
        self._seed = seed

    @functools.cached_property
    def _times(self) -> npt.NDArray[np.uint8]:
        """How many times (units, draws) each draw has each unit."""
        rng = np.random.default_rng(self._seed)
        times = np.empty((self.count, self.draws), np.uint8)
        for start, stop in self._blocks():
            shape = (stop - start, self.count)
            drawn = rng.integers(self.count, size=shape, dtype=np.int64)
            drawn += np.arange(shape[0])[:, None] * self.count
            counts = np.bincount(drawn.ravel(), minlength=shape[0] * self.count)
            times[:, start:stop] = counts.reshape(shape).T
        return times

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """The draws in parts, so that memory stays bounded."""
        size = max(1, _BLOCK_CELLS // max(1, self.count))
        for start in range(0, self.draws, size):
            yield start, min(start + size, self.draws)

    def sums(self, values: Array) -> npt.NDArray[np.float64]:
        """The sums (draws, columns) of values (rows, columns) over each draw.

        Those of a column with a value that is not finite are NaN.
        """
        values = np.where(np.isfinite(values), values, np.nan).astype(np.float32)
        sums = np.empty((self.draws, values.shape[1]))
        filled = np.count_nonzero(values, axis=0) > _SPARSE * len(values)
        dense = self._by_unit(values[:, filled])
        sparse = self._by_unit(csr_matrix(values[:, ~filled])).T.tocsr()
        for start, stop in self._blocks():
            times = self._times[:, start:stop].astype(np.float32)
            sums[start:stop, filled] = times.T @ dense
            sums[start:stop, ~filled] = (sparse @ times).T
        return sums

    def means(self, values: Array, known: Array) -> Array:
        """The means (draws, columns) of `values` (rows, columns) where they are known.

        NaN where a draw has none.
        """
        both = np.hstack([np.where(known, values, 0.0), known])
        return ratio(*np.hsplit(self.sums(both), 2))

    def _by_unit(self, values: Any) -> Any:
        """The sums (units, columns) of values (rows, columns) over each unit."""
        rows = len(self.members)
        ones = np.ones(rows, np.float32)
        shape = (self.count, rows)
        return csr_matrix((ones, (self.members, np.arange(rows))), shape) @ values

    def unit_count(self, rows: Array) -> int:
        """How many units have one of these rows (rows,), a mask."""
        return int(len(np.unique(self.members[rows])))


def percentiles(draws: Array) -> Interval | None:
    """The central 95% of draws that are numbers; None without any."""
    known = draws[np.isfinite(draws)]
    if not len(known):
        return None
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def wilson(share: float, count: int) -> Interval:
    """The 95% interval of a share of `count` units.

    Where all are right, or none, every resample says the same, and only this still
    tells how certain it is. Wilson 1927, "Probable inference".

    >>> low, high = wilson(1.0, 30)
    >>> round(low, 3), high
    (0.886, 1.0)
    """
    result = stats.binomtest(round(share * count), count)
    low, high = result.proportion_ci(method="wilson")
    return float(low), float(high)


def ratio(sums: Array, counts: Array) -> Array:
    """Sums over counts, NaN where nothing was counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(counts > 0, sums / counts, np.nan))


def mean_of_known(values: Array) -> Array:
    """The means (draws,) over the labels of values (draws, labels) that are not NaN."""
    known = ~np.isnan(values)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return ratio(sums, known.sum(axis=1))
