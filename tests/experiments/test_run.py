"""Does one command make a network, keep it through any stop, and measure it?"""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample

import multitask
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe, recipe
from multitask.contracts.recipe_files import read
from multitask.contracts.table import read_csv
from multitask.experiments.evaluate import report
from multitask.experiments.run import fit
from multitask.fit import main
from multitask.networks import build
from multitask.networks.spec import NetworkSpec
from multitask.training import callbacks
from tests import layouts

ROOT = Path(__file__).parents[2]
HEADS = ("age", "gender", "expression", "attributes[Smiling,Eyeglasses]")
EPOCHS = 14  # of a fit that is stopped from outside: it must not end before
# The module's `run` is made before this holds, with all that a report has.
pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(scope="module")
def faces(tmp_path_factory, tiny_trunk):
    folder = tmp_path_factory.mktemp("drawn") / "faces"
    sample.read(folder, count=150)
    return folder


def tiny(faces, **changes):
    settings: dict[str, Any] = {
        "heads": ("gender",),
        "data": (f"sample={faces}",),
        "trunk": "tiny",
        "epochs": 2,
        "batch_size": 16,
        "precision": "float32",
    }
    return Recipe(**(settings | changes))


@pytest.fixture(scope="module")
def run(faces, tmp_path_factory):
    said: list[str] = []
    out = tmp_path_factory.mktemp("runs") / "run"
    return fit(tiny(faces, heads=HEADS), out, say=said.append), said


def test_a_run_holds_what_the_design_page_lists(run):
    folder = run[0].folder
    assert {path.name for path in folder.iterdir()} == {
        "network.keras", "recipe.toml", "history.csv", "split.csv", "skipped.csv",
        "logs", "report",
    }  # fmt: skip
    assert list(pd.read_csv(folder / "split.csv")) == ["path", "split"]
    assert list((folder / "logs").rglob("events.out.tfevents*"))


def test_a_report_has_the_keys_that_scripts_rely_on(run):
    report = json.loads((run[0].folder / "report" / "report.json").read_text())
    heads = report["heads"]
    assert report["rows"] == len(run[0].evaluation.labels)
    assert {"n", "accuracy", "macro_f1", "classification_report"} <= set(
        heads["gender"]
    )
    assert {"n", "mae"} <= set(heads["age"])
    assert {"n", "mean_accuracy", "macro_f1", "per_label"} <= set(heads["attributes"])


