"""Do heads of numbers agree with numbers derived by hand and with scikit-learn?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.utils.class_weight import compute_sample_weight

from tests.head_losses import labelled_loss, make_head, metric_values

NAN = np.nan


def regression(**settings: Any) -> Any:
    return make_head("regression", **{"low": 0, "high": 10, **settings})


@pytest.mark.parametrize(
    ("error", "far", "near"),
    [
        # Answers of 6 and 4.5 for 4, in shares of the range of 10: 0.2 and 0.05.
        ("mse", 0.2**2, 0.05**2),
        ("mae", 0.2, 0.05),
        # Huber bends at 0.1: 0.1 x (0.2 - 0.05), and 0.05 squared by 2.
        ("huber", 0.015, 0.00125),
    ],
)
def test_regression_loss_is_the_error_in_shares_of_the_range(error, far, near):
    head = regression(error=error)
    table = pd.DataFrame({"trait": [4.0, 4.0, NAN]})
    outputs = np.array([[6.0], [4.5], [9.0]])
    value, _ = labelled_loss(head, table, outputs)
    assert value == pytest.approx((far + near) / 2, rel=1e-5)


def test_regression_loss_is_0_inside_an_interval_and_the_distance_outside():
    head = regression(error="mae")
    table = pd.DataFrame({"trait_low": [4.0] * 3, "trait_high": [6.0] * 3})
    value, _ = labelled_loss(head, table, np.array([[5.0], [3.0], [8.0]]))
    assert value == pytest.approx((0 + 0.1 + 0.2) / 3, rel=1e-5)


def test_regression_error_is_weighted():
    ends = np.array([[4, 4], [4, 4], [0, 0]], np.float32)
    outputs = np.array([[6], [4.5], [9]], np.float32)
    values = metric_values(regression(), ends, np.array([1.0, 3.0, 0.0]), outputs)
    assert values == {"mae": pytest.approx((2 + 3 * 0.5) / 4)}


def test_regression_outputs_lie_within_the_range():
    import keras

    features = keras.Input((1,))
    model = keras.Model(features, regression(low=5).layers(features))
    model.get_layer("trait-unit").set_weights([np.ones((1, 1)), np.zeros(1)])
    outputs = model(np.array([[-100.0], [0.0], [100.0]]))
    # The sigmoid is 0, 1/2 and 1.
    np.testing.assert_allclose(outputs, [[5.0], [7.5], [10.0]], rtol=1e-5)


def test_regression_calibrates_to_the_residuals_that_a_tenth_is_below_and_above():
    truth = np.array([*np.arange(0, 10, 0.5), NAN])  # 20 labels: 0 to 9.5
    outputs = np.array([[5.0]] * 21)
    head = regression().calibrate(pd.DataFrame({"trait": truth}), outputs)
    # Truth minus 5 is -5 to 4.5. A tenth of 20 + 1, rounded down, is 2: the second
    # lowest is -4.5, the second highest 4.
    assert head.residuals == pytest.approx((-4.5, 4.0))
    head = regression(residuals=(-4, 4))
    answers = head.read(np.array([[5.0], [9.0]]))
    assert answers["trait_low"].tolist() == pytest.approx([1.0, 5.0])
    assert answers["trait_high"].tolist() == pytest.approx([9.0, 10.0])  # not 13


def test_regression_without_labels_stays_uncalibrated(unlabelled):
    head = regression().calibrate(unlabelled, np.zeros((3, 1)))
    assert head == regression()
    # No interval is known then, which is not one of no width.
    labels = pd.DataFrame({"trait": [7.0, 8.0]})
    answers = head.read(np.array([[7.0], [9.0]]))
    assert answers["trait_low"].isna().all()
    assert answers["trait_high"].isna().all()
    summary = head.summary(labels, answers)
    assert summary["mae"] == pytest.approx(0.5)
    assert "coverage_80" not in summary


def test_balanced_numbers_weigh_their_bands_as_scikit_learn_weighs_classes():
    ages = [1.0, 2.0, 2.0, 5.0, 7.0, 9.0]
    table = pd.DataFrame({"trait": [*ages, NAN]})
    head = regression(bands=[0, 3, 8])
    bands = np.digitize(ages, [3, 8])  # a band's lower end belongs to it
    weights = head.balanced(table, head.encode(table)).weights
    np.testing.assert_allclose(
        weights, [*compute_sample_weight("balanced", bands), 0.0], rtol=1e-6
    )


def test_a_number_on_a_bands_edge_is_in_the_upper_band():
    table = pd.DataFrame({"trait": [2.9, 3.0, 10.0]})
    strata = regression(bands=[0, 3, 8]).strata(table)
    assert strata.idxmax(axis=1).tolist() == ["0+", "3+", "8+"]


def test_an_interval_is_cut_to_the_range_and_an_exact_label_wins_over_it():
    table = pd.DataFrame(
        {"trait": [NAN, 5.0], "trait_low": [8.0, 1.0], "trait_high": [99.0, 9.0]}
    )
    targets, weights = regression().encode(table)
    np.testing.assert_array_equal(targets, [[8, 10], [5, 5]])
    np.testing.assert_array_equal(weights, [1, 1])


def test_number_summary_is_scikit_learns_over_exact_labels_and_counts_intervals():
    random = np.random.default_rng(5)
    truth, answers = random.uniform(0, 10, 100), random.uniform(0, 10, 100)
    missing = random.random(100) < 0.4
    labels = pd.DataFrame({"trait": np.where(missing, NAN, truth)})
    labels["trait_low"], labels["trait_high"] = NAN, NAN
    labels.loc[labels.index[missing][:2], ["trait_low", "trait_high"]] = [2.0, 4.0]
    answers[np.flatnonzero(missing)[:2]] = [3.0, 5.0]  # inside, outside
    table = pd.DataFrame(
        {"trait": answers, "trait_low": answers - 1, "trait_high": answers + 1}
    )
    summary = regression(bands=[0, 5], within=2).summary(labels, table)
    truth, answers = truth[~missing], answers[~missing]
    error = np.abs(answers - truth)
    young = truth < 5
    assert summary.pop("bands") == {
        "0+": {"n": young.sum(), "mae": pytest.approx(error[young].mean())},
        "5+": {"n": (~young).sum(), "mae": pytest.approx(error[~young].mean())},
    }
    assert summary == pytest.approx(
        {
            "n": len(truth),
            "mae": mean_absolute_error(truth, answers),
            "rmse": root_mean_squared_error(truth, answers),
            "bias": (answers - truth).mean(),
            "within": 2.0,
            "within_share": (error <= 2).mean(),
            "coverage_80": (error <= 1).mean(),
            "width_80": 2.0,
            "interval_n": 2,
            "interval_accuracy": 0.5,
        }
    )


def test_without_a_tolerance_no_share_of_answers_is_within_it():
    labels = pd.DataFrame({"trait": [1.0, 2.0]})
    answers = labels.assign(trait_low=0.0, trait_high=9.0)
    with_one = regression(within=1).summary(labels, answers)
    without = regression().summary(labels, answers)
    assert set(with_one) - set(without) == {"within", "within_share"}
