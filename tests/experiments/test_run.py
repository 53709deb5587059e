"""Does one command make a network, keep it through any stop, and measure it?"""

import json
import os
import shutil
import signal
import sys

import numpy as np
import pandas as pd
import pytest

import multitask
from multitask.contracts.errors import UserError
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe, recipe
from multitask.contracts.recipe_files import read
from multitask.contracts.run import new_folder
from multitask.contracts.table import read_csv
from multitask.experiments import run as module
from multitask.experiments.evaluate import report
from multitask.experiments.run import fit
from multitask.fit import main
from tests import layouts
from tests.runs import (
    EPOCHS,
    HEADS,
    fit_options,
    quiet,
    start_fit,
    stop_in,
    tiny_recipe,
)

# `drawn_run` is made before this holds, with all that a report has.
pytestmark = pytest.mark.usefixtures("no_pictures")


def test_a_run_holds_what_the_design_page_lists(drawn_run):
    folder = drawn_run.folder
    assert {path.name for path in folder.iterdir()} == {
        "network.keras", "recipe.toml", "history.csv", "split.csv", "skipped.csv",
        "logs", "report",
    }  # fmt: skip
    assert list(pd.read_csv(folder / "split.csv")) == ["path", "split"]
    assert list((folder / "logs").rglob("events.out.tfevents*"))


