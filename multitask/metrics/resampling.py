"""How certain is a number? Its spread over resampled pictures tells.

Every score is a function of sums over rows, so that a resample is a weight per row, and
all resamples of all scores are one matrix product.
"""

import functools

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, stats

from multitask.contracts.head import Array
from multitask.contracts.table import column
from multitask.metrics.results import Interval, Unit

DRAWS = 1000
_MOST_CELLS = 400_000_000  # bytes of all draws; more rows have fewer draws,
_FEWEST = 200  # but not fewer than these
_BLOCK_CELLS = 8_000_000  # of draws in float32 at once
Units = npt.NDArray[np.intp]


def units(labels: pd.DataFrame) -> tuple[Units, Unit]:
    """The number (rows,) of what each row is drawn with, and what that is.

    If the table has identities, it is the person; a row without one is drawn with those
    of its picture.
    """
    names = "picture " + labels["path"].astype(str)
    identity = column(labels, "identity")
    known = identity.notna()
    if known.any():
        persons = "person " + identity[known].astype(str)
        names = persons.reindex(labels.index).where(known, names)
    codes, _ = pd.factorize(names.to_numpy(dtype=object))
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
        """How many times (draws, units) each draw has each unit."""
        rng = np.random.default_rng(self._seed)
        times = np.empty((self.draws, self.count), np.uint8)
        block = max(1, _BLOCK_CELLS // max(1, self.count))
        for start in range(0, self.draws, block):
            size = min(block, self.draws - start)
            drawn = rng.integers(self.count, size=(size, self.count), dtype=np.int64)
            drawn += np.arange(size)[:, None] * self.count
            counts = np.bincount(drawn.ravel(), minlength=size * self.count)
            times[start : start + size] = counts.reshape(size, self.count)
        return times

    def sums(self, values: Array) -> npt.NDArray[np.float32]:
        """The sums (draws, columns) of values (rows, columns) over each draw."""
        values = np.asarray(values, np.float32)
        if self.count < len(values):
            rows = np.arange(len(values))
            shape = (self.count, len(values))
            ones = np.ones(len(values), np.float32)
            values = sparse.csr_matrix((ones, (self.members, rows)), shape) @ values
        elif len(values):
            ordered = np.empty_like(values)
            ordered[self.members] = values
            values = ordered
        sums = np.empty((self.draws, values.shape[1]), np.float32)
        block = max(1, _BLOCK_CELLS // max(1, self.count))
        for start in range(0, self.draws, block):
            times = self._times[start : start + block].astype(np.float32)
            sums[start : start + block] = times @ values
        return sums

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
