"""Does a distribution head agree with numbers derived by hand?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from multitask.metrics import scores
from tests.head_losses import batch_loss, labelled_loss, make_head, metric_values

NAN = np.nan
P = np.array([[0.06, 0.06, 0.7, 0.12, 0.06]], np.float32)  # of the values 0 to 4


def distribution(**settings: Any) -> Any:
    return make_head("distribution", **{"low": 0, "high": 4, "sigma": 1, **settings})


def test_distribution_loss_of_a_number_is_cross_entropy_and_weighted_error():
    head = distribution(expectation_weight=0.5)
    targets, weights = head.encode(pd.DataFrame({"trait": [1.0]}))
    near = np.exp(-((np.arange(5) - 1.0) ** 2) / 2)
    entropy = -(near / near.sum() * np.log(P[0])).sum()
    # The expectation is 0.06 + 2 x 0.7 + 3 x 0.12 + 4 x 0.06 = 2.06.
    value, _ = batch_loss(head, targets, weights, P)
    assert value == pytest.approx(entropy + 0.5 * (2.06 - 1), rel=1e-5)


@pytest.mark.parametrize(
    ("low", "high", "mass"),
    [
        (1.0, 3.0, 0.06 + 0.7 + 0.12),
        (0.0, 1.0, 0.12),
        (2.6, 3.4, 0.12),  # between values counts half a step each way
        (0.0, 4.0, 1.0),
    ],
)
def test_distribution_loss_of_an_interval_is_minus_log_of_the_mass_inside(
    low, high, mass
):
    head = distribution()
    table = pd.DataFrame({"trait_low": [low], "trait_high": [high]})
    value, _ = labelled_loss(head, table, P)
    assert value == pytest.approx(-np.log(mass), rel=1e-5, abs=1e-6)


def test_distribution_loss_averages_numbers_and_intervals_over_labelled_rows():
    head = distribution()
    table = pd.DataFrame(
        {
            "trait": [1.0, NAN, NAN],
            "trait_low": [NAN, 1.0, NAN],
            "trait_high": [NAN, 3.0, NAN],
        }
    )
    targets, weights = head.encode(table)
    single = [
        batch_loss(head, targets[[row]], weights[[row]], P)[0]
        for row in range(len(table))
    ]
    value, _ = batch_loss(head, targets, weights, np.repeat(P, 3, axis=0))
    assert value == pytest.approx((single[0] + single[1]) / 2, rel=1e-5)


def test_distribution_of_no_mass_where_it_should_be_still_has_a_finite_loss():
    sure = np.eye(5, dtype=np.float32)[[0]]
    head = distribution()
    for table in (
        pd.DataFrame({"trait": [4.0]}),
        pd.DataFrame({"trait_low": [2.0], "trait_high": [4.0]}),
    ):
        value, gradient = labelled_loss(head, table, sure)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_distribution_answer_is_the_expectation_and_the_central_80_percent():
    answers = distribution().read(P)
    # The mass up to each value is 0.06, 0.12, 0.82, 0.94, 1: it passes 10% at the
    # value 1 and 90% at the value 3.
    assert answers["trait"][0] == pytest.approx(2.06, rel=1e-5)
    assert (answers["trait_low"][0], answers["trait_high"][0]) == (1.0, 3.0)


def test_distribution_error_is_weighted_and_0_inside_an_interval():
    ends = np.array([[1, 1], [2, 3], [4, 4]], np.float32)
    weights = np.array([1, 1, 0], np.float32)
    # |2.06 - 1| and, between 2 and 3, 0.
    values = metric_values(distribution(), ends, weights, np.repeat(P, 3, axis=0))
    assert values == {"mae": pytest.approx(1.06 / 2, rel=1e-5)}


def test_distribution_values_go_by_step_up_to_high():
    head = distribution(high=1, step=0.1)
    np.testing.assert_allclose(head.values, np.linspace(0, 1, 11))


def test_distribution_is_read_by_the_power_that_errs_least_on_the_labels():
    # Half of the mass at 2, the rest spread over 6 and 8: the expectation is 4.5, far
    # from the label 2; sharpened, the mass at 2 outweighs the tail.
    head = make_head("distribution", low=0, high=8, step=2)
    outputs = np.array([[0.0, 0.5, 0.0, 0.25, 0.25]])
    assert head.read(outputs)["trait"][0] == pytest.approx(4.5)
    sharp: Any = head.calibrate(pd.DataFrame({"trait": [2.0]}), outputs)
    assert sharp.sharpness == 2.5
    tail = 2 * 0.25**2.5
    expected = (2 * 0.5**2.5 + 7 * tail) / (0.5**2.5 + tail)
    assert sharp.read(outputs)["trait"][0] == pytest.approx(expected)
    # A label at the expectation itself wants no sharpening; none, none either.
    same = head.calibrate(pd.DataFrame({"trait": [4.5]}), outputs)
    assert same == head
    assert head.calibrate(pd.DataFrame({"path": ["a"]}), outputs) == head
    # So does an interval around it; one that only sharper answers reach does not.
    around = pd.DataFrame({"trait_low": [4.0], "trait_high": [5.0]})
    assert head.calibrate(around, outputs) == head
    below = pd.DataFrame({"trait_low": [0.0], "trait_high": [2.0]})
    assert head.calibrate(below, outputs) == sharp
    # Half a step beside an interval is inside; where exact labels are, they decide.
    beside = pd.DataFrame({"trait_low": [5.5], "trait_high": [6.0]})
    assert head.calibrate(beside, outputs) == head
    twice = np.repeat(outputs, 2, axis=0)
    mixed = below.iloc[[0, 0]].assign(trait=[np.nan, 4.5])
    mixed.loc[:, ["trait_low", "trait_high"]] = [[0.0, 2.0], [np.nan, np.nan]]
    assert head.calibrate(mixed.reset_index(drop=True), twice) == head


def test_an_interval_of_whole_numbers_holds_what_is_rounded_into_it():
    head = make_head("distribution", low=0, high=100)
    labels = pd.DataFrame(
        {"trait_low": [20.0, 30, 20, 30], "trait_high": [29.0, 39, 29, 39]}
    )
    answers = pd.DataFrame({"trait": [29.4, 29.4, 29.6, 29.6]})
    assert head.summary(labels, answers)["interval_accuracy"] == 0.5
    off = scores.scores(head, labels, answers)[:, 0]
    np.testing.assert_allclose(off, [0, 0.1, 0.1, 0], atol=1e-9)
