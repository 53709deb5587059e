"""Does a file of labels mean what is written in it, and nothing that is not?"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample, table

from multitask.contracts.catalog import to_config
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.data import sources
from multitask.experiments.run import fit

pytestmark = pytest.mark.usefixtures("no_pictures")


def given(folder: Path, text: str, *names: str, file: str = "labels.csv") -> Path:
    """A file of labels, and the empty pictures that it names: none is opened."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / file).write_text(text, encoding="utf-8")
    return folder / file


def listed(folder: Path, column: str, *cells: str) -> Path:
    """A CSV file of one column of labels, with a picture a cell."""
    names = [f"{number}.jpg" for number in range(len(cells))]
    rows = [f"{name},{cell}" for name, cell in zip(names, cells, strict=True)]
    return given(folder, "\n".join([f"path,{column}", *rows]), *names)


def brought(folder: Path, column: str, *cells: str) -> dict[str, dict[str, Any]]:
    reading = table.read(listed(folder, column, *cells), name="mine")
    heads: dict[str, dict[str, Any]] = reading.heads
    return heads


def annotated(folder: Path, items: Sequence[object], **more: object) -> Path:
    said = {"metainfo": {"tasks": ["gender", "wear", "kind"]}, "data_list": items}
    return given(
        folder, json.dumps(said | more), "a.jpg", "b.jpg", "c.jpg", file="labels.json"
    )


# What a row says


def test_rows_paths_and_source(tmp_path):
    file = given(tmp_path, "path,age\na.jpg,31\nx/b c.png,4.5\n", "a.jpg", "x/b c.png")
    reading = table.read(file, name="mine")
    assert reading.table.to_dict("records") == [
        {"path": str(tmp_path / "a.jpg"), "age": 31.0, "source": "mine"},
        {"path": str(tmp_path / "x/b c.png"), "age": 4.5, "source": "mine"},
    ]
    assert reading.skipped.empty
    assert reading.heads == {}  # age is a named head


@pytest.mark.parametrize("word", ["none", "NA", "null", "nan", "N/A", "None", "inf"])
def test_only_an_empty_cell_is_empty(tmp_path, word):
    made = table.read(listed(tmp_path, "occlusion", word, "", '""', " "), name="mine")
    assert made.table["occlusion"].iloc[0] == word
    assert made.table["occlusion"].isna().tolist() == [False, True, True, True]


def test_a_column_is_numeric_if_every_filled_cell_is_a_number(tmp_path):
    numbers = table.read(listed(tmp_path, "x", "1", "", " 2.5 ", "-3e1"), name="mine")
    np.testing.assert_equal(numbers.table["x"].tolist(), [1.0, np.nan, 2.5, -30.0])
    text = table.read(listed(tmp_path, "x", "1", "", "1.50", "two"), name="mine")
    assert text.table["x"].dropna().tolist() == ["1", "1.50", "two"]


def test_columns_of_the_contract_are_text(tmp_path):
    file = given(
        tmp_path,
        "path,box,identity,split,source\na.jpg,0 0 9 9,007,Training,films\n"
        "b.jpg,,,validation,films\nc.jpg,,12,TEST,films\n",
        *("a.jpg", "b.jpg", "c.jpg"),
    )
    made = table.read(file, name="mine")
    assert made.table["split"].tolist() == ["train", "val", "test"]
    assert made.table["source"].unique().tolist() == ["films"]
    assert made.table["box"].dropna().tolist() == ["0 0 9 9"]
    assert made.table["identity"].dropna().tolist() == ["007", "12"]
    assert made.heads == {}


def test_another_split_is_refused(tmp_path):
    file = given(tmp_path, "path,split\na.jpg,dev\n", "a.jpg")
    with pytest.raises(UserError, match="split is 'dev', must be one of"):
        sources.read_all([f"mine=table:{file}"])


