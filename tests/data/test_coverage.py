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
        "gender      a                1  male 1",
        "gender      b                0",
        "age         a                2  3+ 1, 30+ 1",
        "age         b                0",
        "attributes  a                1  1 labels, 1 yes of 1",
        "attributes  b                1  1 labels, 0 yes of 1",
    ]


def test_six_classes_are_named_and_the_others_counted():
    classes = ("anger", "happiness", "sadness", "surprise", "fear", "disgust")
    table = pd.DataFrame({"expression": [*classes, "neutral", "neutral"]})
    line = coverage(heads(["expression"]), table).splitlines()[1]
    assert line.endswith("disgust 1 and 1 more")
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
