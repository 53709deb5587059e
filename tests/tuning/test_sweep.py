"""Does a sweep find the best of its trials, and refuse what can't be swept over?"""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import recipe, recipe_files, run
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.experiments import prepare
from multitask.networks import pretrained
from multitask.sweep import main
from multitask.training import loop
from multitask.tuning import sweep
from tests import layouts


@pytest.mark.slow
def test_trials_are_scored_by_their_best_epoch_and_the_best_is_written(
    base, swept, tmp_path
):
    pytest.importorskip("optuna")
    out = tmp_path / "out"
    vary = ["learning-rate=1e-4..1e-2:log", "dropout=0,0.5"]
    result = swept(base, vary=vary, trials=2)
    assert json.loads((out / "sweep.json").read_text()) == result.plain()
    assert [one.trial for one in result.trials] == [0, 1]
    for one in result.trials:
        assert one.state == "complete"
        assert 1e-4 <= one.settings["learning-rate"] <= 1e-2
        assert one.settings["dropout"] in (0, 0.5)
        history = pd.read_csv(out / one.folder / "history.csv")
        row = history.iloc[history["val_loss"].argmin()]
        heads = ("gender", "illumination")
        expected = [row[f"val_{head}_accuracy"] for head in heads]
        assert one.score == pytest.approx(np.mean(expected))
        assert list(one.heads.values()) == pytest.approx(expected)
        assert len(one.curve) == 2
    best = max(result.trials, key=lambda one: one.score)
    assert result.best == best
    config = recipe.recipe(recipe_files.read(out / "best.toml"))
    assert config.learning_rate == best.settings["learning-rate"]
    assert config.dropout == best.settings["dropout"]
    assert len(pd.read_csv(out / "trial-0001" / "split.csv")) == 120
    networks = [path.parent.name for path in out.glob("*/network.keras")]
    assert networks == [best.folder]
    assert not list(out.glob("*/checkpoint"))
    # The same call again trains nothing; with more trials it goes on.
    assert swept(base, vary=vary, trials=2) == result
    more = swept(base, vary=vary, trials=3)
    assert more.trials[:2] == result.trials
    assert len(more.trials) == 3
    with pytest.raises(
        UserError, match="out: contains other work; choose another folder"
    ):
        run.same_work(out, {}, "comparison", "compare")
    with pytest.raises(UserError, match="contains another sweep"):
        swept(base, vary=vary, objective="gender", trials=3)


@pytest.mark.slow
def test_a_grid_is_tried_whole_and_its_pictures_are_read_once(base, swept, monkeypatch):
    from multitask.data import batches

    usual, reads = batches.decode_table, []

    def decode_table(*args):
        reads.append(args)
        return usual(*args)

    monkeypatch.setattr(batches, "decode_table", decode_table)
    result = swept(
        replace(base, epochs=1), vary=["dropout=0.2,0.3"], objective="gender", grid=True
    )
    settings = [one.settings for one in result.trials]
    assert settings == [{"dropout": 0.2}, {"dropout": 0.3}]
    assert len(reads) == 1
    for one in result.trials:
        assert one.score == one.heads["gender"]
    assert result.judged == "score of gender"


