"""Are objects in cells columns of their own?"""

import pandas as pd
import pytest
from multitask.datasets import table as tables

from multitask.contracts.errors import UserError
from tests.tables.typed_in import decided, read

pytestmark = pytest.mark.usefixtures("no_pictures")


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


@pytest.mark.parametrize(
    "cells",
    [
        ['{"mood": "happy", "age": 31}', '{"mood": "sad"}', '{"age": 40}', "{}"],
        ["{'mood': 'happy', 'age': 31}", "{'mood': 'sad'}", "{'age': 40}", ""],
    ],
)
def test_each_key_of_objects_is_a_column(tmp_path, cells):
    reading = read(tmp_path, "attributes,x", *(f"{quoted(c)},1" for c in cells))
    assert reading.table["attributes.mood"].fillna("").tolist() == [
        "happy", "sad", "", ""
    ]  # fmt: skip
    assert reading.table["attributes.age"].dropna().tolist() == [31, 40]
    assert "attributes" not in reading.table
    role, remarks = decided(reading)["attributes"]
    assert role == "objects"
    assert remarks == "become columns attributes.mood, attributes.age"
    assert reading.heads["attributes_mood"]["classes"] == ["happy", "sad"]


def test_the_shapes_of_an_annotation_tool_are_boxes(tmp_path):
    shape = '{"name": "rect", "x": 1, "y": 2, "width": 10, "height": 20}'
    region = '{"gender": "female"}', '{"gender": "male"}'
    rows = [f"{quoted(shape)},{quoted(one)},{{}}" for one in region]
    header = "region_shape_attributes,region_attributes,file_attributes"
    reading = read(tmp_path, header, *rows)
    assert reading.table["box"].tolist() == ["1 2 11 22"] * 2
    assert reading.table["region_attributes.gender"].tolist() == ["female", "male"]
    assert decided(reading)["file_attributes"] == ("left out", "empty objects")


def test_an_inner_list_holds_several_labels(tmp_path):
    cells = ['{"choices": ["a", "b"]}', '{"choices": ["b"]}', '{"choices": ["a"]}']
    reading = read(tmp_path, "said", *map(quoted, cells))
    columns = ["said.choices_a", "said.choices_b"]
    assert reading.table[columns].to_numpy().tolist() == [[1, 1], [0, 1], [1, 0]]


def test_one_choice_as_text_and_several_as_an_object(tmp_path):
    cells = ["happy", '{"choices": ["happy", "sad"]}', "sad", "calm", "happy"]
    reading = read(tmp_path, "mood", *map(quoted, cells))
    assert reading.table["mood_happy"].tolist() == [1, 1, 0, 0, 1]
    assert reading.table["mood_sad"].tolist() == [0, 1, 1, 0, 0]


def test_a_cell_that_is_no_object_is_set_aside(tmp_path):
    cells = ['{"mood": "sad"}', '{"mood": "calm"}', '{"mood": "sad"}', "{mood"]
    reading = read(tmp_path, "said", *map(quoted, cells))
    assert reading.table["said.mood"].notna().sum() == 3
    [reason] = reading.skipped["reason"]
    assert reason == "said is '{mood' in row 4, left empty; must be an object"


def test_texts_in_braces_stay_texts(tmp_path):
    reading = read(tmp_path, "said", "{sic}", "{sic}", "yes")
    assert reading.table["said"].tolist() == ["{sic}", "{sic}", "yes"]


def test_objects_of_a_parquet_file(tmp_path):
    pytest.importorskip("pyarrow")
    mood = [{"mood": "sad", "age": 31}, {"mood": "calm", "age": 40}]
    frame = pd.DataFrame({"path": ["1.jpg", "2.jpg"], "said": mood})
    for name in frame["path"]:
        (tmp_path / name).touch()
    frame.to_parquet(tmp_path / "labels.parquet")
    table = tables.read(tmp_path / "labels.parquet", name="mine").table
    assert table["said.mood"].tolist() == ["sad", "calm"]
    assert table["said.age"].tolist() == [31, 40]


def test_one_object_among_many_texts_is_found(tmp_path):
    cells = ["happy"] * 400
    cells[123] = quoted('{"choices": ["happy", "sad"]}')
    reading = read(tmp_path, "mood", *cells)
    assert reading.table["mood_happy"].sum() == 400
    assert reading.table["mood_sad"].sum() == 1


TRENDS = ['{"trend": "1", "who": "ann", "sure": 3}', '{"trend": "2", "who": "bob"}']


def test_what_is_declared_of_a_key_holds_for_its_column(tmp_path):
    toml = (
        '[column."attr.trend"]\nclasses = {1 = "up", 2 = "down"}\n'
        '[column."attr.who"]\nrole = "identity"\n'
        '[column."attr.sure"]\nrole = "none"\n'
    )
    reading = read(tmp_path, "attr", *map(quoted, TRENDS), toml=toml)
    assert reading.table["attr.trend"].tolist() == ["up", "down"]
    assert reading.heads["attr_trend"]["classes"] == ["up", "down"]
    assert reading.table["identity"].tolist() == ["ann", "bob"]
    assert "attr.sure" not in reading.table
    assert decided(reading)["attr.sure"] == ("left out", "as declared")


@pytest.mark.parametrize("name", ["attr.tred", "attr.trend.deep", "atr.trend"])
def test_a_declared_key_that_is_not_there_is_an_error(tmp_path, name):
    toml = f'[column."{name}"]\nrole = "label"'
    with pytest.raises(UserError, match=f"has no column '{name}', which the TOML"):
        read(tmp_path, "attr", *map(quoted, TRENDS), toml=toml)


def test_a_key_with_the_name_of_a_column_is_told(tmp_path):
    cells = ['{"mood": "sad", "age": 31}', '{"mood": "calm", "age": 9}']
    rows = [f"{quoted(cell)},happy" for cell in cells]
    reading = read(tmp_path, "attr,attr.mood", *rows)
    assert reading.table["attr.mood"].tolist() == ["happy", "happy"]
    assert decided(reading)["attr"] == (
        "objects",
        "become columns attr.age; attr.mood not read from it, as there is a column of "
        "this name",
    )
    rows = [f"{quoted(cell)},happy" for cell in ['{"mood": "sad"}'] * 2]
    role, remark = decided(read(tmp_path, "attr,attr.mood", *rows))["attr"]
    assert (role, remark[:22]) == ("left out", "attr.mood not read fro")
