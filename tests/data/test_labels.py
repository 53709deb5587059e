"""Are labels that a head can't take left out if few, and an error if many?"""

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.data.labels import set_aside


def test_an_unusable_label_is_left_empty_also_beside_missing_columns():
    [head] = catalog.heads(["attributes[Smiling,Bald,Young]"])
    cells = {"path": list("abcdefghijkl"), "Smiling": [1.0, 0] * 6, "Bald": [0.0] * 12}
    table = pd.DataFrame(cells)
    table.loc[4, "Smiling"] = 7.0
    cleaned, faults = set_aside(table, [head])
    assert cleaned["Smiling"].isna().tolist() == [i == 4 for i in range(12)]
    assert faults["path"].tolist() == ["e"]
    assert faults["reason"].tolist() == ["Smiling is '7', neither 0 nor 1"]
    table.loc[:5, "Smiling"] = 7.0  # so many are a mistake
    with pytest.raises(UserError, match=r"nor 1, first '7' \(the first picture: 'a'\)"):
        set_aside(table.assign(Bald=np.nan), [head])


@pytest.mark.parametrize(
    ("ages", "what", "todo"),
    [
        (
            [20, 999, 30, 999],
            "2 labels of column 'age' lie outside 0 to 116, first 999 (the first "
            "picture: 'b')",
            'if it stands for "not annotated", write missing = ["999"] under '
            "[column.age] into a TOML beside the table, such as labels.csv.toml, "
            "else set low and high of the head, or correct the labels",
        ),
        # A little too much is no code, and neither are four values ...
        ([20, 130, 30, 31], "first 130", "set low and high of the head"),
        ([20, 300, 301, 302, 303], "first 300", "set low and high of the head"),
        # ... nor years of birth, beside which no label is right.
        ([1985, 1990], "first 1985", "set low and high of the head"),
    ],
)
def test_many_numbers_out_of_range_are_an_error_that_knows_codes(ages, what, todo):
    [head] = catalog.heads(["age"])
    table = pd.DataFrame({"path": list("abcdef")[: len(ages)], "age": ages})
    with pytest.raises(UserError) as caught:
        set_aside(table.astype({"age": float}), [head])
    assert what in str(caught.value)
    assert f"; {todo}" in str(caught.value)


def test_a_number_out_of_range_is_told_once():
    [head] = catalog.heads(["age"])
    table = pd.DataFrame({"path": map(str, range(12)), "age": [999.0] + [31.0] * 11})
    _, faults = set_aside(table, [head])
    assert faults["reason"].tolist() == ["age is '999', outside 0 to 116"]