@pytest.mark.slow
def test_a_grid_needs_no_optuna(base, swept, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    lines: list[str] = []
    result = swept(
        replace(base, epochs=1),
        vary=["dropout=0.2,0.3", "loss-weights.gender=1,2"],
        trials=4,
        say=lines.append,
    )
    assert "4 combinations, one trial each" in lines
    assert [tuple(one.settings.values()) for one in result.trials] == [
        (0.2, 1.0),
        (0.2, 2.0),
        (0.3, 1.0),
        (0.3, 2.0),
    ]
    assert {one.state for one in result.trials} == {"complete"}
    assert result.importance == {}
    assert (tmp_path / "out" / "best.toml").exists()


def test_proposals_need_optuna_before_anything_is_read(swept, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"needs Optuna .*: pip install -e '\.\[sweep"):
        swept(Recipe(), vary=["dropout=0.2..0.3"])
    assert not (tmp_path / "out").exists()


def test_a_sweep_goes_on_from_the_revision_that_it_began_from(base, swept, monkeypatch):
    newest, trials = ["a" * 40], []

    def pinned(source):
        if source != "hf://own/net":
            return source
        return f"hf://own/net@{newest[-1]}/network.keras"

    monkeypatch.setattr(pretrained, "absolute", pinned)
    monkeypatch.setattr(pretrained, "check", lambda *_: None)
    monkeypatch.setattr(pretrained, "size", lambda _: 64)
    monkeypatch.setattr(pretrained, "network", lambda _: None)
    monkeypatch.setattr(pretrained, "load", lambda *_: None)
    monkeypatch.setattr(sweep, "_run", lambda work: trials.append(work.base.weights))
    recipe = replace(base, weights="hf://own/net")
    for _ in range(2):
        swept(recipe, vary=["dropout=0.2,0.3"])
        newest.append("b" * 40)
    assert trials == [f"hf://own/net@{'a' * 40}/network.keras"] * 2


def test_a_sweep_says_that_its_weights_learned_from_pictures_now_held_out(
    base, swept, tmp_path, monkeypatch
):
    monkeypatch.setattr(sweep, "_run", lambda work: None)
    monkeypatch.setattr(pretrained, "check", lambda *_: None)
    monkeypatch.setattr(pretrained, "size", lambda _: 64)
    monkeypatch.setattr(pretrained, "load", lambda *_: None)
    (tmp_path / "before").mkdir()
    network = tmp_path / "before" / "network.keras"
    network.touch()
    lines: list[str] = []
    vary = ["dropout=0.2,0.3"]
    swept(replace(base, weights=str(network)), vary=vary, say=lines.append)
    (line,) = [line for line in lines if "pictures that it learned from" in line]
    assert line.startswith("No split.csv beside the network of --weights")


def test_the_command_imports_neither_optuna_nor_tensorflow_for_its_help():
    code = (
        "import sys; from multitask.sweep import parser; parser().format_help(); "
        "print([name for name in ('optuna', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_all_trials_have_the_precision_that_was_timed_once(
    base, swept, tmp_path, monkeypatch
):
    timed: list[str] = []

    def resolve_precision(spec, config, training):
        if config.precision == "auto":
            timed.append("auto")
            return "bfloat16"
        return config.precision

    monkeypatch.setattr(loop, "resolve_precision", resolve_precision)
    base, out = replace(base, epochs=1, precision="auto"), tmp_path / "out"
    result = swept(base, vary=["dropout=0.2,0.3"], grid=True)
    swept(base, vary=["dropout=0.2,0.3"], grid=True)
    assert timed == ["auto"]
    for trial in result.trials:
        config = recipe.recipe(recipe_files.read(out / trial.folder / "recipe.toml"))
        assert config.precision == "bfloat16"


def test_a_head_that_validation_does_not_label_cannot_judge(base, swept):
    with pytest.raises(
        UserError, match="no labels in the validation part, which judge"
    ):
        swept(replace(base, split="80/0/20"), vary=["dropout=0.2,0.3"])


@pytest.mark.slow
def test_a_number_counts_by_the_error_that_it_saves(swept, tmp_path, tiny_trunk):
    layouts.write(tmp_path / "faces", "utkface", count=120)
    base = Recipe(
        heads=("age", "gender"), data=(f"utkface={tmp_path / 'faces'}",), trunk="tiny",
        epochs=1, batch_size=16, precision="float32", split="60/20/20", tta=1,
    )  # fmt: skip
    result = swept(base, vary=["dropout=0.2,0.3"], grid=True)
    prepared = prepare.prepare(base, tmp_path / "other", lambda line: None)
    parts = prepared.split()
    ages = prepared.table["age"]
    constant = ages[parts == "train"].median()
    chance = (ages[parts == "val"] - constant).abs().mean()
    for one in result.trials:
        expected = (1 - one.heads["age"] / chance + one.heads["gender"]) / 2
        assert one.score == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--vary: is missing; write --vary KEY=A,B"),
        (["--vary", "dropout=0.1,0.2", "--trials", "0"], "--trials: is 0, must be 1"),
        (["--vary", "dropout=0.1,0.2", "--folds", "3"],
         "--folds: can't be combined with sweep; leave it out"),
        (["--vary", "tta=1,4"], "--vary: 'tta' can't vary: all trials share it"),
        (["--vary", "dropout=0.1..0.2", "--grid"], "--vary dropout=0.1..0.2: is a ran"),
        (["--vary", "dropout=0.1,0.2", "--objective", "gendr"],
         "--objective: unknown head 'gendr'; did you mean 'gender'?"),
        (["--vary", "loss-weights.gendr=1,2"],
         "--vary loss-weights.gendr=1.0: unknown head 'gendr'; "),
    ],
)  # fmt: skip
def test_what_cannot_be_swept_is_refused(faces, tmp_path, capsys, options, message):
    options = ["--heads", "gender", "--data", f"imfdb={faces}", *options]
    assert main([*options, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_line(swept, tmp_path):
    (tmp_path / "out" / ".reading").mkdir(parents=True)  # where a file is needed
    with pytest.raises(UserError, match="out/.reading: can't be written: Is a direc"):
        swept(Recipe(), vary=["dropout=0.2,0.3"])


@pytest.mark.slow
def test_a_mistake_does_not_take_the_folder(base, swept):
    base = replace(base, epochs=1)
    with pytest.raises(UserError, match="unknown head 'gendr'"):
        swept(base, vary=["dropout=0.2,0.3"], objective="gendr")
    assert len(swept(base, vary=["dropout=0.2,0.3"], objective="gender").trials) == 2
