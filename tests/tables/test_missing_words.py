"""Which cells are read as not annotated, and is each one reported?"""

import pandas as pd
import pytest
from multitask.datasets import table

from multitask.contracts.errors import UserError
from tests.datasets.label_files import label_file
from tests.tables.typed_in import decided, labels, read

pytestmark = pytest.mark.usefixtures("no_pictures")
WORDS = ["NaN", "nan", "NA", "N/A", "n/a", "?", "-", "None", "NULL", " Unknown ", ""]


@pytest.mark.parametrize("word", WORDS)
def test_words_for_no_label_are_empty_in_every_column(tmp_path, word):
    reading = read(
        tmp_path,
        "age,gender,Smiling,genre,score",
        *("31,male,1,drama,0.5", "4,female,0,comedy,2.5", ",".join([word] * 5)),
    )
    labels = reading.table.drop(columns=["path", "source"])
    assert labels.iloc[2].isna().all()
    assert labels.iloc[:2].to_numpy().tolist() == [
        [31.0, "male", 1.0, "drama", 0.5],
        [4.0, "female", 0.0, "comedy", 2.5],
    ]
    assert set(reading.heads) == {"genre", "score"}
    if word:
        assert decided(reading)["score"] == (
            "label",
            f"not annotated: 1 {word.strip()!r}",
        )


def test_a_word_is_a_class_where_a_head_or_a_declaration_has_it(tmp_path):
    cells = ["none", "glasses", "unknown", "None"]
    assert labels(tmp_path, "occlusion", *cells) == ["none", "glasses", None, "none"]
    assert labels(tmp_path, "hat", *cells) == [None, "glasses", None, None]
    toml = '[column.hat]\nclasses = ["none", "glasses", "unknown"]'
    assert labels(tmp_path, "hat", *cells, toml=toml) == [*cells[:3], "none"]


def test_more_words_are_declared_for_all_columns_or_for_one(tmp_path):
    toml = 'missing = ["n.k."]\n[column.stars]\nmissing = ["999", "-9"]'
    reading = read(
        tmp_path, "stars,prize", "3.5,999", "999,1", "N.K.,n.k.", "-9,2", toml=toml
    )
    stars, prize = (reading.table[name].tolist() for name in ("stars", "prize"))
    assert [value for value in stars if value == value] == [3.5]
    assert [value for value in prize if value == value] == [999.0, 1.0, 2.0]
    assert decided(reading)["stars"][1] == "not annotated: 1 '999', 1 'N.K.', 1 '-9'"


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("indoor", ["1", "-1", "0", "1"], [1.0, None, 0.0, 1.0]),
        ("emotion", ["0", "2", "-1", "1", "2"], [0.0, 2.0, None, 1.0, 2.0]),
        ("weather", ["rain", "-1", "sun"], ["rain", None, "sun"]),
        ("age", ["31", "-1", "0.5"], [31.0, None, 0.5]),
        ("height", ["1.5", "1.9", "-1.0"], [1.5, 1.9, None]),
        ("release", ["1950", "-1", "1999.5"], [1950.0, None, 1999.5]),
        ("Smiling", ["0", "1", "-1"], [0.0, 1.0, None]),
    ],
)
def test_minus_one_is_no_label_where_it_can_be_none(tmp_path, column, cells, expected):
    assert labels(tmp_path, column, *cells) == expected


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("valence", ["-2", "-1", "0", "1", "2"]),
        ("valence", ["-1", "0", "1"]),
        ("temperature", ["-1", "12", "30.5"]),
        ("mood", ["-1", "0.25", "1"]),
    ],
)
def test_minus_one_stays_where_it_may_be_a_value(tmp_path, column, cells):
    reading = read(tmp_path, column, *cells)
    assert reading.table[column].tolist() == list(map(float, cells))
    assert decided(reading)[column][1].startswith("-1 is a value; missing = ")
    emptied = labels(
        tmp_path, column, *cells, toml=f'[column.{column}]\nmissing = ["-1"]'
    )
    assert emptied.count(None) == 1


def test_yes_and_no_of_a_named_head_may_be_1_and_minus_1(tmp_path):
    reading = read(tmp_path, "Smiling", "1", "-1", "-1")
    assert reading.table["Smiling"].tolist() == [1.0, 0.0, 0.0]
    assert decided(reading)["Smiling"] == ("label", "'-1' is 0")


