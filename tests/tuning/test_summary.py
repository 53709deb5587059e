"""Does a summary say of the trials what their records hold, and warn where it must?"""

import sys
from dataclasses import replace

import pytest

from multitask.tuning import search
from multitask.tuning.storage import Trial
from multitask.tuning.summary import summary

pytest.importorskip("optuna")
TWO = ("learning-rate=1e-4..1e-1:log", "dropout=0,0.5")


def records(count, settings=("learning-rate", "dropout")):
    """Complete trials whose scores grow with their number."""
    values = [(0.0001 * 2**n, 0.5 * (n % 2)) for n in range(count)]
    return [
        Trial(
            trial=n,
            folder=f"trial-{n:04d}",
            state="complete",
            settings=dict(zip(settings, pair, strict=False)),
            score=n / 20,
            heads={"gender": n / 20},
            curve=(n / 20,),
            epoch=1,
            seconds=1.0,
        )
        for n, pair in enumerate(values)
    ]


def test_it_holds_the_trials_and_what_was_varied(trials_by_hand):
    failed = Trial(trial=2, folder="trial-0002", state="fail", settings={}, reason="x")
    trials = [*records(2), failed]
    result = summary(trials_by_hand(TWO, trials))
    assert result.judged == "score of gender"
    assert result.metrics == {"gender": "accuracy"}
    assert result.better == {"gender": "higher"}
    assert [(one.tried, one.log) for one in result.varied.values()] == [
        ("0.0001 to 0.1, on a log scale", True),
        ("0, 0.5", False),
    ]
    assert list(result.trials) == [*trials[:2], replace(failed, heads={"gender": None})]
    assert result.notes[0] == "Drawn faces."


def test_importance_is_known_from_ten_trials_on(trials_by_hand):
    assert summary(trials_by_hand(TWO, records(9))).importance == {}
    shares = summary(trials_by_hand(TWO, records(10))).importance
    assert set(shares) == {"learning-rate", "dropout"}
    assert shares["learning-rate"] > shares["dropout"]


def test_it_is_not_known_of_one_setting_nor_of_equal_scores(trials_by_hand):
    alike = [replace(record, score=0.5) for record in records(10)]
    assert summary(trials_by_hand(TWO, alike)).importance == {}
    one = records(10, ["learning-rate"])
    assert summary(trials_by_hand(TWO[:1], one)).importance == {}


def test_it_is_absent_without_optuna(trials_by_hand, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert not search.is_installed()
    assert summary(trials_by_hand(TWO, records(10))).importance == {}


@pytest.mark.parametrize(
    ("vary", "recipe", "note", "noted"),
    [
        ("seed=0,1", {}, "splits the pictures by seed, which the trials varied", True),
        ("seed=0,1", {"limit": 60}, "not all validated on the same pictures", True),
        ("limit=60,80", {}, "not all validated on the same pictures", True),
        ("dropout=0,0.5", {"limit": 60}, "pictures", False),
        ("dropout=0,0.5", {"heads": ("age",)}, "median of the training part", True),
        ("dropout=0,0.5", {}, "median of the training part", False),
        ("dropout=0,0.5", {"cap": {"gender": 5}}, "class of gender had 5 or all", True),
        ("cap.gender=5,9", {"cap": {"gender": 5}}, "class of gender had", False),
        ("dropout=0,0.5", {"freeze": "all"}, "What is frozen was computed once", True),
        ("freeze=all,none", {"freeze": "all"}, "What is frozen", False),
    ],
)
def test_a_reader_is_warned(trials_by_hand, vary, recipe, note, noted):
    heads = recipe.get("heads", ("gender",))
    trials = trials_by_hand([vary], [], **{**recipe, "heads": heads})
    assert (note in " ".join(summary(trials).notes)) == noted


def test_what_was_said_of_the_split_is_noted(trials_by_hand):
    leak = "9 of 20 pictures taught the network of --weights."
    trials = replace(trials_by_hand(["dropout=0,0.5"], []), caveats=(leak,))
    assert leak in summary(trials).notes
