"""Do 95% intervals hold the truth 95 times in 100, and is chance called chance?

Each test draws labels and answers again and again from a network whose true scores are
known.
"""

import numpy as np
import pytest

from multitask.metrics.assessment import assess
from multitask.metrics.resampling import Resampling, ratio
from multitask.metrics.uncertainty import interval
from tests.metrics.faces import of_classes

TIMES = 3000  # the standard deviation of 95% of them is 0.4%

pytestmark = pytest.mark.slow


def right_answers(rng, right):
    """An evaluation whose answers are right in these rows, and wrong in others."""
    truth = rng.choice(["male", "female"], len(right))
    other = np.where(truth == "male", "female", "male")
    return of_classes(truth, np.where(right, truth, other))


def held(make, truth, members):
    """How often the interval of the mean of scores `make(rng)` (rows,) holds it."""
    count = 0
    for seed in range(TIMES):
        scores = make(np.random.default_rng(seed))
        both = np.stack([scores, np.ones(len(scores))], axis=1)
        sums = Resampling(members, seed=seed).sums(both)
        draws = ratio(sums[:, 0], sums[:, 1])
        ci = interval(scores.mean(), draws, int(members.max()) + 1, is_share=True)
        assert ci is not None
        count += ci[0] <= truth <= ci[1]
    return count / TIMES


@pytest.mark.parametrize("chance", [0.6, 0.85])
def test_of_an_accuracy_over_300_pictures(chance):
    share = held(
        lambda rng: (rng.random(300) < chance).astype(float), chance, np.arange(300)
    )
    assert 0.94 <= share <= 0.96


def test_of_an_accuracy_over_100_persons_with_three_pictures_each():
    """Much of the spread is that between persons: some are harder to tell."""
    members = np.repeat(np.arange(100), 3)

    def make(rng):
        of_person = rng.beta(3, 1, 100)  # whose mean is 3 / 4
        return (rng.random(300) < of_person[members]).astype(float)

    assert 0.94 <= held(make, 0.75, members) <= 0.96
    # As if each picture were a person, they would be too narrow.
    assert held(make, 0.75, np.arange(300)) < 0.92


def test_of_a_mean_absolute_error_with_a_long_tail():
    share = held(lambda rng: rng.exponential(5, 300), 5.0, np.arange(300))
    assert 0.935 <= share <= 0.96


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
