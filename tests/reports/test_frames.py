"""Do the frames behind tables and figures hold what was counted by hand?"""

import pytest
from multitask.reports import _frames
from sklearn import metrics

from tests.evaluations import (
    AGE,
    FACE,
    GENDER,
    HEADS,
    HISTORY,
    MOOD,
    by_hand,
    random_evaluation,
)


def test_a_confusion_counts_answers_by_label_like_scikit_learn(tmp_path):
    evaluation = random_evaluation(tmp_path)
    counts = _frames.confusion(MOOD, evaluation.labels, evaluation.answers)
    known = evaluation.labels["mood"].notna()
    oracle = metrics.confusion_matrix(
        evaluation.labels["mood"][known],
        evaluation.answers["mood"][known],
        labels=["glad", "sad", "so so"],
    )
    assert counts.to_numpy().tolist() == oracle.tolist()


def test_a_class_without_row_keeps_its_place_in_the_confusion():
    evaluation = by_hand()
    evaluation.labels["gender"] = ["male", None, None, "male"]
    counts = _frames.confusion(GENDER, evaluation.labels, evaluation.answers)
    assert counts.to_numpy().tolist() == [[1, 1], [0, 0]]
    assert _frames.shares(counts).to_numpy().tolist() == [[0.5, 0.5], [0.0, 0.0]]


def test_mistakes_come_worst_first():
    evaluation = by_hand()
    # 20 for 30 is off by 10; the others by 2 and 1, which is within 5.
    age = _frames.mistakes(AGE, evaluation.labels, evaluation.answers)
    assert (age.index.tolist(), age["score"].tolist()) == ([1], [10.0])
    # Smiling of b (0.55) and c (0.95), Bald of b (0.75).
    face = _frames.mistakes(FACE, evaluation.labels, evaluation.answers)
    assert list(zip(face.index, face["column"], strict=True)) == [
        (2, "Smiling"), (1, "Bald"), (1, "Smiling"),
    ]  # fmt: skip


def test_label_scores_have_the_accuracy_of_the_more_frequent_answer():
    evaluation = by_hand()
    scores = _frames.label_scores(FACE.summary(evaluation.labels, evaluation.answers))
    # Smiling is yes in 3 of 4; Bald in 1 of 3, so that always no is right in 2 of 3.
    assert scores.loc["Smiling", ["share", "baseline"]].tolist() == [0.75, 0.75]
    assert scores.loc["Bald", "baseline"] == pytest.approx(2 / 3)


def test_curves_start_with_the_loss_and_leave_out_what_is_not_there():
    curves = _frames.curves(HISTORY, HEADS)
    shown = curves.groupby(["quantity", "part"], sort=False).size()
    assert shown.index.tolist() == [
        ("loss", "train"), ("loss", "val"), ("age: loss", "train"),
        ("age: MAE", "train"), ("age: MAE", "val"), ("gender: accuracy", "train"),
    ]  # fmt: skip
    assert _frames.curves(HISTORY[["epoch"]], HEADS).empty
