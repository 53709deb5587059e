"""Do a run, a recipe, a network and a feature cache of commit 87142fc still work?

`tests/fixtures/87142fc/README.md` lists the command that wrote each file.
"""

import json
import re
import shutil
import tomllib
import zipfile
from dataclasses import fields
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.cli import options
from multitask.contracts.recipe import Recipe
from multitask.fit import main as fit
from multitask.fit import parser
from multitask.networks import normalization
from multitask.report import main as report
from multitask.training import loop

FIXTURES = Path(__file__).parent / "fixtures" / "87142fc"
# Settings that those recipes do not have.
_NEWER = ("box_margin", "faces", "storage", "teacher", "thresholds")
WHERE = "/data/"  # the folder that they were written in
pytestmark = pytest.mark.usefixtures("tiny_trunk", "numbers_alone")


@pytest.fixture
def folder(tmp_path):
    """A copy of the files in which every stored path points into the copy."""
    copy = tmp_path.resolve() / "data"
    shutil.copytree(FIXTURES, copy)
    for file in (*copy.rglob("*.toml"), *copy.rglob("split.csv")):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(WHERE, f"{copy}/"), encoding="utf-8")
    for network in copy.rglob("network.keras"):
        _relocate(network, copy)
    return copy


def _relocate(network, copy):
    """Point the recipe stored in a network file at the copy."""
    with zipfile.ZipFile(network) as archive:
        members = {member: archive.read(member) for member in archive.infolist()}
    with zipfile.ZipFile(network, "w") as archive:
        for member, content in members.items():
            if member.filename == "multitask.json":
                content = content.replace(WHERE.encode(), f"{copy}/".encode())
            archive.writestr(member, content)


# Networks


def test_a_network_gives_the_same_answers():
    before = pd.read_csv(FIXTURES / "predictions.csv", dtype={"dark": str})
    files = [FIXTURES / "faces" / Path(path).name for path in before["path"]]
    answers = multitask.load(FIXTURES / "finished").predict(list(map(str, files)))
    assert set(before) <= set(answers)
    for column in before.columns.drop(["path", "box"]):
        if pd.api.types.is_numeric_dtype(before[column]):
            np.testing.assert_allclose(
                answers[column].astype(float), before[column], rtol=1e-4, atol=1e-4
            )
        else:
            assert answers[column].astype(str).tolist() == before[column].tolist()


def test_plain_keras_opens_a_network():
    model = keras.models.load_model(FIXTURES / "finished" / "network.keras")
    before = pd.read_csv(FIXTURES / "predictions.csv")
    paths = [FIXTURES / "faces" / Path(path).name for path in before["path"]]
    images = np.stack([np.asarray(Image.open(path)) for path in paths])
    outputs = model(images)
    assert set(outputs) == {"age", "gender", "brightness", "dark"}
    np.testing.assert_allclose(
        np.ravel(outputs["brightness"]), before["brightness"], rtol=1e-4
    )


# Runs


@pytest.mark.parametrize("name", ["finished", "frozen"])
def test_a_run_gets_the_same_report(folder, name):
    before = json.loads((folder / name / "report" / "report.json").read_text())
    out = ["--split", "test", "--out", str(folder / "report")]
    assert report([str(folder / name), *out]) == 0
    after = json.loads((folder / "report" / "report.json").read_text())
    assert after["rows"] == before["rows"] == 6
    expected, found = _numbers(before["heads"]), _numbers(after["heads"])
    same = {name: found[name] for name in expected}  # beside newer ones
    assert same == pytest.approx(expected, rel=1e-4, abs=1e-4)


def _numbers(figures, name=""):
    """The values of nested dicts by their path: `/gender/accuracy`.

    Without a tolerance, that version listed one of 0, and the share within it.
    """
    if not isinstance(figures, dict):
        return {name: figures}
    if figures.get("within") == 0:
        figures = {k: v for k, v in figures.items() if not k.startswith("within")}
    numbers: dict[str, float] = {}
    for key, value in figures.items():
        numbers |= _numbers(value, f"{name}/{key}")
    return numbers


def test_a_stopped_run_resumes_as_it_did_in_that_version(folder, monkeypatch):
    # The momentum of averages did not rise with the number of steps then.
    resume = normalization.resume_averages
    monkeypatch.setattr(loop, "resume_averages", lambda core, _: resume(core, 1000))
    run = folder / "stopped"
    done = pd.read_csv(run / "history.csv")
    assert done["epoch"].tolist() == [1]
    assert fit(["--resume", "--out", str(run)]) == 0
    history = pd.read_csv(run / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3]
    pd.testing.assert_frame_equal(history[:1][list(done)], done)
    # Without dropout and augmentation, each step is the one that version took.
    expected = pd.read_csv(FIXTURES / "resumed.csv")
    for column in ("learning_rate", "loss", "val_loss", "val_age_mae"):
        np.testing.assert_allclose(history[column], expected[column], rtol=1e-3)
    assert not (run / "checkpoint").exists()


