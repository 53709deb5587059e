"""Are the labels of a file read as they are, and nothing else?"""

import os
import sys
import time
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
from tests.datasets.label_files import label_file

pytestmark = pytest.mark.usefixtures("numbers_alone")


def listed(folder: Path, column: str, *cells: str) -> Path:
    """A CSV file with one column of labels, and a picture per cell."""
    names = [f"{number}.jpg" for number in range(len(cells))]
    rows = [f"{name},{cell}" for name, cell in zip(names, cells, strict=True)]
    return label_file(folder, "\n".join([f"path,{column}", *rows]), *names)


def heads_of(folder: Path, column: str, *cells: str) -> dict[str, dict[str, Any]]:
    reading = table.read(listed(folder, column, *cells), name="mine")
    heads: dict[str, dict[str, Any]] = reading.heads
    return heads


# Rows


def test_rows_paths_and_source(tmp_path):
    file = label_file(
        tmp_path, "path,age\na.jpg,31\nx/b c.png,4.5\n", "a.jpg", "x/b c.png"
    )
    reading = table.read(file, name="mine")
    assert reading.table.to_dict("records") == [
        {"path": str(tmp_path / "a.jpg"), "age": 31.0, "source": "mine"},
        {"path": str(tmp_path / "x/b c.png"), "age": 4.5, "source": "mine"},
    ]
    assert reading.skipped.empty
    assert reading.heads == {}  # age is a named head


def test_blank_cells_are_empty(tmp_path):
    file = listed(tmp_path, "occlusion", "none", "", '""', " ")
    labels = table.read(file, name="mine").table["occlusion"]
    np.testing.assert_equal(labels.tolist(), ["none", np.nan, np.nan, np.nan])


def test_a_column_is_numeric_if_every_filled_cell_is_a_number(tmp_path):
    numbers = table.read(listed(tmp_path, "x", "1", "", " 2.5 ", "-3e1"), name="mine")
    np.testing.assert_equal(numbers.table["x"].tolist(), [1.0, np.nan, 2.5, -30.0])
    text = table.read(listed(tmp_path, "x", "1", "", "1.50", "two"), name="mine")
    assert text.table["x"].dropna().tolist() == ["1", "1.50", "two"]


def test_a_toml_beside_a_table_says_which_columns_are_text(tmp_path):
    file = listed(tmp_path, "code", "001", "", "002")
    declaration = tmp_path / f"{file.name}.toml"
    declaration.write_text('text = ["code"]')
    reading = table.read(file, name="mine")
    assert reading.table["code"].tolist() == ["001", np.nan, "002"]
    assert reading.heads["code"]["classes"] == ["001", "002"]
    for text, message in (
        ('text = ["cod"]', "has no column 'cod', .*; did you mean 'code'"),
        ("text = 3", "text is 3, must be a list"),
        ("numbers = []", "unknown key 'numbers'; known: text, missing, root"),
        ("text", "is no TOML"),
    ):
        declaration.write_text(text)
        with pytest.raises(UserError, match=message):
            table.read(file, name="mine")


def test_columns_of_the_contract_are_text(tmp_path):
    file = label_file(
        tmp_path,
        "path,box,identity,split,source\na.jpg,0 0 9 9,007,Training,films\n"
        "b.jpg,,,validation,films\nc.jpg,,12,TEST,films\n",
        *("a.jpg", "b.jpg", "c.jpg"),
    )
    reading = table.read(file, name="mine")
    assert reading.table["split"].tolist() == ["train", "val", "test"]
    assert reading.table["source"].unique().tolist() == ["films"]
    assert reading.table["box"].dropna().tolist() == ["0 0 9 9"]
    assert reading.table["identity"].dropna().tolist() == ["007", "12"]
    assert reading.heads == {}


def test_another_split_is_refused(tmp_path):
    file = label_file(tmp_path, "path,split\na.jpg,late\n", "a.jpg")
    with pytest.raises(UserError, match="row 1: split is 'late', must be one of"):
        sources.read_all([f"mine=table:{file}"])


