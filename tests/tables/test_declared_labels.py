"""Are yes/no columns one head if their table declares it?"""

import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from tests.tables.typed_in import decided, read

TOML = '[multilabel.worn]\ncolumns = ["worn_hat", "worn_ring", "bag"]'


def test_declared_columns_are_one_head_however_yes_and_no_are_spelled(tmp_path):
    rows = ["yes,0,True,sun", "no,1,False,rain", "no,0,,sun"]
    reading = read(tmp_path, "worn_hat,worn_ring,bag,weather", *rows, toml=TOML)
    columns = ["worn_hat", "worn_ring", "bag"]
    assert reading.heads["worn"] == {"kind": "sigmoid", "columns": columns}
    assert {*reading.heads} == {"worn", "weather"}
    [head] = catalog.heads(["worn"], reading.heads)
    targets, weights = head.encode(reading.table)
    assert targets.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert weights.tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 0]]
    assert decided(reading)["bag"][0] == "label"


def test_declared_columns_are_not_taken_for_one_hot_ones(tmp_path):
    toml = TOML.replace("bag", "worn_bag")
    rows = ["1,0,0", "0,1,0", "0,0,1"]
    reading = read(tmp_path, "worn_hat,worn_ring,worn_bag", *rows, toml=toml)
    assert reading.heads["worn"]["kind"] == "sigmoid"


def test_a_declared_column_must_exist(tmp_path):
    with pytest.raises(UserError, match="has no column 'bag'.*did you mean 'bags'"):
        read(tmp_path, "worn_hat,worn_ring,bags", "1,0,0", toml=TOML)
