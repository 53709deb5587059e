"""Which data sets does `data=` mean, and what is said where it means none?"""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.heads.softmax import Softmax
from PIL import Image

from multitask.contracts import plugins
from multitask.contracts.errors import UserError
from multitask.contracts.evaluation import Evaluation
from multitask.data import given, sources


def texts(data, out=Path("out"), say=print):
    with given.recorded(data, out, say) as found:
        return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with folders of pictures and a table of labels."""
    for name in (
        "mood/calm/a.jpg", "mood/tense/b.jpg", "parts/train/calm/a.jpg",
        "parts/val/tense/b.jpg", "faces/1_0.jpg", "faces/2_1.jpg",
        "published/train/a.jpg", "published/val/b.jpg", "labels.csv", "note.md",
        "a-b.c/labels.csv",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("path,age\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, None),
        ("utkface=U", ("utkface=U",)),
        ("sample", ("sample",)),
        ("mood=folder:stills/", ("mood=folder:stills/",)),
        ("table:x.csv", ("table:x.csv",)),
        ({"utkface": "U"}, ("utkface=U",)),
        ({"utkface": Path("U"), "celeba": "C"}, ("utkface=U", "celeba=C")),
        ({"mood": "folder:stills"}, ("mood=folder:stills",)),
        ({"utkface": "labels.csv"}, ("utkface=table:labels.csv",)),
        ({"mine": "labels.csv"}, ("mine=table:labels.csv",)),
        ({"feeling": "mood"}, ("feeling=folder:mood",)),
        ({"feeling": "parts/"}, ("feeling=folder:parts/",)),
        (Path("labels.csv"), ("labels=table:labels.csv",)),
        ("labels.csv", ("labels=table:labels.csv",)),
        (Path("mood"), ("mood=folder:mood",)),
        ("mood/", ("mood=folder:mood/",)),
        (["utkface=A", "utkface=B"], ("utkface=A", "utkface=B")),
        (["labels.csv", Path("a-b.c/labels.csv")],
         ("labels=table:labels.csv", "labels_2=table:a-b.c/labels.csv")),
        (({"utkface": "U"}, "labels.csv"), ("utkface=U", "labels=table:labels.csv")),
    ],
)  # fmt: skip
def test_what_data_means(data, expected, folder):
    assert texts(data, say=lambda line: None) == expected


def test_a_folder_without_a_name_is_told_as_what_it_is_taken(folder):
    lines: list[str] = []
    assert texts("mood", say=lines.append)
    assert lines == ["'mood' is read as one folder per class of the head mood"]


def test_frames_are_written_and_named(folder):
    frame = pd.DataFrame({"path": ["mood/calm/a.jpg"], "age": [3]})
    data = folder / "out" / "data"
    assert texts(frame) == (f"table=table:{data / 'table.csv'}",)
    assert texts([frame, {"mood": frame}, frame, "utkface=U"]) == (
        f"table=table:{data / 'table.csv'}",
        f"mood=table:{data / 'mood.csv'}",
        f"table_2=table:{data / 'table_2.csv'}",
        "utkface=U",
    )


READERS = "with one of the readers " + ", ".join(
    name for name in plugins.names("datasets") if name != "sample"
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (3, "data: is of type int, must be a mapping such as {"),
        (np.zeros(3), "data: is of type ndarray, must be a mapping such as {"),
        (pd.Series(["a"]), "data: is of type Series, must be a mapping such as {"),
        ([], "data: no data set given; give a mapping"),
        ({}, "data: no data set given; give a mapping"),
        ({"mood": 3}, "data mood: is of type int, must be a folder"),
        ({"mood": None}, "data mood: is of type NoneType, must be a folder"),
        ({3: "U"}, "data: 3 is no name; use letters and digits"),
        ({"a=b": "U"}, "data: 'a=b' is no name; use letters and digits"),
        ("nowhere.csv", "data: no file or folder 'nowhere.csv'; check the path"),
        ({"utkfce": "U"}, "data utkfce: no file or folder 'U'; did you mean 'utkface"),
        ("faces", "data: 'faces' does not hold a folder per class; write data={"
         f'"READER": "faces"}} {READERS}'),
        ("published", "data: 'published' does not hold a folder per class"),
        ({"mine": "faces"}, "data mine: 'faces' does not hold a folder per class"),
        ("note.md", "data: 'note.md' is no table of labels: those end in .csv, .tsv"),
        ("mood/calm/a.jpg", "data: 'mood/calm/a.jpg' is no table of labels"),
        ([{"m": pd.DataFrame({"path": ["note.md"]})}, {"m": pd.DataFrame()}],
         "data: names 'm' twice; name each frame once"),
    ],
)  # fmt: skip
def test_what_data_cannot_mean(data, message, folder):
    with pytest.raises(UserError) as caught:
        texts(data)
    assert message in str(caught.value)
    assert not (folder / "out").exists()


def test_a_failure_before_the_work_began_leaves_nothing(folder):
    frame = pd.DataFrame({"path": ["mood/calm/a.jpg"], "age": [3]})
    out = folder / "runs" / "a"
    with pytest.raises(UserError), given.recorded(frame, out):  # noqa: PT012
        assert os.listdir(out) == ["data"]
        raise UserError("heads", "no head 'gendr'")
    assert not (folder / "runs").exists()
    with pytest.raises(KeyboardInterrupt), given.recorded(frame, out):  # noqa: PT012
        (out / "recipe.toml").write_text("")  # begun: the run may be resumed
        raise KeyboardInterrupt
    assert (out / "data" / "table.csv").exists()


def test_a_folder_of_other_things_is_left_as_it_is(folder):
    frame = pd.DataFrame({"path": ["mood/calm/a.jpg"], "age": [3]})
    with pytest.raises(UserError, match="faces: already exists"):
        texts(frame, Path("faces"))
    assert sorted(os.listdir("faces")) == ["1_0.jpg", "2_1.jpg"]


def test_what_another_work_refuses_is_removed_from_its_folder(folder):
    begun = folder / "out"
    begun.mkdir()
    (begun / "recipe.toml").write_text("")
    frame = pd.DataFrame({"path": ["mood/calm/a.jpg"], "age": [3]})
    with pytest.raises(UserError), given.recorded(frame, begun):
        raise UserError("out", "holds other work")
    assert os.listdir(begun) == ["recipe.toml"]


def test_data_that_is_not_to_be_kept_is_there_meanwhile_only(folder):
    frame = pd.DataFrame({"path": ["mood/calm/a.jpg"], "age": [3]})
    with given.recorded(frame, Path("out"), keep=False):
        assert (folder / "out" / "data" / "table.csv").exists()
    assert not (folder / "out").exists()


def test_a_failure_keeps_what_another_process_reads(folder):
    """A writes a frame and fails, while B has come to use the same folder."""
    frame = pd.DataFrame({"path": ["mood/calm/a.jpg"], "age": [3]})
    file = folder / "out" / "data" / "table.csv"

    def other():
        with given.recorded(frame, folder / "out"):
            time.sleep(0.5)
            seen.append(file.exists())
            (folder / "out" / "recipe.toml").write_text("")

    seen: list[bool] = []
    thread = threading.Thread(target=other)
    with pytest.raises(KeyboardInterrupt), given.recorded(frame, folder / "out"):  # noqa: PT012
        thread.start()
        time.sleep(0.5)
        raise KeyboardInterrupt
    thread.join()
    assert seen == [True]
    assert os.listdir(file.parent) == ["table.csv"]


def test_a_second_process_goes_on_once_the_work_has_begun(folder):
    frame = pd.DataFrame({"path": ["mood/calm/a.jpg"], "age": [3]})
    out = folder / "out"
    with given.recorded(frame, out):
        (out / "recipe.toml").write_text("")
        assert texts(frame, out) == (f"table=table:{out / 'data' / 'table.csv'}",)
    assert os.listdir(out / "data") == ["table.csv"]


BOXES = {
    "one column": {"box": ["0 0 20 20", (30, 0, 50.0, 20), None, "1 1 9 9"]},
    "four columns": {"x": [0, 30, None, 1], "y": [0, 0, None, 1],
                     "width": [20, 20.5, None, 8], "height": [20, 20, None, 8]},
}  # fmt: skip


@pytest.mark.parametrize("boxes", BOXES.values(), ids=BOXES)
def test_each_face_of_a_picture_has_the_index_of_its_own_row(folder, boxes):
    for name in ("c.png", "d.png"):
        Image.new("RGB", (60, 40)).save(name)
    paths = ["c.png", "c.png", "d.png", "d.png"]
    frame = pd.DataFrame({"path": paths, "mood": list("abab"), **boxes}, list("wxyz"))
    with given.recorded(frame, folder / "out", print) as found:
        table = sources.read_all(found or ()).table[::-1]
    head = Softmax(name="mood", classes=("a", "b"))
    evaluation = Evaluation(
        title="", split="all", labels=table, answers=table, heads=(head,)
    )
    indexed = given.indexed(evaluation, frame, found)
    assert indexed.labels.index.tolist() == list("zyxw")
    assert indexed.answers["mood"].tolist() == list("baba")
