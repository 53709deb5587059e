"""Does a head answer what others ask of it, whatever its kind, also by default?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from multitask.heads.softmax import Softmax

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.head import (
    Head,
    Targets,
    check_classes,
    elementwise_loss,
)
from multitask.networks.answers import answer_columns, probability_columns


@dataclass(frozen=True, kw_only=True)
class Plain(Head):
    """A kind that implements no more than it must: which of two texts is it?"""

    answer_type = "class"

    def encode(self, table):
        labels = table[self.columns[0]]
        weights = labels.notna().to_numpy(np.float32)
        return Targets((labels == "yes").to_numpy(np.int32), weights)

    def strata(self, table):
        labels = table[self.columns[0]]
        return pd.DataFrame({"no": labels == "no", "yes": labels == "yes"})

    def layers(self, features):
        raise AssertionError("unused")

    def loss(self):
        raise AssertionError("unused")

    def metrics(self):
        raise AssertionError("unused")

    def read(self, outputs):
        raise AssertionError("unused")

    def summary(self, labels, answers):
        raise AssertionError("unused")


@pytest.fixture
def head():
    return Plain(name="smile")


@pytest.fixture
def table():
    return pd.DataFrame({"smile": ["yes", None, "no", "no", "no"]})


def test_a_kind_that_says_nothing_has_the_defaults_of_the_contract(head):
    assert head.columns == ("smile",)
    assert (head.loss_weight, head.class_weights) == (1.0, "none")
    assert (head.classes, head.mirror, head.unit) == ((), (), "")
    assert (head.within, head.slack, head.label_smoothing) == (0.0, 0.0, 0.0)
    assert head.squared_error is False
    assert head.label_columns == ("smile", "smile_low", "smile_high")
    assert head.where == "head smile"


def test_by_default_nothing_is_resolved_mirrored_or_calibrated(head, table):
    outputs = np.array([[0.1], [0.9]])
    assert head.resolve(table) is head
    assert head.calibrate(table, outputs) is head
    for method in (head.mirrored, head.unmirrored, head.from_probabilities):
        assert method(outputs) is outputs


def test_a_row_is_labelled_if_it_has_weight(head, table):
    assert head.labelled(table).tolist() == [True, False, True, True, True]


@pytest.mark.parametrize(
    ("weights", "labelled"),
    [
        ([0.0, 0.5, 2.0], [False, True, True]),
        ([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [False, True, True]),
    ],
)
def test_a_multi_label_row_is_labelled_by_one_label(weights, labelled):
    weights = np.array(weights, np.float32)
    mask = Targets(np.zeros_like(weights), weights).labelled
    assert mask.dtype == bool
    assert mask.tolist() == labelled


def test_a_row_with_an_interval_is_labelled(faces):
    (age,) = catalog.heads(["age"])
    assert age.labelled(faces).tolist() == [True, True, True, True, False, False]


def test_balanced_weights_are_those_of_scikit_learn(head, table):
    from sklearn.utils.class_weight import compute_sample_weight

    labelled = table["smile"].notna()
    expected = compute_sample_weight("balanced", table["smile"][labelled])
    weights = head.balanced(table, head.encode(table)).weights
    np.testing.assert_allclose(weights[labelled], expected)
    assert weights[~labelled].tolist() == [0.0]


@pytest.mark.parametrize("name", ["big smile", "grösse", "3d", ""])
def test_a_name_that_tensorflow_refuses_is_refused(name):
    with pytest.raises(UserError) as caught:
        Plain(name=name)
    assert str(caught.value) == (
        f"head {name!r}: is not a name; use letters a-z, digits and _"
    )


@pytest.mark.parametrize("weight", [0.0, -1.0, np.inf, np.nan])
def test_a_loss_weight_is_above_0(weight):
    with pytest.raises(UserError, match="^head smile: loss_weight is .*, must be a nu"):
        Plain(name="smile", loss_weight=weight)


def test_a_class_named_like_a_row_of_every_report_is_refused():
    check_classes("head smile", ("yes", "no"))
    with pytest.raises(UserError, match="has a class 'macro avg', which is also a row"):
        check_classes("head smile", ("yes", "macro avg"))


def test_an_elementwise_loss_is_the_mean_over_weights_that_are_not_0():
    import keras

    loss = elementwise_loss(lambda y_true, y_pred: keras.ops.abs(y_true - y_pred))
    zeros = np.zeros(3, np.float32)
    values = np.array([1.0, 2.0, 60.0], np.float32)
    weights = np.array([1.0, 3.0, 0.0], np.float32)
    # (1 * 1 + 3 * 2) / (1 + 3)
    assert float(loss(zeros, values, weights)) == pytest.approx(1.75)
    assert float(loss(zeros, values, zeros)) == 0.0


def test_columns_are_those_of_the_tables_of_a_kind_that_has_no_faster_ones():
    class Simple(Plain):
        def read(self, outputs):
            return pd.DataFrame({"smile": ["no", "yes"], "smile_confidence": outputs})

    head, outputs = Simple(name="smile"), np.array([0.6, 0.9])
    columns = answer_columns(head, outputs)
    assert columns["smile"].tolist() == ["no", "yes"]
    assert columns["smile_confidence"].tolist() == [0.6, 0.9]
    assert probability_columns(head, outputs) == {}


def test_a_kind_that_reads_otherwise_than_its_parent_has_columns_of_its_own():
    class Sure(Softmax):  # type: ignore[misc]
        def read(self, outputs):
            return super().read(outputs).assign(smile="yes")

    outputs = np.array([[0.9, 0.1]])
    columns = answer_columns(Sure(name="smile", classes=("no", "yes")), outputs)
    assert columns["smile"].tolist() == ["yes"]
    assert columns["smile_confidence"].tolist() == [0.9]
