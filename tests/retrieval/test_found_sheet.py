"""Does a search say which answers it can't read, or can't show on a sheet?"""

import json
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts.errors import UserError
from multitask.images.captions import share
from multitask.networks.prediction.file import write_rows
from multitask.retrieval import answers, found_sheet
from multitask.search import main

duckdb = pytest.importorskip("duckdb")


def test_answers_in_the_shape_of_deepface_are_told_from_others(tmp_path):
    path = tmp_path / "df.json"
    faces = [{"img_path": "a.jpg", "age": 31}, {"img_path": "a.jpg", "age": 40}]
    rows = pd.DataFrame(
        {"status": "ok", "path": "a.jpg", "face": [0, 1], "deepface": faces}
    )
    write_rows(rows, path, "deepface")
    assert json.loads(path.read_text()) == [faces]
    with pytest.raises(UserError) as raised:
        multitask.search(path, "age < 35")
    assert str(raised.value) == (
        f"{path}: is in DeepFace's shape, which is not searched; write csv, json or "
        "parquet by predict without --format deepface"
    )


@pytest.mark.parametrize("column", ["time", "start"])
def test_rows_of_videos_have_no_sheet(column, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"status": "ok", "path": "clip.mp4", column: [0.0, 0.5]})
    rows.assign(age=[20, 30]).to_csv("clip.csv", index=False)
    assert main(["clip.csv", "age < 26", "--sheet", "x.jpg"]) == 2
    assert capsys.readouterr().err == (
        "--sheet x.jpg: shows pictures, and the rows are of videos, which have no "
        "sheet; leave it out\n"
    )
    assert main(["clip.csv", "age < 26"]) == 0


def test_a_negative_similarity_has_as_many_digits_as_a_positive_one():
    values = (0.63, -0.202, -0.001, -1.0, 1.0, 0.0, np.float32(-0.5), -1.5)
    assert [share(value) for value in values] == [
        *(".63", "-.20", ".00", "-1.00", "1.00", ".00", "-.50", "-1.5")
    ]


def test_pictures_beside_a_video_are_still_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (9, 9), "red").save("a.jpg")
    rows = pd.DataFrame({"status": "ok", "path": ["a.jpg", "b.mp4"], "age": [20, 30]})
    multitask.search(rows, "age < 40", sheet="x.png", say=str)
    assert (tmp_path / "x.png").exists()


def test_a_sheet_of_too_many_rows_is_refused_before_any_caption_is_made(monkeypatch):
    monkeypatch.setattr(found_sheet, "caption", None)
    rows = pd.DataFrame({"status": "ok", "path": "a.jpg", "age": [20] * 1001})
    with pytest.raises(UserError) as raised:
        multitask.search(rows, "age < 40", sheet="x.png", say=str)
    assert raised.value.line == (
        "--sheet: would have 1,001 pictures, must have 1 to 1,000; add --top 1000"
    )


def test_a_search_that_no_sheet_can_show_writes_no_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"status": "ok", "path": "a.jpg", "age": [20] * 1001})
    rows.to_csv("answers.csv", index=False)
    words = ["answers.csv", "age < 40", "--out", "rows.csv", "--sheet", "x.png"]
    assert main([*words, "--top", "1001"]) == 2
    assert capsys.readouterr().err.startswith("--sheet: would have 1,001 pictures")
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.parametrize("expression", ["age < 40", "gender == 'male'"])
def test_a_search_leaves_no_connection_open(expression, monkeypatch):
    connections = []

    def connect():
        connections.append(connected())
        return connections[-1]

    connected = answers._connect
    monkeypatch.setattr(answers, "_connect", connect)
    rows = pd.DataFrame({"status": "ok", "path": ["a.jpg"], "age": [20]})
    with suppress(UserError):  # there is no column gender
        multitask.search(rows, expression, say=str)
    with pytest.raises(duckdb.ConnectionException):
        connections[0].execute("SELECT 1")
