"""Are answers and probabilities read head by head, under names that are free?"""

import numpy as np
import pandas as pd
import pytest

from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError
from multitask.networks.answers import read_all, with_labels

ROWS = np.array([7, 3])


def softmax(name, *classes):
    return from_config(name, {"kind": "softmax", "classes": list(classes)})


GENDER = softmax("gender", "male", "female")
TWO = np.array([[0.25, 0.75], [0.875, 0.125]], np.float32)


def columns(*heads, selected=None):
    outputs = {head.name: TWO for head in heads}
    table = read_all(heads, outputs, ROWS, selected=selected, probabilities=True)
    assert table.columns.is_unique
    return list(table)


def test_the_probabilities_of_a_head_stand_beside_its_answers():
    table = read_all([GENDER], {"gender": TWO}, ROWS, probabilities=True)
    expected = pd.DataFrame(
        {
            "gender": ["female", "male"],
            "gender_confidence": [0.75, 0.875],
            "gender_male": [0.25, 0.875],
            "gender_female": [0.75, 0.125],
        },
        index=[7, 3],
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


def test_without_asking_there_are_none():
    table = read_all([GENDER], {"gender": TWO}, ROWS)
    assert list(table) == ["gender", "gender_confidence"]


def test_the_names_of_classes_stay_as_they_are():
    names = columns(softmax("race", "East Asian", "3-5, é"))
    assert names[2:] == ["race_East Asian", "race_3-5, é"]


def test_a_name_that_an_answer_has_is_lengthened():
    male = softmax("gender_male", "no", "yes")
    assert columns(GENDER, male) == [
        "gender", "gender_confidence", "gender_male_probability", "gender_female",
        "gender_male", "gender_male_confidence", "gender_male_no", "gender_male_yes",
    ]  # fmt: skip
    alone = columns(GENDER, male, selected=[GENDER])
    assert alone[2:] == ["gender_male_probability", "gender_female"]


def test_names_of_two_classes_or_of_the_csv_do_not_clash():
    one, other = softmax("a", "b_c", "confidence"), softmax("a_b", "c", "label")
    assert columns(one, other) == [
        "a", "a_confidence", "a_b_c", "a_confidence_probability",
        "a_b", "a_b_confidence", "a_b_c_probability", "a_b_label_probability",
    ]  # fmt: skip


ATTRIBUTES = from_config(
    "attributes", {"kind": "sigmoid", "columns": ["Smiling", "Young"]}
)


def test_labels_answered_yes_become_a_list_and_other_answers_stay():
    outputs = {
        "gender": np.array([[0.25, 0.75], [0.875, 0.125], [0.5, 0.5]], np.float32),
        "attributes": np.array([[0.9, 0.6], [0.2, 0.7], [0.1, 0.4]], np.float32),
    }
    heads = [ATTRIBUTES, GENDER]
    rows = read_all(heads, outputs, np.array([7, 3, 5]), probabilities=True)
    rows = rows.astype({"Smiling": "Int64", "Young": "Int64"})
    rows.insert(0, "path", ["a.jpg", "b.jpg", "c.jpg"])
    rows.loc[9, "path"] = "gone.jpg"  # a row without any answer
    listed = with_labels(rows, heads)
    assert listed["labels"].tolist() == [["Smiling", "Young"], ["Young"], [], None]
    assert listed.index.tolist() == [7, 3, 5, 9]
    assert list(listed) == [
        "path", "labels", "Smiling_probability", "Young_probability", "gender",
        "gender_confidence", "gender_male", "gender_female",
    ]  # fmt: skip


def test_labels_need_yes_or_no_heads_and_a_free_column():
    rows = read_all([GENDER], {"gender": TWO}, ROWS)
    with pytest.raises(UserError, match="^--labels: no head that is read has yes/no"):
        with_labels(rows, [GENDER])
    both = [ATTRIBUTES, softmax("labels", "a", "b")]
    rows = read_all(both, {"attributes": TWO, "labels": TWO}, ROWS)
    with pytest.raises(UserError, match="a head answers in the column 'labels'"):
        with_labels(rows, both)


def test_two_heads_that_answer_in_one_column_are_an_error():
    heads = [GENDER, softmax("gender_confidence", "low", "high")]
    outputs = {"gender": TWO, "gender_confidence": TWO}
    line = "head gender_confidence: answers in column 'gender_confidence', and so does"
    with pytest.raises(UserError, match=line):
        read_all(heads, outputs, ROWS)
    alone = read_all(heads, outputs, ROWS, selected=heads[1:])
    assert list(alone) == ["gender_confidence", "gender_confidence_confidence"]
