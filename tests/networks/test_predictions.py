"""Does every format hold the predictions, part by part, and say what it can't hold?"""

import json
import os
import sys
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.networks.prediction.formats import (
    ENDINGS,
    FORMATS,
    Tally,
    closing,
    resolve_format,
    text,
)

LATIN_1 = os.fsdecode(b"caf\xe9.png")  # the name of a file, not UTF-8


@pytest.fixture
def predictions():
    """Two pictures, the second of which could not be read."""
    return pd.DataFrame(
        {
            # Not as text, which Arrow, where pandas uses it, refuses.
            "path": pd.Series(["more/é.png", LATIN_1], dtype=object),
            "status": ["ok", "no such file"],
            "box": [None, None],
            "age": [31.4142, None],
            "mood": ["calm", None],
            "mood_confidence": np.array([0.7, np.nan], np.float32),
            "Smiling": pd.array([1, None], dtype="Int64"),
        }
    )


def written(predictions, form):
    """The text of the rows, each as a part of its own."""
    parts = [
        text(predictions.iloc[[row]], form, first=row == 0)
        for row in range(len(predictions))
    ]
    return "".join(parts) + closing(form)


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_parts_join_to_the_text_of_all_rows(form, predictions):
    whole = text(predictions, form, first=True) + closing(form)
    assert written(predictions, form) == whole


def test_csv_has_a_row_per_picture_and_empty_cells(predictions):
    assert written(predictions, "csv").splitlines() == [
        "path,status,box,age,mood,mood_confidence,Smiling",
        "more/é.png,ok,,31.4142,calm,0.7,1",
        "caf\ufffd.png,no such file,,,,,",
    ]


def test_json_is_a_list_of_objects_with_plain_letters(predictions):
    written_ = written(predictions, "json")
    first, second = json.loads(written_)
    assert first == {
        "path": "more/é.png", "status": "ok", "box": None, "age": 31.4142,
        "mood": "calm", "mood_confidence": 0.7, "Smiling": 1,
    }  # fmt: skip
    assert isinstance(first["Smiling"], int)
    assert set(second.values()) == {"caf\ufffd.png", "no such file", None}
    assert '"more/é.png"' in written_  # neither \/ nor \u00e9


def test_jsonl_is_an_object_per_line(predictions):
    lines = written(predictions, "jsonl").splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["ok", "no such file"]


def test_no_rows_are_an_empty_list_and_a_heading(predictions):
    none = predictions[:0]
    assert json.loads(text(none, "json", first=True) + closing("json")) == []
    assert text(none, "csv", first=True).count("\n") == 1
    assert text(none, "json", first=False) == text(none, "csv", first=False) == ""


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_pandas_reads_back_every_number_as_it_was(form):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "path": [f"{i}.png" for i in range(500)],
            "status": "ok",
            "box": None,
            "age": rng.random(500) * 116,
            "gender_male": rng.random(500, dtype=np.float32),
            "Smiling": pd.array(rng.integers(0, 2, 500), dtype="Int64"),
        }
    )
    file = StringIO(text(table, form, first=True) + closing(form))
    if form == "csv":
        back = pd.read_csv(file)
    else:
        lines = form == "jsonl"
        back = pd.read_json(file, lines=lines, precise_float=True)
    assert list(back) == list(table)
    assert back["age"].dtype == "float64"
    assert back["Smiling"].dtype == "int64"
    np.testing.assert_array_equal(back["Smiling"], table["Smiling"])
    np.testing.assert_allclose(back["age"], table["age"], rtol=1e-15)
    np.testing.assert_array_equal(
        back["gender_male"].astype("float32"), table["gender_male"]
    )


# Which format


@pytest.mark.parametrize(("ending", "form"), ENDINGS.items())
def test_the_ending_of_a_file_is_its_format(ending, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    assert resolve_format(f"folder.json/faces{ending}", None) == form
    assert resolve_format(f"faces{ending.upper()}", form) == form


def test_json_may_have_the_shape_of_deepface():
    assert resolve_format("faces.json", "deepface") == "deepface"
    with pytest.raises(UserError, match="--format deepface: contradicts --out a.csv"):
        resolve_format("a.csv", "deepface")


def test_standard_output_has_the_format_that_is_named():
    assert resolve_format(None, None) == "table"
    for form in FORMATS[:-1]:
        assert resolve_format(None, form) == form


@pytest.mark.parametrize(
    ("out", "form", "line"),
    [
        (None, "parquet", "--format parquet: needs a file; write --out FILE.parquet"),
        (
            "a.jsn",
            None,
            "--out a.jsn: has the unknown ending '.jsn'; did you mean '.json'? Known: "
            ".csv, .json, .jsonl, .parquet, .txt",
        ),
        (
            "runs/a",
            "csv",
            "--out runs/a: has no ending; known: .csv, .json, .jsonl, .parquet, .txt",
        ),
        (
            "a.csv",
            "json",
            "--format json: contradicts --out a.csv, whose ending stands for csv; "
            "leave out --format, or name a file with another ending",
        ),
    ],
)
def test_what_can_not_be_written_is_named(out, form, line):
    with pytest.raises(UserError) as caught:
        resolve_format(out, form)
    assert str(caught.value) == line


def test_parquet_needs_pyarrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match="parquet needs pyarrow; pip install pyarrow$"):
        resolve_format("a.parquet", None)


# How many


def test_a_tally_names_three_reasons_and_counts_the_others():
    tally = Tally()
    assert str(tally) == "0 pictures: 0 answered"
    for status in ("ok", "a", "b", "a", "c", "d", "a"):
        tally.add(pd.DataFrame({"path": ["x.png"], "status": [status]}))
    assert str(tally) == (
        "7 pictures: 1 answered, 6 not (a: x.png and 2 more; b: x.png; c: x.png; "
        "1 for other reasons)"
    )
