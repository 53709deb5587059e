"""Does Optuna propose from what the trials came up with, and see what matters?"""

import sys

import numpy as np
import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.results.sweep_result import TrialResult
from multitask.tuning import search
from multitask.tuning.space import parse_dimension

optuna = pytest.importorskip("optuna")
RATE = parse_dimension("learning-rate=1e-5..1e-1:log")
DROPOUT = parse_dimension("dropout=0..0.5")
BOTH = (RATE, DROPOUT)


def trial(number, settings, state="complete", score=0.5):
    return TrialResult(
        trial=number,
        folder=f"trial-{number:04d}",
        state=state,
        settings=settings,
        score=score if state == "complete" else None,
        curve=(0.2, 0.1) if state == "pruned" else (),
    )


def test_values_are_of_the_dimensions_and_whole_where_a_setting_is():
    dimensions = [
        parse_dimension(text)
        for text in ("batch-size=16..64", "augment=none,flip", "loss-weights.age=1..3")
    ]
    for seed in range(20):
        values = search.propose(dimensions, [], seed)
        assert list(values) == ["batch-size", "augment", "loss-weights.age"]
        assert isinstance(values["batch-size"], int)
        assert 16 <= values["batch-size"] <= 64
        assert values["augment"] in ("none", "flip")
        assert 1 <= values["loss-weights.age"] <= 3


def test_the_seed_decides_what_is_proposed():
    assert search.propose(BOTH, [], 1) == search.propose(BOTH, [], 1)
    assert search.propose(BOTH, [], 1) != search.propose(BOTH, [], 2)


def test_proposals_are_those_of_an_optuna_study_that_saw_the_same_trials():
    study = optuna.create_study(direction="maximize")
    distributions = {
        "learning-rate": optuna.distributions.FloatDistribution(1e-5, 1e-1, log=True),
        "dropout": optuna.distributions.FloatDistribution(0, 0.5),
        "augment": optuna.distributions.CategoricalDistribution(("none", "flip")),
    }
    dimensions = (*BOTH, parse_dimension("augment=none,flip"))
    trials: list[TrialResult] = []
    for number in range(12):
        study.sampler = optuna.samplers.TPESampler(seed=number, n_startup_trials=5)
        theirs = study.ask(distributions)
        assert search.propose(dimensions, trials, number) == theirs.params
        if number % 4 == 3:
            theirs.report(0.2, 0)
            theirs.report(0.1, 1)
            study.tell(theirs, state=optuna.trial.TrialState.PRUNED)
            trials.append(trial(number, theirs.params, "pruned"))
        else:
            score = -abs(np.log10(theirs.params["learning-rate"]) + 3)
            study.tell(theirs, score)
            trials.append(trial(number, theirs.params, score=score))


def test_trials_of_every_state_may_lie_behind():
    settings = {"learning-rate": 1e-3, "dropout": 0.1}
    states = ["complete"] * 6 + ["pruned", "fail", "running"]
    trials = [trial(number, settings, state) for number, state in enumerate(states)]
    assert set(search.propose(BOTH, trials, 0)) == set(settings)


def test_the_setting_that_decides_the_score_matters_most():
    trials = [
        trial(n, {"learning-rate": 10.0**-power, "dropout": 0.1 * n % 0.5}, score=power)
        for n, power in enumerate(np.random.default_rng(0).uniform(1, 5, 16))
    ]
    shares = search.importance(BOTH, trials)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["learning-rate"] > 0.8


def test_without_optuna_it_is_said_what_to_install(monkeypatch):
    assert search.is_installed()
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert not search.is_installed()
    with pytest.raises(UserError, match=r"needs Optuna .*: pip install -e '\.\[sweep"):
        search.propose(BOTH, [], 0)
