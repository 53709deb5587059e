"""Are lists in cells yes/no labels, and do texts with commas stay text?"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import table

from multitask.contracts.errors import UserError
from tests.datasets.label_files import label_file

NAN = np.nan


def read(folder: Path, cells: list[str], toml: str = "", column: str = "genre") -> Any:
    """What a CSV file with one column of these cells is read as."""
    names = [f"{number}.jpg" for number in range(len(cells))]
    (folder / "labels.csv.toml").write_text(toml)
    quoted = (cell.replace('"', '""') for cell in cells)
    rows = [f'{name},"{cell}"' for name, cell in zip(names, quoted, strict=True)]
    file = label_file(folder, "\n".join([f"path,{column}", *rows]), *names)
    return table.read(file, name="mine")


def remarks(reading: Any, column: str = "genre") -> str:
    decisions = reading.decisions.set_index("column")
    return str(decisions.loc[column, "remarks"])


DRAMA = [[1, 1, 0], [1, 0, 0], [NAN] * 3, [0, 1, 1]]  # comedy, drama, horror


@pytest.mark.parametrize(
    "cells",
    [
        ["Drama|Comedy", "Comedy", "", "Horror|Drama"],
        ["Drama, Comedy", "Comedy", "", "Horror,Drama"],
        ["Comedy;Drama;", "Comedy", "", "Drama; Horror"],
        ["['Drama', 'Comedy']", "['Comedy']", "", "['Horror', 'Drama']"],
        ['["Comedy", "Drama"]', '["Comedy"]', "", '["Drama", "Horror"]'],
        ["['Drama' 'Comedy']", "['Comedy']", "", "['Horror' 'Drama']"],
        ["('Drama', 'Comedy')", "('Comedy',)", "", "('Horror', 'Drama')"],
        ["[Drama, Comedy]", "[Comedy]", "", "[Horror, Drama]"],
        ["{'Drama', 'Comedy'}", "{'Comedy'}", "", "{'Horror', 'Drama'}"],
    ],
)
def test_several_labels_in_a_cell_are_yes_no_labels(tmp_path, cells):
    reading = read(tmp_path, cells)
    columns = ["genre_Comedy", "genre_Drama", "genre_Horror"]
    assert reading.heads == {"genre": {"kind": "sigmoid", "columns": columns}}
    np.testing.assert_equal(reading.table[columns].values.tolist(), DRAMA)
    assert "genre" not in reading.table
    assert reading.skipped.empty
    assert "lists become 3 yes/no labels" in remarks(reading)


def test_lists_in_parquet_and_an_empty_one(tmp_path):
    pytest.importorskip("pyarrow")
    labels = [["dog", "cat"], [], None]
    frame = pd.DataFrame({"path": ["a.jpg", "b.jpg", "c.jpg"], "seen": labels})
    for name in frame["path"]:
        (tmp_path / name).touch()
    frame.to_parquet(tmp_path / "labels.parquet")
    reading = table.read(tmp_path / "labels.parquet", name="mine")
    expected = {"seen_cat": [1, 0, NAN], "seen_dog": [1, 0, NAN]}
    for column, cells in expected.items():  # an empty list is an answer: none of them
        np.testing.assert_equal(reading.table[column].tolist(), cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["Paris, France", "Lyon, France", "Rome, Italy"],  # places keep their meaning
        ["a man, smiling, in a hat", "a dog", "two men, one in a hat, on a bench"],
        ["3,5", "4,5", "3,0"],
        ["Hispanic, Latino", "Black", "White"],
        ["(25, 32)", "(0, 2)", "(25, 32)"],
        ["[25, 32]", "[60, 100]", "[25, 32]"],
        ["12;34;55;66", "10;30;50;60", "12;34;50;66"],
    ],
)
def test_other_texts_with_separators_are_no_lists(tmp_path, cells):
    reading = read(tmp_path, cells)
    assert reading.table["genre"].tolist() == cells


def test_a_text_that_may_be_a_list_is_told_and_may_be_declared(tmp_path):
    cells = ["Paris, France", "Lyon, France", "Rome, Italy"]
    todo = 'several = "," under [column.genre]'
    assert f"each text is one class; if ',' separates labels, declare {todo}" in (
        remarks(read(tmp_path, cells))
    )
    reading = read(tmp_path, cells, '[column.genre]\nseveral = ","')
    assert reading.table["genre_France"].tolist() == [1, 1, 0]


def test_a_declaration_keeps_a_list_as_text(tmp_path):
    cells = ["sun|rain", "rain|snow", "sun|rain"]
    reading = read(tmp_path, cells, '[column.genre]\nseveral = ""')
    assert reading.heads["genre"]["classes"] == ["rain|snow", "sun|rain"]
    classes = '[column.genre]\nclasses = ["sun|rain", "rain|snow"]'
    assert read(tmp_path, cells, classes).table["genre"].tolist() == cells


def test_spellings_of_a_label_are_one_and_told(tmp_path):
    reading = read(tmp_path, ["Cat|Dog", "cat |Dog", "Cat", "dog|bird"])
    assert reading.heads["genre"]["columns"] == ["genre_Cat", "genre_Dog", "genre_bird"]
    assert reading.table["genre_Cat"].tolist() == [1, 1, 1, 0]
    assert "'cat' is 'Cat'" in remarks(reading)


@pytest.mark.parametrize(
    ("cells", "toml", "reason"),
    [
        (
            ["['a', 'b']", "['a', 'c'", "['b']", "['c']"],
            "",
            "genre is \"['a', 'c'\" in row 2, left empty; must be a list such as",
        ),
        (
            ["a|b", "a,c", "b", "a|c"],
            "",
            "genre is 'a,c' in row 2, left empty; 'a,c' holds another separator",
        ),
        (
            ["cat|dog", "cta|dog", "cat", "dog"],
            '[column.genre]\nclasses = ["cat", "dog"]',
            "genre is 'cta|dog' in row 2, left empty; 'cta' is no label; "
            "did you mean 'cat'?",
        ),
        (
            ["[0, 2]", "[1, 1]", "[1]", "[2]"],
            '[column.genre]\nseveral = "numbers"',
            "genre is '[1, 1]' in row 2, left empty; must be class numbers, each once",
        ),
    ],
)
def test_one_bad_cell_is_left_empty_and_told(tmp_path, cells, toml, reason):
    reading = read(tmp_path, cells, toml)
    columns = reading.heads["genre"]["columns"]
    empty = reading.table[columns].isna().all(axis=1)
    assert empty.tolist() == [False, True, False, False]
    [skipped] = reading.skipped["reason"]
    assert skipped.startswith(reason)
    assert reading.skipped["path"].tolist() == [str(tmp_path / "1.jpg")]


def test_lists_of_numbers_in_a_csv_file(tmp_path):
    assert read(tmp_path, ["[0, 2]", "[1]"]).table["genre_2"].tolist() == [1, 0]
    yes_no = read(tmp_path, ["[1, 0, 1]", "[0, -1, 0]"]).table
    np.testing.assert_equal(yes_no["genre_1"].tolist(), [0, NAN])
    with pytest.raises(UserError, match=r'several = "numbers" or'):
        read(tmp_path, ["[1, 0]", "[0, 1]"])


def test_lists_of_features_are_left_alone_and_told(tmp_path):
    cells = [json.dumps([0.25 * row, 1.5, -3.0]) for row in range(60)]
    reading = read(tmp_path, cells)
    assert reading.heads == {}
    assert "lists of numbers that are no labels" in remarks(reading)


def test_labels_called_as_ends_of_an_interval(tmp_path):
    reading = read(tmp_path, ["low|left", "high|left", "low"])
    columns = ["genre_high_", "genre_left", "genre_low_"]
    assert reading.heads["genre"]["columns"] == columns


# Lists of other things than labels


def test_the_names_of_objects_in_a_list_are_labels(tmp_path):
    drama, noir = '{"id": 1, "name": "Drama"}', '{"id": 2, "name": "Noir"}'
    cells = [f"[{drama}, {noir}]", f"[{drama}]", f"[{noir}]", "[]"]
    labels = read(tmp_path, cells).table
    assert labels["genre_Drama"].tolist() == [1, 1, 0, 0]
    assert labels["genre_Noir"].tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    "cells",
    [
        ["[[1, 2], [3, 4]]", "[[5, 6]]", "[[1, 1]]"],
        ["[{'x': 1}, {'x': 2}]", "[{'x': 3}]", "[{'x': 4}]"],
        ["[(1, 2)]", "[(2, 3)]", "[(4, 4)]"],
    ],
)
def test_lists_of_lists_and_objects_are_left_out(tmp_path, cells):
    reading = read(tmp_path, cells)
    assert reading.decisions.set_index("column")["role"]["genre"] == "left out"
    assert remarks(reading) == "lists whose parts are no labels"
    assert reading.heads == {}


def test_numbers_with_a_point_are_no_class_numbers(tmp_path):
    reading = read(tmp_path, ["[1.0, 4.0, 7.0]", "[2.0, 5.0, 7.0]", "[3.0, 4.0, 6.0]"])
    assert reading.heads == {}
    assert remarks(reading) == "lists of numbers that are no labels"


@pytest.mark.parametrize(
    "cells", [["Drama|N/A", "Comedy|Drama", "Comedy", "N/A|unknown"]]
)
def test_words_for_not_annotated_in_a_list_are_no_labels(tmp_path, cells):
    reading = read(tmp_path, cells)
    columns = ["genre_Comedy", "genre_Drama"]
    np.testing.assert_equal(
        reading.table[columns].values.tolist(), [[0, 1], [1, 1], [1, 0], [NAN, NAN]]
    )
    assert list(reading.heads["genre"]["columns"]) == columns
    assert "not annotated: 1 'N/A|unknown'" in remarks(reading)
    assert reading.skipped.empty


@pytest.mark.parametrize("separator", [" ", "+"])
def test_numbers_with_blanks_between_them_may_be_several_labels(tmp_path, separator):
    cells = [separator.join(c) for c in ("47", "4", "467", "7", "46", "4")]
    reading = read(tmp_path, cells)
    assert f'declare several = "{separator}" under [column.genre]' in remarks(reading)
    toml = f'[column.genre]\nseveral = "{separator}"'
    table = read(tmp_path, cells, toml).table
    assert table["genre_7"].tolist() == [1, 0, 1, 1, 0, 0]
