"""Does every format hold the predictions, and say what it can't hold?"""

import json
import os
import sys

import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.networks.predictions import FORMATS, write

LATIN_1 = os.fsdecode(b"caf\xe9.png")  # the name of a file, not UTF-8


@pytest.fixture
def predictions():
    """Two pictures, the second of which could not be read."""
    return pd.DataFrame(
        {
            "path": ["é.png", LATIN_1],
            "status": ["ok", "no such file"],
            "age": [31.4142, None],
            "Smiling": pd.array([1, None], dtype="Int64"),
        }
    )


def printed(predictions, form, capsys):
    write(predictions, form, None)
    return capsys.readouterr().out


def test_csv_has_a_row_per_picture_and_empty_cells(predictions, capsys):
    assert printed(predictions, "csv", capsys).splitlines() == [
        "path,status,age,Smiling",
        "é.png,ok,31.4142,1",
        "caf\ufffd.png,no such file,,",
    ]


def test_json_is_a_list_of_objects(predictions, capsys):
    first, second = json.loads(printed(predictions, "json", capsys))
    assert first == {"path": "é.png", "status": "ok", "age": 31.4142, "Smiling": 1}
    assert second["age"] is second["Smiling"] is None


def test_jsonl_is_an_object_per_line(predictions, capsys):
    lines = printed(predictions, "jsonl", capsys).splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["ok", "no such file"]
    assert "é" in lines[0]  # not escaped


def test_a_table_rounds_to_three_digits(predictions, capsys):
    heading, first, _ = printed(predictions, "table", capsys).splitlines()
    assert heading.split() == ["path", "status", "age", "Smiling"]
    assert first.split() == ["é.png", "ok", "31.414", "1"]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "parquet"])
def test_a_file_holds_what_would_be_printed(form, predictions, tmp_path, capsys):
    text = printed(predictions, form, capsys)
    write(predictions, form, tmp_path / "out")
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out").read_text(encoding="utf-8") == text


def test_parquet_keeps_types(predictions, tmp_path):
    pytest.importorskip("pyarrow")
    write(predictions, "parquet", tmp_path / "a.parquet")
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert table["Smiling"].dtype == "Int64"
    assert table["path"].tolist() == ["é.png", "caf\ufffd.png"]


def test_parquet_needs_a_file_and_pyarrow(predictions, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"^--format parquet: is no text; name a file"):
        write(predictions, "parquet", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match="needs pyarrow; pip install pyarrow"):
        write(predictions, "parquet", tmp_path / "a.parquet")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_missing_folder_is_an_error(form, predictions, tmp_path):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / "none" / "out"
    with pytest.raises(UserError, match="can't be written: .*; free some space or"):
        write(predictions, form, path)
