"""Are thresholds the best ones by their rule, and is it told where none is?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from multitask.contracts.errors import UserError
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.recipe_texts import ThresholdRule, parse_thresholds
from multitask.metrics.assessment import assess
from multitask.metrics.thresholds import choose, choose_all, measured
from multitask.networks.answers import read_all
from tests.head_losses import make_head

NAN = np.nan
TRUE = np.array([0, 0, 1, 0, 1, 1, 0, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])


def rule(text: str) -> ThresholdRule:
    found = parse_thresholds(text)
    assert found
    return found


def read(head: Any, outputs: Any) -> pd.DataFrame:
    rows = np.arange(len(outputs))
    return read_all([head], {head.name: np.asarray(outputs)}, rows, probabilities=True)


@pytest.mark.parametrize(
    ("text", "value", "reached"),
    [
        # From .3 on, 4 of 6 are yes, and all 4 yes are found: 2 x 4 / (6 + 4).
        ("f1", 0.25, 0.8),
        # From .6 on, 3 of 4, with a recall of 3/4; .9 alone has 1 of 1.
        ("precision=0.75", 0.5, 0.75),
        ("precision=0.9", 0.85, 1.0),
        ("recall=1", 0.25, 1.0),
        ("recall=0.7", 0.5, 0.75),
    ],
)
def test_thresholds_by_hand(text, value, reached):
    # Half way to the next score below, but .5 itself if it is between them.
    assert choose(rule(text), TRUE, SCORES) == pytest.approx((value, reached))


def test_a_precision_of_few_answers_does_not_count():
    assert choose(rule("precision=0.9"), TRUE, SCORES, 3) == (0.5, 0.75)


def test_no_other_threshold_is_better_by_the_rule():
    rng = np.random.default_rng(6)
    scores = rng.random(300)
    true = (rng.random(300) < scores**3).astype(int)
    cuts = np.unique(scores)
    answers = [scores >= cut for cut in cuts]
    f1 = choose(rule("f1"), true, scores)
    best = max(f1_score(true, yes) for yes in answers)
    assert f1.reached == pytest.approx(best)
    assert f1_score(true, scores >= f1.value) == pytest.approx(best)
    exact = choose(rule("precision=0.7"), true, scores)
    recalls = [
        recall_score(true, yes) for yes in answers if precision_score(true, yes) >= 0.7
    ]
    assert recall_score(true, scores >= exact.value) == pytest.approx(max(recalls))
    wide = choose(rule("recall=0.9"), true, scores)
    precisions = [
        precision_score(true, yes) for yes in answers if recall_score(true, yes) >= 0.9
    ]
    found = precision_score(true, scores >= wide.value)
    assert found == pytest.approx(max(precisions))


def test_what_can_not_be_reached_is_told_with_the_nearest():
    head = make_head("sigmoid", columns=["A", "B", "C"])
    true = np.tile([1.0, 0.0], 20)
    labels = pd.DataFrame({"A": true, "B": true, "C": true})
    labels.loc[labels.index[:25], "C"] = NAN  # 7 yes and 8 no are left
    outputs = np.stack([true * 0.8 + 0.1, 1 - true * 0.8, true], axis=1)
    found = choose_all(rule("precision=0.9"), head, labels, read(head, outputs))
    assert found.values == pytest.approx({"A": 0.5, "B": 0.1, "C": 0.5})
    assert found.notes == (
        "trait: no threshold reaches a precision of 0.9 in the validation part; the "
        "nearest was taken for B (0.500).",
        "trait: a threshold of 0.5 was kept for labels with fewer than 10 yes or no in "
        "the validation part: C (7 yes, 8 no).",
    )


def test_a_head_with_thresholds_answers_by_them():
    head = make_head("sigmoid", columns=["A", "B"])
    outputs = np.array([[0.3, 0.3], [0.1, 0.9]])
    assert head.read(outputs)["A"].tolist() == [0, 0]
    chosen = head.with_thresholds({"A": 0.2})
    assert chosen.thresholds == (0.2, 0.5)
    answers = chosen.read(outputs)
    assert answers["A"].tolist() == [1, 0]
    # The probability of the answer, whatever the threshold.
    assert answers["A_confidence"].tolist() == pytest.approx([0.3, 0.9])
    assert chosen.probabilities(outputs)["A_probability"].tolist() == [0.3, 0.1]
    one = chosen.resolve(pd.DataFrame({"A": [NAN, NAN], "B": [1.0, 0.0]}))
    assert (one.columns, one.thresholds) == (("B",), (0.5,))
    two = make_head("sigmoid", classes=["no", "yes"])
    assert two.with_thresholds({"trait": 0.2}) == two


def test_a_threshold_of_0_answers_yes_throughout():
    """Saturated units give a probability of exactly 0, to which a label may be yes."""
    true, scores = np.array([0.0, 1, 1, 1]), np.zeros(4, np.float32)
    choice = choose(ThresholdRule(score="f1"), true, scores)
    assert choice.value == 0
    head = make_head("sigmoid", columns=["A"]).with_thresholds({"A": choice.value})
    assert head.read(scores[:, None])["A"].tolist() == [1, 1, 1, 1]
    assert head.uncalibrated().thresholds == (0.0,)


def test_a_head_is_not_called_useless_because_of_its_thresholds():
    # Of 200, 40 are yes, with a probability of .9, the others have .1. A threshold of
    # .05 answers yes to all, which is right for 40; no for all would be for 160.
    yes = np.arange(200) < 40
    labels = pd.DataFrame({"path": [*map(str, range(200))], "A": yes.astype(float)})
    labels["race"] = np.repeat(["white", "black"], [20, 180])
    head = make_head("sigmoid", columns=["A"]).with_thresholds({"A": 0.05})
    answers = read(head, np.where(yes, 0.9, 0.1)[:, None])
    one = assess(
        Evaluation(
            title="by hand", split="test", labels=labels, answers=answers, heads=(head,)
        )
    ).heads[head.name]
    assert (one.scores["mean_accuracy"].value, one.at_half) == (0.2, 1.0)
    assert one.is_useful is True
    assert one.useless_labels == ()
    assert "right 20 times in 100 (1" in one.sentence
    assert "with the thresholds chosen, 100 with .5; a constant" in one.sentence
    assert not any(map(one.is_useless_for, one.subgroups))
    assert "would be right 80 times" in one.sentence


def test_thresholds_are_measured_beside_the_usual_one():
    head = make_head("sigmoid", columns=["A", "B", "C"], thresholds=[0.25, 0.5, 0.5])
    outputs = np.stack([SCORES, SCORES, SCORES], axis=1)
    labels = pd.DataFrame({"A": TRUE.astype(float), "B": 0.0, "C": NAN})
    first, second = measured(head, labels, read(head, outputs))
    assert (first.label, first.value) == ("A", 0.25)
    assert (first.precision, first.recall) == pytest.approx((4 / 6, 1.0))
    assert first.f1 == pytest.approx(0.8)
    half = {"precision": 3 / 4, "recall": 3 / 4, "f1": 3 / 4}
    assert first.at_half == pytest.approx(half)
    assert (second.label, second.precision) == ("B", 0.0)
    assert np.isnan(second.recall)
    assert np.isnan(second.f1)
    assert measured(head.with_thresholds({}), labels, read(head, outputs)[["A"]]) == ()
    plain = make_head("sigmoid", columns=["A", "B", "C"])
    assert measured(plain, labels, read(plain, outputs)) == ()


@pytest.mark.parametrize(
    "text", ["f2", "f1=0.5", "precision", "precision=x", "recall=0", "precision=1.2"]
)
def test_a_rule_that_is_none_is_refused(text):
    with pytest.raises(
        UserError, match="^--thresholds: is .*, must be f1, precision=X"
    ):
        parse_thresholds(text)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"columns": ["A", "B"], "thresholds": [0.5]}, "has 1 threshold; give one per"),
        ({"columns": ["A"], "thresholds": [1.0]}, "has a threshold of 1.0, must be"),
        ({"classes": ["a", "b"], "thresholds": [0.5]}, "or none if there are classes"),
    ],
)
def test_thresholds_that_are_none_are_refused(settings, line):
    with pytest.raises(UserError, match=line):
        make_head("sigmoid", **settings)