def test_paths_may_be_absolute_begin_with_tilde_or_lie_above(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    far = tmp_path / "far" / "b.jpg"
    names = [f"{tmp_path}/far/b.jpg", "~/c.jpg", "../d.jpg", "./e.jpg", "häß 1.JPG"]
    file = given(
        tmp_path / "labels",
        "\n".join(["path,x", *(f"{name},1" for name in names)]),
        *(str(far), "../home/c.jpg", "../d.jpg", "e.jpg", "häß 1.JPG"),
    )
    reading = table.read(file, name="mine")
    assert reading.skipped.empty
    assert reading.table["path"].map(os.path.isfile).all()
    assert reading.table["path"].iloc[1] == str(tmp_path / "home" / "c.jpg")


def test_the_file_may_begin_with_tilde_and_a_byte_order_mark(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    given(tmp_path, "\ufeffpath,x\na.jpg,1\n", "a.jpg")
    assert len(table.read(Path("~/labels.csv"), name="mine").table) == 1


def test_tabs_quotes_and_row_numbers(tmp_path):
    text = '\tpath\tnote\n0\ta.jpg\t"one\ttwo"\n1\tb.jpg\tthree, four\n'
    made = table.read(given(tmp_path, text, "a.jpg", "b.jpg", file="L.TSV"), name="m")
    assert list(made.table) == ["path", "note", "source"]
    assert made.table["note"].tolist() == ["one\ttwo", "three, four"]


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path):
    name = os.fsdecode(b"f\xe4ce.jpg")
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    (tmp_path / "labels.csv").write_bytes(b"path,x\nf\xe4ce.jpg,1\n")
    made = table.read(tmp_path / "labels.csv", name="mine").table
    assert made["path"].tolist() == [str(tmp_path / name)]


# What is set aside


def test_rows_without_a_picture_are_listed(tmp_path):
    text = "path,x\na.jpg,1\ngone.jpg,1\n,0\nfolder,0\nno/where.jpg,1\n"
    file = given(tmp_path, text, "a.jpg", "folder/b.jpg")
    (tmp_path / "broken.jpg").symlink_to("nothing")
    reading = table.read(file, name="mine")
    assert reading.table["path"].tolist() == [str(tmp_path / "a.jpg")]
    assert reading.skipped.to_numpy().tolist() == [
        [str(tmp_path / "gone.jpg"), "no such file"],
        ["", "row 3 has no path"],
        [str(tmp_path / "folder"), "no such file"],
        [str(tmp_path / "no/where.jpg"), "no such file"],
    ]


def test_a_picture_counts_once(tmp_path):
    text = "path,age,gender\na.jpg,3,male\na.jpg,3,male\n./a.jpg,4,male\nb.jpg,,\n"
    file = given(tmp_path, text + "l/b.jpg,,\n", "a.jpg", "b.jpg")
    (tmp_path / "l").symlink_to(tmp_path)
    reading = table.read(file, name="mine")
    assert reading.table["age"].dropna().tolist() == [3.0]
    assert reading.skipped["reason"].tolist() == [
        "is listed before, with the same labels",
        "is listed before with another age; the first counts",
        "is listed before, with the same labels",
    ]


def test_a_picture_has_one_path_however_it_is_spelt(tmp_path):
    text = "path,age\n../faces/a.jpg,3\n"
    given(tmp_path, "", "faces/a.jpg", "labels/other.jpg")
    file = given(tmp_path / "labels", text)
    reading = table.read(file, name="mine")
    assert reading.table["path"].tolist() == [str(tmp_path / "faces" / "a.jpg")]


# Heads that the labels bring


def test_text_and_few_whole_numbers_are_classes(tmp_path):
    softmax = {"kind": "softmax", "classes": ["comedy", "drama"]}
    assert brought(tmp_path, "genre", "drama", "", "comedy ") == {"genre": softmax}
    tens = {"kind": "softmax", "classes": ["2", "10"]}
    assert brought(tmp_path, "stars", "10", "2", "") == {"stars": tens}


def test_zero_and_one_are_no_and_yes(tmp_path):
    assert brought(tmp_path, "indoor", "1", "0", "") == {"indoor": {"kind": "sigmoid"}}


def test_other_numbers_have_a_range(tmp_path):
    half = {"kind": "regression", "low": 0.5, "high": 2.0}
    assert brought(tmp_path, "score", "2", "0.5", "") == {"score": half}
    many = brought(tmp_path, "year", *map(str, range(1950, 2001)))
    assert many == {"year": {"kind": "regression", "low": 1950.0, "high": 2000.0}}


def test_an_interval_is_a_number_even_without_the_plain_column(tmp_path):
    file = given(
        tmp_path,
        "path,year_low,year_high\na.jpg,1950,1959\nb.jpg,,\nc.jpg,1980,1980\n",
        *("a.jpg", "b.jpg", "c.jpg"),
    )
    heads = table.read(file, name="mine").heads
    assert heads == {"year": {"kind": "regression", "low": 1950.0, "high": 1980.0}}


def test_free_text_and_constants_bring_none(tmp_path):
    assert brought(tmp_path, "note", *(f"note {i}" for i in range(51))) == {}
    assert brought(tmp_path, "camera", "a", "a", "") == {}
    assert brought(tmp_path, "status", "ok", "bad") == {}  # a column of every answer


def test_columns_of_named_heads_bring_none(tmp_path):
    text = "path,gender,Smiling,age_low,age_high\na.jpg,male,1,0,9\nb.jpg,female,0,,\n"
    assert table.read(given(tmp_path, text, "a.jpg", "b.jpg"), name="m").heads == {}


def test_a_column_that_is_no_name_gets_one(tmp_path):
    made = brought(tmp_path, "Haar-Färbung", "a", "b")
    assert made["Haar_Farbung"]["columns"] == ["Haar-Färbung"]
    assert "label_5" in brought(tmp_path, "5", "a", "b")


def test_two_files_of_one_table_bring_one_head(tmp_path):
    one = listed(tmp_path / "one", "genre", "drama", "comedy")
    other = listed(tmp_path / "other", "genre", "horror", "drama")
    heads = sources.read_all([f"one=table:{one}", f"other=table:{other}"]).heads
    assert heads["genre"]["classes"] == ["comedy", "drama", "horror"]
    one = listed(tmp_path / "one", "score", *map(str, range(60)))
    other = listed(tmp_path / "other", "score", "7", "99")
    heads = sources.read_all([f"one=table:{one}", f"other=table:{other}"]).heads
    assert heads == {"score": {"kind": "regression", "low": 0.0, "high": 99.0}}


def test_classes_spread_over_data_sets_make_one_head(tmp_path):
    # Alone, one kind of label is no question.
    cats = listed(tmp_path / "cats", "animal", "cat", "cat")
    dogs = listed(tmp_path / "dogs", "animal", "dog")
    mixed = listed(tmp_path / "mixed", "animal", "dog", "owl")
    heads = sources.read_all([f"cats=table:{cats}", f"dogs=table:{dogs}"]).heads
    assert heads == {"animal": {"kind": "softmax", "classes": ["cat", "dog"]}}
    heads = sources.read_all([f"cats=table:{cats}", f"mixed=table:{mixed}"]).heads
    assert heads["animal"]["classes"] == ["cat", "dog", "owl"]


def test_columns_that_only_look_alike_as_names_keep_a_head_each(tmp_path):
    one = listed(tmp_path / "one", "hair color", "red", "grey")
    other = listed(tmp_path / "other", "hair_color", "blue", "grey")
    for sets in ((one, other), (other, one)):
        heads = sources.read_all(
            [f"set{n}=table:{file}" for n, file in enumerate(sets)]
        ).heads
        reads = sorted(
            column for name, h in heads.items() for column in h.get("columns", [name])
        )
        assert reads == ["hair color", "hair_color"]


# The annotation file of mmpretrain


def test_annotations_of_many_tasks(tmp_path):
    file = annotated(
        tmp_path,
        [
            {"img_path": "a.jpg", "gt_label": {"gender": 0, "wear": [1, 0, 1]}},
            {"img_path": "b.jpg", "gt_label": {"gender": 1, "kind": 2}},
            {"img_path": "c.jpg", "gt_label": {"wear": [0, 0, 1], "kind": None}},
        ],
    )
    reading = table.read(file, name="mine")
    nan = np.nan
    expected = {
        "gender": [0, 1, nan],
        "wear_0": [1, nan, 0],
        "wear_1": [0, nan, 0],
        "wear_2": [1, nan, 1],
        "kind": [nan, 2, nan],
    }
    for column, labels in expected.items():
        np.testing.assert_equal(reading.table[column].tolist(), labels)
    # Nobody says that class 0 is what the named head calls male.
    columns = ["wear_0", "wear_1", "wear_2"]
    assert reading.heads == {
        "wear": {"kind": "sigmoid", "columns": columns},
        "gender": {"kind": "sigmoid"},
    }
    assert reading.skipped.empty


def test_numbered_classes_of_a_named_head_are_its_own(tmp_path):
    labels = [{"expression": 4}, {"expression": 1}]
    items = [
        {"img_path": f"{name}.jpg", "gt_label": label}
        for name, label in zip("ab", labels, strict=True)
    ]
    heads = table.read(annotated(tmp_path, items, metainfo={}), name="mine").heads
    classes = ["0", "1", "2", "3", "4"]
    assert heads == {"expression": {"kind": "softmax", "classes": classes}}


def test_a_task_that_no_picture_has_brings_no_head(tmp_path):
    items = [{"img_path": "a.jpg", "gt_label": {"gender": None, "wear": [1, 0]}}]
    heads = table.read(annotated(tmp_path, items), name="mine").heads
    assert list(heads) == ["wear"]


def test_a_class_number_beyond_all_reason_is_refused(tmp_path):
    items = [{"img_path": "a.jpg", "gt_label": {"gender": 20240101}}]
    with pytest.raises(UserError, match="must be a class number below 50"):
        table.read(annotated(tmp_path, items), name="mine")


@pytest.mark.parametrize("where", ["beside", "in metainfo"])
def test_annotations_may_lie_beside_their_pictures(tmp_path, where):
    prefix: dict[str, object] = {
        "data_root": "..",
        "data_prefix": {"img_path": "train"},
    }
    more = prefix if where == "beside" else {"metainfo": prefix}
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "x.jpg").touch()
    items = [{"img_path": "x.jpg", "gt_label": {"gender": 0}}]
    reading = table.read(annotated(tmp_path / "notes", items, **more), name="mine")
    assert reading.table["path"].map(os.path.isfile).tolist() == [True]