def test_history_names_every_head_and_counts_epochs(run):
    history = pd.read_csv(run[0].folder / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    for name in (
        "loss",
        "age_loss",
        "age_mae",
        "gender_accuracy",
        "attributes_accuracy",
    ):
        assert {name, f"val_{name}"} <= set(history)


def test_that_the_faces_are_drawn_is_said_and_rides_along(run):
    result, said = run
    assert any("drawings" in line for line in said)
    assert any("drawings" in note for note in multitask.load(result.folder).notes)
    page = (result.folder / "report" / "index.html").read_text()
    text = (result.folder / "report" / "classification_report.txt").read_text()
    assert "drawings" in page
    assert "drawings" in text


def test_the_saved_network_gives_the_answers_of_the_report(run):
    comparison = run[0].evaluation
    answers = multitask.load(run[0].folder).predict(comparison.labels["path"].tolist())
    for column in ("age", "gender_confidence", "Smiling_confidence"):
        np.testing.assert_allclose(
            answers[column].to_numpy(float),
            comparison.answers[column].to_numpy(float),
            rtol=1e-4,
            atol=1e-4,
        )


def test_the_written_recipe_makes_the_same_network(run, faces, tmp_path):
    # One machine, one seed: equal to the last bit, through the file and back.
    again = recipe(read(run[0].folder / "recipe.toml"))
    assert again == tiny(faces, heads=HEADS)
    fit(again, tmp_path / "again", say=lambda line: None)
    one = multitask.load(run[0].folder).model.get_weights()
    two = multitask.load(tmp_path / "again").model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.slow
def test_another_seed_makes_another_network_and_split(run, faces, tmp_path):
    other = tiny(faces, heads=HEADS, seed=1, epochs=1)
    fit(other, tmp_path / "other", say=lambda line: None)
    one, two = (
        pd.read_csv(f / "split.csv") for f in (run[0].folder, tmp_path / "other")
    )
    assert not one["split"].equals(two["split"])


def test_the_split_of_another_run_is_taken_as_it_is(run, faces, tmp_path):
    before = pd.read_csv(run[0].folder / "split.csv")
    file = tmp_path / "listed.csv"
    before[:-9].to_csv(file, index=False)
    said: list[str] = []
    again = tiny(faces, seed=1, epochs=1, image_size=24, split=str(file))
    made = fit(again, tmp_path / "run", say=said.append)
    after = pd.read_csv(made.folder / "split.csv")
    assert len(after) == len(before) - 9
    pd.testing.assert_series_equal(
        after.set_index("path")["split"],
        before[:-9].set_index("path")["split"].loc[after["path"]],
    )
    assert f"9 pictures are left out: not in '{file}'" in said
    before.assign(path=before["path"] + "x").to_csv(file, index=False)
    with pytest.raises(UserError, match=r"listed\.csv' lists no picture of the data"):
        fit(again, tmp_path / "other", say=said.append)
    assert not (tmp_path / "other" / "recipe.toml").exists()


def test_a_single_head_is_named_like_one_of_many(faces, tmp_path):
    result = fit(
        tiny(faces, epochs=1),
        tmp_path / "one",
        say=lambda line: None,
    )
    history = pd.read_csv(result.folder / "history.csv")
    assert {"gender_loss", "gender_accuracy", "val_gender_accuracy"} <= set(history)
    assert list(multitask.load(result.folder).model.output) == ["gender"]


def test_a_head_declared_in_a_recipe_file_works_like_a_named_one(faces, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        f'heads = ["mood", "years"]\ndata = ["sample={faces}"]\n'
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
    # The residuals' quantiles were found on the validation part after training.
    assert answers["age_low"].iloc[0] < answers["age_high"].iloc[0]


def test_class_weights_count_the_training_part_only(faces):
    from multitask.contracts.catalog import heads
    from multitask.experiments.prepare import Prepared

    table = sample.read(faces).table
    table["split"] = np.where(np.arange(len(table)) < 50, "train", "val")
    (head,) = heads(["gender"])
    head = replace(head, class_weights="balanced")
    pixels = np.zeros((len(table), 16, 16, 3), np.uint8)
    spec = NetworkSpec(trunk="tiny", size=16, heads=(head,))
    prepared = Prepared(
        recipe=tiny(faces),
        spec=spec,
        table=table,
        pixels=pixels,
        members=np.arange(len(table)),
        skipped=pd.DataFrame(),
    )
    made = {
        "train": prepared.training(table).encoded["gender"].weights,
        "val": prepared.validation(table).encoded["gender"].weights,
    }
    labels = table["gender"][:50].dropna()
    male = len(labels) / (2 * (labels == "male").sum())  # N / (K n)
    is_male = table["gender"][:50] == "male"
    np.testing.assert_allclose(made["train"][is_male], male, rtol=1e-6)
    assert set(made["val"]) == {0.0, 1.0}


def test_what_is_mixed_balanced_and_capped_is_said_and_noted(faces, tmp_path):
    said: list[str] = []
    recipe = tiny(
        faces,
        epochs=1,
        mix="classes=gender",
        cap={"gender": 5},
        class_weights={"gender": "balanced"},
    )
    run = fit(recipe, tmp_path / "run", say=said.append)
    # 80% of the labels of 70 drawn faces would be more than the cap allows.
    (shown,) = [line for line in said if line.startswith("an epoch shows")]
    sample_count = int(shown.split("sample ")[1].split(";")[0])
    assert 10 <= sample_count < 25
    notes = json.loads((run.folder / "report" / "report.json").read_text())["notes"]
    assert notes[1:] == [
        "Training pictures were drawn at random until every class of gender had 5 or "
        "all it has; classes that share pictures with rarer ones may have more.",
        "Training saw the classes of gender equally often.",
        "Rare classes weigh more in the loss of gender.",
    ]


@pytest.mark.parametrize(
    ("parts", "part", "warned"),
    [
        (["train", "val", "test"], "test", ""),
        (["train", "val"], "val", "the validation part, by which the best epoch"),
        (["train"], "train", "pictures that the network learnt from"),
    ],
)
def test_a_report_without_a_test_part_says_what_it_is_of(parts, part, warned):
    from multitask.experiments.notes import measured_part

    found, notes = measured_part(pd.DataFrame({"split": parts}))
    assert found == part
    assert len(notes) == bool(warned)
    assert warned in "".join(notes)


def test_people_found_in_paths_stay_on_one_side(tmp_path):
    folder = tmp_path / "faces"
    layouts.write(folder, "utkface", count=60)
    recipe = Recipe(
        heads=("gender",),
        data=(f"utkface={folder}",),
        trunk="tiny",
        epochs=1,
        identity=r"(\d)\.jpg\.chip",  # the last digit: ten people of six pictures
    )
    run = fit(recipe, tmp_path / "run", say=lambda line: None)
    split = pd.read_csv(run.folder / "split.csv")
    people = split["path"].str.extract(r"(\d)\.jpg\.chip")[0]
    assert people.nunique() == 10
    assert split["split"].groupby(people).nunique().max() == 1
    assert set(split["split"]) == {"train", "val", "test"}


def test_folds_answer_each_picture_once_unseen_and_can_be_resumed(faces, tmp_path):
    recipe = tiny(faces, epochs=1, folds=2)
    run = fit(recipe, tmp_path / "run", say=lambda line: None)
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
    found = document["folds"]["gender"]["accuracy"]
    assert found["values"] == pytest.approx(values)
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))
    assert "over 2 folds" in (run.folder / "report" / "index.html").read_text()

    import shutil

    shutil.rmtree(run.folder / "report")
    shutil.rmtree(run.folder / "fold-2")
    before = (run.folder / "fold-1" / "network.keras").stat().st_mtime
    again = fit(recipe, run.folder, resume=True, say=lambda line: None)
    assert (run.folder / "fold-1" / "network.keras").stat().st_mtime == before
    assert len(again.evaluation.labels) == len(run.evaluation.labels)


