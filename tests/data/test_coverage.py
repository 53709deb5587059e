"""Do the tables of labels count what each data set has, and an epoch shows?"""

import numpy as np
import pandas as pd

from multitask.contracts.catalog import heads
from multitask.data.batches import Batches
from multitask.data.coverage import coverage, describe_epoch

NAN = np.nan


def test_labels_are_counted_by_head_and_data_set():
    table = pd.DataFrame(
        {
            "source": ["a", "a", "b"],
            "gender": ["male", NAN, NAN],
            "age": [3.0, 31.0, NAN],
            "Smiling": [NAN, 1.0, 0.0],
        }
    )
    text = coverage(heads(["gender", "age", "attributes[Smiling,Young]"]), table)
    assert text.splitlines() == [
        "head        data set  labelled  classes",
        "gender      a                1  male (1)",
        "gender      b                0",
        "age         a                2  3 to 10 (1), 30 to 40 (1)",
        "age         b                0",
        "attributes  a                1  yes: Smiling 1 of 1",
        "attributes  b                1  yes: Smiling 0 of 1",
    ]


def test_a_yes_no_label_alone_and_a_number_without_bands_are_told_in_words():
    table = pd.DataFrame(
        {
            "vip": [1.0, 0.0, 0.0],
            "night": ["day", "night", "day"],
            "price": [2.5, NAN, 40.0],
            "age": [71.0, NAN, 30.0],
        }
    )
    declared: dict[str, dict[str, object]] = {
        "vip": {"kind": "sigmoid"},
        "night": {"kind": "sigmoid", "classes": ["day", "night"]},
        "price": {"kind": "regression", "low": 0, "high": 100},
    }
    text = coverage(heads([*declared, "age"], declared), table)
    assert [line.split("  ")[-1] for line in text.splitlines()[1:]] == [
        "0 (2), 1 (1)",
        "day (2), night (1)",
        "2.5 to 40",
        "30 to 40 (1), 70 or more (1)",
    ]


def test_of_many_yes_no_labels_only_their_number_is_told():
    labels = [f"is_{n}" for n in range(7)]
    table = pd.DataFrame({name: [1.0, 0.0, NAN] for name in labels})
    for count, expected in (
        (2, "yes: is_0 1 of 2, is_1 1 of 2"),
        (6, "yes: " + ", ".join(f"is_{n} 1 of 2" for n in range(6))),
        (7, "7 labels, 7 of 14 yes"),
    ):
        declared = {"tags": {"kind": "sigmoid", "columns": labels[:count]}}
        line = coverage(heads(["tags"], declared), table).splitlines()[1]
        assert line.endswith(f"2  {expected}")


def test_six_classes_are_named_and_the_others_counted():
    classes = ("anger", "happiness", "sadness", "surprise", "fear", "disgust")
    table = pd.DataFrame({"expression": [*classes, "neutral", "neutral"]})
    line = coverage(heads(["expression"]), table).splitlines()[1]
    assert line.endswith("disgust (1) and 1 more")
    assert "neutral" not in line


def test_an_epoch_counts_each_row_as_often_as_it_is_shown():
    table = pd.DataFrame(
        {"source": ["a", "a", "b", "b"], "gender": ["male", NAN, "female", NAN]}
    )
    [gender] = heads(["gender"])
    batches = Batches(
        pixels=np.zeros((4, 2, 2, 3), np.uint8),
        rows=np.array([0, 1, 2]),
        encoded={"gender": gender.encode(table[:3])},
        batch_size=2,
        size=2,
        rates=np.array([1.0, 0.0, 2.0]),
    )
    assert describe_epoch(table, batches) == (
        "an epoch shows: a 1, b 2; with labels for: gender 3"
    )