def test_paths_may_be_absolute_begin_with_tilde_or_lie_above(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    far = tmp_path / "far" / "b.jpg"
    names = [f"{tmp_path}/far/b.jpg", "~/c.jpg", "../d.jpg", "./e.jpg", "häß 1.JPG"]
    file = label_file(
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
    label_file(tmp_path, "\ufeffpath,x\na.jpg,1\n", "a.jpg")
    assert len(table.read(Path("~/labels.csv"), name="mine").table) == 1


def test_tabs_quotes_and_row_numbers(tmp_path):
    text = '\tpath\tnote\n0\ta.jpg\t"one\ttwo"\n1\tb.jpg\tthree, four\n'
    file = label_file(tmp_path, text, "a.jpg", "b.jpg", file="L.TSV")
    reading = table.read(file, name="m")
    assert list(reading.table) == ["path", "note", "source"]
    assert reading.table["note"].tolist() == ["one\ttwo", "three, four"]


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path):
    name = os.fsdecode(b"f\xe4ce.jpg")
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    (tmp_path / "labels.csv").write_bytes(b"path,x\nf\xe4ce.jpg,1\n")
    rows = table.read(tmp_path / "labels.csv", name="mine").table
    assert rows["path"].tolist() == [str(tmp_path / name)]


# Skipped rows


def test_rows_without_a_picture_are_listed(tmp_path):
    text = "path,x\na.jpg,1\ngone.jpg,1\n,0\nfolder,0\nno/where.jpg,1\n"
    file = label_file(tmp_path, text, "a.jpg", "folder/b.jpg")
    (tmp_path / "broken.jpg").symlink_to("nothing")
    reading = table.read(file, name="mine")
    assert reading.table["path"].tolist() == [str(tmp_path / "a.jpg")]
    assert reading.skipped.to_numpy().tolist() == [
        [str(tmp_path / "gone.jpg"), "row 2: no such file"],
        ["", "row 3 has no path"],
        [str(tmp_path / "folder"), "row 4: no such file"],
        [str(tmp_path / "no/where.jpg"), "row 5: no such file"],
    ]


def test_a_picture_counts_once(tmp_path):
    text = "path,age,gender\na.jpg,3,male\na.jpg,3,male\n./a.jpg,4,male\nb.jpg,,\n"
    file = label_file(tmp_path, text + "l/b.jpg,7,\n", "a.jpg", "b.jpg")
    (tmp_path / "l").symlink_to(tmp_path)
    reading = table.read(file, name="mine")
    assert len(reading.table) == 2
    assert reading.table["gender"].iloc[0] == "male"
    assert reading.skipped["reason"].tolist() == [
        "age is 3 in row 1 and 4 in row 3 of one picture, left empty; must be the same "
        "in all"
    ]


def test_a_picture_has_one_path_however_it_is_spelt(tmp_path):
    text = "path,age\n../faces/a.jpg,3\n"
    label_file(tmp_path, "", "faces/a.jpg", "labels/other.jpg")
    file = label_file(tmp_path / "labels", text)
    reading = table.read(file, name="mine")
    assert reading.table["path"].tolist() == [str(tmp_path / "faces" / "a.jpg")]


# Heads that the labels bring


def test_text_and_few_whole_numbers_are_classes(tmp_path):
    softmax = {"kind": "softmax", "classes": ["comedy", "drama"]}
    assert heads_of(tmp_path, "genre", "drama", "", "comedy ") == {"genre": softmax}
    tens = {"kind": "softmax", "classes": ["2", "10"]}
    assert heads_of(tmp_path, "stars", "10", "2", "") == {"stars": tens}


def test_zero_and_one_are_no_and_yes(tmp_path):
    assert heads_of(tmp_path, "indoor", "1", "0", "") == {"indoor": {"kind": "sigmoid"}}


def test_other_numbers_have_a_range(tmp_path):
    half = {"kind": "regression", "low": 0.5, "high": 2.0}
    assert heads_of(tmp_path, "score", "2", "0.5", "") == {"score": half}
    many = heads_of(tmp_path, "year", *map(str, range(1950, 2001)))
    assert many == {"year": {"kind": "regression", "low": 1950.0, "high": 2000.0}}


def test_an_interval_is_a_number_even_without_the_plain_column(tmp_path):
    file = label_file(
        tmp_path,
        "path,year_low,year_high\na.jpg,1950,1959\nb.jpg,,\nc.jpg,1980,1980\n",
        *("a.jpg", "b.jpg", "c.jpg"),
    )
    heads = table.read(file, name="mine").heads
    assert heads == {"year": {"kind": "regression", "low": 1950.0, "high": 1980.0}}


def test_free_text_and_constants_bring_none(tmp_path):
    assert heads_of(tmp_path, "note", *(f"note {i}" for i in range(51))) == {}
    assert heads_of(tmp_path, "camera", "a", "a", "") == {}
    assert heads_of(tmp_path, "status", "ok", "bad") == {}  # a column of every answer


def test_columns_of_named_heads_bring_none(tmp_path):
    text = "path,gender,Smiling,age_low,age_high\na.jpg,male,1,0,9\nb.jpg,female,0,,\n"
    file = label_file(tmp_path, text, "a.jpg", "b.jpg")
    assert table.read(file, name="mine").heads == {}


def test_a_column_that_is_no_name_gets_one(tmp_path):
    heads = heads_of(tmp_path, "Haar-Färbung", "a", "b")
    assert heads["Haar_Farbung"]["columns"] == ["Haar-Färbung"]
    assert "label_5" in heads_of(tmp_path, "5", "a", "b")


def test_two_files_of_one_table_bring_one_head(tmp_path):
    one = listed(tmp_path / "one", "genre", "drama", "comedy")
    other = listed(tmp_path / "other", "genre", "horror", "drama")
    heads = sources.read_all([f"one=table:{one}", f"other=table:{other}"]).heads
    assert heads["genre"]["classes"] == ["comedy", "drama", "horror"]
    one = listed(tmp_path / "one", "score", *map(str, range(0, 120, 2)))
    other = listed(tmp_path / "other", "score", "7", "99")
    heads = sources.read_all([f"one=table:{one}", f"other=table:{other}"]).heads
    assert heads == {"score": {"kind": "regression", "low": 0.0, "high": 118.0}}


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


# Mistakes


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("l.csv", "file,age\na,1\n", "only file, age; rename 'file' to 'path'"),
        ("l.csv", "Path,age\na,1\n", "only Path, age; rename 'Path' to 'path'"),
        ("l.csv", "path:age\na.jpg:1\n", "only path:age; separate columns by commas"),
        ("l.csv", "path,x,x\na.jpg,1,2\n", "has column 'x' twice"),
        ("l.csv", "path,x\n", "has no row"),
        ("l.csv", "", "is empty; begin it with a line"),
        ("l.csv", "path,x\na.jpg,1,2\n", "line 2 has 3 cells, but the header"),
        ("l.csv", "path,x\nb.jpg,1\n", "the only picture .* 'path' has 'b.jpg'"),
        ("l.csv", "path,x_low,x_high\na.jpg,a,b\n", "'x_low' holds 'a', as one end of"),
        ("l.ods", "path,x\n", "an unknown ending; give a file that ends in .csv"),
        ("l.json", "path,x\n", "is not valid JSON"),
        ("l.json", "[]", "has no column 'path'"),
        ("l.json", "3", "is not a table of labels, but 3"),
        ("l.json", '{"data_list": []}', "has no row"),
        ("l.json", '{"data_list": [3]}', "item 0 is not an object"),
        ("l.json", '{"data_list": [], "metainfo": 3}', "metainfo is not an object"),
        ("l.json", '{"data_list": [], "metainfo": {"tasks": 3}}', "tasks is not a"),
        ("l.json", '{"data_list": [], "metainfo": {"tasks": ["box"]}}', "called 'box'"),
        ("l.json", '{"data_list": [], "data_root": 3}', "data_root is 3, must be"),
    ],
)  # fmt: skip
def test_mistakes_are_errors_of_one_line(tmp_path, file, text, message):
    with pytest.raises(UserError, match=message) as error:
        table.read(label_file(tmp_path, text, "a.jpg", file=file), name="mine")
    assert "\n" not in str(error.value)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(UserError, match="--data mine: there is no file"):
        table.read(tmp_path / "gone.csv", name="mine")
    with pytest.raises(UserError, match="is a folder, not a file"):
        table.read(tmp_path, name="mine")