@pytest.mark.parametrize("column", ["Male", "indoor"])
def test_minus_one_beside_0_and_1_may_be_no_instead(tmp_path, column):
    cells = ["1", "-1", "0", "1", "-1", "0"]
    reading = read(tmp_path, column, *cells)
    assert "if -1 means no and 0 not annotated" in decided(reading)[column][1]
    toml = f'[column.{column}]\nmissing = ["0"]'
    labels = read(tmp_path, column, *cells, toml=toml).table[column]
    assert labels.dropna().tolist() == [1, 0, 1, 0]


def test_minus_one_and_one_alone_are_no_and_yes(tmp_path):
    reading = read(tmp_path, "indoor", "1", "-1", "-1", "")
    assert reading.table["indoor"].dropna().tolist() == [1, 0, 0]
    assert reading.heads["indoor"] == {"kind": "sigmoid"}
    assert decided(reading)["indoor"][1] == "'-1' is 0"


def test_minus_one_means_one_thing_in_all_yes_no_columns(tmp_path):
    # As in CheXpert, where -1 is uncertain: beside 0 and 1 it can't be no.
    by_itself = read(tmp_path, "Fracture,Smiling", "1,1", "-1,-1", ",1")
    assert by_itself.table["Fracture"].dropna().tolist() == [1, 0]
    rows = ("1,1,1,-1", "0,-1,-1,1", "-1,,1,0", ",,,2")
    reading = read(tmp_path, "Edema,Fracture,Smiling,valence", *rows)
    assert reading.table["Edema"].dropna().tolist() == [1, 0]
    assert reading.table["Fracture"].dropna().tolist() == [1]
    assert reading.table["Smiling"].dropna().tolist() == [1, 1]
    assert reading.table["valence"].tolist() == [-1, 1, 0, 2]
    declared = 'declare missing = ["0"] under [column.Edema]'
    assert declared in decided(reading)["Edema"][1]
    assert decided(reading)["Fracture"][1] == (
        "-1 is no label, as 'Edema' has it beside 0 and 1; if it is no, classes = "
        '{"1" = "yes", "-1" = "no"} under [column.Fracture]; not annotated: 1 \'-1\''
    )


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ('[column.Fracture]\nclasses = {"1" = "yes", "-1" = "no"}', ["yes", "no"]),
        ('[column.Edema]\nmissing = ["0"]', [1, 0]),
        ('[column.Edema]\nmissing = ["-1"]', [1, 0]),
        ('[column.Edema]\nrole = "none"', [1, 0]),
    ],
)
def test_what_minus_one_means_is_declared(tmp_path, toml, expected):
    rows = ("1,1", "0,-1", "-1,")
    reading = read(tmp_path, "Edema,Fracture", *rows, toml=toml)
    assert reading.table["Fracture"].dropna().tolist() == expected


def test_a_broken_number_is_named(tmp_path):
    cells = ["12.5", "unknown", "3O.5", "7.5", "8"]
    message = (
        "row 3: score is '3O.5', must be a number; correct it, or declare under "
        r"\[column.score\]"
    )
    with pytest.raises(UserError, match=message):
        read(tmp_path, "score", *cells)
    many = [str(number + 0.5) for number in range(20)]
    reading = read(tmp_path, "score", "?", "3O.5", *many)
    assert reading.table["score"].isna().tolist() == [True, True] + [False] * 20
    assert reading.skipped.to_numpy().tolist() == [
        [
            str(tmp_path / "2.jpg"),
            "row 2: score is '3O.5', left empty; must be a number",
        ]
    ]


def test_a_named_column_without_any_label_is_an_error(tmp_path):
    with pytest.raises(UserError, match="column 'gender' has no label: all of its"):
        read(tmp_path, "gender,genre", "unknown,drama", "?,comedy")
    toml = '[column.gender]\nrole = "none"'
    reading = read(tmp_path, "gender,genre", "unknown,drama", "?,comedy", toml=toml)
    assert decided(reading)["gender"] == ("left out", "as declared")


def test_typed_cells_of_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    file = label_file(tmp_path, "", *"abc", file="labels.parquet")
    frame = pd.DataFrame(
        {
            "path": list("abc"),
            "indoor": pd.array([1, -1, 0], dtype="Int64"),
            "genre": ["drama", "NA", "comedy"],
            "score": [0.5, -999.0, 2.5],
            "is_new": pd.array([True, None, False], dtype="boolean"),
        }
    )
    frame.to_parquet(file)
    (tmp_path / "labels.parquet.toml").write_text('missing = ["-999"]')
    read = table.read(file, name="mine").table
    assert read["indoor"].dropna().tolist() == [1.0, 0.0]
    assert read["genre"].dropna().tolist() == ["drama", "comedy"]
    assert read["score"].dropna().tolist() == [0.5, 2.5]
    assert read["is_new"].dropna().tolist() == [1.0, 0.0]