def test_history_names_every_head_and_counts_epochs(drawn_run):
    history = pd.read_csv(drawn_run.folder / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    for name in (
        "loss",
        "age_loss",
        "age_mae",
        "gender_accuracy",
        "attributes_accuracy",
    ):
        assert {name, f"val_{name}"} <= set(history)


def test_that_the_faces_are_drawn_is_said_and_rides_along(drawn_run, drawn_lines):
    assert any("drawings" in line for line in drawn_lines)
    assert any("drawings" in note for note in multitask.load(drawn_run.folder).notes)
    report = drawn_run.folder / "report"
    page = (report / "index.html").read_text()
    text = (report / "classification_report.txt").read_text()
    assert "drawings" in page
    assert "drawings" in text


@pytest.mark.usefixtures("numbers_alone")
def test_the_written_recipe_makes_the_same_network(drawn_run, drawn_faces, tmp_path):
    # One machine, one seed: equal to the last bit, through the file and back.
    saved_recipe = recipe(read(drawn_run.folder / "recipe.toml"))
    assert saved_recipe == tiny_recipe(drawn_faces, heads=HEADS)
    fit(saved_recipe, tmp_path / "repeated", say=quiet)
    one = multitask.load(drawn_run.folder).model.get_weights()
    two = multitask.load(tmp_path / "repeated").model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.slow
def test_another_seed_makes_another_network_and_split(drawn_run, drawn_faces, tmp_path):
    other = tiny_recipe(drawn_faces, heads=HEADS, seed=1, epochs=1)
    fit(other, tmp_path / "other", say=quiet)
    one, two = (
        pd.read_csv(f / "split.csv") for f in (drawn_run.folder, tmp_path / "other")
    )
    assert not one["split"].equals(two["split"])


@pytest.mark.usefixtures("numbers_alone")
def test_the_split_of_another_run_is_taken_as_it_is(drawn_run, drawn_faces, tmp_path):
    before = pd.read_csv(drawn_run.folder / "split.csv")
    file = tmp_path / "listed.csv"
    before[:-9].to_csv(file, index=False)
    lines: list[str] = []
    other = tiny_recipe(drawn_faces, seed=1, epochs=1, image_size=24, split=str(file))
    run = fit(other, tmp_path / "run", say=lines.append)
    after = pd.read_csv(run.folder / "split.csv")
    assert len(after) == len(before) - 9
    pd.testing.assert_series_equal(
        after.set_index("path")["split"],
        before[:-9].set_index("path")["split"].loc[after["path"]],
    )
    assert f"left out: 9 pictures not in '{file}'" in lines
    before.assign(path=before["path"] + "x").to_csv(file, index=False)
    with pytest.raises(UserError, match=r"listed\.csv' lists none of the pictures"):
        fit(other, tmp_path / "other", say=lines.append)
    assert not (tmp_path / "other" / "recipe.toml").exists()


@pytest.mark.usefixtures("numbers_alone")
def test_a_single_head_is_named_like_one_of_many(drawn_faces, tmp_path):
    result = fit(
        tiny_recipe(drawn_faces, epochs=1),
        tmp_path / "one",
        say=quiet,
    )
    history = pd.read_csv(result.folder / "history.csv")
    assert {"gender_loss", "gender_accuracy", "val_gender_accuracy"} <= set(history)
    assert list(multitask.load(result.folder).model.output) == ["gender"]


@pytest.mark.usefixtures("numbers_alone")
def test_a_head_declared_in_a_recipe_file_works_like_a_named_one(drawn_faces, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        f'heads = ["mood", "years"]\ndata = ["sample={drawn_faces}"]\n'
        'trunk = "tiny"\nepochs = 1\nprecision = "float32"\n'
        '[head.mood]\nkind = "sigmoid"\ncolumns = ["gender"]\n'
        '[head.years]\nkind = "regression"\ncolumns = ["age"]\nhigh = 116\n'
        'error = "huber"\n'
    )
    assert main(["--recipe", str(file), "--out", str(tmp_path / "run")]) == 0
    answers = multitask.load(tmp_path / "run").predict(
        pd.read_csv(tmp_path / "run" / "split.csv")["path"][0]
    )
    assert answers["gender"].iloc[0] in ("male", "female")
    # The quantiles of its residuals are those of the validation part.
    assert answers["age_low"].iloc[0] < answers["age_high"].iloc[0]


@pytest.mark.usefixtures("numbers_alone")
def test_people_found_in_paths_stay_on_one_side(tiny_trunk, tmp_path):
    folder = tmp_path / "faces"
    layouts.write(folder, "utkface", count=60)
    recipe = Recipe(
        heads=("gender",),
        data=(f"utkface={folder}",),
        trunk=tiny_trunk,
        epochs=1,
        identity=r"(\d)\.jpg\.chip",  # the last digit: ten people of six pictures
    )
    run = fit(recipe, tmp_path / "run", say=quiet)
    split = pd.read_csv(run.folder / "split.csv")
    people = split["path"].str.extract(r"(\d)\.jpg\.chip")[0]
    assert people.nunique() == 10
    assert split["split"].groupby(people).nunique().max() == 1
    assert set(split["split"]) == {"train", "val", "test"}


@pytest.mark.slow
def test_folds_answer_each_picture_once_unseen_and_can_be_resumed(
    drawn_faces, tmp_path
):
    recipe = tiny_recipe(drawn_faces, epochs=1, folds=2)
    run = fit(recipe, tmp_path / "run", say=quiet)
    parts = [
        pd.read_csv(run.folder / f"fold-{i}" / "split.csv").set_index("path")["split"]
        for i in (1, 2)
    ]
    tested = pd.concat([p[p == "test"] for p in parts])
    assert tested.index.is_unique
    answers = pd.read_csv(run.folder / "report" / "answers.csv")
    assert set(answers["path"]) == set(tested.index) == set(parts[0].index)
    document = json.loads((run.folder / "report" / "report.json").read_text())
    scores = [
        json.loads((run.folder / f"fold-{i}" / "report" / "report.json").read_text())
        for i in (1, 2)
    ]
    values = [score["heads"]["gender"]["accuracy"] for score in scores]
    scores_of_folds = document["folds"]["gender"]["accuracy"]
    assert scores_of_folds["values"] == pytest.approx(values)
    assert scores_of_folds["mean"] == pytest.approx(np.mean(values))
    assert scores_of_folds["sd"] == pytest.approx(np.std(values, ddof=1))
    assert "over 2 folds" in (run.folder / "report" / "index.html").read_text()

    shutil.rmtree(run.folder / "report")
    shutil.rmtree(run.folder / "fold-2")
    before = (run.folder / "fold-1" / "network.keras").stat().st_mtime
    resumed = fit(recipe, run.folder, resume=True, say=quiet)
    assert (run.folder / "fold-1" / "network.keras").stat().st_mtime == before
    assert len(resumed.evaluation.labels) == len(run.evaluation.labels)


# Stops


@pytest.mark.slow
def test_resume_after_kill_ends_where_an_unbroken_run_ends(drawn_faces, tmp_path):
    process = start_fit(tmp_path / "killed", drawn_faces, 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = pd.read_csv(tmp_path / "killed" / "history.csv")
    assert main(["--resume", "--out", str(tmp_path / "killed")]) == 0
    after = pd.read_csv(tmp_path / "killed" / "history.csv")
    assert after["epoch"].tolist() == list(range(1, EPOCHS + 1))
    pd.testing.assert_frame_equal(after[: len(before)], before)

    assert main(fit_options(tmp_path / "whole", drawn_faces)) == 0
    whole = pd.read_csv(tmp_path / "whole" / "history.csv")
    # All else is the same to the last bit, dropout included.
    seconds = ["seconds", "cpu_seconds"]
    pd.testing.assert_frame_equal(
        after.drop(columns=seconds), whole.drop(columns=seconds), check_exact=True
    )
    one, two = (
        multitask.load(tmp_path / name).model.get_weights()
        for name in ("killed", "whole")
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not (tmp_path / "killed" / "checkpoint").exists()


@pytest.mark.slow
def test_ctrl_c_leaves_a_usable_run_that_can_go_on(drawn_faces, tmp_path):
    process = start_fit(tmp_path / "run", drawn_faces, 1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors.decode()
    assert b"Traceback" not in errors
    assert len(multitask.load(tmp_path / "run").heads) == 1
    assert (tmp_path / "run" / "report" / "report.json").exists()
    done = len(pd.read_csv(tmp_path / "run" / "history.csv"))
    assert done < EPOCHS
    assert main(["--resume", "--out", str(tmp_path / "run")]) == 0
    assert len(pd.read_csv(tmp_path / "run" / "history.csv")) == EPOCHS


@pytest.mark.usefixtures("numbers_alone")
def test_a_run_killed_in_its_first_epoch_makes_way_for_a_corrected_one(
    drawn_faces, tmp_path, monkeypatch
):
    lines: list[str] = []
    out = tmp_path / "run"
    with monkeypatch.context() as killed:
        killed.setattr("multitask.experiments.run.discard", lambda out: None)
        stop_in(killed, 1)
        with pytest.raises(KeyboardInterrupt):
            fit(tiny_recipe(drawn_faces), out)
    assert {"recipe.toml", "split.csv"} <= {path.name for path in out.iterdir()}
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="already exists; .* --resume to continue"):
        fit(tiny_recipe(drawn_faces, epochs=1), out)
    (out / "notes.txt").unlink()
    mine = tmp_path / "mine"  # a recipe and a split of the user's, of no run
    mine.mkdir()
    for name in ("recipe.toml", "split.csv"):
        shutil.copy(out / name, mine / name)
    with pytest.raises(UserError, match="already exists"):
        fit(tiny_recipe(drawn_faces, epochs=1), mine)
    assert {path.name for path in mine.iterdir()} == {"recipe.toml", "split.csv"}
    fit(tiny_recipe(drawn_faces, epochs=1), out, say=lines.append)
    assert (
        lines[0] == f"{out}: begins anew, as a run there ended before its first epoch"
    )
    assert len(pd.read_csv(out / "history.csv")) == 1
    with pytest.raises(UserError, match="already exists"):
        fit(tiny_recipe(drawn_faces, epochs=1), out)


def test_a_run_stopped_or_failed_in_its_first_epoch_leaves_its_folder_free(
    drawn_faces, tmp_path, monkeypatch
):
    lines: list[str] = []
    stop_in(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_recipe(drawn_faces), tmp_path / "run", say=lines.append)
    assert lines[-1] == "stopped before an epoch was done; the run is not kept"
    assert not (tmp_path / "run").exists()

    def fail(*_, **__):
        raise UserError("loss", "is not finite")

    monkeypatch.setattr("multitask.training.loop.train", fail)
    for folds in (0, 2):
        recipe = tiny_recipe(drawn_faces, folds=folds)
        with pytest.raises(UserError, match="is not finite"):
            fit(recipe, tmp_path / "run", say=quiet)
        assert not (tmp_path / "run").exists()


def test_a_stopped_run_on_a_frozen_trunk_leaves_its_folder_free_too(
    drawn_run, drawn_faces, tmp_path, monkeypatch
):
    frozen = {"freeze": "all", "augment": "none", "weights": str(drawn_run.folder)}
    stop_in(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        fit(
            tiny_recipe(drawn_faces, **frozen),
            tmp_path / "run",
            say=quiet,
            machine=Machine(cache=tmp_path / "cache"),
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_fold_that_was_stopped_is_trained_to_its_end(
    drawn_faces, tmp_path, monkeypatch
):
    recipe = tiny_recipe(drawn_faces, folds=2)
    lines: list[str] = []
    stop_in(monkeypatch, 2)
    stopped = fit(recipe, tmp_path / "run", say=lines.append)
    assert stopped.interrupted
    again = f"python -m multitask.fit --resume --out {tmp_path / 'run'}"
    assert any(line.endswith(f"resume with: {again}") for line in lines)
    run = fit(recipe, tmp_path / "run", resume=True, say=lines.append)
    assert not run.interrupted
    for number in (1, 2):
        history = pd.read_csv(tmp_path / "run" / f"fold-{number}" / "history.csv")
        assert history["epoch"].tolist() == [1, 2]


@pytest.mark.slow
def test_folds_that_a_file_was_added_to_are_not_dealt_anew(drawn_faces, tmp_path):
    copy = tmp_path / "faces"
    shutil.copytree(drawn_faces, copy)
    labels = pd.read_csv(copy / "labels.csv")
    labels[:-3].to_csv(copy / "labels.csv", index=False)
    recipe = tiny_recipe(copy, epochs=1, folds=2)
    run = fit(recipe, tmp_path / "run", say=quiet)
    labels.to_csv(copy / "labels.csv", index=False)
    shutil.rmtree(run.folder / "report")
    shutil.rmtree(run.folder / "fold-2")
    with pytest.raises(UserError, match="can be resumed only with the data"):
        fit(recipe, run.folder, resume=True, say=quiet)


def test_more_folds_than_people_are_refused(tmp_path, tiny_trunk):
    folder = tmp_path / "faces"
    layouts.write(folder, "utkface", count=40)
    recipe = Recipe(
        heads=("gender",), data=(f"utkface={folder}",), trunk="tiny", epochs=1,
        identity=r"([0-2])\.jpg\.chip", folds=60,
    )  # fmt: skip
    with pytest.raises(
        UserError, match=r"^--folds: is 60, but the pictures form \d+ grou"
    ):
        fit(recipe, tmp_path / "run", say=quiet)


@pytest.mark.slow
def test_resuming_on_other_data_is_refused(drawn_faces, tmp_path):
    copy = tmp_path / "faces"
    shutil.copytree(drawn_faces, copy)
    process = start_fit(tmp_path / "run", copy, 1)
    process.kill()
    process.communicate()
    labels = pd.read_csv(copy / "labels.csv")
    labels[:-3].to_csv(copy / "labels.csv", index=False)
    with pytest.raises(
        UserError, match=r"split\.csv.*can be resumed only with the data"
    ):
        fit(
            recipe(read(tmp_path / "run" / "recipe.toml")),
            tmp_path / "run",
            resume=True,
            say=quiet,
        )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have text as names")
def test_names_of_files_that_are_not_utf_8_come_through(tiny_trunk, tmp_path):
    folder = tmp_path / "faces"
    layouts.write(folder, "utkface", count=40)
    first = sorted(folder.rglob("*.jpg"))[0]
    odd = os.fsencode(first.parent) + b"/20_0_0_caf\xe9.jpg"
    os.rename(first, odd)
    recipe = Recipe(
        heads=("gender",), data=(f"utkface={folder}",), trunk=tiny_trunk, epochs=1
    )
    result = fit(recipe, tmp_path / "run", say=quiet)
    assert odd in (result.folder / "split.csv").read_bytes()
    assert read_csv(result.folder / "split.csv")["path"].map(os.path.exists).all()
    measured = report(result.folder, split="all").folder
    assert measured is not None
    assert odd in (measured / "answers.csv").read_bytes()


@pytest.mark.slow
def test_the_recipe_of_a_run_names_the_precision_that_auto_chose(drawn_faces, tmp_path):
    run = fit(
        tiny_recipe(drawn_faces, precision="auto"),
        tmp_path / "run",
        say=quiet,
    )
    assert read(run.folder / "recipe.toml")["precision"] == "float32"  # it is short
    assert multitask.load(run.folder).spec.recipe["precision"] == "float32"


@pytest.mark.usefixtures("numbers_alone")
def test_a_run_that_stopped_before_it_had_a_split_is_resumed(drawn_faces, tmp_path):
    recipe = tiny_recipe(drawn_faces, epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "train_prepared", _stopped)
        patch.setattr(module, "discard", lambda out: None)  # as if it was killed
        with pytest.raises(KeyboardInterrupt):
            fit(recipe, tmp_path / "run", say=quiet)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "recipe.toml", "skipped.csv",
    }  # fmt: skip
    assert not fit(recipe, tmp_path / "run", resume=True, say=quiet).interrupted


@pytest.mark.parametrize("folds", [0, 2])
def test_a_run_killed_before_it_had_a_recipe_makes_way(
    folds, drawn_faces, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "write_text", _stopped)
    monkeypatch.setattr(module, "begin", _stopped)
    monkeypatch.setattr(module, "discard", lambda out: None)  # as if it was killed
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_recipe(drawn_faces, folds=folds), tmp_path / "run", say=quiet)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["skipped.csv"]
    out = tmp_path / "run"
    assert new_folder(out, or_without_epoch=True) == out


def _stopped(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_a_run_may_be_resumed_on_another_machine(drawn_faces, tmp_path, monkeypatch):
    recipe = tiny_recipe(drawn_faces, freeze="all")
    stop_in(monkeypatch, 2)
    out, first = tmp_path / "run", Machine(cache=tmp_path / "first")
    assert fit(recipe, out, say=quiet, machine=first).interrupted
    second = tmp_path / "second"
    options = ["--resume", "--out", str(out), "--cache", str(second), "--memory", "1"]
    assert main(options) == 0
    assert (second / "features").is_dir()
    assert len(pd.read_csv(out / "history.csv")) == 2
    assert not {"cache", "memory"} & set(read(out / "recipe.toml"))


@pytest.mark.parametrize("folds", [0, 2])
def test_a_folder_that_can_not_be_made_is_one_line(drawn_faces, tmp_path, folds):
    (tmp_path / "file").touch()
    recipe = tiny_recipe(drawn_faces, folds=folds)
    with pytest.raises(UserError, match="file/run: can't be a folder: "):
        fit(recipe, tmp_path / "file" / "run", say=quiet)
