"""Are tables read as spreadsheets and notebooks write them?"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading
from multitask.tables import read as table
from tests.datasets.label_files import label_file

PICTURES = ("a.jpg", "b.jpg", "c.jpg")


def read(folder: Path, content: str | bytes, file: str = "labels.csv") -> Reading:
    path = label_file(folder, "", *PICTURES, file=file)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return table.read(path, name="mine")


def labels(reading: Reading) -> dict[str, dict[str, Any]]:
    """The labels that are not empty by the picture's name."""
    rows = reading.table.drop(columns="source").to_dict("records")
    return {
        Path(row.pop("path")).name: {str(k): v for k, v in row.items() if v == v}
        for row in rows
    }


def remarks(reading: Reading, column: str) -> str:
    return str(reading.decisions.set_index("column")["remarks"].get(column, ""))


ROWS = [
    ["path", "mood", "score"],
    ["a.jpg", "up, very", "1"],
    ["b.jpg", "down; a|b", "2"],
]
EXPECTED = {
    "a.jpg": {"mood": "up, very", "score": 1.0},
    "b.jpg": {"mood": "down; a|b", "score": 2.0},
}


def text_of(separator: str) -> str:
    lines = [
        separator.join(f'"{cell}"' if set(cell) & set(",;|") else cell for cell in row)
        for row in ROWS
    ]
    return "\n".join(lines) + "\n"


# Separators


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["csv", "tsv", "txt"])
def test_every_separator_under_every_ending(tmp_path, separator, ending):
    reading = read(tmp_path, text_of(separator), f"labels.{ending}")
    assert labels(reading) == EXPECTED


def test_cells_that_hold_other_separators(tmp_path):
    text = "path;tags, all\na.jpg;x,y,z\nb.jpg;y\n"
    several = {f"tags, all_{tag}": 1.0 for tag in "xyz"}
    assert labels(read(tmp_path, text))["a.jpg"] == several
    text = "path,tags\na.jpg,x;y|z\nb.jpg,w\n"
    assert labels(read(tmp_path, text))["a.jpg"] == {"tags": "x;y|z"}
    text = 'path,note\na.jpg,"two\nlines, one; cell"\nb.jpg,z\n'
    assert labels(read(tmp_path, text))["a.jpg"] == {"note": "two\nlines, one; cell"}


@pytest.mark.parametrize(
    "start", ["sep=;\n", '"sep=;"\r\n', "SEP=;\r\n", "\ufeffsep=;\n"]
)
def test_a_first_line_may_name_the_separator(tmp_path, start):
    text = start + "path;score\na.jpg;3\nb.jpg;4\n"
    assert labels(read(tmp_path, text))["b.jpg"] == {"score": 4.0}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_of_unicode(tmp_path, encoding):
    text = "path;mood\na.jpg;größer\nb.jpg;kleiner\n"
    reading = read(tmp_path, text.encode(encoding))
    assert labels(reading)["a.jpg"] == {"mood": "größer"}
    assert remarks(reading, "mood") == ""


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_bytes_are_read_and_told(tmp_path, encoding):
    text = "path,Gefühl,note\na.jpg,größer,x\nb.jpg,kleiner,y\nc.jpg,größer,z\n"
    reading = read(tmp_path, text.encode(encoding))
    assert labels(reading)["c.jpg"] == {"Gefühl": "größer", "note": "z"}
    told = "2 are not UTF-8, read as Windows-1252, such as 'größer'"
    assert remarks(reading, "Gefühl") == told


def test_western_bytes_may_name_pictures(tmp_path):
    (tmp_path / "süß.jpg").touch()
    reading = read(tmp_path, "path,x\na.jpg,1\nsüß.jpg,2\n".encode("latin-1"))
    assert labels(reading)["süß.jpg"] == {"x": 2.0}


# Decimal commas


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "2", "-0,25"], [1.5, 2.0, -0.25]),
        (["1.234,5", "7,0", ""], [1234.5, 7.0, np.nan]),
        (["+3,1", " 4,2 ", "5"], [3.1, 4.2, 5.0]),
    ],
)
def test_decimal_commas_are_points_and_told(tmp_path, cells, numbers):
    rows = zip(PICTURES, cells, strict=True)
    text = "\n".join(["path;score", *(f"{name};{cell}" for name, cell in rows)])
    reading = read(tmp_path, text)
    np.testing.assert_equal(reading.table["score"].tolist(), numbers)
    assert "decimal commas are points" in remarks(reading, "score")


