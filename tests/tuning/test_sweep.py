"""Are trials judged by what they came to, and does a sweep survive its stops?"""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample

from multitask.contracts import recipe, recipe_files, run
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.sweep import Asked, main, sweep
from multitask.training import callbacks, feature_cache, loop

pytest.importorskip("optuna")
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    sample.write(folder, "imfdb", count=120)
    return folder


@pytest.fixture
def base(faces, tiny_trunk):
    return Recipe(
        heads=("gender", "illumination"),
        data=(f"imfdb={faces}",),
        trunk="tiny",
        epochs=2,
        batch_size=16,
        precision="float32",
        split="60/20/20",
        tta=1,
    )


def quiet(line):
    pass


def test_trials_are_scored_by_their_kept_epoch_and_the_best_is_written(base, tmp_path):
    out = tmp_path / "out"
    asked = Asked(vary=("learning-rate=1e-4..1e-2:log", "dropout=0,0.5"))
    document = sweep(base, out, asked, trials=2, say=quiet)
    assert json.loads((out / "sweep.json").read_text()) == document
    assert [one["trial"] for one in document["trials"]] == [0, 1]
    for one in document["trials"]:
        assert one["state"] == "complete"
        assert 1e-4 <= one["settings"]["learning-rate"] <= 1e-2
        assert one["settings"]["dropout"] in (0, 0.5)
        history = pd.read_csv(out / one["folder"] / "history.csv")
        kept = history.iloc[history["val_loss"].argmin()]
        heads = ("gender", "illumination")
        expected = [kept[f"val_{head}_accuracy"] for head in heads]
        assert one["score"] == pytest.approx(np.mean(expected))
        assert list(one["heads"].values()) == pytest.approx(expected)
        assert len(one["curve"]) == 2
    best = max(document["trials"], key=lambda one: one["score"])
    made = recipe.recipe(recipe_files.read(out / "best.toml"))
    assert made.learning_rate == best["settings"]["learning-rate"]
    assert made.dropout == best["settings"]["dropout"]
    assert len(pd.read_csv(out / "trial-0001" / "split.csv")) == 120
    networks = sorted(path.parent.name for path in out.glob("*/network.keras"))
    assert len(networks) == 1
    assert not list(out.glob("*/checkpoint"))
    table = pd.read_csv(out / "sweep.csv")
    assert table["score"].is_monotonic_decreasing
    assert document["importance"] == {}  # of two trials it can't be told
    assert (out / "sweep.png").stat().st_size > 5000
    # Asked for again it only shows; with more trials it goes on.
    again = sweep(base, out, asked, trials=2, say=quiet)
    assert again == document
    more = sweep(base, out, asked, trials=3, say=quiet)
    assert more["trials"][:2] == document["trials"]
    assert len(more["trials"]) == 3
    with pytest.raises(UserError, match="out: holds other work; name another folder"):
        run.same_work(out, {}, "comparison", "compare")
    with pytest.raises(UserError, match="holds another sweep"):
        sweep(base, out, replace(asked, objective="gender"), trials=3, say=quiet)


def test_a_grid_is_tried_whole_and_its_pictures_are_read_once(
    base, tmp_path, monkeypatch
):
    from multitask.data import batches

    usual, reads = batches.decode_table, []

    def load(*args):
        reads.append(args)
        return usual(*args)

    monkeypatch.setattr(batches, "decode_table", load)
    asked = Asked(
        vary=("dropout=0.2,0.3",), objective="gender", grid=True,
    )  # fmt: skip
    document = sweep(replace(base, epochs=1), tmp_path / "out", asked, say=quiet)
    tried = [one["settings"] for one in document["trials"]]
    assert tried == [{"dropout": 0.2}, {"dropout": 0.3}]
    assert len(reads) == 1
    for one in document["trials"]:
        assert one["score"] == one["heads"]["gender"]
    assert document["judged"] == "score of gender"


