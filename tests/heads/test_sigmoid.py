"""Does a sigmoid head agree with numbers derived by hand and with scikit-learn?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score
from sklearn.utils.class_weight import compute_sample_weight

from multitask.contracts.errors import UserError
from tests.head_losses import labelled_loss, make_head, metric_values

NAN = np.nan


def sigmoid(*columns: str, **settings: Any) -> Any:
    return make_head("sigmoid", columns=columns, **settings)


def test_sigmoid_loss_is_binary_cross_entropy_averaged_over_labelled_cells():
    table = pd.DataFrame({"A": [1.0, NAN, 0.0], "B": [NAN, NAN, 1.0]})
    p = np.array([[0.8, 0.6], [0.3, 0.9], [0.4, 0.1]])
    head = sigmoid("A", "B")
    value, gradient = labelled_loss(head, table, p)
    # Labelled: A of row 0 (yes), A of row 2 (no), B of row 2 (yes).
    assert value == pytest.approx(-np.log([0.8, 1 - 0.4, 0.1]).mean(), rel=1e-5)
    np.testing.assert_array_equal(gradient != 0, table.notna())


def test_sigmoid_accuracy_is_weighted_by_cell():
    targets = np.array([[1, 0], [0, 1]], np.float32)
    p = np.array([[0.9, 0.9], [0.9, 0.9]], np.float32)
    weights = np.array([[1, 2], [0, 1]], np.float32)
    # Right: 1 + 1 of a weight of 1 + 2 + 1; the third cell is without label.
    values = metric_values(sigmoid("A", "B"), targets, weights, p)
    assert values == {"accuracy": pytest.approx(0.5)}


def test_sigmoid_answers_are_1_and_0_with_the_probability_of_the_answer():
    answers = sigmoid("A", "B").read(np.array([[0.75, 0.25], [0.5, 1.0]]))
    assert answers["A"].tolist() == [1, 1]
    assert answers["B"].tolist() == [0, 1]
    assert answers["A_confidence"].tolist() == [0.75, 0.5]
    assert answers["B_confidence"].tolist() == [0.75, 1.0]


def test_sigmoid_over_text_takes_its_two_classes():
    table = pd.DataFrame({"trait": ["yes", NAN, "no"]})
    head = sigmoid().resolve(table)
    assert (head.classes, head.answer_type) == (("no", "yes"), "class")
    np.testing.assert_array_equal(head.encode(table).targets, [[1], [0], [0]])


def test_sigmoid_takes_yes_and_no_as_booleans_too():
    table = pd.DataFrame({"A": [True, NAN, False]}, dtype=object)
    targets, weights = sigmoid("A").encode(table)
    np.testing.assert_array_equal(targets, [[1], [0], [0]])
    np.testing.assert_array_equal(weights, [[1], [0], [1]])


def test_sigmoid_refuses_celebas_minus_1():
    with pytest.raises(UserError, match=r"neither 0 nor 1, first '-1'"):
        sigmoid("A").encode(pd.DataFrame({"A": [1, -1]}))


def test_balanced_sigmoid_weights_are_scikit_learns_for_each_label():
    a = [1, 0, 0, 0, 0, 1, 0, 0]
    b = [1, 1, 1, 0, 1, 1]
    table = pd.DataFrame({"A": a, "B": [*b, NAN, NAN], "C": [1.0] * 8})
    head = sigmoid("A", "B", "C")
    weights = head.balanced(table, head.encode(table)).weights
    for column, labels in enumerate((a, b, [1] * 8)):
        np.testing.assert_allclose(
            weights[: len(labels), column],
            compute_sample_weight("balanced", labels),
            rtol=1e-6,
        )


def test_sigmoid_summary_is_scikit_learns_over_the_labels_that_are_known():
    random = np.random.default_rng(3)
    truth = random.integers(0, 2, (150, 2))
    answers = np.where(random.random((150, 2)) < 0.7, truth, 1 - truth)
    missing = random.random((150, 2)) < [0.2, 0.8]
    labels = pd.DataFrame(np.where(missing, NAN, truth), columns=["A", "B"])
    summary = sigmoid("A", "B", "C").summary(
        labels, pd.DataFrame(answers, columns=["A", "B"]).assign(C=1)
    )
    assert list(summary["per_label"]) == ["A", "B"]  # nobody annotated C
    scores = []
    for column, name in enumerate(["A", "B"]):
        known = ~missing[:, column]
        one = (truth[known, column], answers[known, column])
        scores.append((accuracy_score(*one), f1_score(*one)))
        label = summary["per_label"][name]
        assert label["n"] == known.sum()
        assert label["positive"] == one[0].sum()
        assert (label["accuracy"], label["f1"]) == pytest.approx(scores[-1])
    assert summary["n"] == (~missing).any(axis=1).sum()
    assert (summary["mean_accuracy"], summary["macro_f1"]) == pytest.approx(
        tuple(np.mean(scores, axis=0))
    )


def test_a_label_that_never_holds_has_no_part_in_the_macro_f1():
    labels = pd.DataFrame({"A": [1, 1, 0], "B": [0, 0, 0]})
    summary = sigmoid("A", "B").summary(labels, labels)
    assert summary["macro_f1"] == 1.0
    assert np.isnan(summary["per_label"]["B"]["f1"])
    assert summary["per_label"]["B"]["accuracy"] == 1.0


def test_sigmoid_of_two_classes_sums_up_as_softmax_does():
    labels = pd.DataFrame({"trait": ["no", "yes", NAN, "yes"]})
    answers = pd.DataFrame({"trait": ["no", "no", "no", "yes"]})
    two = sigmoid("trait", classes=["no", "yes"]).summary(labels, answers)
    assert two.pop("mean_accuracy") == two["accuracy"] == pytest.approx(2 / 3)
    assert two == make_head("softmax", classes=["no", "yes"]).summary(labels, answers)
