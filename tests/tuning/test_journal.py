"""Do the trials that Optuna recorded for an earlier version become ours?"""

import json
import shutil
import sys
from typing import Any

import pytest
import tomli_w

from multitask.contracts import recipe_files, run
from multitask.contracts.errors import UserError
from multitask.tuning import search, space
from multitask.tuning.journal import import_journal
from multitask.tuning.space import parse_dimension
from multitask.tuning.storage import Trial, read_trials

optuna = pytest.importorskip("optuna")
SETTINGS = {"epochs": 2, "sweep": {"vary": ["dropout=0.1..0.5"], "grid": False}}
DROPOUT = (parse_dimension("dropout=0.1..0.5"),)


def begun(out, settings=SETTINGS):
    """A study as version 0.1 began it."""
    backend = optuna.storages.journal.JournalFileBackend(str(out / "trials.log"))
    study = optuna.create_study(
        study_name="trials",
        storage=optuna.storages.JournalStorage(backend),
        direction="maximize",
    )
    study.set_user_attr("settings", json.dumps(settings, sort_keys=True))
    return study


def test_each_trial_is_recorded_as_it_ended(tmp_path):
    study = begun(tmp_path)
    study.set_user_attr("precision", "bfloat16")
    ends: dict[float, dict[str, Any]] = {
        0.1: {"score": 0.75, "head gender": 0.75, "curve": [0.5, 0.75], "epoch": 2},
        0.2: {"curve": [0.25]},
        0.3: {"reason": "no luck"},
    }
    for dropout, attributes in ends.items():
        study.enqueue_trial({"dropout": dropout})
        trial = study.ask()
        trial.suggest_float("dropout", 0.1, 0.5)
        score = attributes.pop("score", None)
        for key, value in attributes.items():
            trial.set_user_attr(key, value)
        state = {0.2: "PRUNED", 0.3: "FAIL"}.get(dropout)
        study.tell(
            trial, score, state=optuna.trial.TrialState[state] if state else None
        )
    import_journal(tmp_path, SETTINGS, DROPOUT)
    assert read_trials(tmp_path) == [
        Trial(
            trial=0, folder="trial-0000", state="complete", settings={"dropout": 0.1},
            score=0.75, heads={"gender": 0.75}, curve=(0.5, 0.75), epoch=2,
        ),
        Trial(
            trial=1, folder="trial-0001", state="pruned", settings={"dropout": 0.2},
            curve=(0.25,),
        ),
        Trial(
            trial=2, folder="trial-0002", state="fail", settings={"dropout": 0.3},
            reason="no luck",
        ),
    ]  # fmt: skip
    assert (tmp_path / "precision").read_text() == "bfloat16"


def test_values_become_the_types_that_their_settings_have_today(tmp_path):
    features = parse_dimension("features=0,64")
    before = {"epochs": 2, "sweep": {"vary": ["features=0,64"], "grid": True}}
    study = begun(tmp_path, before)
    for units in (0, 64):  # a whole number in version 0.1
        study.enqueue_trial({"features": units})
        trial = study.ask()
        trial.suggest_categorical("features", [0, 64])
        study.tell(trial, 0.5)
    import_journal(tmp_path, before, (features,))
    trials = read_trials(tmp_path)
    assert [dict(one.settings) for one in trials] == space.grid([features])
    assert search.propose([features], trials, 0)["features"] in ("0", "64")


def test_a_stopped_trial_goes_on_in_its_folder(tmp_path):
    study = begun(tmp_path)
    stopped = study.ask()
    dropout = stopped.suggest_float("dropout", 0.1, 0.5)
    # The next process gave it up, and had another one wait that goes on in its folder.
    study.enqueue_trial(
        {"dropout": dropout},
        {"replaces": 0, "folder": "trial-0000", "deaths": 1, "died_after": 3},
    )
    study.tell(0, state=optuna.trial.TrialState.FAIL)
    study.enqueue_trial({"dropout": 0.3})  # of a grid, and not begun
    import_journal(tmp_path, SETTINGS, DROPOUT)
    [trial] = read_trials(tmp_path)
    assert (trial.trial, trial.folder, trial.state) == (1, "trial-0000", "running")
    assert trial.settings == {"dropout": dropout}
    assert (trial.deaths, trial.died_after) == (1, 3)


def test_a_last_line_that_was_cut_short_does_not_count(tmp_path):
    begun(tmp_path)
    with (tmp_path / "trials.log").open("a") as file:
        file.write('{"op_code": 4, "wor')
    import_journal(tmp_path, SETTINGS, DROPOUT)
    assert read_trials(tmp_path) == []


