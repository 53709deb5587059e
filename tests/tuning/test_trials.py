"""Does a trial survive stops, and fail, repeat or be given up as it must?"""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from multitask.contracts import recipe, recipe_files
from multitask.contracts.errors import UserError
from multitask.contracts.machine import Machine
from multitask.training import callbacks, feature_cache, loop
from multitask.tuning import search, storage, trials
from multitask.tuning.scoring import Scoring

_ROOT = Path(__file__).parents[2]
GRID = {"vary": ["dropout=0.2,0.3"], "grid": True}


def test_a_trial_that_fails_is_recorded_and_the_sweep_goes_on(base, swept, tmp_path):
    lines: list[str] = []
    base = replace(base, optimizer="sgd", epochs=1, schedule="cosine,warmup=0")
    result = swept(base, vary=["learning-rate=1e30,1e-3"], grid=True, say=lines.append)
    failed, complete = result.trials
    assert (failed.state, failed.settings) == ("fail", {"learning-rate": 1e30})
    assert "must be finite" in failed.reason
    assert "trial 0 failed: epoch 1" in "".join(lines)
    assert complete.state == "complete"
    assert "must be finite" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.slow
def test_a_fault_of_a_trial_leaves_its_traceback(base, swept, tmp_path, monkeypatch):
    usual, calls = loop.train, []

    def train(*args, **keywords):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("by chance")
        return usual(*args, **keywords)

    monkeypatch.setattr(loop, "train", train)
    result = swept(replace(base, epochs=1), **GRID)
    [failed] = [one for one in result.trials if one.state == "fail"]
    assert failed.reason == "ZeroDivisionError('by chance')"
    text = (tmp_path / "out" / failed.folder / "error.txt").read_text()
    assert "in train" in text


@pytest.mark.slow
def test_a_score_that_is_no_number_fails_its_trial(base, swept, tmp_path, monkeypatch):
    usual = callbacks.by_head

    def by_head(logs, heads):
        return usual(logs, heads) | {"val_gender_accuracy": float("nan")}

    monkeypatch.setattr(callbacks, "by_head", by_head)
    with pytest.raises(UserError, match="all 2 trials: failed, the first: epoch 1"):
        swept(base, **GRID)
    assert "must be finite" in (tmp_path / "out" / "index.html").read_text()


def test_a_folder_that_cannot_be_written_is_one_line(trials_by_hand, tmp_path):
    (tmp_path / "trial-0000").touch()  # a file, where a folder is needed
    work = trials_by_hand(["dropout=0.2,0.3"], [])
    work.combinations = [{"dropout": 0.2}]
    with pytest.raises(UserError, match="trial-0000: can't be written: File exists"):
        work.run()


@pytest.mark.slow
def test_a_poor_trial_is_given_up(base, swept, tmp_path, monkeypatch):
    pytest.importorskip("optuna")

    def is_below_median(curve, others, warmup):
        assert warmup == 2  # a third of six epochs
        return len(others) == 1 and len(curve) == 3

    monkeypatch.setattr(trials, "is_below_median", is_below_median)
    base = replace(base, epochs=6)
    result = swept(base, vary=["learning-rate=0.0001..0.02"], trials=2)
    first, last = result.trials
    assert (first.state, len(first.curve)) == ("complete", 6)
    assert (last.state, len(last.curve), last.score) == ("pruned", 3, None)
    out = tmp_path / "out"
    assert "given up" in (out / "index.html").read_text()
    assert not (out / last.folder / "network.keras").exists()


@pytest.mark.slow
@pytest.mark.parametrize("prune", [True, False])
def test_what_is_below_the_median_of_five_is_given_up(
    base, swept, tmp_path, monkeypatch, prune
):
    pytest.importorskip("optuna")

    def score(self, figures, levels):
        states = [one.state for one in storage.read_trials(tmp_path / "out")]
        number = len(states) - states.count("running")
        return {5: 0.1, 6: 0.6}.get(number, 0.5) + figures["epoch"] / 100

    monkeypatch.setattr(Scoring, "score", score)
    result = swept(
        replace(base, epochs=3),
        vary=["learning-rate=0.0001..0.02"],
        prune=prune,
        trials=7,
    )
    sixth = "pruned" if prune else "complete"
    states = [one.state for one in result.trials]
    assert states == ["complete"] * 5 + [sixth, "complete"]
    # It is left alone for a third of its epochs.
    assert len(result.trials[5].curve) == (2 if prune else 3)


@pytest.mark.parametrize(
    ("vary", "options", "prunes"),
    [
        ("dropout=0.1..0.2", {}, True),
        ("epochs=2..5", {}, False),  # scores at an epoch can't be compared
        ("then=1,epochs=2|1,epochs=4", {"combinations": []}, False),
        ("dropout=0.1..0.2", {"prune": False}, False),
        ("dropout=0.1,0.2", {"combinations": [{"dropout": 0.1}]}, False),
    ],
)
def test_where_all_are_to_be_seen_none_is_given_up(
    trials_by_hand, vary, options, prunes
):
    assert replace(trials_by_hand([vary], []), **options).prunes == prunes