def test_a_trial_that_fails_is_recorded_and_the_sweep_goes_on(base, tmp_path):
    out = tmp_path / "out"
    asked = Asked(vary=("learning-rate=1e30,1e-3",), grid=True)
    said: list[str] = []
    base = replace(base, optimizer="sgd", epochs=1, warmup=0.0)
    document = sweep(base, out, asked, say=said.append)
    failed, done = document["trials"]
    assert (failed["state"], failed["settings"]) == ("fail", {"learning-rate": 1e30})
    assert "must be finite" in failed["reason"]
    assert "trial 0 failed: epoch 1" in "".join(said)
    assert done["state"] == "complete"
    assert "must be finite" in (out / "index.html").read_text()


@pytest.mark.slow
def test_a_fault_of_a_trial_leaves_its_traceback(base, tmp_path, monkeypatch):
    usual, calls = loop.train, []

    def train(*args):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("by chance")
        return usual(*args)

    monkeypatch.setattr(loop, "train", train)
    asked = Asked(vary=("dropout=0.2,0.3",), grid=True)
    document = sweep(replace(base, epochs=1), tmp_path / "out", asked, say=quiet)
    [failed] = [one for one in document["trials"] if one["state"] == "fail"]
    assert failed["reason"] == "ZeroDivisionError('by chance')"
    text = (tmp_path / "out" / failed["folder"] / "error.txt").read_text()
    assert "in train" in text


def test_a_poor_trial_is_given_up(base, tmp_path, monkeypatch):
    import optuna

    asked = Asked(vary=("learning-rate=0.0001..0.02",))
    out, base = tmp_path / "out", replace(base, epochs=6)
    monkeypatch.setattr(
        optuna.Trial, "should_prune", lambda trial: trial.number == 1 and told(trial)
    )

    def told(trial):
        found = trial.study.trials[1].intermediate_values
        return len(found) == 3

    document = sweep(base, out, asked, trials=2, say=quiet)
    first, last = document["trials"]
    assert (first["state"], len(first["curve"])) == ("complete", 6)
    assert (last["state"], len(last["curve"])) == ("pruned", 3)
    assert last["score"] is None
    assert "given up" in (out / "index.html").read_text()
    assert not (out / last["folder"] / "network.keras").exists()


@pytest.mark.slow
@pytest.mark.parametrize("prune", [True, False])
def test_what_is_below_the_median_of_five_is_given_up(
    base, tmp_path, monkeypatch, prune
):
    from multitask.tuning.trials import Trials

    usual = Trials._objective

    def objective(self, figures, chance):
        usual(self, figures, chance)
        number = len([t for t in self.study.trials if t.state.is_finished()])
        return {5: 0.1, 6: 0.6}.get(number, 0.5) + figures["epoch"] / 100

    monkeypatch.setattr(Trials, "_objective", objective)
    asked = Asked(vary=("learning-rate=0.0001..0.02",), prune=prune)
    document = sweep(
        replace(base, epochs=3), tmp_path / "out", asked, trials=7, say=quiet
    )
    states = [one["state"] for one in document["trials"]]
    sixth = "pruned" if prune else "complete"
    assert states == ["complete"] * 5 + [sixth, "complete"]
    # It is left alone for a third of its epochs.
    assert len(document["trials"][5]["curve"]) == (2 if prune else 3)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["a kill", "Ctrl-C"])
def test_a_trial_that_ends_its_process_is_begun_again_twice_only(
    base, tmp_path, monkeypatch, by
):
    import optuna

    usual, told = loop.train, optuna.Trial.set_user_attr

    def train(spec, recipe, *more):
        if recipe.dropout == 0.2:
            raise KeyboardInterrupt
        return usual(spec, recipe, *more)

    def tell(trial, key, value):
        if key != "interrupted" or by == "Ctrl-C":  # a kill leaves no word
            told(trial, key, value)

    out, base = tmp_path / "out", replace(base, epochs=1)
    asked = Asked(vary=("dropout=0.2,0.3",), grid=True)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train", train)
        patch.setattr(optuna.Trial, "set_user_attr", tell)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                sweep(base, out, asked, say=quiet)
    document = sweep(base, out, asked, say=quiet)
    states = {one["settings"]["dropout"]: one["state"] for one in document["trials"]}
    assert states == {0.2: "fail" if by == "a kill" else "complete", 0.3: "complete"}
    if by == "a kill":
        [reason] = [one["reason"] for one in document["trials"] if one["reason"]]
        assert reason.startswith("its process ended 3 times in epoch 1")


