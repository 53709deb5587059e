"""Is a data frame the same table once it is written, pictures in memory included?"""

import os
import time
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts import plugins
from multitask.contracts.errors import UserError
from multitask.data import frames
from multitask.images.decode import decode, decode_all
from multitask.tables.types import labelled_table

TOP = np.zeros((6, 8, 3), np.uint8)
TOP[:3] = (200, 40, 10)


@pytest.fixture
def files(tmp_path):
    """The names of four pictures in a folder of their own."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    names = [str(folder / f"{name}.png") for name in "abcd"]
    for number, name in enumerate(names):
        Image.fromarray(TOP + np.uint8(number)).save(name)
    return names


@pytest.fixture
def written(tmp_path):
    """A function that writes a frame and reads the table as a fit would."""

    def write(frame, name="mine"):
        lines: list[str] = []
        file = frames.write(frame, name, tmp_path / "data", [], lines.append)
        table = plugins.reader("table")(file, name=name).table
        return table.drop(columns="source"), lines

    return write


def test_labels_of_every_type_are_read_as_what_they_are(files, written):
    frame = pd.DataFrame(
        {
            "path": files,
            "whole": [3, 0, 1, 2],
            "exact": [0.1, np.nan, 2.0, -1e-7],
            "nullable": pd.array([3, pd.NA, 1, 2], dtype="Int64"),
            "yes": [True, False, True, True],
            "maybe": pd.array([True, pd.NA, False, True], dtype="boolean"),
            "some": [True, None, False, float("nan")],
            "kind": pd.Categorical(["x", None, "y", "x"]),
            "grade": pd.Categorical([2, 1, 2, np.nan]),
            "text": ['say "a, b"', None, "None", " NA "],
            "mixed": ["one", 2.0, pd.NA, 3],
            "empty": [None, pd.NA, np.nan, None],
        }
    )
    table, lines = written(frame)
    nan = None
    expected = {
        "path": files,
        "whole": [3, 0, 1, 2],
        "exact": [0.1, nan, 2, -1e-7],
        "nullable": [3, nan, 1, 2],
        "yes": [1, 0, 1, 1],
        "maybe": [1, nan, 0, 1],
        "some": [1, nan, 0, nan],
        "kind": ["x", nan, "y", "x"],
        "grade": [2, 1, 2, nan],
        "text": ['say "a, b"', nan, nan, nan],  # None and NA are no labels
        "mixed": ["one", "2", nan, "3"],  # as classes are called
        "empty": [nan] * 4,
    }
    for column, values in expected.items():
        cells = [nan if pd.isna(cell) else cell for cell in table[column]]
        assert cells == values, column
    assert list(table) == list(expected)
    assert lines == []


RED_BLUE = [["red", "blue"], ["blue"], ["red"], ["blue"]]


@pytest.mark.parametrize(
    "cells",
    [
        RED_BLUE,
        [*map(tuple, RED_BLUE)],
        [*map(set, RED_BLUE)],
        [*map(np.array, RED_BLUE)],
    ],
    ids=["lists", "tuples", "sets", "arrays"],
)
def test_cells_may_be_lists(files, written, cells):
    table, _ = written(pd.DataFrame({"path": files, "tags": cells}))
    assert table["tags_red"].tolist() == [1, 0, 1, 0]
    assert table["tags_blue"].tolist() == [1, 1, 0, 1]
    cells = [cells[0], None, *cells[2:]]
    table, _ = written(pd.DataFrame({"path": files, "tags": cells}), "again")
    assert table["tags_red"].fillna(-1).tolist() == [1, -1, 1, 0]


def test_cells_may_be_objects_and_class_numbers(files, written):
    moods = [
        {"mood": "sad", "age": np.int64(3), "tags": np.array(["a", "b"])},
        {"mood": "calm", "age": 30, "tags": ["a"]},
        None,
        {"mood": "sad", "tags": []},
    ]
    numbers = [[0, 2], [1], [2], [0]]
    table, _ = written(pd.DataFrame({"path": files, "said": moods, "kinds": numbers}))
    assert table["said.mood"].fillna("").tolist() == ["sad", "calm", "", "sad"]
    assert table["said.age"].fillna(0).tolist() == [3, 30, 0, 0]
    assert table["said.tags_b"].fillna(-1).tolist() == [1, 0, -1, 0]
    columns = ["kinds_0", "kinds_1", "kinds_2"]
    assert table[columns].to_numpy().tolist() == [
        [1, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]
    ]  # fmt: skip


def test_a_loop_of_ones_own_takes_no_lists(files):
    table = pd.DataFrame({"path": files, "tags": RED_BLUE, "bbox": [[0, 0, 2, 2]] * 4})
    with pytest.raises(
        UserError, match="'tags' holds lists or objects; write one column"
    ):
        labelled_table(table, "table")
    assert labelled_table(table.drop(columns="tags"), "table")["bbox"].notna().all()


def test_reserved_columns_are_text(files, written):
    frame = pd.DataFrame(
        {
            "path": files,
            "identity": [7, None, 8, 7],  # floats, because of the empty cell
            "split": ["train", "Validation", "test", None],
            "box": [(0, 1, 4, 5), [0, 0, 2.5, 3], "1 1 2 2", None],
        }
    )
    table, _ = written(frame)
    assert table["identity"].tolist() == ["7", np.nan, "8", "7"]
    assert table["split"].tolist() == ["train", "val", "test", np.nan]
    assert table["box"].tolist() == ["0 1 4 5", "0 0 2.5 3", "1 1 2 2", np.nan]


def test_only_columns_of_every_table_are_taken_from_the_index(files, written):
    frame = pd.DataFrame({"path": files, "age": [1, 2, 3, 4]}, index=[9, 9, 7, 1])
    assert list(written(frame)[0]) == ["path", "age"]
    assert list(written(frame.rename_axis("id"), "id")[0]) == ["path", "age"]
    by_path = frame.set_index("path")
    assert written(by_path, "other")[0]["path"].tolist() == files
    levels = [files, ["train", "test"] * 2, [5, 6, 7, 8]]
    index = pd.MultiIndex.from_arrays(levels, names=["path", "split", "row"])
    by_levels, _ = written(pd.DataFrame({"age": [1, 2, 3, 4]}, index), "levels")
    assert list(by_levels) == ["path", "age", "split"]
    assert by_levels["split"].tolist() == ["train", "test"] * 2


def test_text_that_looks_like_numbers_stays_text(files, written, tmp_path):
    frame = pd.DataFrame(
        {
            "path": files,
            "code": ["001", "002", None, "001"],
            "flag": pd.Categorical(["0", "1", "0", "1"]),
            "word": ["a", "b", "a", "1"],
            "number": [1, 2, 1, 2],
            "size_low": ["1", "2", "3", "4"],  # the ends of an interval are numbers
            "size_high": ["2", "3", "4", "5"],
        }
    )
    table, _ = written(frame)
    assert table["code"].tolist() == ["001", "002", np.nan, "001"]
    assert table["flag"].tolist() == ["0", "1", "0", "1"]
    assert table["number"].tolist() == [1, 2, 1, 2]
    assert table["size_low"].tolist() == [1, 2, 3, 4]
    declared = (tmp_path / "data" / "mine.csv.toml").read_text()
    assert tomllib.loads(declared) == {"text": ["code", "flag"]}
    with pytest.raises(UserError, match="is there already, with other data"):
        written(frame.assign(code=pd.Series([1, 2, np.nan, 1])))
    heads = plugins.reader("table")(tmp_path / "data" / "mine.csv", name="mine").heads
    assert heads["code"] == {"kind": "softmax", "classes": ["001", "002"]}
    assert heads["flag"] == {"kind": "softmax", "classes": ["0", "1"]}


def test_line_breaks_in_labels_and_blanks_around_names_are_no_faults(files, written):
    notes = ["a\rb", "a\nb", 'q"\r\n, q', "plain"]
    frame = pd.DataFrame({" path ": files, "note\t": notes})
    table, _ = written(frame)
    assert table["note"].tolist() == notes
    assert table["path"].tolist() == files


def test_a_frame_is_the_same_table_in_memory_and_once_written(files, written):
    frame = pd.DataFrame(
        {
            "path": files,
            "yes": [True, None, False, True],
            "code": ["01", "02", " ", "01"],
            "mixed": ["one", 2.0, pd.NA, 3],
            "grade": pd.Categorical([2, 1, 2, np.nan]),
            "split": ["Training", "validation", "test", None],
            "box": [(0, 1, 4, 5), pd.Series([0, 0, 2, 3]), " 1 1 2 2", None],
            "identity": [7, None, 8, 7],
        }
    ).set_index("path")
    expected, _ = written(frame)
    table = labelled_table(frame, "table").fillna(np.nan)
    pd.testing.assert_frame_equal(table, expected.fillna(np.nan), check_dtype=False)


def test_one_image_object_in_many_rows_gives_one_picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (700, 700, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "big.png")
    for _ in range(5):  # two threads must not read the one file at once
        image = Image.open(tmp_path / "big.png")
        results = [result for _, result in decode_all([image] * 16, 700)]
        assert all(np.array_equal(result, pixels) for result in results)


def test_an_interrupted_write_leaves_no_part(tmp_path, monkeypatch):
    def interrupted(path, content):
        path.open("wb").close()
        raise KeyboardInterrupt

    new: list[Path] = []
    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        frames.write(pd.DataFrame({"path": [TOP]}), "mine", tmp_path / "a", new, print)
    frames.remove(new, tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_paths_are_relative_to_the_working_folder(files, written, monkeypatch):
    monkeypatch.chdir(Path(files[0]).parent)
    frame = pd.DataFrame({"path": ["a.png", Path("b.png"), "./c.png", files[3]]})
    assert written(frame.assign(age=1))[0]["path"].tolist() == files


def test_pictures_in_memory_come_back_pixel_by_pixel(files, written, tmp_path):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    rotated = Image.fromarray(TOP)
    rotated.getexif()[0x0112] = 6
    content = Path(files[1]).read_bytes()
    pictures = [files[0], TOP, grey, Image.fromarray(TOP).convert("P"), content]
    frame = pd.DataFrame({"path": pictures, "age": range(5)})
    table, lines = written(frame)
    assert table["age"].tolist() == [0, 1, 2, 3, 4]
    for path, picture in zip(table["path"], pictures, strict=True):
        assert np.array_equal(decode(path), decode(picture))
    folder = tmp_path / "data" / "mine"
    assert lines == [f"wrote 4 pictures from memory to {folder}"]
    assert Path(table["path"][4]).read_bytes() == content
    assert len(os.listdir(folder)) == 4


def test_pictures_in_memory_are_named_by_what_they_hold(written):
    first, _ = written(pd.DataFrame({"path": [TOP, TOP + 1, TOP], "age": 1}))
    other, _ = written(pd.DataFrame({"path": [TOP + 1, TOP + 2], "age": 1}), "other")
    names = [[Path(path).name for path in table["path"]] for table in (first, other)]
    assert names[0][2] == names[0][0].replace(".png", "-2.png")  # a picture of its own
    assert names[1][0] == names[0][1]
    assert names[1][1] not in names[0]


def test_a_broken_picture_is_set_aside_not_refused(files, tmp_path):
    frame = pd.DataFrame({"path": [files[0], b"no picture"], "age": [1, 2]})
    file = frames.write(frame, "mine", tmp_path / "data", [], print)
    assert len(plugins.reader("table")(file, name="mine").table) == 2  # decoded later


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"Path": ["a.jpg"], "age": [3]}),
         "the DataFrame 'mine': has no column 'path', only Path, age; rename 'Path"),
        (pd.DataFrame({"age": [3], "file_name": ["a"]}), "rename 'file_name' to"),
        (pd.DataFrame({"age": [3], "x": ["a.JPG"]}), "rename 'x' to 'path'"),
        (pd.DataFrame({"age": [3], "x": [TOP]}), "rename 'x' to 'path'"),
        (pd.DataFrame({"age": [3], "x": ["a"]}), "age, x; rename the column of pict"),
        (pd.DataFrame({"path": []}), "the DataFrame 'mine': has no rows"),
        (pd.DataFrame(), "the DataFrame 'mine': has no column 'path', only none"),
        (pd.DataFrame([["a.jpg", 1, 2]], columns=["path", "age", "age"]),
         "has column 'age' twice; rename one of them"),
        (pd.DataFrame([["a.jpg", 1, 2]], columns=["path", "age ", "age"]),
         "has column 'age' twice; rename one of them"),
        (pd.DataFrame([["a.jpg"]], columns=pd.MultiIndex.from_tuples([("path", "x")])),
         "has columns with several levels; give it one name per column"),
        (pd.DataFrame({"path": [["a.jpg", "b.jpg"]]}), "row 0 of 'path' is of type li"),
        (pd.DataFrame({"path": ["a.jpg", 7]}),
         "row 1 of 'path' is of type int, must be a path or a picture: a PIL image"),
        (pd.DataFrame({"path": [TOP / 255]}),
         "row 0: is an array of float64, must be uint8 from 0 to 255"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_said_at_once(frame, message, tmp_path):
    with pytest.raises(UserError) as caught:
        frames.write(frame, "mine", tmp_path / "data", [], print)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            {"age": ["ca. 40", 30, 20, 10]},
            "data mine: row 1: age is 'ca. 40', must be a number or an interval such "
            "as 20-29; correct it, or declare under [column.age] in the TOML beside "
            'the table (save it, and give data={"mine": "mine.csv"}) that it means no '
            'label, missing = ["ca. 40"], or that this is another question: role = '
            '"label"',
        ),
        (
            {"x": [0.1] * 4, "y": [0.1] * 4, "w": [0.2] * 4, "h": [0.3] * 4},
            "data mine: the boxes in x, y, w, h seem to be normalized (0 to 1), such "
            "as '0.1, 0.1, 0.2, 0.3', must be left top width height in pixels; "
            "multiply those from left to right by the picture's width, those from top "
            "to bottom by its height",
        ),
        (
            {"box": ["9 9 2 2"] * 4},
            "data mine: row 1: box is '9 9 2 2', must be left top right bottom in "
            "pixels, right greater than left, bottom greater than top; if its numbers "
            "are left, top, width and height, give them in four columns x, y, w, h",
        ),
    ],
)
def test_an_error_on_a_frame_names_no_file_that_is_removed(
    files, labels, message, tmp_path
):
    frame = pd.DataFrame({"path": files, **labels})
    with pytest.raises(UserError) as told:
        multitask.audit(data={"mine": frame}, out=tmp_path / "out")
    assert str(told.value) == message
    frame.to_csv(tmp_path / "mine.csv")
    with pytest.raises(UserError) as told:
        multitask.audit(data={"mine": tmp_path / "mine.csv"}, out=tmp_path / "out")
    assert "save it" not in str(told.value)


def test_the_same_frame_may_be_written_again_and_no_other(files, tmp_path):
    frame = pd.DataFrame({"path": [*files[:3], TOP], "age": [1, 2, 3, 4]})
    new: list[Path] = []
    file = frames.write(frame, "mine", tmp_path / "data", new, print)
    assert [path.suffix for path in new] == [".png", ".csv"]
    assert new[1] == file
    again: list[Path] = []
    assert frames.write(frame, "mine", tmp_path / "data", again, print) == file
    assert again == []
    before = file.read_bytes()
    with pytest.raises(UserError, match="mine.csv: is there already, with other data"):
        frames.write(frame.assign(age=5), "mine", tmp_path / "data", again, print)
    assert file.read_bytes() == before


def test_what_was_written_can_be_removed(files, tmp_path):
    out = tmp_path / "runs" / "a"
    new: list[Path] = []
    frames.write(pd.DataFrame({"path": [TOP]}), "mine", out / "data", new, print)
    frames.remove(new, out)
    assert os.listdir(tmp_path / "runs") == []
    frames.write(pd.DataFrame({"path": [TOP]}), "mine", out / "data", new, print)
    (out / "data" / "own.txt").write_text("kept")
    frames.remove(new, out)
    assert os.listdir(out / "data") == ["own.txt"]


def test_many_paths_are_written_in_seconds(tmp_path):
    count = 200_000
    frame = pd.DataFrame(
        {
            "path": [f"/nowhere/{number}.jpg" for number in range(count)],
            "age": np.arange(count) % 90,
            "mood": pd.Series(["calm", None]).sample(count, replace=True).to_numpy(),
            "identity": np.arange(count) % 7,
        }
    )
    frame.loc[0, "path"] = __file__  # a file that exists
    start = time.monotonic()
    frames.write(frame, "mine", tmp_path / "data", [], print)
    assert time.monotonic() - start < 30  # 2 seconds where nothing else runs
