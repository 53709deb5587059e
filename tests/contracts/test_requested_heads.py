"""Does a column that makes no head say why, whether it was asked for or not?"""

import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.infer import infer_heads, requested_heads
from multitask.contracts.table import concat

PATHS = [f"{number}.jpg" for number in range(60)]


def requested(names=(), **labels):
    table = concat([pd.DataFrame({"path": PATHS, **labels})])
    return requested_heads(names, table, infer_heads(table))


def error(*arguments, **labels):
    with pytest.raises(UserError) as caught:
        requested(*arguments, **labels)
    return caught.value.line


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (
            "male",
            "column 'sex' has one class, 'male', but a head needs two; "
            "add pictures of another class",
        ),
        (1.0, "column 'sex' has one class, '1', but a head needs two; add pictures"),
        (None, "column 'sex' is empty; fill in its labels"),
        (
            PATHS,
            "column 'sex' has 60 classes, but a head takes at most 50; "
            "group them into fewer classes",
        ),
    ],
)
def test_a_column_that_makes_no_head_says_why(labels, line):
    for name in ("sex", "sex:softmax"):
        assert error([name], sex=labels).startswith(f"--heads: {line}")
    # With others, too, and by the name that its head would have.
    assert error(["sex"], sex=labels, vip=[0, 1] * 30).startswith(f"--heads: {line}")
    of_blank = error(["sex_of"], **{"sex of": labels})
    assert of_blank.startswith(f"--heads: {line}".replace("'sex'", "'sex of'"))
    whole = error(sex=labels)
    assert whole.startswith(f"--heads: the data has no labels for a head: {line}")


def test_ends_of_one_interval_make_no_head():
    assert error(["height"], height_low=1.5, height_high=1.5) == (
        "--heads: column 'height' has one class, '1.5', but a head needs two; "
        "add pictures of another class"
    )


def test_further_columns_that_make_no_head_are_counted():
    line = error(sex="male", note=None, hat=1)
    assert line == (
        "--heads: the data has no labels for a head: column 'sex' has one class, "
        "'male', but a head needs two (and 2 other columns can't be one); "
        "add pictures of another class"
    )


def test_a_table_without_labels_says_so():
    for names in ((), ("sex",)):
        assert error(names) == "--heads: the data has no column of labels; add one"


def test_an_unknown_head_names_those_that_the_data_has_labels_for():
    labels = {"smiles": [0, 1] * 30, "sex": "male"}
    assert error(["smile"], **labels) == (
        "--heads: unknown head 'smile'; did you mean 'smiles'? The data has labels for "
        "smiles"
    )
    assert "did you mean 'gender'?" in error(["gendr"], **labels)


def test_heads_with_labels_are_found_or_chosen():
    labels = {"mood": ["sad", "glad"] * 30, "age": [float(n) for n in range(60)]}
    assert [head.name for head in requested(**labels)] == ["mood", "age"]
    assert [head.name for head in requested(["age:regression"], **labels)] == ["age"]


@pytest.mark.parametrize("kind", ["regression", "distribution"])
def test_classes_that_are_numbers_are_the_range_of_a_head_of_numbers(kind):
    [head] = requested([f"stars:{kind}"], stars=[0, 1, 2, 3] * 15)
    assert (head.low, head.high) == (0, 3)
    assert head.encode(pd.DataFrame({"stars": [3.0]})).targets.tolist() == [[3, 3]]


def test_a_sigmoid_head_of_four_classes_says_which_kind_takes_them():
    assert error(["genre:sigmoid"], genre=list("abcd") * 15) == (
        "head genre: has 4 classes (a, b, c, d), but kind sigmoid takes two; use kind "
        "softmax, as in --heads genre:softmax"
    )
