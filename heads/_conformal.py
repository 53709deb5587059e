"""Between which ends will 80% of new labels lie?

Split conformal prediction: Papadopoulos et al. 2002, "Inductive Confidence Machines for
Regression"; Lei et al. 2018, "Distribution-Free Predictive Inference for Regression".
With an end for each side: Linusson et al. 2014, "Signed-Error Conformal Regression".
"""

import numpy as np

from multitask.contracts.head import Array

_POINTS = 11  # that stand for a label known as an interval


def spread(truth: Array) -> Array:
    """Points (rows, points) of labels (rows, 2) that are known as intervals, evenly.

    If all are exact, one point each.
    """
    if (truth[:, 0] == truth[:, 1]).all():
        return truth[:, :1]
    return np.linspace(truth[:, 0], truth[:, 1], _POINTS, axis=1)


def ends(scores: Array) -> tuple[float, float]:
    """The ends between which a new score lies, with a probability of at least 80%.

    `scores` (rows, points) are those of validation pictures. If new ones are drawn as
    these were, no more than one in ten lies below, and above: of n rows, the ends are
    the k-th lowest and the k-th highest, k being a tenth of n + 1, rounded down. With
    fewer than 9 rows, which can't tell, they are the lowest and the highest.
    """
    rows, points = scores.shape
    rank = max((rows + 1) // 10, 1)
    ordered = np.sort(scores, axis=None)
    low = ordered[(rank - 1) * points + points // 2]
    high = ordered[(rows - rank) * points + points // 2]
    return float(low), float(high)