def test_labels_that_are_none_are_listed(tmp_path):
    items: list[object] = [
        {"img_path": "a.jpg", "gt_label": {"gendre": 0, "wear": [1, 0]}},
        {"img_path": "b.jpg", "gt_label": {"gender": {"x": 1}, "wear": [1, 0, 1]}},
        {"gt_label": {}},
        {"img_path": "c.jpg", "gt_label": 3},
        {"img_path": "c.jpg"},
    ]
    reading = table.read(annotated(tmp_path, items), name="mine")
    assert len(reading.table) == 3
    for reason, said in zip(
        reading.skipped["reason"],
        [
            "label 'gendre' is no task; did you mean 'gender'?",
            "gender is {'x': 1}, left empty",
            "wear is [1, 0, 1], left empty; must be 2 times 0 or 1",
            "item 2 has no img_path",
            "item 3 has a gt_label without tasks",
        ],
        strict=True,
    ):
        assert said in reason


# Mistakes


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("l.csv", "file,age\na.jpg,1\n", "has no column 'path', only file, age"),
        ("l.csv", "path;age\na.jpg;1\n", "only path;age; name the column"),
        ("l.csv", "path,x,x\na.jpg,1,2\n", "has column 'x' twice"),
        ("l.csv", "path,x\n", "has no row"),
        ("l.csv", "", "can't be read: No columns"),
        ("l.csv", "path,x\na.jpg,1,2\n", "Expected 2 fields in line 2"),
        ("l.csv", "path,x\nb.jpg,1\n", "none of the 1 pictures .*b.jpg': no such"),
        ("l.csv", "path,x_low,x_high\na.jpg,a,b\n", "'x_low' holds 'a', as one end of"),
        ("l.xlsx", "path,x\n", "no kind that is read; give one that ends in .csv"),
        ("l.json", "path,x\n", "is no JSON"),
        ("l.json", "[]", "has no list 'data_list'"),
        ("l.json", '{"data_list": []}', "has no row"),
        ("l.json", '{"data_list": [3]}', "item 0 is no object"),
        ("l.json", '{"data_list": [], "metainfo": 3}', "metainfo is no object"),
        ("l.json", '{"data_list": [], "metainfo": {"tasks": 3}}', "tasks is no list"),
        ("l.json", '{"data_list": [], "metainfo": {"tasks": ["box"]}}', "called 'box'"),
        ("l.json", '{"data_list": [], "data_root": 3}', "data_root is 3, must be"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_a_line(tmp_path, file, text, said):
    with pytest.raises(UserError, match=said) as error:
        table.read(given(tmp_path, text, "a.jpg", file=file), name="mine")
    assert "\n" not in str(error.value)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(UserError, match="--data mine: no file"):
        table.read(tmp_path / "gone.csv", name="mine")
    with pytest.raises(UserError, match="is a folder, must be a file"):
        table.read(tmp_path, name="mine")


def test_labels_that_are_not_utf8(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "labels.csv").write_bytes(b"path,genre\na.jpg,com\xe9die\n")
    with pytest.raises(UserError, match="column 'genre' holds .* is not UTF-8"):
        table.read(tmp_path / "labels.csv", name="mine")


# Parquet


def test_parquet_needs_a_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = given(tmp_path, "", file="labels.parquet")
    with pytest.raises(UserError, match="needs pyarrow; pip install pyarrow"):
        table.read(file, name="mine")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    file = given(tmp_path, "", "a.jpg", "b.jpg", "c.jpg", file="labels.parquet")
    pd.DataFrame(
        {
            "path": ["a.jpg", "b.jpg", "c.jpg"],
            "occlusion": ["none", None, ""],
            "indoor": pd.array([True, None, False], dtype="boolean"),
            "stars": pd.array([3, None, 5], dtype="Int64"),
            "genre": pd.Categorical(["drama", None, "comedy"]),
        }
    ).set_index("path").to_parquet(file)
    reading = table.read(file, name="mine")
    assert reading.table["occlusion"].isna().tolist() == [False, True, True]
    np.testing.assert_equal(reading.table["indoor"].tolist(), [1.0, np.nan, 0.0])
    assert reading.heads == {
        "indoor": {"kind": "sigmoid"},
        "stars": {"kind": "softmax", "classes": ["3", "5"]},
        "genre": {"kind": "softmax", "classes": ["comedy", "drama"]},
    }


def test_a_file_that_is_no_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    file = given(tmp_path, "path,x", file="labels.parquet")
    with pytest.raises(UserError, match=r"can't be read: .*[Pp]arquet"):
        table.read(file, name="mine")


# In use


def test_the_sample_s_own_labels_are_read_alike(tmp_path):
    drawn = sample.read(tmp_path, count=20).table
    made = table.read(tmp_path / "labels.csv", name="sample").table
    pd.testing.assert_frame_equal(made[list(drawn)], drawn, check_dtype=False)


@pytest.fixture(scope="module")
def faces(tmp_path_factory, tiny_trunk):
    """Drawn faces and a table of questions about them that no named head asks."""
    folder = tmp_path_factory.mktemp("drawn")
    truth = sample.read(folder, count=60).table
    made = pd.DataFrame({"path": truth["path"].map(os.path.basename)})
    made["path"] = "faces/" + made["path"]
    made["hair colour"] = np.where(truth["Black_Hair"] == 1, "black", "other")
    made["smiles"] = truth["Smiling"]
    made["years_low"], made["years_high"] = truth["age"] // 10, truth["age"] // 10 + 1
    made.to_csv(folder / "mine.csv", index=False)
    return folder


def tiny(heads: tuple[str, ...], *sets: str) -> Recipe:
    return Recipe(
        heads=heads, data=sets, trunk="tiny", epochs=1, batch_size=16,
        precision="float32",
    )  # fmt: skip


def test_a_fit_learns_the_heads_of_the_table(faces, tmp_path):
    asked = tiny((), f"mine=table:{faces / 'mine.csv'}")
    run = fit(asked, tmp_path / "run", say=lambda line: None)
    kinds = {head.name: to_config(head)["kind"] for head in run.evaluation.heads}
    assert kinds == {
        "hair_colour": "softmax",
        "smiles": "sigmoid",
        "years": "regression",
    }
    assert "hair colour" in run.evaluation.answers


def test_one_head_of_the_table_can_be_asked_for(faces, tmp_path):
    asked = tiny(("smiles",), f"mine=table:{faces / 'mine.csv'}")
    run = fit(asked, tmp_path / "run", say=lambda line: None)
    assert [head.name for head in run.evaluation.heads] == ["smiles"]
    with pytest.raises(UserError, match="no head 'smile'; did you mean 'smiles'"):
        fit(tiny(("smile",), *asked.data), tmp_path / "other", say=lambda line: None)


def test_a_recipe_s_head_stands_instead_of_the_table_s(faces, tmp_path):
    asked = Recipe(
        data=(f"mine=table:{faces / 'mine.csv'}",),
        head={"joy": {"kind": "sigmoid", "columns": ["smiles"]}},
        trunk="tiny", epochs=1, precision="float32",
    )  # fmt: skip
    run = fit(asked, tmp_path / "run", say=lambda line: None)
    names = {head.name for head in run.evaluation.heads}
    assert names == {"joy", "hair_colour", "years"}


@pytest.mark.slow
def test_200_000_rows_in_less_than_10_seconds(tmp_path):
    count = 200_000
    rng = np.random.default_rng(0)
    names = [f"part{i % 20}/{i:06d}.jpg" for i in range(count)]
    for part in range(20):
        (tmp_path / f"part{part}").mkdir()
    for name in names[::100]:  # the others are missing: that must not be slow either
        (tmp_path / name).touch()
    columns = {f"answer{i}": rng.integers(0, 2, count) for i in range(10)}
    genre = rng.choice(["drama", "comedy", "none"], count)
    made = pd.DataFrame({"path": names, "genre": genre, **columns})
    made.to_csv(tmp_path / "labels.csv", index=False)
    start = time.process_time()  # whatever else the machine has to do
    reading = table.read(tmp_path / "labels.csv", name="mine")
    assert time.process_time() - start < 10
    assert (len(reading.table), len(reading.skipped)) == (2_000, 198_000)
    assert len(reading.heads) == 11
