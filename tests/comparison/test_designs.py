"""Does a design train the networks it is named for, and is a merge read back right?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from multitask.comparison import designs
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.results.design_comparison import DESIGNS


def test_a_merge_has_a_class_for_each_combination_that_training_holds(heads, labels):
    merged = designs.merge("gender+makeup", heads, labels)
    assert merged.combinations == (
        ("male", "over"), ("female", "partial"), ("female", "over"),
    )  # fmt: skip
    table = designs.with_merged(labels, [merged])
    combinations = table["gender+makeup"]
    assert combinations[:3].tolist() == ["male+over", "female+over", "female+partial"]
    assert combinations[3:5].isna().all()  # one not labelled, one not in training
    assert merged.head.encode(table).weights.tolist() == [1, 1, 1, 0, 0, 1]


def test_merged_answers_are_read_back_as_sums_over_combinations(heads, labels):
    merged = designs.merge("gender+makeup", heads, labels)
    outputs = merged.part_outputs(np.array([[0.5, 0.2, 0.3]]))
    np.testing.assert_allclose(outputs["gender"], [[0.5, 0.5]])  # male, female
    np.testing.assert_allclose(outputs["makeup"], [[0.2, 0.8]])  # partial, over


def test_a_merge_changes_places_in_a_mirror_as_its_parts_do():
    table = pd.DataFrame(
        {
            "split": "train",
            "pose": ["left", "up", "right"],
            "makeup": ["over", "over", "partial"],
        }
    )
    merged = designs.merge("pose+makeup", catalog.heads(["pose", "makeup"]), table)
    left, right = ("left", "over"), ("right", "over")
    assert {left, right, ("left", "partial")} < set(merged.combinations)
    swapped = merged.head.mirrored(np.arange(len(merged.combinations)))
    assert merged.combinations[swapped[merged.combinations.index(left)]] == right
    up = merged.combinations.index(("up", "over"))
    assert swapped[up] == up


def test_a_sigmoid_part_is_read_from_its_second_class(labels):
    parts = catalog.heads(["gender:sigmoid", "makeup"])
    merged = designs.merge("gender+makeup", parts, labels)
    outputs = merged.part_outputs(np.array([[0.5, 0.2, 0.3], [0.1, 0.0, 0.9]]))
    assert parts[0].read(outputs["gender"])["gender"].tolist() == ["female", "female"]
    np.testing.assert_allclose(outputs["gender"][:, 0], [0.5, 0.9])


def test_a_merge_is_trained_as_its_parts_are(heads, labels):
    gender, makeup, _ = heads
    assert gender.label_smoothing == 0.1
    parts = (gender, replace(makeup, class_weights="balanced", loss_weight=0.25))
    head = designs.merge("gender+makeup", parts, labels).head
    assert head.label_smoothing == 0.1
    assert head.class_weights == "balanced"
    assert head.loss_weight == (1.75 + 0.25) / 2


def test_designs_train_what_they_are_named_for(heads, labels):
    merged = designs.merge("gender+makeup", heads, labels)
    names = {
        design: [plan.name for plan in designs.plans(design, heads, [merged])]
        for design in DESIGNS
    }
    assert names == {
        "single": ["gender", "makeup", "age"],
        "merged": ["gender+makeup", "age"],
        "multi": ["3-heads"],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gendr+makeup", "--merge: unknown head 'gendr'; did you mean 'gender'?"),
        (
            "gender+age",
            "--merge: head age gives a number; name heads that give one class",
        ),
        ("gender", "--merge: is 'gender'; give two or more heads: A+B"),
        ("gender+gender", "--merge: is 'gender+gender'; give two or more"),
    ],
)
def test_a_merge_that_cannot_be_is_an_error(text, message, heads, labels):
    with pytest.raises(UserError) as caught:
        designs.merge(text, heads, labels)
    assert str(caught.value).startswith(message)


def test_heads_never_labelled_together_cannot_be_merged(heads, labels):
    labels.loc[:2, "makeup"] = np.nan
    with pytest.raises(UserError, match="labelled in the same pictures"):
        designs.merge("gender+makeup", heads, labels)