@pytest.mark.parametrize(
    "cells", [["1,5", "2", "x"], ["1,2,3", "1,2", "1"], ["1,", "2,5", "3"]]
)
def test_one_other_cell_leaves_commas_as_they_are(tmp_path, cells):
    rows = zip(PICTURES, cells, strict=True)
    text = "\n".join(["path;score", *(f"{name};{cell}" for name, cell in rows)])
    reading = read(tmp_path, text)
    assert reading.table["score"].tolist() == cells
    assert "decimal" not in remarks(reading, "score")


def test_commas_between_commas_are_no_decimals(tmp_path):
    reading = read(tmp_path, 'path,score\na.jpg,"1,5"\nb.jpg,"2,5"\n')
    assert reading.table["score"].tolist() == ["1,5", "2,5"]


def test_a_declared_text_keeps_its_commas(tmp_path):
    (tmp_path / "labels.csv.toml").write_text('text = ["score"]')
    reading = read(tmp_path, "path;score\na.jpg;1,5\nb.jpg;2,5\n")
    assert reading.table["score"].tolist() == ["1,5", "2,5"]


@pytest.mark.parametrize(
    ("price", "score", "numbers"),
    [
        ("1.234 900 12.500", "0,5 1,5 2,5", [1234, 900, 12500]),
        ("1.234 NA 1.750.000", "0,5 1,5 2,5", [1234, np.nan, 1_750_000]),
        ("1.234,5 2.000 900", "1 2 3", [1234.5, 2000, 900]),  # told by itself
        # Not all have three digits, one begins with 0, and no comma is a decimal one.
        ("1.234 900 12.5", "0,5 1,5 2,5", [1.234, 900, 12.5]),
        ("0.234 900 12.500", "0,5 1,5 2,5", [0.234, 900, 12.5]),
        ("1.234 900 12.500", "0.5 1.5 2.5", [1.234, 900, 12.5]),
    ],
)
def test_dots_of_thousands_are_left_out_and_told(tmp_path, price, score, numbers):
    rows = zip(PICTURES, price.split(), score.split(), strict=True)
    text = "\n".join(["path;price;score", *map(";".join, rows)])
    reading = read(tmp_path, text)
    np.testing.assert_equal(reading.table["price"].tolist(), numbers)
    are_thousands = max(numbers[0], numbers[2]) > 900
    assert ("dots separate thousands" in remarks(reading, "price")) == are_thousands


def test_the_remark_on_thousands_says_why_and_what_a_decimal_is(tmp_path):
    reading = read(tmp_path, "path;price;score\na.jpg;1.234;0,5\nb.jpg;7;1,5\n")
    assert remarks(reading, "price") == (
        "dots separate thousands, as 'score' has decimal commas: '1.234' is 1234; "
        "write 1,234 if it is a decimal"
    )
    (tmp_path / "labels.csv.toml").write_text('text = ["price"]')
    reading = read(tmp_path, "path;price;score\na.jpg;1.234;0,5\nb.jpg;7;1,5\n")
    assert reading.table["price"].tolist() == ["1.234", "7"]


def test_quotes_after_a_blank_are_quotes(tmp_path):
    text = 'path, mood, note\na.jpg, "happy, very", 3\nb.jpg, sad, 4\n'
    reading = read(tmp_path, text)
    assert reading.table["mood"].tolist() == ["happy, very", "sad"]
    assert reading.table["note"].tolist() == [3, 4]


# Columns without a name


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
@pytest.mark.parametrize("start", [0, 1])
def test_row_numbers_are_left_out_and_told(tmp_path, name, start):
    text = f"{name},path,x\n{start},a.jpg,3\n{start + 1},b.jpg,4\n"
    reading = read(tmp_path, text)
    assert labels(reading) == {"a.jpg": {"x": 3.0}, "b.jpg": {"x": 4.0}}
    decisions = reading.decisions.set_index("column")
    assert decisions["role"]["Unnamed: 0"] == "left out"
    assert decisions["remarks"]["Unnamed: 0"] == "row numbers"


def test_labels_without_a_name_are_told(tmp_path):
    reading = read(tmp_path, "path,x,,\na.jpg,3,cat,\nb.jpg,4,dog,\n")
    assert labels(reading) == {"a.jpg": {"x": 3.0}, "b.jpg": {"x": 4.0}}
    assert remarks(reading, "Unnamed: 2") == "has no name; holds 'cat'; name it"
    assert "Unnamed: 3" not in reading.decisions["column"].tolist()  # it is empty


# Workbooks


