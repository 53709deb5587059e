"""Do 95% intervals hold the truth 95 times in 100, and is chance called chance?

Each test draws labels and answers again and again from a network whose true scores are
known.
"""

import numpy as np
import pytest

from multitask.metrics.assessment import assess
from multitask.metrics.resampling import Resampling, ratio
from multitask.metrics.significance import p_value
from multitask.metrics.uncertainty import interval
from tests.metrics.faces import of_classes

TIMES = 3000  # the standard deviation of 95% of them is 0.4%

pytestmark = pytest.mark.slow


def right_answers(rng, right):
    """An evaluation whose answers are right in these rows, and wrong in others."""
    truth = rng.choice(["male", "female"], len(right))
    other = np.where(truth == "male", "female", "male")
    return of_classes(truth, np.where(right, truth, other))


def held(make):
    """How often the interval of a mean holds the true one.

    `make(rng)` gives scores (rows,), the numbers (rows,) of their persons, and the true
    mean.
    """
    count = 0
    for seed in range(TIMES):
        scores, members, truth = make(np.random.default_rng(seed))
        both = np.stack([scores, np.ones(len(scores))], axis=1)
        draws = ratio(*Resampling(members, seed=seed).sums(both).T)
        ci = interval(scores.mean(), draws, int(members.max()) + 1, is_share=True)
        assert ci is not None
        count += ci[0] <= truth <= ci[1]
    return count / TIMES


def test_of_accuracies_over_about_300_pictures():
    """Shares of n pictures are k / n, so of one accuracy it is 93 to 97 in 100."""

    def make(rng):
        count, chance = rng.integers(280, 320), rng.uniform(0.55, 0.95)
        return (rng.random(count) < chance).astype(float), np.arange(count), chance

    assert 0.94 <= held(make) <= 0.96


def test_of_accuracies_over_persons_with_three_pictures_each():
    """Much of the spread is that between persons: some are harder to tell."""

    def make(rng):
        count, ease = rng.integers(90, 110), rng.uniform(1, 4)
        members = np.repeat(np.arange(count), 3)
        of_person = rng.beta(ease, 1, count)  # whose mean is ease / (ease + 1)
        right = rng.random(3 * count) < of_person[members]
        return right.astype(float), members, ease / (ease + 1)

    def apart(rng):
        scores, _, truth = make(rng)
        return scores, np.arange(len(scores)), truth

    assert 0.94 <= held(make) <= 0.96
    assert held(apart) < 0.92  # as if each picture were a person


def test_of_mean_absolute_errors_with_a_long_tail():
    def make(rng):
        return rng.exponential(5, 300), np.arange(300), 5.0

    assert 0.935 <= held(make) <= 0.96


def test_a_fair_network_is_seldom_said_to_have_a_weaker_group():
    """Twelve groups, and no difference in truth: by chance alone it is one in 20."""
    rng = np.random.default_rng(0)
    claimed = 0
    for _ in range(200):
        drawing = right_answers(rng, rng.random(600) < 0.8)
        for column, count in (("one", 2), ("two", 4), ("three", 6)):
            drawing.labels[column] = rng.choice(list("abcdef"[:count]), 600)
        groups = assess(drawing).heads["gender"].subgroups
        assert len(groups) == 12
        claimed += any(group.p_value < 0.05 for group in groups)
    assert claimed / 200 < 0.08  # whose standard deviation is 1.5%


def test_a_useless_head_is_seldom_said_to_be_useful():
    """A coin is right half of the time, as a constant is: by chance, one in 40."""
    rng = np.random.default_rng(0)
    useful = 0
    for _ in range(200):
        drawing = right_answers(rng, rng.random(300) < 0.5)
        useful += assess(drawing).heads["gender"].is_useful is True
    assert useful / 200 < 0.06


@pytest.mark.parametrize(("persons", "pictures"), [(3, 12), (10, 4), (60, 2)])
def test_a_group_of_few_persons_is_seldom_called_different_by_chance(persons, pictures):
    """Most persons are always right, a few always wrong: 95 in 100 on average."""
    rng = np.random.default_rng(0)
    others = np.repeat(np.arange(300), 2)
    members = np.concatenate(
        [np.repeat(np.arange(persons), pictures), persons + others]
    )
    group = members < persons
    claimed = 0
    for _ in range(1000):
        chance = rng.beta(9.5, 0.5, persons + 300)
        right = (rng.random(len(members)) < chance[members]).astype(float)
        claimed += p_value(right, group, ~group, members) < 0.05
    assert claimed / 1000 < 0.05