# Parquet


def test_parquet_needs_a_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = label_file(tmp_path, "", file="labels.parquet")
    with pytest.raises(UserError, match="needs pyarrow; pip install pyarrow"):
        table.read(file, name="mine")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    file = label_file(tmp_path, "", "a.jpg", "b.jpg", "c.jpg", file="labels.parquet")
    pd.DataFrame(
        {
            "path": ["a.jpg", "b.jpg", "c.jpg"],
            "occlusion": ["none", None, ""],
            "indoor": pd.array([True, None, False], dtype="boolean"),
            "stars": pd.array([3, None, 5], dtype="Int64"),
            "genre": pd.Categorical(["drama", None, "comedy"]),
            "code": ["01", "02", None],
        }
    ).set_index("path").to_parquet(file)
    reading = table.read(file, name="mine")
    assert reading.table["occlusion"].isna().tolist() == [False, True, True]
    np.testing.assert_equal(reading.table["indoor"].tolist(), [1.0, np.nan, 0.0])
    assert reading.heads == {
        "indoor": {"kind": "sigmoid"},
        "stars": {"kind": "softmax", "classes": ["3", "5"]},
        "genre": {"kind": "softmax", "classes": ["comedy", "drama"]},
        "code": {"kind": "softmax", "classes": ["01", "02"]},  # Parquet has types
    }


