"""Are only heads compared that answer the same question?"""

import pytest

from multitask.comparison.matching import matched_heads
from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError


def softmax(name, classes, **config):
    return from_config(name, {"kind": "softmax", "classes": classes, **config})


def sigmoid(name, columns):
    return from_config(name, {"kind": "sigmoid", "columns": columns})


def number(name, unit):
    return from_config(name, {"kind": "regression", "low": 0, "high": 99, "unit": unit})


GENDER = softmax("gender", ["male", "female"])


def test_heads_of_one_name_are_matched_and_others_told():
    matches, notes = matched_heads(
        {"a": [GENDER, number("age", "years")], "b": [GENDER]}
    )
    (match,) = matches
    assert (match.name, list(match.heads)) == ("gender", ["a", "b"])
    assert notes == ("Only a answers age: not compared.",)


def test_other_classes_are_told():
    few = softmax("race", ["asian", "black", "white"])
    many = softmax("race", ["black", "white", "indian", "latino"])
    (match,), (note,) = matched_heads({"a": [few], "b": [many]})
    assert match.columns == ("race",)
    assert note.endswith("left out, asian (a) and indian, latino (b).")


def test_labels_that_both_answer_are_compared():
    one = sigmoid("face", ["Smiling", "Bald", "Young"])
    other = sigmoid("face", ["Young", "Smiling"])
    (match,), (note,) = matched_heads({"a": [one], "b": [other]})
    assert match.columns == ("Smiling", "Young")
    assert "1 label that not every network answers" in note


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (number("age", "years"), softmax("age", ["young", "old"]), "kind of answer"),
        (number("age", "years"), number("age", "months"), "unit"),
        (GENDER, softmax("gender", ["male", "female"], columns=["sex"]), "column"),
        (sigmoid("x", ["Smiling"]), sigmoid("x", ["Bald"]), "no label that all"),
    ],
)
def test_other_questions_of_the_same_name_are_not_compared(one, other, why):
    age = softmax("pose", ["left", "right"])
    (match,), (note,) = matched_heads({"a": [one, age], "b": [other, age]})
    assert match.name == "pose"
    assert why in note
    assert note.endswith(": not compared.")


def test_networks_without_a_common_head_are_an_error():
    with pytest.raises(UserError) as error:
        matched_heads({"a": [GENDER], "b": [number("age", "years")]})
    assert str(error.value).startswith(
        "a and b: have no head that can be compared: a answers gender; b answers age"
    )