def test_what_is_imported_is_not_imported_twice(tmp_path):
    begun(tmp_path).ask().suggest_float("dropout", 0.1, 0.5)
    import_journal(tmp_path, SETTINGS, DROPOUT)
    [trial] = read_trials(tmp_path)
    (tmp_path / "trial-0000" / "trial.json").unlink()
    import_journal(tmp_path, SETTINGS, DROPOUT)
    assert trial.state == "running"
    assert read_trials(tmp_path) == []


def test_settings_of_an_earlier_version_count_as_those_of_today(tmp_path):
    sweep = {"sweep": {"vary": ["dropout=0.1..0.5"], "grid": False}}
    before = {"epochs": 2, "looks": 1, "schedule": "cosine", "warmup": 1.0, **sweep}
    before |= {"plateau": 3, "least_learning_rate": 0.0, "memory": 2.0, "average": 0.0}
    before |= {"then_unfreeze": "", "then_epochs": 0, "then_learning_rate": 0.0}
    settings = {"epochs": 2, "tta": 1, "schedule": "cosine", "ema": 0.0, "then": ""}
    settings |= sweep
    begun(tmp_path, before).ask().suggest_float("dropout", 0.1, 0.5)
    (tmp_path / "recipe.toml").write_text(tomli_w.dumps(before), encoding="utf-8")
    assert run.same_work(tmp_path, settings, "sweep", "sweep")
    import_journal(tmp_path, settings, DROPOUT)
    assert len(read_trials(tmp_path)) == 1


def test_a_setting_that_has_another_name_today_goes_on_by_that(tmp_path):
    before: dict[str, Any] = {"epochs": 2, "average": 0.0, "warmup": 1.0}
    before["sweep"] = {"vary": ["average=0.9,0.99", "--warmup=0..3", "dropout=0..1"]}
    texts = ["ema=0.9,0.99", "schedule.warmup=0..3", "dropout=0..1"]
    settings = {"epochs": 2, "ema": 0.0, "sweep": {"vary": texts}}
    trial = begun(tmp_path, before).ask()
    trial.suggest_categorical("average", [0.9, 0.99])
    trial.suggest_float("warmup", 0, 3)
    trial.suggest_float("dropout", 0, 1)
    (tmp_path / "recipe.toml").write_text(tomli_w.dumps(before), encoding="utf-8")
    assert run.same_work(tmp_path, settings, "sweep", "sweep")
    import_journal(tmp_path, settings, [parse_dimension(text) for text in texts])
    [ours] = read_trials(tmp_path)
    assert list(ours.settings) == ["ema", "schedule.warmup", "dropout"]
    assert list(ours.settings.values()) == list(trial.params.values())


def test_a_journal_of_another_sweep_is_refused(tmp_path):
    begun(tmp_path, {**SETTINGS, "epochs": 3})
    with pytest.raises(UserError, match="trials.log: belongs to another sweep"):
        import_journal(tmp_path, SETTINGS, DROPOUT)


def test_a_damaged_journal_is_refused(tmp_path):
    (tmp_path / "trials.log").write_text("no storage\n" * 3)
    with pytest.raises(UserError, match="is not the storage of a sweep"):
        import_journal(tmp_path, SETTINGS, DROPOUT)


def test_it_needs_optuna(tmp_path, monkeypatch):
    begun(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match="trials.log: was written by Optuna, which is"):
        import_journal(tmp_path, SETTINGS, DROPOUT)


@pytest.mark.slow
def test_a_grid_of_an_earlier_version_goes_on(base, swept, tmp_path):
    options = {"vary": ["dropout=0.2,0.3"], "grid": True}
    before = swept(base, **options).trials
    out = tmp_path / "out"
    study = begun(out, recipe_files.read(out / "recipe.toml"))
    for trial, state in zip(before, (None, "RUNNING"), strict=True):
        study.enqueue_trial(dict(trial.settings))
        ours = study.ask()
        ours.suggest_categorical("dropout", [0.2, 0.3])
        if not state:
            ours.set_user_attr("curve", trial.curve)
            for head, value in trial.heads.items():
                ours.set_user_attr(f"head {head}", value)
            ours.set_user_attr("epoch", trial.epoch)
            ours.set_user_attr("seconds", trial.seconds)
            study.tell(ours, trial.score)
        (out / trial.folder / "trial.json").unlink()
    shutil.rmtree(out / "trial-0001")
    after = swept(base, **options).trials
    assert after[0] == before[0]
    assert after[1].plain() | {"seconds": 0} == before[1].plain() | {"seconds": 0}
    assert (out / "trials.log.imported").exists()