def workbook(folder: Path, rows: list[list[Any]], *others: str) -> Reading:
    pytest.importorskip("openpyxl")
    path = label_file(folder, "", *PICTURES, file="labels.xlsx")
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        for sheet in ("first", *others):
            frame = pd.DataFrame(rows)
            frame.to_excel(writer, sheet_name=sheet, header=False, index=False)
    return table.read(path, name="mine")


def test_a_workbook(tmp_path):
    day = pd.Timestamp("2024-05-31")
    rows: list[list[Any]] = [
        ["path", "mood", "score", "seen", "ok"],
        ["a.jpg", "up", 1.5, day, True],
        ["b.jpg", None, 2, None, False],
    ]
    assert labels(workbook(tmp_path, rows)) == {
        "a.jpg": {"mood": "up", "score": 1.5, "seen": "2024-05-31", "ok": 1.0},
        "b.jpg": {"score": 2.0, "ok": 0.0},
    }


def test_only_the_first_sheet_counts_and_that_is_told(tmp_path):
    reading = workbook(tmp_path, [["file", "x"], ["a.jpg", 3]], "second")
    assert labels(reading) == {"a.jpg": {"x": 3.0}}
    told = "only sheet 'first' is read, not 'second'"
    assert told in reading.decisions["remarks"].tolist()


def test_numbers_may_name_pictures(tmp_path):
    label_file(tmp_path, "", "1.jpg", "2.jpg", "17.jpg")
    reading = workbook(tmp_path, [["image id", "x"], [1, 3], [2, 4], [17, 5]])
    expected = {"1.jpg": {"x": 3.0}, "2.jpg": {"x": 4.0}, "17.jpg": {"x": 5.0}}
    assert labels(reading) == expected


def test_a_workbook_needs_a_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UserError, match="needs openpyxl; pip install openpyxl"):
        read(tmp_path, b"PK", "labels.xlsx")


# Mistakes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path;x;x\na.jpg;1;2\n", "has column 'x' twice"),
        ("path;x\na.jpg;1;2\n", "line 2 has 3 cells, but the header has 2"),
        (
            'path;x\na.jpg;1\nb.jpg;"2\n',
            "a quote that is opened in line 3 is never closed",
        ),
        ("sep=;\n", "is empty; begin it with a line"),
        ("path;x\n", "has no rows"),
        ("", "is empty; begin it with a line"),
    ],
)
def test_mistakes_are_errors_of_one_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"path,x", b"\xd0\xcf\x11\xe0"]
)
def test_what_is_no_workbook(tmp_path, content):
    pytest.importorskip("openpyxl")
    with pytest.raises(UserError, match=r"labels.xlsx': can't be read: ") as error:
        read(tmp_path, content, "labels.xlsx")
    assert "\n" not in str(error.value)


def test_a_wide_table_of_huge_cells_and_numbers(tmp_path):
    names = ["path", *(f"c{n}" for n in range(500))]
    huge = "x" * 300_000
    rows = [["a.jpg", huge, "1e300", "-1e308", "1e400", *["1"] * 496]]
    rows += [["b.jpg", "y", "0", "1e-320", "1", *["2"] * 496]]
    text = "\n".join(",".join(row) for row in [names, *rows])
    reading = read(tmp_path, text)
    assert reading.table["c0"].tolist() == [huge, "y"]
    assert reading.table["c1"].tolist() == ["1e300", "0"]  # beyond float32
    assert reading.table["c3"].tolist() == ["1e400", "1"]  # no float holds it
    assert reading.table["c499"].tolist() == [1.0, 2.0]


def test_a_whole_number_that_no_float_holds_is_text(tmp_path):
    huge = "9" * 400
    reading = read(tmp_path, f"path,x\na.jpg,{huge}\nb.jpg,1\n")
    assert reading.table["x"].tolist() == [huge, "1"]


def test_decimal_commas_beside_words_and_a_faulty_cell(tmp_path):
    rows = [f"p{n}.jpg;{n},5;5{n},2" for n in range(30)]
    rows += ["p30.jpg;k.A.;NA", "p31.jpg;?;unknown", "p32.jpg;7,0kg;50"]
    names = [row.partition(";")[0] for row in rows]
    file = label_file(tmp_path, "\n".join(["path;score;weight", *rows, ""]), *names)
    reading = table.read(file, name="mine")
    assert reading.table["score"].dropna().tolist() == [n + 0.5 for n in range(30)]
    assert reading.table["weight"].notna().sum() == 31
    assert [head["kind"] for head in reading.heads.values()] == ["regression"] * 2
    [reason] = reading.skipped["reason"]
    assert "score is '7,0kg', left empty; must be a number" in reason
