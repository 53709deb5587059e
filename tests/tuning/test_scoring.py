"""Is an epoch's score what its metrics say, against what a constant answer gets?"""

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.tuning.scoring import Scoring, is_below_median


def scoring(*heads, objective="mean"):
    return Scoring(heads=catalog.heads(list(heads)), objective=objective)


def labelled(train, val, test=(), name="age"):
    """Pictures with these labels in the parts."""
    parts = {"train": train, "val": val, "test": test}
    return pd.DataFrame(
        [(part, label) for part, labels in parts.items() for label in labels],
        columns=["split", name],
    )


def test_chance_is_the_error_on_validation_of_the_median_of_training():
    table = labelled(
        train=[20.0, 22.0, 24.0, 26.0, 88.0, np.nan],
        val=[20.0, 25.0, 60.0, np.nan],
        test=[100.0, 100.0, 100.0],
    )
    # The median of training is 24, off by 4, 1 and 36 on validation, 41/3 on average.
    # Its mean 36 would be off by 16, 11 and 24 (51/3), the median 25 of validation by
    # 5, 0 and 35 (40/3).
    assert scoring("age").chance_levels(table) == {"age": pytest.approx(41 / 3)}


def test_chance_takes_the_middle_of_an_interval_and_errs_outside_of_it_only():
    table = labelled(train=[10.0, np.nan, 90.0], val=[np.nan, np.nan, 34.5])
    table["age_low"] = [np.nan, 20, np.nan, 20, 30, np.nan]
    table["age_high"] = [np.nan, 29, np.nan, 29, 39, np.nan]
    # The median of 10, 24.5 and 90 is 24.5. It lies inside 20 to 29; 30 to 39 begins at
    # 29.5, since ages are whole years, so it is 5 off; and 10 off of 34.5.
    levels = scoring("age").chance_levels(table)
    assert levels == {"age": pytest.approx((0 + 5 + 10) / 3)}


def test_where_the_median_never_errs_the_chance_level_is_1():
    # Errors are divided by it, so it can't be 0.
    table = labelled(train=[24.0, 24.0, 50.0], val=[24.0])
    assert scoring("age").chance_levels(table) == {"age": 1}


def test_a_head_of_classes_has_no_chance_level():
    table = labelled(train=["male", "female"], val=["female"], name="gender")
    table["age"] = [20.0, 30.0, 29.0]
    # Of 20 and 30 the median is 25, off by 4.
    levels = scoring("gender", "age").chance_levels(table)
    assert levels == {"age": pytest.approx(4)}


def test_a_number_that_only_training_labels_cannot_judge():
    table = labelled(train=[20.0, 30.0], val=[np.nan])
    with pytest.raises(UserError, match="age: has no labels in the validation part"):
        scoring("age").chance_levels(table)


FIGURES = {"epoch": 3, "val_age_mae": 6.0, "val_gender_accuracy": 0.9}


@pytest.mark.parametrize(
    ("objective", "score", "description"),
    [  # the number saves a quarter of the error 8
        ("mean", (1 - 6 / 8 + 0.9) / 2, "mean score of the heads"),
        ("age", 1 - 6 / 8, "score of age"),
        ("gender", 0.9, "score of gender"),
    ],
)
def test_a_number_counts_by_the_error_that_it_saves(objective, score, description):
    judge = scoring("age", "gender", objective=objective)
    assert judge.score(FIGURES, {"age": 8.0}) == pytest.approx(score)
    assert judge.description == description
    assert judge.metrics(FIGURES) == {"age": 6.0, "gender": 0.9}


def test_a_metric_that_is_not_finite_has_no_score_even_if_it_does_not_judge():
    figures = {**FIGURES, "val_age_mae": float("nan")}
    with pytest.raises(UserError, match="epoch 3: the validation metrics are .* must"):
        scoring("age", "gender", objective="gender").score(figures, {})


OTHERS = [[0.1, level] for level in (0.2, 0.4, 0.6, 0.8, 1.0)]


@pytest.mark.parametrize(
    ("curve", "others", "warmup", "below"),
    [
        ([0.5, 0.5], OTHERS, 1, True),  # the median is 0.6
        ([0.5, 0.6], OTHERS, 1, False),
        ([0.7, 0.5], OTHERS, 1, False),  # its best score counts
        ([0.0], OTHERS, 1, False),  # its first epoch is the warm-up
        ([0.0, 0.0], OTHERS, 2, False),
        ([0.5, 0.5], OTHERS[:4], 1, False),  # fewer than five others
        ([0.5, 0.5, 0.5], OTHERS, 1, False),  # none of which came so far
    ],
)
def test_a_trial_is_poor_if_its_best_score_is_below_the_median(
    curve, others, warmup, below
):
    assert is_below_median(curve, others, warmup) == below


def test_the_error_of_a_share_is_that_of_a_binomial():
    # The square root of 0.8 * 0.2 / 400.
    error = scoring("gender").standard_error({"gender": 0.8}, {"gender": 400}, {})
    assert error == pytest.approx(0.02)


def test_the_error_of_a_number_is_that_of_the_mean_of_normal_errors():
    rng = np.random.default_rng(0)
    means = np.abs(rng.normal(0, 10, (4000, 100))).mean(axis=1)
    mae = {"age": float(means.mean())}
    error = scoring("age").standard_error(mae, {"age": 100}, {"age": 16.0})
    assert error == pytest.approx(means.std() / 16, rel=0.05)


def test_the_error_of_a_mean_of_heads_is_half_of_their_root_of_squares():
    both = scoring("age", "gender")
    metrics, rows = {"age": 8.0, "gender": 0.8}, {"age": 100, "gender": 400}
    age = scoring("age").standard_error(metrics, rows, {"age": 16.0})
    expected = (age**2 + 0.02**2) ** 0.5 / 2
    assert both.standard_error(metrics, rows, {"age": 16.0}) == pytest.approx(expected)


@pytest.mark.parametrize(("metric", "rows"), [(None, 10), (0.5, 0)])
def test_without_a_metric_or_a_label_there_is_no_error(metric, rows):
    assert (
        scoring("gender").standard_error({"gender": metric}, {"gender": rows}, {})
        is None
    )