@pytest.mark.slow
@pytest.mark.parametrize("by", ["a kill", "Ctrl-C"])
def test_a_trial_that_ends_its_process_is_begun_again_twice_only(
    base, swept, monkeypatch, by
):
    usual, write = loop.train, storage.write_trial

    def train(spec, config, *args, **keywords):
        if config.dropout == 0.2:
            raise KeyboardInterrupt
        return usual(spec, config, *args, **keywords)

    def write_trial(out, trial):
        if not trial.interrupted or by == "Ctrl-C":  # a kill leaves no word
            write(out, trial)

    base = replace(base, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train", train)
        patch.setattr(storage, "write_trial", write_trial)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                swept(base, **GRID)
    result = swept(base, **GRID)
    states = {one.settings["dropout"]: one.state for one in result.trials}
    assert states == {0.2: "fail" if by == "a kill" else "complete", 0.3: "complete"}
    if by == "a kill":
        [reason] = [one.reason for one in result.trials if one.reason]
        assert reason.startswith("its process ended 3 times in epoch 1")


@pytest.mark.slow
def test_a_stopped_trial_goes_on_from_its_last_epoch(
    base, swept, tmp_path, monkeypatch
):
    usual = callbacks.BestEpoch.on_epoch_end
    stop = [2]

    def on_epoch_end(self, epoch, logs=None):
        usual(self, epoch, logs)
        stop[0] -= 1
        if not stop[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", on_epoch_end)
    base, out = replace(base, epochs=3), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        swept(base, **GRID)
    before = pd.read_csv(out / "trial-0000" / "history.csv")
    assert len(before) == 2
    assert (out / "index.html").exists()
    lines: list[str] = []
    result = swept(base, **GRID, say=lines.append)
    assert "trial 0, resumed: dropout 0.2" in lines
    assert [one.state for one in result.trials] == ["complete"] * 2
    history = pd.read_csv(out / "trial-0000" / "history.csv")
    assert len(history) == len(result.trials[0].curve) == 3
    pd.testing.assert_frame_equal(history[:2], before)


@pytest.mark.slow
def test_a_killed_trial_is_begun_again_with_its_settings(
    base, command, swept, tmp_path
):
    process = subprocess.Popen(
        [*command, "--epochs", "40", "--vary", "dropout=0.2,0.3", "--grid"],
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    history = tmp_path / "out" / "trial-0000" / "history.csv"
    for _ in range(2400):
        if history.exists() and len(history.read_text().splitlines()) > 2:
            break
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate()
    before = pd.read_csv(history)
    result = swept(replace(base, epochs=40), **GRID)
    assert [one.settings["dropout"] for one in result.trials] == [0.2, 0.3]
    assert {one.state for one in result.trials} == {"complete"}
    after = pd.read_csv(history)
    assert len(after) == 40
    pd.testing.assert_frame_equal(after[: len(before)], before)


@pytest.mark.slow
def test_a_trial_that_repeats_another_takes_its_result(
    base, swept, tmp_path, monkeypatch
):
    pytest.importorskip("optuna")
    monkeypatch.setattr(search, "propose", lambda *args: {"dropout": 0.3})
    lines: list[str] = []
    result = swept(
        replace(base, epochs=1), vary=["dropout=0.1..0.5"], trials=2, say=lines.append
    )
    first, second = result.trials
    assert second == replace(first, trial=1)  # in the same folder, with its score
    assert "trial 1 repeats trial 0" in lines
    assert (tmp_path / "out" / first.folder / "network.keras").exists()


@pytest.mark.slow
def test_frozen_features_are_computed_for_the_first_trial_only(
    base, swept, tmp_path, monkeypatch
):
    usual, computed = feature_cache.FeatureCache._compute, []

    def compute(self, *args):
        computed.append(1)
        return usual(self, *args)

    monkeypatch.setattr(feature_cache.FeatureCache, "_compute", compute)
    base = replace(base, freeze="all", augment="none", epochs=1)
    swept(
        base,
        vary=["learning-rate=0.001,0.01"],
        grid=True,
        machine=Machine(cache=tmp_path / "cache"),
    )
    assert list((tmp_path / "cache").iterdir())
    assert len(computed) == 2  # training and validation part


@pytest.mark.slow
def test_with_a_limit_another_seed_is_validated_on_its_own_pictures(
    base, swept, tmp_path
):
    result = swept(replace(base, limit=60, epochs=1), vary=["seed=0,1"])
    one, other = (
        pd.read_csv(tmp_path / "out" / trial.folder / "split.csv")
        for trial in result.trials
    )
    assert len(one) == len(other) == 60
    assert set(one["path"]) != set(other["path"])


@pytest.mark.slow
def test_pictures_of_another_size_are_read_anew(base, swept, tmp_path):
    result = swept(replace(base, epochs=1), vary=["image-size=16,24"], grid=True)
    assert {one.state for one in result.trials} == {"complete"}
    best = recipe.recipe(recipe_files.read(tmp_path / "out" / "best.toml"))
    assert result.best
    assert best.image_size == result.best.settings["image-size"]


@pytest.mark.slow
def test_two_processes_share_the_trials(command, tmp_path):
    pytest.importorskip("optuna")
    processes = [
        subprocess.Popen(
            [*command, "--epochs", "1", "--vary", "dropout=0.1..0.5", "--trials", "3"],
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    output = [one.communicate(timeout=240) for one in processes]
    assert [one.returncode for one in processes] == [0, 0], output
    records = storage.read_trials(tmp_path / "out")
    assert [one.trial for one in records] == [0, 1, 2]
    assert {one.state for one in records} == {"complete"}
    assert len({one.settings["dropout"] for one in records}) == 3


@pytest.fixture
def command(faces, tmp_path):
    """The command of `base`, in a process that knows the tiny trunk."""
    return [
        sys.executable, _ROOT / "tests" / "tiny.py", "sweep",
        "--heads", "gender,illumination", "--data", f"imfdb={faces}", "--trunk", "tiny",
        "--batch-size", "16", "--precision", "float32", "--split", "60/20/20",
        "--tta", "1", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
