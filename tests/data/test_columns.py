"""Does the table of columns say what became of each one?"""

import pandas as pd
import pytest

from multitask.contracts.infer import requested_heads
from multitask.data.columns import describe_columns, read_columns
from multitask.data.sources import read_all
from tests.datasets.label_files import label_file

pytestmark = pytest.mark.usefixtures("no_pictures")
ROWS = 12


def told(folder, names=(), **columns):
    """The table of columns of a CSV, as text, with the heads of these names."""
    table = pd.DataFrame({"path": [f"{n}.jpg" for n in range(ROWS)], **columns})
    file = label_file(folder, table.to_csv(index=False), *table["path"])
    reading = read_all([f"mine=table:{file}"])
    requested = requested_heads(names, reading.table, reading.heads)
    heads = [head.resolve(reading.table) for head in requested]
    return describe_columns(read_columns(reading.decisions, heads, reading.table))


def test_each_column_is_told_with_the_head_that_reads_it(tmp_path):
    assert told(
        tmp_path,
        gender=["male", "f"] * 6,
        age=[20, 30] * 6,
        vip=[0, 1] * 6,
        film="Heat",
        face_id=range(ROWS),
        tags=["red|blue", "red", "blue"] * 4,
        Usage=["Training", "PublicTest", "PrivateTest"] * 4,
    ).splitlines() == [
        "data set  column   read as                  remarks",
        "mine      path     path",
        "mine      gender   head gender (softmax)    'f' is female",
        "mine      age      head age (distribution)",
        "mine      vip      head vip (sigmoid)",
        "mine      film     no head                  column 'film' has one class, "
        "'Heat', but a head needs two",
        "mine      face_id  left out                 ids",
        "mine      tags     head tags (sigmoid)      lists become 2 yes/no labels",
        "mine      Usage    split                    'Training' is train, "
        "'PublicTest' is val, 'PrivateTest' is test",
    ]


def test_a_column_that_nobody_asked_for_is_no_head(tmp_path):
    lines = told(tmp_path, ["gender"], gender=["male", "f"] * 6, vip=[0, 1] * 6)
    assert lines.splitlines()[3].split() == ["mine", "vip", "no", "head"]


def test_many_alike_columns_are_one_line(tmp_path):
    attributes = {name: [0, 1] * 6 for name in ("Smiling", "Young", "Bald", "Chubby")}
    lines = told(tmp_path, **attributes).splitlines()
    assert lines[2:] == ["mine      Smiling, Young, 2 more  head attributes (sigmoid)"]


def test_a_table_of_200_questions_is_cut(tmp_path):
    columns = {f"q{n}": ["a", "b"] * 6 for n in range(200)}
    lines = told(tmp_path, **columns).splitlines()
    assert lines[-1] == "... and 161 more lines"
    assert len(lines) == 42


def test_other_sheets_of_a_workbook_are_told(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["mood", "path"], ["calm", "0.jpg"], ["sad", "1.jpg"]):
        book.active.append(row)
    book.create_sheet("notes")
    book.save(label_file(tmp_path, "", "0.jpg", "1.jpg").with_suffix(".xlsx"))
    reading = read_all([f"mine=table:{tmp_path / 'labels.xlsx'}"])
    requested = requested_heads([], reading.table, reading.heads)
    heads = [head.resolve(reading.table) for head in requested]
    columns = read_columns(reading.decisions, heads, reading.table)
    assert columns.iloc[:, 1:].values.tolist() == [
        ["mood", "head mood (softmax)", ""],
        ["path", "path", ""],
        ["(file)", "first sheet", "only sheet 'Sheet' is read, not 'notes'"],
    ]


def test_a_column_that_is_no_longer_in_the_table_is_told():
    row = ("mine", "scene", "label", "3 cells were changed", ("scene",))
    names = ["source", "column", "role", "remarks", "labels"]
    decisions = pd.DataFrame([row], columns=names, dtype=object)
    columns = read_columns(decisions, [], pd.DataFrame({"path": ["a.jpg"]}))
    assert columns.iloc[0, 1:].tolist() == ["scene", "no head", "3 cells were changed"]


def test_a_declared_path_and_identity_are_told_as_such(tmp_path):
    (tmp_path / "labels.csv.toml").write_text(
        '[column.who]\nrole = "identity"\n[column.path]\nrole = "path"\n'
    )
    lines = told(tmp_path, who=["ann", "bob"] * 6, vip=[0, 1] * 6).splitlines()
    assert [line.split(maxsplit=3)[1:] for line in lines[1:]] == [
        ["path", "path"],
        ["identity", "identity", "is column 'who'"],
        ["vip", "head", "vip (sigmoid)"],
    ]
