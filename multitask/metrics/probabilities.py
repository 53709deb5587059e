"""How good are the probabilities of all classes, not only the answers?

`truth` and `probabilities` are the two sides that log loss, Brier score, curves and
thresholds compare.
"""

import numpy as np
import pandas as pd

from multitask.contracts.head import Array, Head
from multitask.metrics.scores import mean

_END = "_probability"
_LEAST = np.finfo(np.float64).eps  # no probability counts as less, as in scikit-learn


def truth(head: Head, labels: pd.DataFrame) -> Array:
    """Which class or label is true: 1, 0, or NaN where nobody annotated.

    The columns (rows, classes) are the head's classes, or (rows, labels) its yes/no
    labels.
    """
    if head.answer_type == "labels":
        targets, weights = head.encode(labels)
        return np.where(weights > 0, targets, np.nan)
    strata = head.strata(labels).to_numpy(float)
    return np.where(strata.any(axis=1, keepdims=True), strata, np.nan)


def probabilities(head: Head, answers: pd.DataFrame) -> Array | None:
    """The probability (rows, classes or labels) of each column of `truth`.

    None for numbers, and if the answers of an evaluation have no such columns. They
    stand behind the head's answers, and `_probability` may follow their names (see
    `networks.answers.read_all`).
    """
    if head.answer_type == "number":
        return None
    names = names_of_probabilities(head)
    last = f"{head.columns[-1]}_confidence"
    if not names or last not in answers:
        return None
    start = list(answers.columns).index(last) + 1
    following = [*map(str, answers.columns[start : start + len(names)])]
    if len(following) < len(names):
        return None
    for name, found in zip(names, following, strict=True):
        if not found.startswith(name) or found[len(name) :].replace(_END, ""):
            return None
    return answers.iloc[:, start : start + len(names)].to_numpy(np.float64)


def names_of_probabilities(head: Head) -> list[str]:
    """The usual columns of the probabilities, in the order of `truth`."""
    if head.answer_type == "labels":
        return [f"{name}{_END}" for name in head.columns]
    return [f"{head.columns[0]}_{name}" for name in head.classes]


def at_half(head: Head, answers: pd.DataFrame) -> pd.DataFrame | None:
    """The same answers with yes from a probability of .5 on, if thresholds differ.

    None if they are all .5, or if there are no probabilities.
    """
    predicted = probabilities(head, answers)
    if predicted is None or not any(value != 0.5 for value in head.thresholds or ()):
        return None
    yes = np.where(np.isnan(predicted), np.nan, predicted >= 0.5)
    return answers.assign(**dict(zip(head.columns, yes.T, strict=True)))


def log_losses(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> Array | None:
    """The log loss (rows, labels) of each answer, NaN without label or probability.

    It is minus the natural logarithm of the probability of what is true. One column per
    yes/no label, one for classes; the mean of a column is scikit-learn's `log_loss`.
    None if there are no probabilities.
    """
    predicted = probabilities(head, answers)
    if predicted is None:
        return None
    true = truth(head, labels)
    if head.answer_type == "labels":
        of_truth = np.where(true == 1, predicted, 1 - predicted)
    else:
        sums = predicted.sum(axis=1, keepdims=True)
        of_truth = np.nansum(true * predicted / sums, axis=1, keepdims=True)
    losses = -np.log(np.clip(of_truth, _LEAST, 1 - _LEAST))
    return np.where(_known(true, predicted, losses.shape[1]), losses, np.nan)


def brier_scores(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> Array | None:
    """The Brier score (rows, labels) of each answer, NaN without label or probability.

    It is the squared error of the probability of yes, or of the second of two classes;
    with more classes, the sum over the classes. The mean of a column is scikit-learn's
    `brier_score_loss` (Brier 1950, "Verification of Forecasts Expressed in Terms of
    Probability"). None if there are no probabilities.
    """
    predicted = probabilities(head, answers)
    if predicted is None:
        return None
    true = truth(head, labels)
    errors = (predicted - true) ** 2
    if head.answer_type != "labels":
        errors = errors.sum(axis=1, keepdims=True) / (2 if errors.shape[1] == 2 else 1)
    return np.where(_known(true, predicted, errors.shape[1]), errors, np.nan)


def probability_scores(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> dict[str, Array]:
    """The log loss and Brier score (rows, labels) of each answer, by their names.

    NaN where there is no label or probability. Empty without probabilities, and without
    a label.
    """
    each = {
        "log_loss": log_losses(head, labels, answers),
        "brier": brier_scores(head, labels, answers),
    }
    return {
        name: values
        for name, values in each.items()
        if values is not None and not np.isnan(values).all()
    }


def proper_scores(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> dict[str, float]:
    """The means of `probability_scores` over labelled rows, and then over labels."""
    each = probability_scores(head, labels, answers)
    return {name: mean(values) for name, values in each.items()}


def _known(true: Array, predicted: Array, columns: int) -> Array:
    """Where (rows, columns) both sides are known; one column stands for all classes."""
    known = ~np.isnan(true) & ~np.isnan(predicted)
    if known.shape[1] != columns:
        return np.asarray(np.all(known, axis=1, keepdims=True))
    return np.asarray(known)