# Stops


def _options(out, faces):
    return [
        "--heads", "gender", "--data", f"sample={faces}", "--trunk", "tiny",
        "--epochs", str(EPOCHS), "--batch-size", "8", "--precision", "float32",
        "--dropout", "0", "--out", str(out),
    ]  # fmt: skip


def _start(out, faces, epochs):
    """A fit in a process of its own that has finished so many epochs."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "tests" / "tiny.py", "fit", *_options(out, faces)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    for _ in range(2400):
        history = out / "history.csv"
        if history.exists() and len(history.read_text().splitlines()) > epochs:
            return process
        if process.poll() is not None:
            raise AssertionError(process.stderr.read().decode())
        time.sleep(0.05)
    raise AssertionError("no epoch was finished in two minutes")


def test_resume_after_kill_ends_where_an_unbroken_run_ends(faces, tmp_path):
    process = _start(tmp_path / "killed", faces, 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = pd.read_csv(tmp_path / "killed" / "history.csv")
    assert main(["--resume", "--out", str(tmp_path / "killed")]) == 0
    after = pd.read_csv(tmp_path / "killed" / "history.csv")
    assert after["epoch"].tolist() == list(range(1, EPOCHS + 1))
    pd.testing.assert_frame_equal(after[: len(before)], before)

    assert main(_options(tmp_path / "whole", faces)) == 0
    whole = pd.read_csv(tmp_path / "whole" / "history.csv")
    # Without dropout, which draws anew, all goes on as if there had been no stop.
    np.testing.assert_allclose(after["learning_rate"], whole["learning_rate"])
    np.testing.assert_allclose(after["loss"], whole["loss"], rtol=1e-3)
    np.testing.assert_allclose(after["val_loss"], whole["val_loss"], rtol=1e-3)
    assert not (tmp_path / "killed" / "checkpoint").exists()


def test_ctrl_c_leaves_a_usable_run_that_can_go_on(faces, tmp_path):
    process = _start(tmp_path / "run", faces, 1)
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


def _stop_in(monkeypatch, epoch):
    """Have Ctrl-C pressed in an epoch (from 1) of the next training, once."""

    usual = callbacks.Progress.on_train_batch_end

    def stop(self, batch, logs=None):
        if self.model.optimizer.iterations > (epoch - 1) * self.params["steps"]:
            monkeypatch.setattr(callbacks.Progress, "on_train_batch_end", usual)
            raise KeyboardInterrupt
        usual(self, batch, logs)

    monkeypatch.setattr(callbacks.Progress, "on_train_batch_end", stop)


def test_ctrl_c_in_the_first_epoch_leaves_a_run_to_begin_again(
    faces, tmp_path, monkeypatch
):
    said: list[str] = []
    _stop_in(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny(faces), tmp_path / "run", say=said.append)
    assert "--resume" in said[-1]
    assert not (tmp_path / "run" / "network.keras").exists()
    assert main(["--resume", "--out", str(tmp_path / "run")]) == 0
    assert len(pd.read_csv(tmp_path / "run" / "history.csv")) == 2


@pytest.mark.slow
def test_a_fold_that_was_stopped_is_trained_to_its_end(faces, tmp_path, monkeypatch):
    recipe = tiny(faces, folds=2)
    said: list[str] = []
    _stop_in(monkeypatch, 2)
    stopped = fit(recipe, tmp_path / "run", say=said.append)
    assert stopped.interrupted
    assert any(line.endswith(f"--out {tmp_path / 'run'} goes on") for line in said)
    run = fit(recipe, tmp_path / "run", resume=True, say=said.append)
    assert not run.interrupted
    for number in (1, 2):
        history = pd.read_csv(tmp_path / "run" / f"fold-{number}" / "history.csv")
        assert history["epoch"].tolist() == [1, 2]


@pytest.mark.slow
def test_folds_that_a_file_was_added_to_are_not_dealt_anew(faces, tmp_path):
    import shutil

    copy = tmp_path / "faces"
    shutil.copytree(faces, copy)
    labels = pd.read_csv(copy / "labels.csv")
    labels[:-3].to_csv(copy / "labels.csv", index=False)
    recipe = tiny(copy, epochs=1, folds=2)
    run = fit(recipe, tmp_path / "run", say=lambda line: None)
    labels.to_csv(copy / "labels.csv", index=False)
    shutil.rmtree(run.folder / "report")
    shutil.rmtree(run.folder / "fold-2")
    with pytest.raises(UserError, match="can only be resumed on the data it began"):
        fit(recipe, run.folder, resume=True, say=lambda line: None)


def test_more_folds_than_people_are_refused(tmp_path, tiny_trunk):
    folder = tmp_path / "faces"
    layouts.write(folder, "utkface", count=40)
    recipe = Recipe(
        heads=("gender",), data=(f"utkface={folder}",), trunk="tiny", epochs=1,
        identity=r"([0-2])\.jpg\.chip", folds=60,
    )  # fmt: skip
    with pytest.raises(UserError, match=r"^--folds: is 60, the pictures make \d+ grou"):
        fit(recipe, tmp_path / "run", say=lambda line: None)


@pytest.mark.parametrize("change", [{"patience": 3}, {"schedule": "plateau"}])
def test_waiting_for_a_gain_needs_a_validation_part(faces, tmp_path, change):
    with pytest.raises(UserError, match="^--split: leaves no validation part"):
        fit(tiny(faces, split="80/0/20", **change), tmp_path / "run")


def test_float16_scales_its_loss_and_can_lower_its_rate(faces, tmp_path):
    import keras

    from multitask.training import loop

    plateau = tiny(faces, precision="float16", schedule="plateau", epochs=1)
    run = fit(plateau, tmp_path / "run", say=lambda line: None)
    assert np.isfinite(pd.read_csv(run.folder / "history.csv")["loss"]).all()
    spec = multitask.load(run.folder).spec
    model = build.build_core(spec, policy="mixed_float16", training=True)
    loop._compile(model, spec.heads, plateau, 10, "float16")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_a_report_on_pictures_that_were_moved_knows_them_again(faces, tmp_path):
    import shutil

    copy = tmp_path / "faces"
    shutil.copytree(faces, copy)
    run = fit(tiny(copy, epochs=1), tmp_path / "run", say=lambda line: None)
    split = pd.read_csv(run.folder / "split.csv")
    moved = split.assign(path=split["path"].str.replace("faces", "other", n=1))
    moved.to_csv(run.folder / "split.csv", index=False)
    with pytest.raises(UserError, match="lists no picture that is there now"):
        report(run.folder)
    found, _ = report(run.folder, [f"sample={copy}"])
    assert found.split == "test"
    tested = split.loc[split["split"] == "test", "path"]
    assert sorted(found.labels["path"]) == sorted(tested)
    assert any("were recognized by the ends of their paths" in n for n in found.notes)
    others = tmp_path / "others"
    layouts.write(others, "utkface", count=20)
    found, _ = report(run.folder, [f"utkface={others}"])
    assert (found.split, len(found.labels)) == ("all", 20)
    assert not any("were recognized" in note for note in found.notes)


def test_a_report_without_the_split_of_its_own_data_says_so(run, tmp_path):
    import shutil

    shutil.copy(run[0].folder / "network.keras", tmp_path)
    found, _ = report(tmp_path / "network.keras")
    assert found.split == "all"
    assert any(
        "no split.csv beside it lists its training pictures" in n for n in found.notes
    )


def test_a_report_on_its_own_data_is_of_pictures_that_the_run_listed(faces, tmp_path):
    folder = tmp_path / "faces"
    layouts.write(folder, "celeba", count=120)
    settings = {"heads": ("gender",), "data": (f"celeba={folder}",), "limit": 60}
    recipe = tiny(faces, **settings, epochs=1, split="60/20/20")
    made = fit(recipe, tmp_path / "run", say=lambda line: None)
    found, _ = report(made.folder)
    listed = pd.read_csv(made.folder / "split.csv").set_index("path")["split"]
    assert set(listed.loc[found.labels["path"]]) == {"test"}
    assert len(found.labels) == (listed == "test").sum()


def test_a_trunk_that_learnt_from_the_test_part_is_told(run, faces, tmp_path):
    network = run[0].folder / "network.keras"
    recipe = tiny(faces, epochs=1, seed=5, weights=str(network))
    said: list[str] = []
    made = fit(recipe, tmp_path / "leaks", say=said.append)
    split = pd.read_csv(run[0].folder / "split.csv")
    assert any("had trained the network of --weights" in line for line in said)
    assert any("had trained the network" in note for note in made.evaluation.notes)
    recipe = tiny(
        faces, epochs=1, weights=str(network), split=str(run[0].folder / "split.csv")
    )
    clean = fit(recipe, tmp_path / "clean", say=lambda line: None)
    assert len(clean.evaluation.labels) == (split["split"] == "test").sum()
    assert not any("had trained the network" in n for n in clean.evaluation.notes)


def test_a_split_of_a_file_that_leaks_is_told(tmp_path, tiny_trunk):
    folder = tmp_path / "faces"
    layouts.write(folder, "celeba", count=60)
    paths = sorted(map(str, folder.rglob("*.jpg")))  # four pictures a person
    parts = ["train", "train", "train", "test"] * 15
    file = tmp_path / "split.csv"
    pd.DataFrame({"path": paths, "split": parts}).to_csv(file, index=False)
    recipe = tiny(folder, data=(f"celeba={folder}",), epochs=1, split=str(file))
    made = fit(recipe, tmp_path / "run", say=lambda line: None)
    assert any(
        "15 of 15 pictures of validation and test part show a person" in note
        for note in made.evaluation.notes
    )


def test_identities_are_looked_for_below_the_data_folder(tmp_path, tiny_trunk):
    from multitask.experiments.prepare import prepare

    folder = tmp_path / "S9_faces"
    layouts.write(folder, "folders", count=30, head="gender")
    for number, path in enumerate(sorted(folder.rglob("*.jpg"))):
        path.rename(path.with_name(f"S{number % 5}_{path.name}"))
    recipe = tiny(folder, data=(f"gender=folder:{folder}",), identity=r"(S\d+)_")
    made = prepare(recipe, tmp_path / "run", lambda line: None)
    assert made.table["identity"].nunique() == 5


def test_labels_that_no_picture_has_are_left_out(tmp_path, tiny_trunk):
    folder = tmp_path / "faces"
    layouts.write(folder, "celeba", count=40)
    paths = sorted(map(str, folder.rglob("*.jpg")))
    table = pd.DataFrame({"path": paths, "Smiling": [0, 1] * 20, "Young": [1, 0] * 20})
    table.to_csv(tmp_path / "two.csv", index=False)
    data = (f"two=table:{tmp_path / 'two.csv'}",)
    said: list[str] = []
    settings = {"heads": ("attributes",), "data": data, "epochs": 1}
    run = fit(tiny(folder, **settings), tmp_path / "run", say=said.append)
    [head] = multitask.load(run.folder).heads
    assert head.columns == ("Smiling", "Young")
    assert any("no picture is labelled 5_o_Clock_Shadow, " in line for line in said)
    settings["heads"] = ("attributes[Smiling,Bald]",)
    with pytest.raises(UserError, match="head attributes: .* no label for Bald$"):
        fit(tiny(folder, **settings), tmp_path / "other", say=said.append)


def test_figures_of_an_epoch_stand_with_their_own_head():
    from multitask.training.callbacks import _summary

    figures = {
        "epoch": 1, "seconds": 1.0, "loss": 1.0, "val_loss": 1.0, "val_age_mae": 5.0,
        "val_age_group_accuracy": 0.5, "val_age_loss": 1.0,
    }  # fmt: skip
    heads = catalog.heads(["age", "age_group"])
    assert _summary(figures, 3, heads).endswith(
        "val loss 1.000  age mae 5.000  age_group accuracy 0.500"
    )


def test_resuming_on_other_data_is_refused(faces, tmp_path):
    import shutil

    copy = tmp_path / "faces"
    shutil.copytree(faces, copy)
    process = _start(tmp_path / "run", copy, 1)
    process.kill()
    process.communicate()
    labels = pd.read_csv(copy / "labels.csv")
    labels[:-3].to_csv(copy / "labels.csv", index=False)
    with pytest.raises(UserError, match=r"split\.csv.*can only be resumed on the data"):
        fit(
            recipe(read(tmp_path / "run" / "recipe.toml")),
            tmp_path / "run",
            resume=True,
            say=lambda line: None,
        )


def test_a_loss_that_is_not_finite_stops_with_what_to_change(faces, tmp_path):
    wild = tiny(
        faces, optimizer="sgd", learning_rate=1e30, schedule="constant", warmup=0
    )
    with pytest.raises(
        UserError, match=r"epoch 1, step \d+: the loss is .*--learning-rate"
    ):
        fit(wild, tmp_path / "wild", say=lambda line: None)


def test_ctrl_c_waits_until_what_is_begun_is_written():
    from multitask.training.callbacks import interrupts_held

    done = []

    # A shell that starts the tests in the background has it ignored.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)

    def write():
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            done.append("written")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["written"]
    with pytest.raises(KeyboardInterrupt):  # and works as before afterwards
        signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, usual)


# Decisions from the figures so far


def _keeper(losses, rates=None, **settings):
    from multitask.training.callbacks import BestEpoch

    rates = rates or [1.0] * len(losses)
    past = [
        {"val_loss": loss, "learning_rate": rate}
        for loss, rate in zip(losses, rates, strict=True)
    ]
    spec = NetworkSpec(trunk="tiny", size=16, heads=())
    keeper = BestEpoch(spec, Path(), "float32", past)
    keeper.begin(1, Recipe(**settings))
    return keeper


def test_the_best_epoch_is_the_first_of_the_lowest_validation_loss():
    assert _keeper([3.0, 1.0, 2.0, 1.0]).best_epoch == 2
    assert _keeper([]).best_epoch == 0


def test_early_stopping_waits_for_its_patience():
    assert not _keeper([3.0, 1.0, 2.0], patience=2).ended
    assert _keeper([3.0, 1.0, 2.0, 2.0], patience=2).ended
    assert not _keeper([3.0, 1.0, 2.0, 2.0]).ended


def test_a_plateau_lowers_the_rate_once_in_three_epochs_without_gain():
    flat = [1.0, 2.0, 2.0, 2.0]
    assert _keeper(flat[:3])._plateau_rate() == 1.0
    assert _keeper(flat)._plateau_rate() == pytest.approx(0.2)
    lowered = [1.0, 1.0, 1.0, 1.0, 0.2]  # the fifth epoch was the first at 0.2
    assert _keeper([*flat, 2.0], lowered)._plateau_rate() == pytest.approx(0.2)
    assert _keeper([*flat, 2.0, 2.0, 2.0], [*lowered, 0.2, 0.2])._plateau_rate() == (
        pytest.approx(0.04)
    )


def test_a_plateau_has_a_length_and_a_least_rate():
    flat = [1.0, 2.0, 2.0]
    assert _keeper(flat, plateau=2)._plateau_rate() == pytest.approx(0.2)
    least: dict[str, Any] = {"schedule": "plateau", "least_learning_rate": 0.5}
    kept = _keeper(flat, plateau=2, **least)
    assert kept._plateau_rate() == 0.5
    below = _keeper(flat, [0.1] * 3, plateau=2, **least)
    assert below._plateau_rate() == pytest.approx(0.1)  # never raised


def test_a_second_stage_waits_and_lowers_by_its_own_epochs():
    keeper = _keeper([1.0, 3.0, 3.0, 3.0, 3.0], [1.0, 1.0, 0.1, 0.1, 0.1])
    for figures, stage in zip(keeper.history, (1, 1, 2, 2, 2), strict=True):
        figures["stage"] = stage
    settings: dict[str, Any] = {"patience": 4, "plateau": 4, "epochs": 9}
    keeper.begin(1, Recipe(**settings))
    assert keeper.ended
    keeper.begin(2, Recipe(**settings))
    assert not keeper.ended
    assert (keeper.first, keeper.last, keeper.resumed) == (2, 11, True)
    assert keeper._plateau_rate() == pytest.approx(0.1)


def test_answers_are_those_of_weights_averaged_over_the_steps(faces, tmp_path):
    seen = []
    usual = callbacks.BestEpoch.on_epoch_end

    def look(self, epoch, logs=None):
        usual(self, epoch, logs)
        raw = self.core.get_weights()
        with callbacks.averaged_weights(self.model):
            mean = self.core.get_weights()
        seen.append((raw, mean, logs["val_loss"]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks.BestEpoch, "on_epoch_end", look)
        recipe = tiny(faces, average=0.9, epochs=1)
        run = fit(recipe, tmp_path / "run", say=lambda line: None)
    [(raw, mean, loss)] = seen
    assert any(not np.array_equal(a, b) for a, b in zip(raw, mean, strict=True))
    saved = multitask.load(run.folder).model.get_layer("core").get_weights()
    for one, other in zip(saved, mean, strict=True):
        np.testing.assert_array_equal(one, other)
    history = pd.read_csv(run.folder / "history.csv")
    assert history["val_loss"].iloc[0] == pytest.approx(loss)


def test_mixed_pictures_train_to_the_end_and_validate_like_others(faces, tmp_path):
    heads = ("gender", "age")
    recipe = tiny(faces, heads=heads, augment="mixup", learning_rate=1e-30)
    mixed = fit(recipe, tmp_path / "mixed", say=lambda line: None)
    plain = fit(
        replace(recipe, augment="none"), tmp_path / "plain", say=lambda line: None
    )
    one, other = (pd.read_csv(r.folder / "history.csv") for r in (mixed, plain))
    # Nothing is learnt but what normalization remembers, so validation is near.
    np.testing.assert_allclose(one["val_loss"], other["val_loss"], rtol=0.05)
    assert (np.abs(one["loss"] / other["loss"] - 1) > 1e-4).any()


def test_patience_and_plateau_run_to_an_early_end(faces, tmp_path):
    result = fit(
        tiny(faces, epochs=30, patience=1, schedule="plateau", learning_rate=0.01),
        tmp_path / "run",
        say=lambda line: None,
    )
    history = pd.read_csv(result.folder / "history.csv")
    assert len(history) < 30
    assert len(history) == int(history["val_loss"].argmin()) + 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have text as names")
def test_names_of_files_that_are_not_utf_8_come_through(tmp_path):
    folder = tmp_path / "faces"
    layouts.write(folder, "utkface", count=40)
    first = sorted(folder.rglob("*.jpg"))[0]
    odd = os.fsencode(first.parent) + b"/20_0_0_caf\xe9.jpg"
    os.rename(first, odd)
    result = fit(
        Recipe(heads=("gender",), data=(f"utkface={folder}",), trunk="tiny", epochs=1),
        tmp_path / "run",
        say=lambda line: None,
    )
    assert odd in (result.folder / "split.csv").read_bytes()
    assert read_csv(result.folder / "split.csv")["path"].map(os.path.exists).all()
    _, measured = report(result.folder, split="all")
    assert odd in (measured / "answers.csv").read_bytes()


def test_a_data_set_without_parts_beside_one_that_has_some_is_measured_whole(
    run, faces, tmp_path
):
    other = tmp_path / "other"
    layouts.write(other, "utkface", count=10, seed=5)
    sets = [f"sample={faces}", f"utkface={other}"]
    measured, _ = report(run[0].folder, sets, out=tmp_path / "report")
    counts = measured.labels["source"].value_counts().to_dict()
    assert counts == {
        "sample": len(run[0].evaluation.labels),
        "utkface": len(list(other.rglob("*.jpg"))),
    }


def test_a_full_disk_while_the_report_is_written_is_told(faces, tmp_path, monkeypatch):
    from multitask.reports import numbers

    def full(comparison, folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(numbers, "write", full)
    with pytest.raises(UserError, match="report: can't be written: No space left"):
        fit(tiny(faces), tmp_path / "run", say=lambda line: None)
    assert len(multitask.load(tmp_path / "run").heads) == 1


def test_the_recipe_of_a_run_names_the_precision_that_auto_chose(faces, tmp_path):
    run = fit(tiny(faces, precision="auto"), tmp_path / "run", say=lambda line: None)
    assert read(run.folder / "recipe.toml")["precision"] == "float32"  # it is short
    assert multitask.load(run.folder).spec.recipe["precision"] == "float32"


def test_a_full_disk_keeps_the_last_good_network(faces, tmp_path, monkeypatch):
    import keras

    write = keras.Model.save_weights

    def full(model, path, **options):
        if "epoch-2" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(model, path, **options)

    monkeypatch.setattr(keras.Model, "save_weights", full)
    with pytest.raises(UserError, match="can't be saved.*best epoch is kept"):
        fit(tiny(faces), tmp_path / "run", say=lambda line: None)
    monkeypatch.undo()
    assert len(multitask.load(tmp_path / "run").heads) == 1
    result = fit(tiny(faces), tmp_path / "run", resume=True, say=lambda line: None)
    assert len(pd.read_csv(result.folder / "history.csv")) == 2
