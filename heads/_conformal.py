"""Between which ends will 80% of new labels lie?

Split conformal prediction: Papadopoulos et al. 2002, "Inductive Confidence Machines for
Regression"; Lei et al. 2018, "Distribution-Free Predictive Inference for Regression".
With an end for each side: Linusson et al. 2014, "Signed-Error Conformal Regression".
"""

import numpy as np

from multitask.contracts.head import Array

_LEAST = 9  # validation pictures, of which a tenth of one more is one
_POINTS, _ROUNDS = 400, 10  # of the scores of labels known as intervals


def ends(low: Array, high: Array) -> tuple[float, float] | None:
    """The ends between which a new score lies, with a probability of 80%.

    The scores of validation pictures are from `low` to `high` (rows,), which differ
    for labels known as intervals; those that are not finite, as of a network that gave
    no number, are left out. None with fewer than 9 others, which can't tell.

    If new pictures are drawn as these were, at most one in ten has a score below, and
    above: of n exact scores, the ends are the k-th lowest and the k-th highest, k being
    a tenth of n + 1, rounded down. If all are intervals, the ends are estimated.
    """
    known = np.isfinite(low) & np.isfinite(high)
    low, high = low[known], high[known]
    rows = len(low)
    if rows < _LEAST:
        return None
    rank = (rows + 1) // (_LEAST + 1)
    if (low == high).all():
        ordered = np.sort(low)
        return float(ordered[rank - 1]), float(ordered[rows - rank])
    scores, sums = _distribution(low, high)
    below, above = np.searchsorted(sums, [rank / rows, 1 - rank / rows])
    return float(scores[below]), float(scores[above])


def _distribution(low: Array, high: Array) -> tuple[Array, Array]:
    """Scores (points,) and how probable it is, of each, that one is not above it.

    It is the most likely distribution of scores that are known as intervals (Turnbull
    1976, "The Empirical Distribution Function with Arbitrarily Grouped, Censored and
    Truncated Data"), as far as 10 rounds of expectation maximization from an even one
    lead. More rounds fit noise: intervals of new pictures then hold less than 80%.
    """
    scores = np.linspace(low.min(), high.max(), _POINTS)
    half = (scores[1] - scores[0]) / 2
    inside = (scores >= low[:, None] - half) & (scores <= high[:, None] + half)
    shares = np.full(_POINTS, 1 / _POINTS)
    for _ in range(_ROUNDS):
        shares *= (inside / (inside @ shares)[:, None]).mean(axis=0)
    return scores, np.cumsum(shares) / shares.sum()