def test_a_file_that_is_no_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    file = label_file(tmp_path, "path,x", file="labels.parquet")
    with pytest.raises(UserError, match=r"can't be read: .*[Pp]arquet"):
        table.read(file, name="mine")


# In use


def test_the_samples_own_labels_are_read_alike(tmp_path):
    drawn = sample.read(tmp_path, count=20).table
    rows = table.read(tmp_path / "labels.csv", name="sample").table
    pd.testing.assert_frame_equal(rows[list(drawn)], drawn, check_dtype=False)


@pytest.fixture(scope="module")
def faces(tmp_path_factory, tiny_trunk):
    """Drawn faces and a table of labels that no named head reads."""
    folder = tmp_path_factory.mktemp("drawn")
    truth = sample.read(folder, count=60).table
    labels = pd.DataFrame({"path": truth["path"].map(os.path.basename)})
    labels["path"] = "faces/" + labels["path"]
    labels["hair colour"] = np.where(truth["Black_Hair"] == 1, "black", "other")
    labels["smiles"] = truth["Smiling"]
    labels["years_low"], labels["years_high"] = (
        truth["age"] // 10,
        truth["age"] // 10 + 1,
    )
    labels.to_csv(folder / "mine.csv", index=False)
    return folder


def tiny(heads: tuple[str, ...], *sets: str) -> Recipe:
    return Recipe(
        heads=heads, data=sets, trunk="tiny", epochs=1, batch_size=16,
        precision="float32",
    )  # fmt: skip


def test_a_fit_learns_the_heads_of_the_table(faces, tmp_path):
    recipe = tiny((), f"mine=table:{faces / 'mine.csv'}")
    run = fit(recipe, tmp_path / "run", say=lambda line: None)
    kinds = {head.name: to_config(head)["kind"] for head in run.evaluation.heads}
    assert kinds == {
        "hair_colour": "softmax",
        "smiles": "sigmoid",
        "years": "regression",
    }
    assert "hair colour" in run.evaluation.answers


def test_one_head_of_the_table_can_be_asked_for(faces, tmp_path):
    recipe = tiny(("smiles",), f"mine=table:{faces / 'mine.csv'}")
    run = fit(recipe, tmp_path / "run", say=lambda line: None)
    assert [head.name for head in run.evaluation.heads] == ["smiles"]
    with pytest.raises(UserError, match="unknown head 'smile'; did you mean 'smiles'"):
        fit(tiny(("smile",), *recipe.data), tmp_path / "other", say=lambda line: None)


def test_a_recipes_head_takes_the_place_of_the_tables(faces, tmp_path):
    recipe = Recipe(
        data=(f"mine=table:{faces / 'mine.csv'}",),
        head={"joy": {"kind": "sigmoid", "columns": ["smiles"]}},
        trunk="tiny", epochs=1, precision="float32",
    )  # fmt: skip
    run = fit(recipe, tmp_path / "run", say=lambda line: None)
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
    labels = pd.DataFrame({"path": names, "genre": genre, **columns})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    start = time.process_time()  # whatever else the machine has to do
    reading = table.read(tmp_path / "labels.csv", name="mine")
    assert time.process_time() - start < 10
    assert (len(reading.table), len(reading.skipped)) == (2_000, 198_000)
    assert len(reading.heads) == 11


def test_the_root_of_paths_is_an_option_or_declared(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "written").mkdir()
    file = label_file(tmp_path / "written", "path,x\na.jpg,1\nb.jpg,2\n")
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "pictures" / name).touch()
    with pytest.raises(UserError, match="'b.jpg'; paths are relative to"):
        table.read(file, name="mine")
    root = str(tmp_path / "pictures")
    assert len(table.read(file, name="mine", root=root).table) == 2
    assert len(sources.read_all([f"mine=table:{file},root={root}"]).table) == 2
    file.with_name(f"{file.name}.toml").write_text('root = "../pictures"')
    paths = table.read(file, name="mine").table["path"]
    assert [Path(path).resolve().name for path in paths] == ["a.jpg", "b.jpg"]
