"""Does the verdict of a sweep say how sure the best settings are, and what to do?"""

from dataclasses import replace

from multitask.reports._page.sweep_words import verdict

from multitask.contracts.results.sweep_result import VariedSetting
from tests.reports.results import sweep_result, trial

RATES = VariedSetting(tried="0.0001 to 0.1", log=True, ends=(1e-4, 0.1))


def result(*scores, error=0.01, rate=0.005):
    """Trials with these scores; the first one has the learning rate `rate`."""
    trials = [trial(n, rate * 1.1**n, score) for n, score in enumerate(scores)]
    varied = sweep_result().varied | {"learning-rate": RATES}
    return replace(
        sweep_result(), trials=tuple(trials), standard_error=error, varied=varied
    )


def test_the_best_settings_come_first():
    assert verdict(result(0.75, 0.5))[0] == (
        "Best of 2 finished trials: learning-rate 0.005, augment flip. Its mean score "
        "of the heads is 0.750 (age mae 6.50, gender accuracy 0.750)."
    )


def test_trials_within_chance_are_counted():
    # 1.96 times the error of a difference, 0.01 times the root of 2, is 0.028.
    sentence = verdict(result(0.75, 0.73, 0.725, 0.7))[1]
    assert "less than about 0.028 apart" in sentence
    assert "2 other trials are that near" in sentence


def test_a_clear_winner_is_called_so():
    assert verdict(result(0.75, 0.5))[1].startswith(
        "That is fairly sure: the next best is 0.250 lower"
    )


def test_without_an_error_or_another_trial_nothing_is_sure():
    assert "can't be told" in verdict(result(0.75, 0.5, error=None))[1]
    assert "no other variant was finished" in verdict(result(0.75))[1]


def test_a_best_value_at_the_end_of_its_range_calls_for_a_wider_one():
    # The range has three powers of ten; the end is within 3% of it, 0.09 of a power.
    assert (
        "widen the range of learning-rate" in verdict(result(0.75, 0.5, rate=0.09))[2]
    )
    assert "widen" not in verdict(result(0.75, 0.5, rate=0.07))[2]


def test_few_trials_call_for_more_if_a_range_is_searched():
    assert "try more than 2" in verdict(result(0.75, 0.5))[2]
    many = result(*(0.5 + n / 100 for n in range(10)))
    assert "try more" not in verdict(many)[2]
    grid = replace(result(0.75, 0.5), varied=sweep_result().varied)
    assert "try more" not in verdict(grid)[2]


def test_failures_alone_are_said_to_be_failures():
    failed = replace(result(), trials=(trial(0, 0.1, reason="loss is nan"),))
    assert verdict(failed) == [
        "No trial was finished: 1 of 1 trial failed. Read their reasons below."
    ]
