"""Do reliability and coverage agree with hand-made cases and with scikit-learn?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve

from multitask.contracts.evaluation import Evaluation
from multitask.metrics.calibration import (
    IntervalCoverage,
    Reliability,
    calibration,
    expected_calibration_error,
    interval_coverage,
    reliability,
    reliability_bins,
)
from tests.head_losses import make_head

NAN = np.nan
MOOD = make_head("softmax", classes=["glad", "sad", "so so"])
LABELS = make_head("sigmoid", columns=["A", "B"])
AGE = make_head("regression", low=0, high=100)


def test_the_expected_calibration_error_is_the_mean_gap_over_answers():
    confidences = np.array([0.95, 0.95, 0.95, 0.95, 0.62, 0.62, 0.1])
    right = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    bins = reliability_bins(confidences, right)
    assert [bin.n for bin in bins] == [1, 2, 4]  # the lowest confidence first
    assert [bin.accuracy for bin in bins] == [0.0, 0.5, 0.75]
    # |.1 - 0| of one, |.62 - .5| of two, |.95 - .75| of four.
    by_hand = (0.1 + 2 * 0.12 + 4 * 0.2) / 7
    assert expected_calibration_error(bins) == pytest.approx(by_hand)


def test_the_bins_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    confidences = np.concatenate([rng.beta(5, 1, 900), np.arange(16) / 15, [0.5]])
    right = (rng.random(len(confidences)) < confidences**2).astype(float)
    bins = reliability_bins(confidences, right)
    accuracies, means = calibration_curve(right, confidences, n_bins=15)
    np.testing.assert_allclose([bin.accuracy for bin in bins], accuracies, atol=1e-12)
    np.testing.assert_allclose([bin.confidence for bin in bins], means, atol=1e-12)
    assert all(bin.low <= bin.confidence <= bin.high for bin in bins)
    assert sum(bin.n for bin in bins) == len(confidences)


def test_what_has_no_label_or_no_confidence_is_left_out():
    bins = reliability_bins(np.array([0.9, NAN, 0.9]), np.array([1.0, 1.0, NAN]))
    assert [bin.n for bin in bins] == [1]
    assert np.isnan(expected_calibration_error(()))


def test_classes_are_compared_with_their_confidences_before_and_after():
    labels = pd.DataFrame({"trait": ["glad", "sad", None, "sad"]})
    answers = pd.DataFrame(
        {"trait": ["glad", "glad", "sad", "sad"], "trait_confidence": [0.75] * 4}
    )
    before = answers.assign(trait_confidence=0.97)
    found = reliability(MOOD, labels, answers, before)
    assert found
    # Two of three are right, with confidences of .75, and of .97 before.
    assert found.ece == pytest.approx(0.75 - 2 / 3)
    assert found.ece_before == pytest.approx(0.97 - 2 / 3)
    assert found.temperature is None
    warm = make_head("softmax", classes=MOOD.classes, temperature=1.5)
    again: Any = reliability(warm, labels, answers)
    assert (again.temperature, again.ece_before) == (1.5, None)
    assert reliability(MOOD, labels.assign(trait=None), answers) is None


def test_the_labels_of_a_head_count_together():
    labels = pd.DataFrame({"A": [1.0, 0.0], "B": [NAN, 1.0]})
    answers = pd.DataFrame(
        {"A": [1, 1], "A_confidence": 0.9, "B": [1, 0], "B_confidence": 0.6}
    )
    found: Any = reliability(LABELS, labels, answers)
    assert [(bin.n, bin.accuracy) for bin in found.bins] == [(1, 0.0), (2, 0.5)]
    assert found.ece == pytest.approx((0.6 + 2 * 0.4) / 3)


def test_coverage_and_width_are_over_exact_labels():
    labels = pd.DataFrame(
        {
            "trait": [10.0, 20.0, 30.0, NAN, NAN],
            "trait_low": [NAN, NAN, NAN, 40, NAN],
            "trait_high": [NAN, NAN, NAN, 49, NAN],
        }
    )
    low = np.array([5.0, 20.0, 31.0, 40.0, 1.0])
    answers = pd.DataFrame(
        {"trait": low + 1, "trait_low": low, "trait_high": low + [6, 6, 6, 80, 80]}
    )
    before = answers.assign(trait_low=0.0, trait_high=100.0)
    found = interval_coverage(AGE, labels, answers, before)
    # 10 and 20 are inside, 20 at the end; 30 is not.
    assert found == IntervalCoverage(
        coverage=2 / 3, coverage_before=1.0, width=6.0, width_before=100.0
    )
    only: Any = interval_coverage(AGE, labels.assign(trait=NAN), answers)
    assert np.isnan(only.coverage)
    assert only.width == pytest.approx(80)
    empty = answers.assign(trait_low=NAN, trait_high=NAN)
    assert interval_coverage(AGE, labels, empty) is None


def test_the_kind_of_head_decides_what_is_measured():
    mood = pd.DataFrame({"path": ["a"], "trait": ["sad"]})
    number = mood.assign(trait=5.0)
    confident = pd.DataFrame({"trait": ["sad"], "trait_confidence": [0.5]})
    central = pd.DataFrame({"trait": [5.0], "trait_low": [4.0], "trait_high": [6.0]})
    for head, labels, answers, kind in (
        (MOOD, mood, confident, Reliability),
        (AGE, number, central, IntervalCoverage),
    ):
        evaluation = Evaluation(
            title="", split="test", labels=labels, answers=answers, heads=(head,)
        )
        assert isinstance(calibration(head, evaluation), kind)
