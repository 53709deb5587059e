"""Does a softmax head agree with numbers derived by hand and with scikit-learn?"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from multitask.reports import _frames
from sklearn.metrics import accuracy_score, classification_report, f1_score
from sklearn.utils.class_weight import compute_sample_weight

from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError
from multitask.contracts.table import classes_of
from tests.head_losses import labelled_loss, make_head, metric_values

NAN = np.nan


def softmax(**settings: Any) -> Any:
    return make_head("softmax", **settings)


def test_softmax_loss_is_minus_log_p_averaged_over_labelled_rows():
    table = pd.DataFrame({"trait": ["a", NAN, "c"]})
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.5, 0.25, 0.25]])
    head = softmax(classes=["a", "b", "c"])
    value, _ = labelled_loss(head, table, p)
    # (-ln 1/2 - ln 1/4) / 2 = (ln 2 + 2 ln 2) / 2
    assert value == pytest.approx(1.5 * np.log(2), rel=1e-5)


def test_softmax_accuracy_is_weighted():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]], np.float32)
    targets, weights = np.array([0, 1, 1]), np.array([1.0, 3.0, 0.0], np.float32)
    # Right with weight 1, wrong with weight 3, right but without label.
    values = metric_values(softmax(classes=["a", "b"]), targets, weights, p)
    assert values == {"accuracy": pytest.approx(0.25)}


def test_softmax_finds_its_classes_sorted_in_the_labels():
    table = pd.DataFrame({"trait": ["west", NAN, "east", "west"]})
    assert softmax().resolve(table).classes == ("east", "west")
    with pytest.raises(
        UserError, match=r"its labels have fewer than two classes: east"
    ):
        softmax().resolve(table.iloc[1:3])


def test_softmax_mirror_swaps_left_and_right_and_nothing_else():
    classes = ["frontal", "left", "right", "up"]
    head = softmax(classes=classes, mirror=[["left", "right"]])
    targets = head.encode(pd.DataFrame({"trait": classes})).targets
    np.testing.assert_array_equal(head.mirrored(targets), [0, 2, 1, 3])


def test_softmax_confidence_is_the_probability_of_the_answer():
    answers = softmax(classes=["a", "b"]).read(np.array([[0.3, 0.7], [0.9, 0.1]]))
    assert answers["trait"].tolist() == ["b", "a"]
    assert answers["trait_confidence"].tolist() == [0.7, 0.9]


def test_balanced_softmax_weights_are_scikit_learns():
    labels = ["a"] * 6 + ["b"] * 3 + ["c"]
    table = pd.DataFrame({"trait": [*labels, NAN, NAN]})
    head = softmax(classes=["a", "b", "c", "never"])
    weights = head.balanced(table, head.encode(table)).weights
    np.testing.assert_allclose(
        weights[:10], compute_sample_weight("balanced", labels), rtol=1e-6
    )


def test_softmax_summary_is_scikit_learns_over_the_labelled_rows():
    random = np.random.default_rng(7)
    classes = ["a", "b", "c", "never"]
    truth = random.choice(classes[:3], 200).astype(object)
    answers = np.where(random.random(200) < 0.6, truth, random.choice(classes, 200))
    missing = random.random(200) < 0.3
    labels = pd.DataFrame({"trait": np.where(missing, NAN, truth)}, dtype=object)
    table = pd.DataFrame({"trait": answers, "trait_confidence": 0.5})
    summary = softmax(classes=classes).summary(labels, table)
    truth, answers = truth[~missing].astype(str), answers[~missing].astype(str)
    assert summary["n"] == (~missing).sum()
    assert summary["accuracy"] == pytest.approx(accuracy_score(truth, answers))
    assert summary["macro_f1"] == pytest.approx(
        f1_score(truth, answers, average="macro", labels=["a", "b", "c"])
    )
    assert summary["classification_report"] == classification_report(
        truth, answers, labels=classes, output_dict=True, zero_division=0.0
    )


def test_label_smoothing_spreads_a_share_over_all_classes():
    table = pd.DataFrame({"trait": ["a"]})
    head = softmax(classes=["a", "b"], label_smoothing=0.2)
    value, _ = labelled_loss(head, table, np.array([[0.8, 0.2]]))
    # 0.2 of the label is halved between both: 0.9 to a, 0.1 to b.
    assert value == pytest.approx(-0.9 * np.log(0.8) - 0.1 * np.log(0.2), rel=1e-5)
    with pytest.raises(UserError, match="label_smoothing is 1.0, must be 0 or more"):
        softmax(classes=["a", "b"], label_smoothing=1)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_an_empty_cell_does_not_rename_classes_that_are_numbers(kind):
    texts = pd.DataFrame({"trait": ["10", "9", None]})
    floats = pd.DataFrame({"trait": [10.0, 9.0, NAN]})  # what pandas makes of them
    whole = pd.DataFrame({"trait": [10, 9, 9]})
    assert softmax().resolve(floats).classes == ("9", "10")
    assert softmax().resolve(whole).classes == ("9", "10")
    head = from_config("trait", {"kind": kind}).resolve(texts)
    for table in (texts, floats):
        np.testing.assert_array_equal(
            head.encode(table).targets[:2], head.encode(whole).targets[:2]
        )
        answers = pd.DataFrame({"trait": ["10", "9", "9"], "trait_confidence": 1.0})
        assert head.summary(table, answers)["accuracy"] == 1.0
        counts = _frames.confusion(head, table, answers)
        assert counts.to_numpy().tolist() == [[1, 0], [0, 1]]
    assert classes_of(pd.Series([10, "9", 9.0, None], dtype=object)) == ("10", "9")
    assert classes_of(pd.Series([10, 9, None], dtype="category")) == ("9", "10")


def test_a_prior_power_finds_more_of_a_rare_class():
    table = pd.DataFrame({"trait": ["a"] * 90 + ["b"] * 10 + [NAN] * 5})
    outputs = np.array([[0.6, 0.4], [0.9, 0.1]], np.float32)
    shares = np.array([[0.9, 0.1]], np.float32).repeat(105, axis=0)
    plain = softmax(classes=["a", "b"]).calibrate(table, shares)
    assert plain.priors == ()
    assert plain.read(outputs)["trait"].tolist() == ["a", "a"]
    head = softmax(classes=["a", "b"], prior_power=0.5)
    assert head.read(outputs)["trait"].tolist() == ["a", "a"]  # not calibrated
    head = replace(head.calibrate(table, shares), temperature=1.0)
    assert head.priors == pytest.approx((0.9, 0.1), abs=0.01)
    answers, probabilities = head.read(outputs), head.probabilities(outputs)
    assert answers["trait"].tolist() == ["b", "a"]
    # 0.4 / sqrt(0.1) against 0.6 / sqrt(0.9)
    assert answers["trait_confidence"].tolist() == pytest.approx(
        [2 / 3, 0.75], abs=0.01
    )
    assert probabilities["trait_b"].tolist() == pytest.approx([2 / 3, 0.25], abs=0.01)
    # With the power of 1, priors of the network cancel those of the labels.
    head = softmax(classes=["a", "b"], prior_power=1).calibrate(table, shares)
    same = np.array([head.priors], np.float32)
    assert head.probabilities(same).to_numpy() == pytest.approx(0.5)


def test_priors_are_only_set_where_they_say_something():
    outputs = np.array([[0.6, 0.4]] * 3, np.float32)
    table = pd.DataFrame({"trait": ["a", "a", "b"]})
    for head, labels in (
        (softmax(classes=["a", "b"], prior_power=0.3), table.assign(trait=NAN)),
        (
            softmax(classes=["a", "b"], prior_power=0.3, class_weights="balanced"),
            table,
        ),
    ):
        assert head.calibrate(labels, outputs) is head
    votes = pd.DataFrame({"trait_a": [1, 3, 0], "trait_b": [0, 1, 1], "trait": NAN})
    head = softmax(classes=["a", "b"], prior_power=0.3, votes=True)
    assert head.calibrate(votes, outputs).priors[0] == pytest.approx(2 / 3, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"prior_power": 1.5}, "prior_power is 1.5, must be from 0 to 1"),
        ({"priors": [0.5]}, "must be a number above 0 per class"),
        ({"priors": [0.5, 0]}, "must be a number above 0 per class"),
    ],
)
def test_priors_that_are_none_are_refused(settings, said):
    with pytest.raises(UserError, match=said):
        softmax(classes=["a", "b"], **settings)