# Feature caches


def _cached(folder):
    """The content of every file of the feature cache, except locks."""
    files = [path for path in (folder / "cache").rglob("*.*") if path.suffix != ".lock"]
    return {
        path.relative_to(folder): path.read_bytes() for path in files if path.is_file()
    }


def test_heads_are_trained_and_measured_on_the_cached_features(
    folder, capsys, monkeypatch
):
    # Heads began with random weights then, not from the labels.
    monkeypatch.setattr(loop, "start_from_labels", lambda *_: None)
    features = _cached(folder)
    assert {path.name for path in features} == {
        "about.json", "rows.bin", "features.bin",
    }  # fmt: skip
    recipe = folder / "recipes" / "heads-only.toml"
    places = ["--cache", str(folder / "cache"), "--out", str(folder / "run")]
    assert fit(["--recipe", str(recipe), *places]) == 0
    assert "computing features" not in capsys.readouterr().out
    assert _cached(folder) == features  # nothing was missing
    history = pd.read_csv(folder / "run" / "history.csv")
    expected = pd.read_csv(FIXTURES / "heads-only.csv")
    for column in ("loss", "val_loss"):
        np.testing.assert_allclose(history[column], expected[column], rtol=1e-3)


# Recipes


def _read(file):
    """The recipe that `fit --recipe FILE` trains with."""
    return options.read(parser().parse_args(["--recipe", str(file)]))


def test_every_setting_of_an_old_recipe_is_translated():
    recipe, blank = _read(FIXTURES / "recipes" / "every-setting.toml"), Recipe()
    assert recipe == Recipe(
        heads=("age", "genre"),
        data=("utkface=/data/utkface", "genre=folder:/data/stills"),
        trunk="resnet50",
        weights="imagenet",
        freeze="1",
        views=4,
        then="2,epochs=5,learning_rate=2e-05",
        image_size=160,
        crop=0.95,
        epochs=7,
        batch_size=24,
        learning_rate=3e-4,
        schedule="plateau,patience=2,min_learning_rate=1e-06",
        optimizer="adamw",
        ema=0.99,
        weight_decay=0.05,
        pooling="max",
        features="512,l2=0.0001,norm=yes",
        dropout=0.5,
        patience=4,
        loss_weights={"age": 0.3, "genre": 2.0},
        balance="uncertainty",
        class_weights={"genre": "balanced"},
        augment="flip,rotate:small",
        tta=2,
        mix="classes=genre",  # no training took `mix` beside `oversample`
        cap={"all": 500, "genre": 200},
        split="60/20/20",
        folds=5,
        identity=r"person(\d+)",
        limit=1000,
        precision="bfloat16",
        seed=11,
        head={
            "genre": {
                "kind": "softmax",
                "classes": ["comedy", "drama"],
                "label_smoothing": 0.1,
            }
        },
    )
    for setting in fields(Recipe):
        if setting.name not in _NEWER:
            assert getattr(recipe, setting.name) != getattr(blank, setting.name)


def test_one_line_names_every_setting_that_was_translated(capsys):
    file = FIXTURES / "recipes" / "every-setting.toml"
    settings = tomllib.loads(file.read_text(encoding="utf-8"))
    _read(file)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{file} is from an earlier version")
    names = {field.name for field in fields(Recipe)}
    gone = set(settings) - names
    assert len(gone) == 14
    assert gone <= set(re.findall(r"\w+", line))


def test_values_that_no_longer_exist_give_way_to_the_nearest(capsys):
    recipe = _read(FIXTURES / "recipes" / "dropped-values.toml")
    assert recipe == Recipe(
        heads=("age", "gender"),
        epochs=5,
        learning_rate=1e-3,
        schedule="constant",
        optimizer="adam",
        balance="static",
        freeze="all",
    )
    (line,) = capsys.readouterr().out.splitlines()
    assert all(value in line for value in ("rmsprop", "rlw", "cache_precision"))


@pytest.mark.parametrize("name", ["finished", "stopped", "frozen"])
def test_the_recipe_of_a_run_is_written_as_one_of_today(name, tmp_path, capsys):
    recipe = _read(FIXTURES / name / "recipe.toml")
    assert (recipe.trunk, recipe.batch_size, recipe.tta) == ("tiny", 8, 2)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    capsys.readouterr()
    assert _read(tmp_path / "recipe.toml") == recipe
    assert capsys.readouterr().out == ""  # nothing was left to translate


def test_both_stages_of_a_run_are_read():
    first, second = _read(FIXTURES / "frozen" / "recipe.toml").stages()
    assert (first.freeze, first.epochs, first.learning_rate) == ("all", 2, 1.5e-3)
    assert (second.freeze, second.epochs, second.learning_rate) == ("none", 1, 1e-3)
