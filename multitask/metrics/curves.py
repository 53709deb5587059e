"""What could another threshold do? ROC and precision-recall curves."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from multitask.contracts.head import Array, Head
from multitask.metrics.probabilities import probabilities, truth

_POINTS = 200  # of a curve at most, which a page draws


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The curves of one class against all others, or of one yes/no label.

    `fpr` and `tpr` are the points of the ROC curve, from (0, 0) to (1, 1), `precision`
    and `recall` those of the other, by ascending recall. They are thinned to 200 points
    each; `roc_auc` and `average_precision` are those of the whole curves. `n` pictures
    have a label, and `n_positive` of them this one.
    """

    name: str
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    roc_auc: float
    average_precision: float
    n_positive: int
    n: int


def curves(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> tuple[Curve, ...]:
    """The curves of each class, or yes/no label, that some but not all pictures have.

    They are scikit-learn's. Pictures without label or probability are left out; numbers
    have no curves, nor have answers without probabilities.
    """
    predicted = probabilities(head, answers)
    if predicted is None:
        return ()
    names = head.classes or head.columns
    columns = zip(names, truth(head, labels).T, predicted.T, strict=True)
    every = (_curve(name, true, scores) for name, true, scores in columns)
    return tuple(curve for curve in every if curve)


def _curve(name: str, true: Array, scores: Array) -> Curve | None:
    known = ~np.isnan(true) & ~np.isnan(scores)
    true, scores = true[known], scores[known]
    positive = int(true.sum())
    if positive in (0, len(true)):
        return None
    fpr, tpr, _ = roc_curve(true, scores)
    precision, recall, _ = precision_recall_curve(true, scores, drop_intermediate=True)
    return Curve(
        name=name,
        fpr=_thinned(fpr),
        tpr=_thinned(tpr),
        precision=_thinned(precision[::-1]),
        recall=_thinned(recall[::-1]),
        roc_auc=float(roc_auc_score(true, scores)),
        average_precision=float(average_precision_score(true, scores)),
        n_positive=positive,
        n=len(true),
    )


def _thinned(values: Array) -> tuple[float, ...]:
    """At most 200 of the points, evenly, the first and the last among them."""
    if len(values) > _POINTS:
        values = values[np.linspace(0, len(values) - 1, _POINTS).round().astype(int)]
    return tuple(values.tolist())