@pytest.mark.slow
def test_a_storage_of_another_sweep_is_told(base, tmp_path):
    asked = Asked(vary=("dropout=0.2,0.3",), grid=True)
    for name, seed in (("a", 0), ("b", 1)):
        made = replace(base, epochs=1, seed=seed)
        sweep(made, tmp_path / name, asked, say=quiet)
    (tmp_path / "a" / "trials.log").replace(tmp_path / "b" / "trials.log")
    with pytest.raises(UserError, match="trials.log: is of another sweep"):
        sweep(replace(base, epochs=1, seed=1), tmp_path / "b", asked, say=quiet)


@pytest.mark.slow
def test_a_stopped_trial_goes_on_from_its_last_epoch(base, tmp_path, monkeypatch):
    asked = Asked(vary=("dropout=0.2,0.3",), grid=True)
    out, base = tmp_path / "out", replace(base, epochs=3)
    usual = callbacks.BestEpoch.on_epoch_end
    stop = [2]

    def on_epoch_end(self, epoch, logs=None):
        usual(self, epoch, logs)
        stop[0] -= 1
        if not stop[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(callbacks.BestEpoch, "on_epoch_end", on_epoch_end)
    with pytest.raises(KeyboardInterrupt):
        sweep(base, out, asked, say=quiet)
    first = pd.read_csv(out / "trial-0000" / "history.csv")
    assert len(first) == 2
    assert (out / "index.html").exists()
    document = sweep(base, out, asked, say=quiet)
    assert len(document["trials"]) == 2
    assert {one["state"] for one in document["trials"]} == {"complete"}
    history = pd.read_csv(out / "trial-0000" / "history.csv")
    assert len(history) == 3
    pd.testing.assert_frame_equal(history[:2], first)
    [one] = [one for one in document["trials"] if one["folder"] == "trial-0000"]
    assert len(one["curve"]) == 3
    assert one["settings"]["dropout"] in (0.2, 0.3)


def _command(faces, out):
    """The command of `base`, in a process that knows the tiny trunk."""
    return [
        sys.executable, _ROOT / "tests" / "tiny.py", "sweep",
        "--heads", "gender,illumination", "--data", f"imfdb={faces}", "--trunk", "tiny",
        "--batch-size", "16", "--precision", "float32", "--split", "60/20/20",
        "--looks", "1", "--out", str(out),
    ]  # fmt: skip


@pytest.mark.slow
def test_two_processes_share_the_trials(base, faces, tmp_path):
    out = tmp_path / "out"
    command = [*_command(faces, out), "--epochs", "1", "--vary", "dropout=0.1..0.5",
               "--trials", "3"]  # fmt: skip
    both = [
        subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": str(_ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [one.communicate(timeout=240) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    document = json.loads((out / "sweep.json").read_text())
    assert len(document["trials"]) == 3
    assert {one["state"] for one in document["trials"]} == {"complete"}
    rates = {one["settings"]["dropout"] for one in document["trials"]}
    assert len(rates) == 3


@pytest.mark.slow
def test_frozen_features_are_computed_for_the_first_trial_only(
    base, tmp_path, monkeypatch
):
    usual, computed = feature_cache.FeatureCache._compute, []

    def compute(self, *args):
        computed.append(1)
        return usual(self, *args)

    monkeypatch.setattr(feature_cache.FeatureCache, "_compute", compute)
    base = replace(base, freeze="all", augment="none", epochs=1,
                   cache=str(tmp_path / "cache"))  # fmt: skip
    one = Asked(vary=("learning-rate=0.001,0.01",), grid=True)
    sweep(base, tmp_path / "out", one, say=quiet)
    assert len(computed) == 2  # training and validation part


@pytest.mark.slow
def test_with_a_limit_another_seed_is_validated_on_its_own_pictures(base, tmp_path):
    limited = replace(base, limit=60, epochs=1)
    out = tmp_path / "out"
    document = sweep(limited, out, Asked(vary=("seed=0,1",)), say=quiet)
    assert "not all validated on the same pictures" in " ".join(document["notes"])
    one, other = (
        pd.read_csv(out / trial["folder"] / "split.csv") for trial in document["trials"]
    )
    assert len(one) == len(other) == 60
    assert set(one["path"]) != set(other["path"])


@pytest.mark.slow
def test_what_matters_is_told_from_ten_trials_on(base, tmp_path, monkeypatch):
    from multitask.tuning.trials import Trials

    def trained(self, trial, values):
        rate = next(held for one, held in values.items() if one.name != "dropout")
        return -((np.log10(rate) + 3) ** 2)  # and nothing of dropout

    monkeypatch.setattr(Trials, "_trained", trained)
    out = tmp_path / "out"
    asked = Asked(vary=("learning-rate=1e-5..1e-1:log", "dropout=0..0.5"))
    document = sweep(base, out, asked, trials=9, say=quiet)
    assert document["importance"] == {}
    document = sweep(base, out, asked, trials=16, say=quiet)
    found = document["importance"]
    assert sum(found.values()) == pytest.approx(1)
    assert found["learning-rate"] > 0.8
    assert "importance" in (out / "index.html").read_text()
    best = recipe.recipe(recipe_files.read(out / "best.toml"))
    assert abs(np.log10(best.learning_rate) + 3) < 0.5


def test_a_head_that_validation_does_not_label_cannot_judge(base, tmp_path):
    asked = Asked(vary=("dropout=0.2,0.3",))
    with pytest.raises(UserError, match="no label in the validation part, trials are"):
        sweep(replace(base, split="80/0/20"), tmp_path / "out", asked, say=quiet)


@pytest.mark.slow
def test_a_number_counts_by_the_error_that_it_saves(tmp_path, tiny_trunk):
    sample.write(tmp_path / "faces", "utkface", count=120)
    base = Recipe(
        heads=("age", "gender"), data=(f"utkface={tmp_path / 'faces'}",), trunk="tiny",
        epochs=1, batch_size=16, precision="float32", split="60/20/20", looks=1,
    )  # fmt: skip
    asked = Asked(vary=("dropout=0.2,0.3",), grid=True)
    document = sweep(base, tmp_path / "out", asked, say=quiet)
    from multitask.experiments import prepare

    made = prepare.prepare(base, tmp_path / "other", quiet)
    parts = made.split()
    ages = made.table["age"]
    middle = ages[parts == "train"].median()
    chance = (ages[parts == "val"] - middle).abs().mean()
    for one in document["trials"]:
        expected = (1 - one["heads"]["age"] / chance + one["heads"]["gender"]) / 2
        assert one["score"] == pytest.approx(expected, abs=1e-5)
    assert any("median" in note for note in document["notes"])


@pytest.mark.slow
def test_a_score_that_is_no_number_fails_its_trial_and_all_failing_is_told(
    base, tmp_path, monkeypatch
):
    usual = callbacks._by_head

    def by_head(logs, heads):
        return usual(logs, heads) | {"val_gender_accuracy": float("nan")}

    monkeypatch.setattr(callbacks, "_by_head", by_head)
    asked = Asked(vary=("dropout=0.2,0.3",), grid=True)
    with pytest.raises(UserError, match="all 2 trials: failed, the first: epoch 1"):
        sweep(base, tmp_path / "out", asked, say=quiet)
    assert "must be finite" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--vary: is missing; write --vary KEY=A,B"),
        (["--vary", "dropout=0.1,0.2", "--trials", "0"], "--trials: is 0, must be 1"),
        (["--vary", "dropout=0.1,0.2", "--folds", "3"], "--folds: can't be swept over"),
        (["--vary", "looks=1,4"], "--vary: 'looks' must stay the same in all trials"),
        (["--vary", "dropout=0.1..0.2", "--grid"], "--vary dropout=0.1..0.2: is a ran"),
        (["--vary", "dropout=0.1,0.2", "--objective", "gendr"],
         "--objective: no head 'gendr'; did you mean 'gender'?"),
        (["--vary", "loss-weights.gendr=1,2"],
         "--vary loss-weights.gendr=1.0: --loss-weights: no head 'gendr'; "),
    ],
)  # fmt: skip
def test_what_cannot_be_swept_is_told(faces, tmp_path, capsys, options, message):
    options = ["--heads", "gender", "--data", f"imfdb={faces}", *options]
    assert main([*options, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_damaged_storage_is_told(base, tmp_path):
    out, asked = tmp_path / "out", Asked(vary=("dropout=0.2,0.3",), grid=True)
    sweep(replace(base, epochs=1), out, asked, say=quiet)
    (out / "trials.log").write_text("no storage\n" * 3)
    with pytest.raises(UserError, match="is no storage of a sweep"):
        sweep(replace(base, epochs=1), out, asked, say=quiet)


def test_a_mistake_does_not_take_the_folder(base, faces, tmp_path, capsys):
    out = tmp_path / "out"
    wrong = Asked(vary=("dropout=0.2,0.3",), objective="gendr")
    with pytest.raises(UserError, match="no head 'gendr'"):
        sweep(base, out, wrong, say=quiet)
    right = replace(wrong, objective="gender")
    made = sweep(replace(base, epochs=1), out, right, trials=2, say=quiet)
    assert len(made["trials"]) == 2


@pytest.mark.slow
def test_lists_are_tried_whole_if_there_are_trials_enough(base, tmp_path):
    asked = Asked(vary=("dropout=0.2,0.3",))
    said: list[str] = []
    base = replace(base, epochs=1)
    document = sweep(base, tmp_path / "out", asked, trials=20, say=said.append)
    assert len(document["trials"]) == 2
    assert "There are 2 combinations: each is a trial." in said


@pytest.mark.slow
def test_a_trial_that_repeats_another_takes_its_result(base, tmp_path, monkeypatch):
    import optuna

    def always(self, study, trial, name, distribution):
        return 0.3

    monkeypatch.setattr(optuna.samplers.TPESampler, "sample_independent", always)
    asked = Asked(vary=("dropout=0.1..0.5",))
    base = replace(base, epochs=1)
    said: list[str] = []
    document = sweep(base, tmp_path / "out", asked, trials=2, say=said.append)
    first, second = document["trials"]
    assert first["folder"] == second["folder"]
    assert first["score"] == second["score"]
    assert "trial 1 repeats trial 0" in said
    assert (tmp_path / "out" / first["folder"] / "network.keras").exists()


@pytest.mark.slow
def test_a_killed_trial_is_begun_again_with_its_values(base, faces, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*_command(faces, out), "--epochs", "40", "--vary", "dropout=0.2,0.3",
         "--grid"],
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    history = out / "trial-0000" / "history.csv"
    for _ in range(2400):
        if history.exists() and len(history.read_text().splitlines()) > 2:
            break
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate()
    with (out / "trials.log").open("a") as storage:
        storage.write('{"op_code": 4, "wor')  # an append that was cut short
    before = pd.read_csv(history)
    asked = Asked(vary=("dropout=0.2,0.3",), grid=True)
    document = sweep(replace(base, epochs=40), out, asked, say=quiet)
    values = [one["settings"]["dropout"] for one in document["trials"]]
    assert sorted(values) == [0.2, 0.3]
    assert {one["state"] for one in document["trials"]} == {"complete"}
    after = pd.read_csv(history)
    assert len(after) == 40
    pd.testing.assert_frame_equal(after[: len(before)], before)


@pytest.mark.slow
def test_another_size_is_read_anew(base, tmp_path):
    asked = Asked(vary=("image-size=16,24",), grid=True)
    base = replace(base, epochs=1)
    document = sweep(base, tmp_path / "out", asked, say=quiet)
    assert {one["state"] for one in document["trials"]} == {"complete"}
    made = recipe.recipe(recipe_files.read(tmp_path / "out" / "best.toml"))
    assert made.image_size in (16, 24)


def test_without_optuna_it_says_what_to_install(base, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"needs Optuna; pip install 'multitask\[sweep"):
        sweep(base, tmp_path / "out", Asked(vary=("dropout=0.2,0.3",)), say=quiet)
