"""Are votes for classes soft labels of a softmax head, as derived by hand?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.data.labels import set_aside
from tests.head_losses import labelled_loss, make_head, metric_values

NAN = np.nan
VOTES = pd.DataFrame(
    {
        "trait": ["a", NAN, "c", NAN],
        "trait_a": [3, 1, NAN, 0],
        "trait_b": [1, 1, NAN, 0],
    }
)


def votes(**settings: Any) -> Any:
    settings = {"classes": ["a", "b", "c"], "votes": True, **settings}
    return make_head("softmax", **settings)


def test_targets_are_shares_of_the_votes_else_the_class():
    targets, weights = votes().encode(VOTES)
    assert targets.tolist() == [[0.75, 0.25, 0], [0.5, 0.5, 0], [0, 0, 1], [0, 0, 0]]
    assert weights.tolist() == [1, 1, 1, 0]
    assert targets.dtype == weights.dtype == np.float32


def test_loss_is_the_cross_entropy_with_the_shares():
    p = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [1, 0, 0]])
    value, gradient = labelled_loss(votes(), VOTES, p)
    # In units of ln 2: row 1 is 3/4 x 1 + 1/4 x 2 = 1.25, row 2 is 1/2 + 1/2 x 2 = 1.5,
    # row 3 is 1, row 4 has no label: 3.75 / 3 = 1.25.
    assert value == pytest.approx(1.25 * np.log(2), rel=1e-5)
    assert not gradient[3].any()


def test_label_smoothing_spreads_a_share_of_the_votes():
    table = pd.DataFrame({"trait_a": [3], "trait_b": [1]})
    head = votes(classes=["a", "b"], label_smoothing=0.2)
    value, _ = labelled_loss(head, table, np.array([[0.8, 0.2]]))
    # 0.8 x 3/4 + 0.1 = 0.7 to a, 0.8 x 1/4 + 0.1 = 0.3 to b.
    assert value == pytest.approx(-0.7 * np.log(0.8) - 0.3 * np.log(0.2), rel=1e-5)


def test_accuracy_compares_with_the_class_of_most_votes():
    targets, weights = votes().encode(VOTES)
    p = np.array([[0.9, 0.1, 0], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0, 1, 0]])
    # Right, wrong, right, and not labelled.
    values = metric_values(votes(), targets, weights, p.astype(np.float32))
    assert values == {"accuracy": pytest.approx(2 / 3)}


def test_strata_are_the_class_with_most_votes_and_no_tie():
    expected = [[True, False, False], [False] * 3, [False, False, True], [False] * 3]
    assert votes().strata(VOTES).values.tolist() == expected
    alone = votes().strata(VOTES.drop(columns="trait"))
    assert alone.sum().to_dict() == {"a": 1, "b": 0, "c": 0}


def test_balanced_weights_give_each_class_the_same_sum():
    head = votes()
    encoded = head.encode(VOTES)
    targets, weights = head.balanced(VOTES, encoded)
    # Shares sum to 1.25, 0.75 and 1 of 3: factors are 3 / (3 x 1.25) = 0.8, 4/3 and 1.
    np.testing.assert_allclose(weights, [0.8 * 0.75 + 1 / 3, 0.4 + 2 / 3, 1, 0])
    assert targets is encoded.targets


def test_training_starts_from_the_shares():
    head = votes(classes=["a", "b"])
    table = pd.DataFrame({"trait_a": [3000, 1000], "trait_b": [1000, 3000]})
    np.testing.assert_allclose(head.initial_bias(head.encode(table)), [np.log(0.5)] * 2)


def test_a_mirror_swaps_the_votes_of_left_and_right():
    head = votes(classes=["left", "up", "right"], mirror=[["left", "right"]])
    table = pd.DataFrame({"trait_left": [3], "trait_up": [1], "trait_right": [0]})
    mirrored = head.mirrored(head.encode(table).targets)
    assert mirrored.tolist() == [[0, 0.25, 0.75]]


def test_summary_is_over_rows_with_one_class_of_most_votes():
    answers = pd.DataFrame({"trait": ["a", "a", "b", "b"], "trait_confidence": 1.0})
    summary = votes().summary(VOTES, answers)
    assert (summary["n"], summary["accuracy"]) == (2, 0.5)


@pytest.mark.parametrize("bad", [-1, "many", np.inf])
def test_what_is_no_number_of_votes_is_refused_or_left_empty_if_rare(bad):
    rows = 30
    table = pd.DataFrame({"path": [f"{i}.jpg" for i in range(rows)], "trait_a": 1})
    table = table.assign(trait_b=pd.Series([bad, *[0] * (rows - 1)], dtype=object))
    head = votes(classes=["a", "b"])
    message = "1 cells of column 'trait_b' are no votes, first"
    with pytest.raises(UserError, match=message):
        head.encode(table)
    cleaned, faults = set_aside(table, [head])
    assert head.labelled(cleaned).tolist() == [False] + [True] * (rows - 1)
    assert faults["path"].tolist() == ["0.jpg"]


def test_votes_need_classes():
    with pytest.raises(UserError, match="has votes without classes; list the classes"):
        votes(classes=[])
