"""Can a user say what the cells of a column mean, and which classes it has?"""

import pytest

from multitask.contracts.errors import UserError
from tests.tables.typed_in import read

pytestmark = pytest.mark.usefixtures("no_pictures")


def test_cells_are_mapped_to_the_classes_of_a_named_head(tmp_path):
    toml = '[column.race]\nclasses = {B = "black", W = "white", "7" = "others"}'
    reading = read(tmp_path, "race", "B", "w", "7", "", toml=toml)
    assert reading.table["race"].fillna("").tolist() == ["black", "white", "others", ""]
    assert "race" not in reading.heads
    numbers = '[column.gender]\nclasses = {"0" = "male", "1" = "female"}'
    table = read(tmp_path, "gender", "0", "1", "1", toml=numbers).table
    assert table["gender"].tolist() == ["male", "female", "female"]


def test_declared_classes_keep_their_order_and_need_not_occur(tmp_path):
    toml = '[column.size]\nclasses = ["small", "large", "huge"]'
    reading = read(tmp_path, "size", "Large", "small", "small", toml=toml)
    assert reading.table["size"].tolist() == ["large", "small", "small"]
    assert reading.heads["size"]["classes"] == ["small", "large", "huge"]


@pytest.mark.parametrize(
    "toml", ['[column.race]\nrole = "label"', '[column.race]\nclasses = ["B", "W"]']
)
def test_a_column_called_as_a_named_head_can_be_another_question(tmp_path, toml):
    reading = read(tmp_path, "race", "B", "W", "B", toml=toml)
    assert reading.table["race"].tolist() == ["B", "W", "B"]
    assert reading.heads["race"]["classes"] == ["B", "W"]


@pytest.mark.parametrize(
    ("column", "cells", "row", "must"),
    [
        ("race", ["B", "W", "B"], "row 1: race is 'B'", "one of white, black, asian"),
        ("gender", ["0", "1", "1"], "row 1: gender is '0'", "male or female"),
        ("expression", ["happy", "ok", "ok"], "row 2: expression is 'ok'", "anger, "),
    ],
)
def test_labels_that_are_no_class_of_a_named_head_are_an_error(
    tmp_path, column, cells, row, must
):
    with pytest.raises(UserError) as error:
        read(tmp_path, column, *cells)
    message = str(error.value)
    assert row in message
    assert must in message
    assert 'role = "label"' in message
    assert 'classes = {"' in message
