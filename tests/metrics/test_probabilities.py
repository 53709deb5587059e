"""Are log loss, Brier score and curves those of scikit-learn, on masked rows?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from multitask.contracts.catalog import from_config
from multitask.metrics.curves import curves
from multitask.metrics.probabilities import (
    brier_scores,
    log_losses,
    probabilities,
    proper_scores,
    truth,
)
from multitask.networks.answers import read_all
from tests.head_losses import make_head

NAN = np.nan
MOOD = make_head("softmax", classes=["glad", "sad", "so so"])
LABELS = make_head("sigmoid", columns=["A", "B"])
TWO = make_head("sigmoid", classes=["no", "yes"])


def read(head: Any, outputs: Any) -> pd.DataFrame:
    outputs = np.asarray(outputs, np.float64)
    rows = np.arange(len(outputs))
    return read_all([head], {head.name: outputs}, rows, probabilities=True)


def random_moods(rows: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(7)
    outputs = rng.dirichlet([0.5, 0.7, 0.4], rows)
    labels = rng.choice(np.array([*MOOD.classes, None], object), rows)
    return pd.DataFrame({"trait": labels}), outputs


def test_scores_of_classes_are_scikit_learns_on_the_labelled_rows():
    labels, outputs = random_moods()
    answers = read(MOOD, outputs)
    known = labels["trait"].notna().to_numpy()
    true = labels.loc[known, "trait"]
    losses, brier = (f(MOOD, labels, answers) for f in (log_losses, brier_scores))
    assert losses is not None
    assert brier is not None
    np.testing.assert_array_equal(np.isnan(losses[:, 0]), ~known)
    expected = log_loss(true, outputs[known], labels=list(MOOD.classes))
    assert np.nanmean(losses) == pytest.approx(expected, abs=1e-9)
    expected = brier_score_loss(true, outputs[known], labels=list(MOOD.classes))
    assert np.nanmean(brier) == pytest.approx(expected, abs=1e-9)
    summary = MOOD.summary(labels, answers)
    assert summary["log_loss"] == np.nanmean(losses)
    assert summary["brier"] == np.nanmean(brier)


def test_scores_of_two_classes_are_scikit_learns():
    rng = np.random.default_rng(1)
    outputs = rng.random((200, 1))
    labels = pd.DataFrame({"trait": rng.choice(np.array(["no", "yes"]), 200)})
    found = proper_scores(TWO, labels, read(TWO, outputs))
    true = labels["trait"] == "yes"
    assert found == {
        "log_loss": pytest.approx(log_loss(true, outputs[:, 0]), abs=1e-9),
        "brier": pytest.approx(brier_score_loss(true, outputs[:, 0]), abs=1e-9),
    }


def test_scores_of_labels_are_means_over_labels_of_means_over_their_rows():
    rng = np.random.default_rng(2)
    outputs = rng.random((300, 2))
    labels = pd.DataFrame({"A": rng.integers(0, 2, 300), "B": rng.integers(0, 2, 300)})
    labels = labels.astype(float)
    labels.loc[labels.index[:100], "B"] = NAN
    found = LABELS.summary(labels, read(LABELS, outputs))
    losses = [
        log_loss(labels["A"], outputs[:, 0]),
        log_loss(labels["B"][100:], outputs[100:, 1]),
    ]
    brier = [
        brier_score_loss(labels["A"], outputs[:, 0]),
        brier_score_loss(labels["B"][100:], outputs[100:, 1]),
    ]
    assert found["log_loss"] == pytest.approx(np.mean(losses), abs=1e-9)
    assert found["brier"] == pytest.approx(np.mean(brier), abs=1e-9)


def test_a_certain_answer_that_is_wrong_has_a_finite_loss():
    labels = pd.DataFrame({"trait": ["sad"]})
    losses = log_losses(MOOD, labels, read(MOOD, [[1.0, 0.0, 0.0]]))
    assert losses == pytest.approx(-np.log(np.finfo(float).eps))


def test_without_label_or_probability_there_is_no_score():
    labels, outputs = random_moods(3)
    answers = read(MOOD, outputs)
    assert proper_scores(MOOD, labels.assign(trait=None), answers) == {}
    plain = answers[["trait", "trait_confidence"]]
    assert proper_scores(MOOD, labels, plain) == {}
    assert curves(MOOD, labels, plain) == ()
    broken = answers.assign(trait_sad=NAN)
    assert proper_scores(MOOD, labels.assign(trait="sad"), broken) == {}
    age = make_head("regression", low=0, high=9)
    assert probabilities(age, pd.DataFrame({"trait": [1.0]})) is None


def test_probabilities_are_found_under_the_name_that_was_free():
    gender = from_config("gender", {"kind": "softmax", "classes": ["male", "female"]})
    male = from_config("gender_male", {"kind": "softmax", "classes": ["no", "yes"]})
    first, second = np.array([[0.2, 0.8]]), np.array([[0.6, 0.4]])
    outputs = {"gender": first, "gender_male": second}
    answers = read_all([gender, male], outputs, np.arange(1), probabilities=True)
    np.testing.assert_array_equal(probabilities(gender, answers), first)
    np.testing.assert_array_equal(probabilities(male, answers), second)


def test_truth_is_nan_where_nobody_annotated():
    labels = pd.DataFrame({"A": [1.0, NAN], "B": [0.0, 1.0]})
    np.testing.assert_array_equal(truth(LABELS, labels), [[1, 0], [NAN, 1]])
    moods = pd.DataFrame({"trait": ["sad", None]})
    np.testing.assert_array_equal(truth(MOOD, moods), [[0, 1, 0], [NAN] * 3])


# Curves


def test_curves_are_scikit_learns_on_the_labelled_rows():
    labels, outputs = random_moods()
    found = {curve.name: curve for curve in curves(MOOD, labels, read(MOOD, outputs))}
    assert set(found) == set(MOOD.classes)
    known = labels["trait"].notna().to_numpy()
    for place, name in enumerate(MOOD.classes):
        true = (labels.loc[known, "trait"] == name).to_numpy()
        scores, curve = outputs[known, place], found[name]
        assert curve.roc_auc == pytest.approx(roc_auc_score(true, scores), abs=1e-9)
        expected = average_precision_score(true, scores)
        assert curve.average_precision == pytest.approx(expected, abs=1e-9)
        assert (curve.n, curve.n_positive) == (known.sum(), true.sum())
        fpr, tpr, _ = roc_curve(true, scores)
        assert {*zip(curve.fpr, curve.tpr, strict=True)} <= {
            *zip(fpr, tpr, strict=True)
        }
        precision, recall, _ = precision_recall_curve(true, scores)
        assert {*zip(curve.precision, curve.recall, strict=True)} <= {
            *zip(precision, recall, strict=True)
        }


def test_curves_have_at_most_200_points_from_end_to_end():
    rng = np.random.default_rng(4)
    outputs = rng.random((5000, 2))
    labels = pd.DataFrame((rng.random((5000, 2)) < outputs).astype(float))
    for curve in curves(
        LABELS, labels.set_axis(["A", "B"], axis=1), read(LABELS, outputs)
    ):
        for points in (curve.fpr, curve.tpr, curve.precision, curve.recall):
            assert len(points) <= 200
        assert (curve.fpr[0], curve.tpr[0]) == (0, 0)
        assert (curve.fpr[-1], curve.tpr[-1]) == (1, 1)
        assert (curve.recall[0], curve.precision[0]) == (0, 1)
        assert curve.recall[-1] == 1


def test_a_label_that_none_or_all_have_has_no_curve():
    labels = pd.DataFrame({"A": [1.0, 0.0, NAN], "B": [0.0, 0.0, 1.0]})
    outputs = np.array([[0.9, 0.1], [0.2, 0.1], [0.3, NAN]])
    (curve,) = curves(LABELS, labels, read(LABELS, outputs))
    assert (curve.name, curve.n, curve.n_positive) == ("A", 2, 1)
    assert curve.roc_auc == curve.average_precision == 1
