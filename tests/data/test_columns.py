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


def two_sets(folder, column, first, second, heads=()):
    """The reading of two CSVs with different pictures, and its table of columns."""
    texts = []
    for name, cells in (("one", first), ("two", second)):
        paths = [f"{name}{n}.jpg" for n in range(len(cells))]
        table = pd.DataFrame({"path": paths, column: cells})
        table["mood"] = [("calm", "sad")[n % 2] for n in range(len(cells))]
        csv = table.to_csv(index=False)
        file = label_file(folder, csv, *paths, file=f"{name}.csv")
        texts.append(f"{name}=table:{file}")
    reading = read_all(texts, heads=heads)
    requested = requested_heads(heads, reading.table, reading.heads)
    resolved = [head.resolve(reading.table) for head in requested]
    columns = read_columns(reading.decisions, resolved, reading.table)
    return reading, columns[columns["column"] == column].iloc[:, 2:].to_numpy().tolist()


@pytest.mark.parametrize(
    ("column", "first", "why"),
    [
        ("level", range(12), "numbers of the rows"),
        ("My Level", range(1, 13), "numbers of the rows"),
        ("level", [f"level-{n}" for n in range(60)], "60 different texts"),
    ],
)
def test_a_column_left_out_of_one_data_set_has_no_labels_there(
    tmp_path, column, first, why
):
    reading, told = two_sets(tmp_path, column, [*first], [0, 1, 2] * 4)
    name = column.replace(" ", "_")
    assert reading.heads[name]["classes"] == ["0", "1", "2"]
    is_first = reading.table["source"] == "one"
    assert reading.table[column][is_first].isna().all()
    assert reading.table[column][~is_first].tolist() == [0, 1, 2] * 4
    (read_as, remarks), other = told
    assert (read_as, other) == ("left out", [f"head {name} (softmax)", ""])
    assert remarks.startswith(why)
    assert f"--heads {name} would join them to the labels of the other" in remarks


def test_a_head_that_is_asked_for_reads_the_column_in_all_data_sets(tmp_path):
    asked = ("level", "mood")
    reading, told = two_sets(tmp_path, "level", [*range(12)], [0, 1, 2] * 4, asked)
    assert reading.table["level"].tolist() == [*range(12), *[0, 1, 2] * 4]
    assert reading.heads["level"] == {"kind": "regression", "low": 0, "high": 11}
    assert [read_as for read_as, _ in told] == ["head level (regression)"] * 2
