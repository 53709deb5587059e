"""Is the best of a sweep the trial with the highest score, and its form plain?"""

import json
from dataclasses import replace

from multitask.contracts.results.sweep_result import (
    SweepResult,
    TrialResult,
    VariedSetting,
    best_trial,
)


def trial(number, state="complete", score=None):
    return TrialResult(
        trial=number,
        folder=f"trial-{number:04d}",
        state=state,
        settings={"dropout": 0.1 * number},
        score=score,
        heads={"gender": score},
        curve=() if score is None else (score,),
    )


FAILED, PRUNED = trial(0, "fail"), trial(3, "pruned")
GOOD, ALSO_GOOD, POOR = trial(1, score=0.9), trial(4, score=0.9), trial(2, score=0.1)
RESULT = SweepResult(
    title="out",
    judged="score of gender",
    metrics={"gender": "accuracy"},
    better={"gender": "higher"},
    varied={"dropout": VariedSetting(tried="0 to 0.4", log=False)},
    trials=(FAILED, GOOD, POOR, PRUNED, ALSO_GOOD),
    importance={"dropout": 1.0},
    notes=("a note",),
)


def test_the_best_is_the_first_with_the_highest_score():
    assert RESULT.best is GOOD
    assert best_trial([FAILED, PRUNED]) is None


def test_ranked_trials_begin_with_the_best_and_end_with_those_without_a_score():
    assert RESULT.ranked == (GOOD, ALSO_GOOD, POOR, FAILED, PRUNED)
    assert replace(RESULT, trials=()).ranked == ()


def test_the_plain_form_is_what_json_gives_back():
    plain = RESULT.plain()
    assert json.loads(json.dumps(plain)) == plain
    assert list(plain) == [
        "title", "judged", "metrics", "better", "varied", "trials", "importance",
        "notes", "standard_error",
    ]  # fmt: skip
    assert list(plain["trials"][0]) == [
        "trial", "folder", "state", "settings", "score", "heads", "epoch", "seconds",
        "curve", "reason",
    ]  # fmt: skip
    dropout = {"tried": "0 to 0.4", "log": False, "ends": None}
    assert plain["varied"] == {"dropout": dropout}
