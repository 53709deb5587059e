"""Is a confidence of 80% right in 80 of 100 cases, and does an interval of 80% hold?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Array, Head
from multitask.contracts.table import interval, interval_columns
from multitask.metrics.scores import scores

BINS = 15  # of equal width
LEVEL = 0.8  # of labels that the interval of a number should hold


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The `n` answers with a confidence above `low`, up to `high`.

    `confidence` is their mean confidence, `accuracy` the share that is right.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How confidences compare with how many answers are right.

    `bins` are those of 15 bins of equal width from 0 to 1 that hold an answer. `ece` is
    the expected calibration error: the mean of the difference between confidence and
    accuracy, weighted by the answers in a bin (Naeini et al. 2015, "Obtaining Well
    Calibrated Probabilities Using Bayesian Binning"). `ece_before` is that without
    calibration, None if there is none; `temperature` what calibration divided logits
    by.
    """

    bins: tuple[Bin, ...]
    ece: float
    ece_before: float | None = None
    temperature: float | None = None


@dataclass(frozen=True, kw_only=True)
class IntervalCoverage:
    """What share of the labels lies inside the intervals, and how wide these are.

    `level` is the share that should. `coverage` is over labels that are exact, NaN
    without any, `width` the mean over the same, in the head's unit. Those
    before calibration are None if there is none, or if it alone gives intervals.
    """

    level: float = LEVEL
    coverage: float
    coverage_before: float | None = None
    width: float
    width_before: float | None = None


def calibration(
    head: Head, evaluation: Evaluation
) -> Reliability | IntervalCoverage | None:
    """How far confidences, or the intervals of a number, hold what they promise.

    None without a label, and without a confidence or an interval.
    """
    measure = interval_coverage if head.answer_type == "number" else reliability
    return measure(head, evaluation.labels, evaluation.answers, evaluation.uncalibrated)


def reliability(
    head: Head,
    labels: pd.DataFrame,
    answers: pd.DataFrame,
    uncalibrated: pd.DataFrame | None = None,
) -> Reliability | None:
    """The reliability of a head's confidences.

    None for numbers, and without a label or a confidence.
    The answers of all yes/no labels of a head count together. `uncalibrated` is that of
    the evaluation.
    """
    if head.answer_type == "number" or not set(_names(head)) <= set(answers):
        return None
    bins = reliability_bins(*_confidences(head, labels, answers))
    if not bins:
        return None
    before: tuple[Bin, ...] = ()
    if uncalibrated is not None and head.columns[0] in uncalibrated:
        before = reliability_bins(*_confidences(head, labels, uncalibrated))
    return Reliability(
        bins=bins,
        ece=expected_calibration_error(bins),
        ece_before=expected_calibration_error(before) if before else None,
        temperature=head.temperature if head.temperature != 1 else None,
    )


def reliability_bins(confidences: Array, right: Array) -> tuple[Bin, ...]:
    """The bins (of 15) that hold answers, from confidences (n,) and who is right (n,).

    Answers without a confidence or a label, which are NaN, are left out.

    >>> [bin] = reliability_bins(np.array([0.9, 0.9]), np.array([1.0, 0.0]))
    >>> bin.n, bin.confidence, bin.accuracy
    (2, 0.9, 0.5)
    """
    known = ~np.isnan(confidences) & ~np.isnan(right)
    confidences, right = confidences[known], right[known]
    edges = np.linspace(0, 1, BINS + 1)
    places = np.searchsorted(edges[1:-1], confidences)  # an edge is in the lower bin
    counts = np.bincount(places, minlength=BINS)
    sums = np.bincount(places, confidences, BINS)
    rights = np.bincount(places, right, BINS)
    return tuple(
        Bin(
            low=float(edges[place]),
            high=float(edges[place + 1]),
            n=int(counts[place]),
            confidence=float(sums[place] / counts[place]),
            accuracy=float(rights[place] / counts[place]),
        )
        for place in np.flatnonzero(counts)
    )


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """The mean difference of confidence and accuracy over the answers; NaN without any.

    >>> expected_calibration_error(
    ...     reliability_bins(np.array([0.9, 0.5]), np.array([1.0, 0.0]))
    ... )
    0.3
    """
    total = sum(bin.n for bin in bins)
    gaps = (bin.n * abs(bin.confidence - bin.accuracy) for bin in bins)
    return sum(gaps) / total if total else float("nan")


def interval_coverage(
    head: Head,
    labels: pd.DataFrame,
    answers: pd.DataFrame,
    uncalibrated: pd.DataFrame | None = None,
) -> IntervalCoverage | None:
    """The coverage of a head's intervals; None for others than numbers.

    Also None without a label or an interval. `uncalibrated` is that of the evaluation.
    """
    if head.answer_type != "number":
        return None
    measured = coverage_and_width(head, labels, answers)
    if measured is None:
        return None
    before = None
    if uncalibrated is not None and head.columns[0] in uncalibrated:
        before = coverage_and_width(head, labels, uncalibrated)
    return IntervalCoverage(
        coverage=measured[0],
        width=measured[1],
        coverage_before=before[0] if before else None,
        width_before=before[1] if before else None,
    )


def coverage_and_width(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> tuple[float, float] | None:
    """The share of exact labels inside their intervals, and the intervals' mean width.

    Without an exact label, the width is that over labels known as intervals. None
    without a label or an interval.
    """
    name = head.columns[0]
    if not set(interval_columns(name)) <= set(answers):
        return None
    truth = interval(labels, name).to_numpy(float)
    low, high = answers[list(interval_columns(name))].to_numpy(float).T
    known = ~np.isnan(truth).any(axis=1) & ~np.isnan(low) & ~np.isnan(high)
    if not known.any():
        return None
    exact = known & (truth[:, 0] == truth[:, 1])
    if not exact.any():
        return float("nan"), float((high - low)[known].mean())
    inside = (low <= truth[:, 0]) & (truth[:, 0] <= high)
    return float(inside[exact].mean()), float((high - low)[exact].mean())


def _confidences(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> tuple[Array, Array]:
    """The confidence of each answer, and whether it is right, of all columns (n,)."""
    confidences = answers[_names(head)].to_numpy(np.float64)
    return confidences.ravel(), scores(head, labels, answers).ravel()


def _names(head: Head) -> list[str]:
    """The columns of its confidences."""
    return [f"{name}_confidence" for name in head.columns]
