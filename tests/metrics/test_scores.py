"""Do single scores and their intervals agree with what reports say?"""

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.metrics import scores
from multitask.metrics.scores import bootstrap, confidence_interval


def heads():
    return catalog.heads(["gender", "age", "attributes[Smiling,Young]"])


@pytest.fixture
def answers():
    return pd.DataFrame(
        {
            "gender": ["male", "male", "female", "female", "male", "male"],
            "gender_confidence": 0.9,
            "age": [30.0, 31.0, 9.0, 58.0, 1.0, 2.0],
            "age_low": 0.0,
            "age_high": 90.0,
            "Smiling": [1, 1, 1, 0, 0, 0],
            "Smiling_confidence": 0.9,
            "Young": [0, 1, 0, 1, 0, 0],
            "Young_confidence": 0.9,
        }
    )


def test_a_score_is_of_one_answer_and_empty_without_a_label(faces, answers):
    gender, age, attributes = (scores.scores(h, faces, answers) for h in heads())
    np.testing.assert_array_equal(
        gender[:, 0], [1, 0, np.nan, 1, np.nan, 0], err_msg="gender"
    )
    # The second is known as 20 to 29 only, beside others that are known exactly.
    np.testing.assert_allclose(age[:, 0], [1, np.nan, 5, 2, np.nan, np.nan])
    np.testing.assert_array_equal(attributes[:, 0], [1, np.nan, 0, np.nan, np.nan, 0])
    np.testing.assert_array_equal(attributes[:, 1], [np.nan, 1, 1, 0, np.nan, np.nan])


def test_their_mean_is_the_metric_of_the_report(faces, answers):
    for head in heads():
        expected = head.summary(faces, answers)[head.metric]
        average = scores.mean(scores.scores(head, faces, answers))
        assert average == pytest.approx(expected), head.name
    assert np.isnan(scores.mean(np.full((3, 1), np.nan)))


def test_where_all_numbers_are_intervals_it_is_how_far_outside_they_are(faces, answers):
    _, age, _ = heads()
    ages = faces.assign(age=np.nan)  # the second is known as 20 to 29
    distances = scores.scores(age, ages, answers)
    # Half a year of it is rounding.
    np.testing.assert_allclose(distances[:, 0], [np.nan, 1.5, *[np.nan] * 4])


def test_an_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        right = (rng.random((80, 1)) < 0.7).astype(float)
        low, high = confidence_interval(bootstrap(right))
        held += low <= 0.7 <= high
    assert 0.89 <= held / 200 <= 0.99


def test_differences_are_paired():
    rng = np.random.default_rng(1)
    one = (rng.random((500, 1)) < 0.6).astype(float)
    other = one.copy()
    other[:10] = 1 - other[:10]  # differs in ten pictures only
    low, high = confidence_interval(bootstrap(one) - bootstrap(other))
    assert high - low < 0.04  # unpaired, it would be about 0.12


def test_pictures_of_one_person_are_drawn_together():
    rng = np.random.default_rng(1)
    right = np.repeat((rng.random(50) < 0.6).astype(float), 10)[:, None]
    low, high = confidence_interval(bootstrap(right))
    least, most = confidence_interval(bootstrap(right, np.repeat(np.arange(50), 10)))
    # As many pictures tell as much as a tenth of them: sqrt(10) times as wide.
    assert 2.5 < (most - least) / (high - low) < 4
    nobody = np.full((4, 1), np.nan)
    assert np.isnan(bootstrap(nobody, np.array([0, 0, 1, 1]))).all()


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_few_seeds_show_no_difference_where_there_is_none(seeds):
    random = np.random.default_rng(0)
    shown = 0
    for _ in range(2000):
        means = random.normal(0, 1, seeds)  # chance in training, and none in pictures
        draws = [np.full(1000, mean) for mean in means]
        low, high = confidence_interval(scores.with_seed_variance(draws, means))
        shown += low > 0 or high < 0
    # 5%, whose standard deviation over 2,000 is 0.5%.
    assert 0.03 < shown / 2000 < 0.07


def test_the_draws_of_a_single_seed_stay_as_they_are():
    draws = np.arange(5.0)
    np.testing.assert_array_equal(scores.with_seed_variance([draws], [2.0]), draws)
