"""Do features keep their options and their place, and are boxes used as they are?"""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from PIL import Image

import multitask
from multitask.networks.prediction.features import FeatureFile
from multitask.networks.prediction.file import PredictionFile
from multitask.predict import main as predict

data = pytest.importorskip("skimage.data", reason="needs scikit-image")
pytestmark = pytest.mark.usefixtures("opened_once")

COMMAND = ["faces", "photos", "--out", "a.csv", "--features", "f.npy"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder, with a portrait and a half of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    portrait = Image.fromarray(data.astronaut())
    portrait.save("photos/a.png")
    portrait.crop((90, 0, 400, 300)).save("photos/b.png")
    return tmp_path


def refused(capsys, command, message):
    """Whether a command is a mistake, told in one line that matches."""
    capsys.readouterr()
    return predict(command) == 2 and re.search(message, capsys.readouterr().err)


def stop(self):
    """Stop instead of finishing a file."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "options", [["--faces", "whole"], ["--tta", "4"], ["--largest"]], ids=" ".join
)
def test_a_picture_is_most_like_itself_with_any_options(options):
    """Its cosine with itself was .03 for whole pictures, and .95 for 4 crops."""
    pytest.importorskip("duckdb")
    assert predict([*COMMAND, *options]) == 0
    like: dict[str, Any] = {"like": "photos/a.png", "features": "f.npy"}
    found = multitask.search("a.csv", **like)
    assert found["path"].iloc[0] == "photos/a.png"
    assert found["similarity"].iloc[0] == pytest.approx(1, abs=2e-3)


def test_features_belong_to_boxes_too(capsys):
    pytest.importorskip("duckdb")
    table = pd.DataFrame({"path": "photos/a.png", "box": ["170 60 290 220", "0 0 9 9"]})
    table.to_csv("table.csv", index=False)
    assert predict(["faces", "table.csv", *COMMAND[2:]]) == 0
    assert "boxes are cut out as they are" in capsys.readouterr().err
    like: dict[str, Any] = {"like": "photos/a.png", "features": "f.npy"}
    said: list[str] = []
    assert len(multitask.search("a.csv", **like, say=said.append)) == 2
    assert "photos/a.png is searched as a picture without a box" in said[0]
    rows = pd.read_csv("a.csv")
    rows["box"] = rows["box"].to_numpy()[::-1]
    with pytest.raises(multitask.UserError, match="belongs to other rows"):
        multitask.search(rows, **like)
    with pytest.raises(multitask.UserError, match="there is no column 'box'"):
        multitask.search(rows.drop(columns="box"), **like)


def test_boxes_are_not_mentioned_where_nothing_else_is_done(capsys):
    assert predict(["faces", "photos", "--out", "a.csv"]) == 0
    assert predict(["faces", "a.csv", "--faces", "whole"]) == 0
    assert "boxes are cut out" not in capsys.readouterr().err


def test_what_another_process_writes_is_left_alone(folder, capsys):
    with FileLock(folder / "f.npy.part.lock"):
        assert refused(capsys, COMMAND, "^f.npy: is being written by another process")
    assert predict(COMMAND) == 0
    assert not list(folder.glob("*.lock"))


def test_what_another_command_has_written_so_far_is_left_alone(monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(FeatureFile, "finish", stop)
        assert predict(COMMAND) == 130
    other = ["faces", "photos/a.png", "--out", "b.csv", "--features", "f.npy"]
    message = "^f.npy.part: holds features of another command; resume with the command"
    assert refused(capsys, other, message)
    assert predict(COMMAND) == 0
    assert len(np.load("f.npy")) == len(pd.read_csv("a.csv"))


def test_a_file_beside_any_json_is_not_replaced(folder, capsys):
    np.save("f.npy", np.zeros((2, 3)))
    for text in ("{}", "no JSON", json.dumps({"rows": 2}), "[]"):
        (folder / "f.npy.json").write_text(text)
        assert refused(capsys, COMMAND, "f.npy: is a file, but not one of features")
        assert (folder / "f.npy.json").read_text() == text
    assert np.load("f.npy").shape == (2, 3)


@pytest.mark.parametrize("step", ["replace", "unlink"])
@pytest.mark.parametrize("again", [False, True])
def test_a_stop_while_features_are_put_in_place_loses_nothing(
    again, step, monkeypatch, folder
):
    """The same command refused them as a file that is not of features."""
    assert not again or predict(COMMAND) == 0

    def stopped(file, *more, **options):
        if file.name in ("f.npy.part", "f.npy.part.json"):
            raise KeyboardInterrupt
        return usual(file, *more, **options)

    where = os if step == "replace" else Path
    usual = getattr(where, step)
    with monkeypatch.context() as patch:
        patch.setattr(where, step, stopped)
        assert predict(COMMAND) == 130
    assert predict(COMMAND) == 0
    assert len(np.load("f.npy")) == len(pd.read_csv("a.csv"))
    assert not list(folder.glob("*.part*"))


def test_features_from_before_are_not_taken_for_those_of_the_rows(
    monkeypatch, capsys, folder
):
    assert predict(COMMAND) == 0
    capsys.readouterr()

    def stopped(file, place):
        if file.name == "f.npy.part":
            raise KeyboardInterrupt
        usual(file, place)

    usual = os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stopped)
        assert predict(COMMAND) == 130
    (folder / "f.npy.part").unlink()
    assert refused(capsys, COMMAND, "does not hold the features of the rows")


def test_a_stop_between_both_files_loses_nothing(monkeypatch, folder):
    with monkeypatch.context() as patch:
        patch.setattr(PredictionFile, "finish", stop)
        assert predict(COMMAND) == 130
    features = np.load("f.npy")  # finished before the rows are
    assert predict(COMMAND) == 0
    np.testing.assert_array_equal(np.load("f.npy"), features)
    assert len(pd.read_csv("a.csv")) == len(features)
    assert predict(COMMAND) == 0  # replaces both
    assert not list(folder.glob("*.part*"))
