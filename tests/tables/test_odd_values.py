"""Are values that no label can have told in a line, or set aside and counted?"""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.tables.read import read
from multitask.tables.types import labelled_table
from tests.tables import typed_in

COUNT = 30


@pytest.fixture
def folder(tmp_path):
    for number in range(COUNT):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png")
    return tmp_path


def cells(bad):
    """A cell per picture, the fourth of which is a bad one."""
    return [bad if number == 3 else 20 + 1.5 * number for number in range(COUNT)]


@pytest.mark.parametrize(
    "bad", ["inf", "-inf", "1e400", "1e300", "1e39", "3.41e38", "9" * 400]
)
def test_a_number_that_float32_can_not_hold_is_set_aside(bad, folder):
    file = folder / "labels.csv"
    rows = [f"{number}.png,{cell}" for number, cell in enumerate(cells(bad))]
    file.write_text("\n".join(["path,height", *rows]))
    reading = read(file, name="mine")
    assert reading.table["height"].isna().sum() == 1
    assert reading.skipped["reason"].tolist() == [
        f"row 4: height is {bad!r}, left empty; must be a number"
    ]
    config = reading.heads["height"]
    assert (config["low"], config["high"]) == (20, 63.5)


def test_numbers_that_float32_can_hold_stay(folder):
    file = folder / "labels.csv"
    rows = [f"{number}.png,{cell}" for number, cell in enumerate(cells("1.6e38"))]
    file.write_text("\n".join(["path,height", *rows]))
    assert read(file, name="mine").table["height"].max() == 1.6e38


@pytest.mark.parametrize("bad", [np.inf, 1e300])
def test_such_a_number_in_a_data_frame_is_an_error(bad):
    frame = pd.DataFrame({"path": range(COUNT), "height": cells(bad)})
    with pytest.raises(UserError, match=r"row 4: height is (inf|1e\+300), must be a"):
        labelled_table(frame.astype({"path": str}), "data")


def test_a_column_of_huge_whole_numbers_is_told(folder):
    file = folder / "labels.csv"
    rows = [f"{number}.png,{'9' * 400}" for number in range(COUNT)]
    file.write_text("\n".join(["path,age", *rows]))
    table, (head,) = read(file, name="mine").table, catalog.heads(["age"])
    with pytest.raises(UserError, match="^head age: 30 labels .* outside 0 to 116"):
        head.encode(table)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_cell_of_more_than_128_kb_is_read(separator, folder):
    file = folder / "labels.csv"
    long = "x" * 140_000
    rows = [["path", "note"], ["0.png", long], ["1.png", "short"]]
    file.write_text("\n".join(map(separator.join, rows)))
    table = read(file, name="mine").table
    assert table["note"].tolist() == [long, "short"]


def test_a_first_line_of_more_than_128_kb_names_its_columns(folder):
    file = folder / "labels.csv"
    names = [f"{number}{'x' * 5000}" for number in range(30)]
    rows = [["path", *names], *(["0.png", *["1"] * 30], ["1.png", *["0"] * 30])]
    file.write_text("\n".join(map(";".join, rows)))
    assert set(names) <= set(read(file, name="mine").table)


@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_a_key_that_is_there_twice_is_told(ending, folder):
    file = folder / f"labels{ending}"
    row = '{"path": "0.png", "age": 31, "age": 32}'
    file.write_text(row if ending == ".jsonl" else f"[{row}]")
    with pytest.raises(UserError, match="an object has the key 'age' twice"):
        read(file, name="mine")


@pytest.mark.parametrize("ending", [".json", ".jsonl", ".csv"])
def test_deep_json_is_told_in_a_line_that_can_be_read(ending, folder):
    file = folder / f"labels{ending}"
    deep = "[" * 100_000 + "]" * 100_000
    row = json.dumps({"path": "0.png", "age": 1})[:-1] + f', "more": {deep}}}'
    file.write_text(row if ending == ".jsonl" else f"[{row}]")
    with pytest.raises(UserError) as told:
        read(file, name="mine")
    assert len(told.value.line) < 5000


def test_all_different_faulty_spellings_are_named_up_to_five(tmp_path):
    with pytest.raises(UserError) as told:
        typed_in.read(tmp_path, "age", "ca. 40", "30", "etwa 7", "ca. 40", "9")
    assert told.value.line == (
        "--data mine: row 1: age is 'ca. 40', must be a number or an interval such as "
        "20-29 (and so must 2 others, among them 'etwa 7'); correct it, or declare "
        "under [column.age] in the TOML beside the table that it means no label, "
        'missing = ["ca. 40", "etwa 7"], or that this is another question: role = '
        '"label"'
    )
    with pytest.raises(UserError) as told:
        typed_in.read(tmp_path, "gender", "male", *"abcdegh")
    assert (
        "(and so must 6 others, among them 'b', 'c', 'd', 'e' and 2 more spellings)"
    ) in told.value.line
    assert 'missing = ["a", "b", "c", "d", "e", ...]' in told.value.line
