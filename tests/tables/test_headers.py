"""Is a file whose first line names no columns refused, instead of losing a picture?"""

import pytest

from multitask.contracts.errors import UserError
from multitask.tables import read as table
from tests.datasets.label_files import label_file

PICTURES = ("a.jpg", "b.jpg", "c d.png")


def refused(folder, text, ending=".csv"):
    """The error of a file of this text."""
    file = label_file(folder, text, *PICTURES)
    path = file.rename(folder / f"faces{ending}")
    with pytest.raises(UserError) as error:
        table.read(path, name="mine")
    return str(error.value).removeprefix(f"--data mine: '{path}': ")


@pytest.mark.parametrize(
    ("text", "first", "ending"),
    [
        ("a.jpg,happy\nb.jpg,sad\n", "a.jpg, happy", ".csv"),
        ("3\tx/a.JPG\n4\tx/b.JPG\n", "3, x/a.JPG", ".tsv"),
        ("b.jpg;1;0\na.jpg;0;1\nb.jpg;0;1\n", "b.jpg, 1, 0", ".txt"),
    ],
)
def test_a_file_without_a_header_loses_no_picture(tmp_path, text, first, ending):
    picture = next(name for name in first.split(", ") if "." in name)
    assert refused(tmp_path, text, ending) == (
        f"the first line, {first!r}, holds the picture {picture!r}, not the names of "
        "columns; write a line above it, such as path,label"
    )


@pytest.mark.parametrize(
    "text", ["1,0\n2,1\n", "00123,31.5\n00124,4\n", "7,7,7\n8,8,8"]
)
def test_numbers_are_no_names_of_columns(tmp_path, text):
    first = text.split("\n")[0].replace(",", ", ")
    assert refused(tmp_path, text) == (
        f"the first line, {first!r}, holds numbers, not the names of columns; write a "
        "line above it, such as path,label"
    )


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a.jpg 2.5\nb.jpg 3\n", "a.jpg 2.5"),
        ("a.jpg 0 4 1\nb.jpg 1 4 0\n", "a.jpg 0 4 1"),
        ("2\nMale Young\na.jpg 1 1\nb.jpg 1 0\nb.jpg 0 0\na.jpg 0 1\nb.jpg 1 1", "2"),
    ],
)
def test_blanks_between_columns_without_names(tmp_path, text, first):
    assert refused(tmp_path, text, ".txt") == (
        f"the first line, {first!r}, does not name the columns, and blanks separate "
        "them; separate them by commas or tabs, below a line with their names, such as "
        "path,label"
    )


def test_a_column_of_sentences_is_not_about_blanks(tmp_path):
    line = refused(tmp_path, "caption\nA view of it\nA view of all of it\nMore\n")
    assert line == (
        "has no column 'path', only caption; separate columns by commas, semicolons, "
        "tabs or bars"
    )


def test_blanks_between_columns_with_names(tmp_path):
    assert refused(tmp_path, "path label\na.jpg 1\nb.jpg 0\n", ".txt") == (
        "the first line, 'path label', has only blanks between names; separate columns "
        "by commas, semicolons, tabs or bars"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# Ratings\nperson\tMale\na\t1\nb\t0\n", "'# Ratings', is a title, not the"),
        ("Faces;;\npath;age;sex\na.jpg;3;f\nb.jpg;4;m\n", "'Faces', is a title, not"),
        ("Faces,\npath,mood\na.jpg,calm\n", "'Faces', is a title, not"),
        ("Faces,\npicture,mood\na.jpg,calm\n", "'Faces', is a title, not"),
        (",Faces\nmood,path\ncalm,a\n", "'Faces', is a title, not"),
        ("Faces\npath,age\na.jpg,3\n", "'Faces', has one cell, but line 2 has 2;"),
    ],
)
def test_a_title_above_the_names_of_columns(tmp_path, text, message):
    line = refused(tmp_path, text)
    assert line.startswith(f"the first line, {message}")
    assert "delete the lines above the one that names" in line


@pytest.mark.parametrize("row", [["path", "age", "sex"], ["image", "sex"]])
@pytest.mark.parametrize("read", [table.read, table.read_pictures])
def test_a_title_in_a_workbook(tmp_path, row, read):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for cells in (["Chicago"], [], row, ["a.jpg", *"fm"[: len(row) - 1]]):
        book.active.append(cells)
    book.save(tmp_path / "faces.xlsx")
    named = {"name": "mine"} if read is table.read else {"where": "--data mine"}
    with pytest.raises(UserError) as error:
        read(tmp_path / "faces.xlsx", **named)
    assert str(error.value).endswith(
        "the first row, 'Chicago', is a title, not the names of columns; delete the "
        "rows above the one that names them"
    )


def test_a_workbook_with_one_column_is_not_about_separators(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["mood"], ["calm"]):
        book.active.append(row)
    book.save(tmp_path / "faces.xlsx")
    with pytest.raises(UserError, match="has no column 'path', only mood; rename"):
        table.read(tmp_path / "faces.xlsx", name="mine")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("path\nc d.png\n", 1),
        ("picture\na.jpg\nc d.png\n", 2),
        (",picture\nx,a.jpg\ny,b.jpg\n", 2),
        ("picture,\na.jpg,note\nb.jpg,\n", 2),
        (",path,\n0,a.jpg,\n1,b.jpg,\n", 2),
        ("path,1999,2000\na.jpg,1,0\nb.jpg,0,1\n", 2),
        ("path,logo.png\na.jpg,1\nb.jpg,0\n", 2),
    ],
)
def test_headers_that_name_columns_stay(tmp_path, text, rows):
    reading = table.read(label_file(tmp_path, text, *PICTURES), name="mine")
    assert len(reading.table) == rows


def test_numbers_are_names_of_columns_if_the_toml_declares_one(tmp_path):
    file = label_file(tmp_path, "0,1\na.jpg,calm\nb.jpg,sad\n", *PICTURES)
    with pytest.raises(UserError, match="'0, 1', holds numbers"):
        table.read(file, name="mine")
    (tmp_path / "labels.csv.toml").write_text('[column.0]\nrole = "path"\n')
    reading = table.read(file, name="mine")
    assert reading.table["1"].tolist() == ["calm", "sad"]
