"""Are look-alikes found by the features that `predict --features` wrote?"""

import json
import re
import shutil
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance
from sklearn.metrics.pairwise import cosine_similarity

import multitask
from multitask.contracts.errors import UserError
from multitask.images.captions import share
from multitask.networks.prediction.features import FeatureFile, open_features
from multitask.predict import main as predict
from multitask.search import main as search

data = pytest.importorskip("skimage.data", reason="needs scikit-image")
pytest.importorskip("duckdb")
pytestmark = pytest.mark.usefixtures("opened_once")

COMMAND = ["faces", "photos", "--out", "answers.csv", "--features", "features.npy"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with photos, their answers and features; a cup has no face."""
    folder = tmp_path_factory.mktemp("like")
    (folder / "photos").mkdir()
    portrait = Image.fromarray(data.astronaut())
    portrait.save(folder / "photos" / "b.jpg")
    darker = ImageEnhance.Brightness(portrait.resize((400, 400))).enhance(0.7)
    both = Image.new("RGB", (1000, 512), "grey")
    both.paste(portrait, (0, 0))
    both.paste(portrait.crop((100, 0, 350, 250)).rotate(20), (600, 100))
    both.save(folder / "photos" / "a.jpg")
    darker.save(folder / "photos" / "d.jpg")
    Image.fromarray(data.coffee()).save(folder / "photos" / "c.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert predict(COMMAND) == 0
    return folder


@pytest.fixture
def folder(written, tmp_path, monkeypatch):
    """A copy of it, which is the current folder."""
    shutil.copytree(written, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def refused(capsys, main, command, message):
    """Whether a command is a mistake, told in one line that matches."""
    capsys.readouterr()
    return main(command) == 2 and re.search(message, capsys.readouterr().err)


def test_features_are_those_of_embed_with_length_1(folder):
    rows, features = multitask.load("faces").embed("photos")
    stored = np.load("features.npy")
    assert stored.dtype == np.float16
    assert stored.shape == features.shape
    answered = (rows["status"] == "ok").to_numpy()
    assert answered.tolist() == [True, True, True, False, True]
    assert np.isnan(stored[~answered]).all()
    lengths = np.linalg.norm(features[answered], axis=1, keepdims=True)
    np.testing.assert_allclose(
        stored[answered], features[answered] / lengths, atol=1e-3
    )
    about = json.loads((folder / "features.npy.json").read_text())
    assert about["network"] == "faces"
    assert about["rows"] == 5
    assert sorted(path.name for path in folder.glob("*.part*")) == []


def test_the_most_alike_come_first(folder, capsys):
    assert search(
        ["answers.csv", "--like", "photos/b.jpg", "--features", "features.npy",
         "--out", "found.csv"]
    ) == 0  # fmt: skip
    found = pd.read_csv("found.csv")
    assert list(found)[:3] == ["status", "path", "similarity"]
    rows, features = multitask.load("faces").embed("photos")
    own = features[1:2]
    expected = cosine_similarity(features[[0, 1, 2, 4]], own)[:, 0]
    assert found["path"].tolist()[0] in ("photos/a.jpg", "photos/b.jpg")
    np.testing.assert_allclose(
        found["similarity"], sorted(expected, reverse=True), atol=2e-3
    )
    assert found["similarity"].iloc[0] == pytest.approx(1, abs=1e-3)
    assert "no face" not in found["status"].tolist()
    lines = capsys.readouterr().err.splitlines()
    assert "left out: 1 row without features" in lines
    assert "4 of 5 rows match" in lines


def test_an_expression_and_a_number_choose_among_them(folder):
    like: dict[str, Any] = {"like": "photos/b.jpg", "features": "features.npy"}
    every = multitask.search("answers.csv", **like)
    chosen = multitask.search("answers.csv", "face == 0", **like, top=2)
    firsts = every[every["face"] == 0]
    pd.testing.assert_frame_equal(
        chosen.reset_index(drop=True), firsts.head(2).reset_index(drop=True)
    )
    frame = pd.read_csv("answers.csv").set_axis(list("vwxyz"))
    found = multitask.search(frame, like=data.astronaut(), features="features.npy")
    assert found["similarity"].tolist() == sorted(found["similarity"], reverse=True)
    assert set(found.index) == set("vwxz")
    assert "similarity" not in frame


def test_the_largest_of_several_faces_counts_and_a_sheet_shows_them(folder, capsys):
    assert search(
        ["answers.csv", "--like", "photos/a.jpg", "--features", "features.npy",
         "--sheet", "found.jpg", "--top", "3"]
    ) == 0  # fmt: skip
    told = capsys.readouterr().err
    assert "photos/a.jpg has 2 faces: looking for the largest one" in told
    with Image.open("found.jpg") as sheet:
        assert sheet.width > 100


def test_a_sheet_says_how_similar_each_face_is(folder, monkeypatch):
    shown: list[Any] = []

    def drawn(items, **_):
        shown.extend(item.caption for item in items)
        return Image.new("RGB", (9, 9))

    monkeypatch.setattr("multitask.retrieval.found_sheet.sheet", drawn)
    found = multitask.search(
        "answers.csv", "age > 0", like="photos/b.jpg", features="features.npy",
        sheet="a.jpg",
    )  # fmt: skip
    assert shown[0][:2] == ("b.jpg", "similarity 1.00")
    assert [c[1] for c in shown] == [
        f"similarity {share(value)}" for value in found["similarity"]
    ]
    assert " to " in shown[0][2]  # the interval of the age that was searched for


def test_the_photo_may_lie_in_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    settings: Any = {"features": "features.npy", "top": 1}
    at_home, here = (
        multitask.search("answers.csv", like=photo, **settings)
        for photo in ("~/photos/b.jpg", "photos/b.jpg")
    )
    assert at_home.equals(here)


def test_python_is_told_the_command_that_writes_features(folder):
    message = "^like: needs features; give the file that `predict --features` wrote"
    with pytest.raises(UserError, match=message):
        multitask.search("answers.csv", like="photos/b.jpg")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["answers.csv"], "^expression: is missing; write one, or give --like"),
        (["answers.csv", "--like", "photos/b.jpg"], "^--like: needs --features; give"),
        (["answers.csv", "age > 3", "--features", "features.npy"],
         "^--features: belongs to --like, which is missing"),
        (["answers.csv", "--like", "photos/c.png", "--features", "features.npy"],
         "^--like photos/c.png: no face; give another picture"),
        (["answers.csv", "--like", "photos", "--features", "features.npy"],
         "^--like photos: is a folder, must be one picture"),
        (["answers.csv", "--like", "photos/*.jpg", "--features", "features.npy"],
         r"^--like photos/\*.jpg: no such file"),
        (["answers.csv", "--like", "none.jpg", "--features", "features.npy"],
         "^--like none.jpg: no such file"),
        (["answers.csv", "--like", "photos/b.jpg", "--features", "none.npy"],
         "^--features none.npy: no such file"),
        (["answers.csv", "--like", "photos/b.jpg", "--features", "answers.csv"],
         "^--features answers.csv: 'answers.csv.json', which belongs to it, is not"),
        (["answers.csv", "--like", "photos/b.jpg", "--features", "features.npy",
          "--sort", "age"], "^--sort: contradicts --like"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_a_line(folder, capsys, command, message):
    assert refused(capsys, search, command, message)


def test_other_rows_and_networks_are_told(folder, capsys):
    command = ["other.csv", "--like", "photos/b.jpg", "--features", "features.npy"]
    rows = pd.read_csv("answers.csv")
    rows.iloc[:-1].to_csv("other.csv", index=False)
    message = "^--features: has 5 rows, but the answers have 4"
    assert refused(capsys, search, command, message)
    rows.iloc[::-1].to_csv("other.csv", index=False)
    message = "^--features: belongs to other rows, or to the same ones in another order"
    assert refused(capsys, search, command, message)
    command[0] = "answers.csv"
    about = json.loads((folder / "features.npy.json").read_text())
    (folder / "features.npy.json").write_text(json.dumps(about | {"sha256": "0" * 64}))
    message = (
        "^--features features.npy: comes from another network than .*network.keras"
    )
    assert refused(capsys, search, command, message)
    gone = json.dumps(about | {"network": "/gone/network.keras"})
    (folder / "features.npy.json").write_text(gone)
    message = "^--features: was computed by /gone/network.keras, which is not there"
    assert refused(capsys, search, command, message)
    assert search([*command, "--network", "faces"]) == 0
    (folder / "features.npy").write_bytes((folder / "features.npy").read_bytes()[:500])
    assert refused(capsys, search, command, "^--features features.npy: can't be read")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--features", "f.npy"], "^--features: belongs to the rows of a file"),
        (["--out", "a.csv", "--features", "f.csv"], "^--features f.csv: must end in"),
        (["--out", "a.csv", "--features", "no/f.npy"], "no/f.npy: no folder 'no'"),
        (
            ["--out", "a.csv", "--features", "own.npy"],
            "own.npy: is a file, but not",
        ),
    ],
)
def test_features_replace_nothing_and_need_a_file(folder, capsys, options, message):
    np.save("own.npy", np.zeros(3))
    assert refused(capsys, predict, ["faces", "photos", *options], message)


@pytest.mark.parametrize("when", ["before the rows", "after the rows"])
def test_a_stopped_command_goes_on(folder, monkeypatch, capsys, when):
    from multitask.networks import analyzer
    from multitask.networks.prediction.file import PredictionFile

    monkeypatch.setattr(analyzer, "_CHUNK", 1)
    expected = np.load("features.npy")
    for name in ("features.npy", "features.npy.json", "answers.csv"):
        (folder / name).unlink()
    append, calls = PredictionFile.append, []

    def stopped(self, rows):
        calls.append(rows)
        if when == "after the rows":
            append(self, rows)
        if len(calls) == 2:
            raise KeyboardInterrupt
        if when == "before the rows":
            append(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(PredictionFile, "append", stopped)
        assert predict(COMMAND) == 130
    assert not (folder / "features.npy").exists()
    if when == "before the rows":  # a kill that left half a row behind
        with (folder / "features.npy.part").open("ab") as file:
            file.write(b"half a row")
    assert predict(COMMAND) == 0
    np.testing.assert_allclose(np.load("features.npy"), expected, atol=2e-3)
    assert len(open_features(folder / "features.npy").features) == 5
    like: dict[str, Any] = {"like": "photos/b.jpg", "features": "features.npy"}
    assert len(multitask.search("answers.csv", **like)) == 4


def test_a_command_goes_on_only_with_its_features(folder, monkeypatch, capsys):
    from multitask.networks.prediction.file import PredictionFile

    def stop(self):
        raise KeyboardInterrupt

    plain = COMMAND[:4]
    with monkeypatch.context() as patch:
        patch.setattr(PredictionFile, "finish", stop)
        assert predict(plain) == 130
    message = "^features.npy.part: does not hold the features of the rows that are"
    assert refused(capsys, predict, COMMAND, message)
    assert predict(plain) == 0


def test_features_of_any_size_fit_into_float16(tmp_path):
    file = FeatureFile(path=tmp_path / "f.npy", network="n", sha256="0", options={})
    rows = pd.DataFrame({"path": ["a", "b", "c", None], "box": None})
    large = np.array([[3e30, 4e30], [0, 0], [6e-30, 8e-30], [np.nan, 1]], np.float32)
    file.append(rows, large)
    file.finish()
    stored = open_features(tmp_path / "f.npy").features
    expected = np.array([[0.6, 0.8], [0, 0], [0.6, 0.8], [np.nan, np.nan]])
    np.testing.assert_allclose(stored, expected, atol=1e-3)
