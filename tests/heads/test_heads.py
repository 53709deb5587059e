"""Does every kind of head keep the contract of `contracts.head.Head`, to the number?

The first part runs over every kind that exists; a new one needs an `Example`. The
second part holds each of ours against numbers derived by hand or by an oracle.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from multitask.reports import _frames
from sklearn.metrics import (
    accuracy_score,
    classification_report,
    f1_score,
    mean_absolute_error,
    root_mean_squared_error,
)
from sklearn.utils.class_weight import compute_sample_weight

from multitask.contracts import plugins
from multitask.contracts.catalog import from_config, to_config
from multitask.contracts.errors import UserError
from multitask.contracts.table import classes_of

NAN = np.nan


@dataclass(frozen=True)
class Example:
    """A head, labels for it, and the outputs that mean given targets."""

    config: dict[str, Any]
    labels: dict[str, list[Any]]
    perfect: Callable[[np.ndarray], np.ndarray]

    @property
    def head(self) -> Any:
        return from_config("asked", self.config)

    @property
    def table(self) -> pd.DataFrame:
        rows = len(next(iter(self.labels.values())))
        paths = [f"{row}.jpg" for row in range(rows)]
        return pd.DataFrame({"path": paths, **self.labels})


AGES = {
    "asked": [31.0, NAN, 4.0, NAN, 60.0, NAN],
    "asked_low": [NAN, NAN, NAN, 20.0, NAN, NAN],
    "asked_high": [NAN, NAN, NAN, 29.0, NAN, NAN],
}
RANGE = {"low": 0, "high": 116, "unit": "years", "bands": [0, 30, 50], "within": 5}
EXAMPLES = {
    "softmax": Example(
        {"kind": "softmax", "classes": ["bad", "medium", "high"]},
        {"asked": ["high", NAN, "bad", "medium", NAN, "high"]},
        lambda targets: np.eye(3, dtype=np.float32)[targets],
    ),
    "sigmoid": Example(
        {"kind": "sigmoid", "columns": ["Smiling", "Young", "Bald"]},
        {
            "Smiling": [1.0, 0.0, NAN, 1.0, NAN, 1.0],
            "Young": [NAN, 1.0, NAN, 0.0, 0.0, 1.0],
            "Bald": [NAN] * 6,
        },
        lambda targets: targets,
    ),
    "sigmoid of two classes": Example(
        {"kind": "sigmoid", "classes": ["no", "yes"]},
        {"asked": ["yes", NAN, "no", "no", NAN, "yes"]},
        lambda targets: targets,
    ),
    "regression": Example(
        {"kind": "regression", **RANGE}, AGES, lambda targets: targets[:, :1]
    ),
    "distribution": Example(
        {"kind": "distribution", **RANGE},
        AGES,
        lambda targets: np.eye(117, dtype=np.float32)[targets[:, 0].astype(int)],
    ),
}

every_kind = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def doubtful(example: Example) -> np.ndarray:
    """Outputs of the untrained head, one a row: valid and hardly ever right."""
    import keras

    keras.utils.set_random_seed(11)
    features = keras.Input((8,))
    model = keras.Model(features, example.head.layers(features))
    inputs = np.random.default_rng(11).normal(size=(6, 8))
    return np.asarray(model(inputs))


def loss(head, targets, weights, outputs):
    """The loss of a batch and its gradient by the outputs."""
    import tensorflow as tf

    said = tf.Variable(outputs, dtype="float32")
    with tf.GradientTape() as tape:
        value = head.loss()(tf.constant(targets), said, sample_weight=weights)
    return float(value), np.asarray(tape.gradient(value, said))


def labelled_loss(head, table, outputs):
    targets, weights = head.encode(table)
    return loss(head, targets, weights, outputs)


def measured(head, targets, weights, outputs):
    """Every metric after one batch, by its name."""
    metrics = head.metrics()
    for metric in metrics:
        metric.update_state(targets, outputs, sample_weight=weights)
    return {metric.name: float(metric.result()) for metric in metrics}


def masked(weights, targets):
    """Which entries of the targets nobody annotated."""
    empty = weights == 0
    return empty[:, None] if targets.ndim > empty.ndim else empty


# Every kind


def test_every_kind_has_an_example():
    known = {example.config["kind"] for example in EXAMPLES.values()}
    assert known >= set(plugins.names("heads"))


@every_kind
def test_targets_and_weights_have_a_row_a_picture_and_no_nan(example):
    targets, weights = example.head.encode(example.table)
    assert len(targets) == len(weights) == 6
    assert np.isfinite(targets).all()
    assert np.isfinite(weights).all()
    assert weights.dtype == np.float32


@every_kind
def test_the_weight_is_1_where_a_label_is_and_0_where_none_is(example):
    weights = example.head.encode(example.table).weights
    known = example.table[list(example.labels)].notna()
    # Either a cell each, or a row each, whatever its columns.
    cells = known.to_numpy() if weights.ndim == 2 else known.any(axis=1).to_numpy()
    np.testing.assert_array_equal(weights, cells)


@every_kind
def test_a_column_that_the_table_lacks_counts_as_empty(example, unlabelled):
    targets, weights = example.head.encode(unlabelled)
    assert not weights.any()
    assert np.isfinite(targets).all()
    assert not example.head.strata(unlabelled).to_numpy().any()


@every_kind
def test_each_labelled_answer_is_one_stratum_and_the_empty_ones_none(example):
    strata = example.head.strata(example.table)
    assert set(strata.dtypes) == {np.dtype(bool)}
    assert strata.index.equals(example.table.index)
    weights = example.head.encode(example.table).weights
    labels = weights.reshape(len(weights), -1).sum(axis=1)
    np.testing.assert_array_equal(strata.sum(axis=1), labels)


@every_kind
def test_reading_perfect_outputs_gives_back_the_labels_in_their_spelling(example):
    head, table = example.head, example.table
    answers = head.read(example.perfect(head.encode(table).targets))
    for column in head.columns:
        known = table[column].notna()
        assert answers.loc[known, column].tolist() == table.loc[known, column].tolist()


@every_kind
def test_answers_encode_to_the_targets_whose_outputs_they_are(example):
    head = example.head
    outputs = example.perfect(head.encode(example.table).targets)
    targets, weights = head.encode(head.read(outputs))
    assert (weights == 1).all()
    np.testing.assert_allclose(example.perfect(targets), outputs, atol=1e-5)


@every_kind
def test_every_answer_has_its_confidence_beside_it(example):
    head = example.head
    answers = head.read(doubtful(example))
    for column in head.columns:
        if head.answer_type == "number":
            low, high = answers[f"{column}_low"], answers[f"{column}_high"]
            # Empty where it takes a calibration to know it.
            assert not (low > high).any()
            assert not ((low < head.low) | (high > head.high)).any()
        else:
            assert answers[f"{column}_confidence"].between(0, 1).all()
    beside = 3 if head.answer_type == "number" else 2
    assert answers.shape == (6, beside * len(head.columns))


@every_kind
def test_the_settings_as_json_make_the_head_again(example):
    head = example.head
    stored = json.loads(json.dumps(to_config(head)))
    assert from_config("asked", stored) == head


@every_kind
def test_without_a_labelled_row_the_summary_is_n_0(example, unlabelled):
    answers = example.head.read(doubtful(example)[:3])
    assert example.head.summary(unlabelled, answers) == {"n": 0}


@every_kind
def test_the_summary_is_plain_json_with_n_and_the_kinds_metric(example):
    head, table = example.head, example.table
    summary = head.summary(table, head.read(doubtful(example)))
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["n"] > 0
    assert head.metric in summary


@every_kind
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_output_is_float32_and_named_as_the_head(example, policy):
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        features = keras.Input((8,))
        output = example.head.layers(features)
        model = keras.Model(features, {"asked": output})
        said = model(np.zeros((6, 8), np.float32))["asked"]
    finally:
        keras.config.set_dtype_policy(before)
    assert output.dtype == "float32"
    assert model.get_layer("asked").output is output
    outputs = example.perfect(example.head.encode(example.table).targets)
    assert tuple(said.shape) == outputs.shape


@every_kind
def test_a_batch_without_labels_has_loss_0_and_gradient_0(example):
    targets, weights = example.head.encode(example.table)
    value, gradient = loss(
        example.head, targets, np.zeros_like(weights), doubtful(example)
    )
    assert value == 0.0
    np.testing.assert_array_equal(gradient, 0.0)


@every_kind
def test_filled_in_targets_change_neither_loss_nor_metrics(example):
    head = example.head
    targets, weights = head.encode(example.table)
    other = np.where(masked(weights, targets), targets.max(axis=0), targets)
    outputs = doubtful(example)
    assert not np.array_equal(targets, other)
    value, gradient = loss(head, targets, weights, outputs)
    same, same_gradient = loss(head, other, weights, outputs)
    assert value == same > 0
    np.testing.assert_array_equal(gradient, same_gradient)
    assert measured(head, targets, weights, outputs) == measured(
        head, other, weights, outputs
    )


@every_kind
def test_unlabelled_rows_do_not_scale_the_loss_down(example):
    head = example.head
    targets, weights = head.encode(example.table)
    outputs = doubtful(example)
    value, _ = loss(head, targets, weights, outputs)
    twice, _ = loss(
        head,
        np.concatenate([targets, targets]),
        np.concatenate([weights, np.zeros_like(weights)]),
        np.concatenate([outputs, outputs]),
    )
    assert twice == pytest.approx(value, rel=1e-6)


@every_kind
def test_the_loss_is_lower_half_way_from_doubt_to_what_the_labels_say(example):
    head = example.head
    targets, weights = head.encode(example.table)
    wrong = doubtful(example)
    halfway = (example.perfect(targets) + wrong) / 2
    before, _ = loss(head, targets, weights, wrong)
    after, _ = loss(head, targets, weights, halfway)
    assert 0 < after < before


@every_kind
def test_training_on_a_batch_reports_the_loss_and_metrics_of_its_labels(example):
    import keras

    head = example.head
    targets, weights = head.encode(example.table)
    features = keras.Input((8,))
    model = keras.Model(features, {"asked": head.layers(features)})
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss={"asked": head.loss()},
        weighted_metrics={"asked": head.metrics()},
        run_eagerly=True,
    )
    inputs = np.linspace(-1, 1, 48, dtype=np.float32).reshape(6, 8)
    said = model.predict(inputs, verbose=0)["asked"]
    logs = model.train_on_batch(
        inputs, {"asked": targets}, {"asked": weights}, return_dict=True
    )
    assert logs.pop("loss") == pytest.approx(
        loss(head, targets, weights, said)[0], rel=1e-4
    )
    expected = measured(head, targets, weights, said)
    for name, value in expected.items():
        (key,) = (key for key in logs if key.endswith(name))
        assert float(logs[key]) == pytest.approx(value, rel=1e-4, abs=1e-6)


@every_kind
def test_balancing_leaves_the_empty_cells_at_0_and_the_targets_alone(example):
    head, table = example.head, example.table
    encoded = head.encode(table)
    balanced = head.balanced(table, encoded)
    np.testing.assert_array_equal(balanced.targets, encoded.targets)
    np.testing.assert_array_equal(balanced.weights == 0, encoded.weights == 0)
    assert balanced.weights.sum() == pytest.approx(encoded.weights.sum(), rel=1e-6)
    assert balanced.weights.dtype == np.float32


@every_kind
def test_a_mirrored_target_mirrored_again_is_the_target(example):
    targets = example.head.encode(example.table).targets
    twice = example.head.mirrored(example.head.mirrored(targets))
    np.testing.assert_array_equal(twice, targets)
    assert twice.dtype == targets.dtype


@every_kind
def test_settings_that_are_resolved_or_calibrated_keep_the_rest(example):
    head, table = example.head, example.table
    resolved = head.resolve(table)  # but for labels that the table has none of
    assert replace(resolved, columns=head.columns) == head
    calibrated = head.calibrate(table, doubtful(example))
    assert from_config("asked", to_config(calibrated)) == calibrated
    assert (calibrated.name, calibrated.columns) == (head.name, head.columns)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"loss_weight": 0}, "asked: loss_weight is 0.0, must be a number above 0"),
        ({"loss_weight": float("inf")}, "loss_weight is inf, must be a number above 0"),
        ({"name": "other"}, "head asked: has another name 'other'; leave it out"),
        ({"classes": ["a", "accuracy"]}, "has a class 'accuracy', a word of the"),
        ({"kind": "regression", "high": float("inf")}, "from 0.0 to inf, low must be"),
        ({"class_weights": "some"}, "class_weights is 'some', must be 'none' or "),
        ({"clases": ["a"]}, "has no key 'clases'; did you mean 'classes'?"),
        ({"classes": ["a"]}, "classes are a, must be two or more names, each once"),
        ({"classes": ["a", "b", "a"]}, "classes are a, b, a, must be two or more"),
        ({"columns": ["a", "b"]}, "head asked: reads 2 columns, must read one"),
        ({"mirror": [["left", "right"]]}, "head asked: mirror names 'left', no class"),
        ({"kind": "softmaks"}, "did you mean 'softmax'?"),
        ({"kind": "sigmoid", "columns": ["a", "a"]}, "asked: names a label twice"),
        (
            {"kind": "sigmoid", "classes": ["a", "b", "c"]},
            "has 3 classes over 1 columns, must have two over one",
        ),
        ({"kind": "regression", "low": 1}, "goes from 1.0 to 1.0, low must be below"),
        ({"kind": "regression", "bands": [3, 0]}, "bands (3.0, 0.0) must rise"),
        ({"kind": "regression", "error": "rmse"}, "error is 'rmse', must be 'mse', "),
        ({"kind": "distribution", "sigma": 0}, "sigma is 0.0, must be above 0"),
        ({"kind": "distribution", "step": 2}, "step 2.0 leaves one value, must leave"),
        (
            {"kind": "regression", "columns": ["a", "b"]},
            "head asked: reads 2 columns, must read one",
        ),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(config, line):
    with pytest.raises(UserError) as caught:
        from_config("asked", {"kind": "softmax", **config})
    assert line in str(caught.value)


def test_a_head_without_kind_lists_the_kinds():
    with pytest.raises(UserError, match="has no kind; set kind to one of: distrib"):
        from_config("asked", {"classes": ["a", "b"]})


def test_a_name_that_is_no_identifier_is_refused():
    with pytest.raises(UserError, match="head 'a b': must be a name of letters"):
        from_config("a b", {"kind": "softmax"})


@pytest.mark.parametrize(
    ("kind", "label", "line"),
    [
        ("softmax", "hihg", "1 labels of column 'asked' are no class of it, first"),
        ("sigmoid of two classes", "yep", "are neither no nor yes, first 'yep'; did"),
        ("regression", 130.0, "lie outside 0 to 116, first 130; set low and high"),
        ("distribution", "old", "are no numbers, first 'old'"),
    ],
)
def test_a_label_that_the_head_cannot_have_is_told_with_its_column(kind, label, line):
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "asked": [label, NAN]})
    with pytest.raises(UserError) as caught:
        EXAMPLES[kind].head.encode(table)
    assert line in str(caught.value)


# softmax


def softmax(**settings: Any) -> Any:
    return from_config("asked", {"kind": "softmax", **settings})


def test_softmax_loss_is_minus_log_p_averaged_over_labelled_rows():
    table = pd.DataFrame({"asked": ["a", NAN, "c"]})
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.5, 0.25, 0.25]])
    head = softmax(classes=["a", "b", "c"])
    value, _ = labelled_loss(head, table, p)
    # (-ln 1/2 - ln 1/4) / 2 = (ln 2 + 2 ln 2) / 2
    assert value == pytest.approx(1.5 * np.log(2), rel=1e-5)


def test_softmax_accuracy_is_weighted():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]], np.float32)
    targets, weights = np.array([0, 1, 1]), np.array([1.0, 3.0, 0.0], np.float32)
    # Right with weight 1, wrong with weight 3, right but without label.
    said = measured(softmax(classes=["a", "b"]), targets, weights, p)
    assert said == {"accuracy": pytest.approx(0.25)}


def test_softmax_finds_its_classes_sorted_in_the_labels():
    table = pd.DataFrame({"asked": ["west", NAN, "east", "west"]})
    assert softmax().resolve(table).classes == ("east", "west")
    with pytest.raises(UserError, match=r"finds 1 classes in its labels \(east\)"):
        softmax().resolve(table.iloc[1:3])


def test_softmax_mirror_swaps_left_and_right_and_nothing_else():
    classes = ["frontal", "left", "right", "up"]
    head = softmax(classes=classes, mirror=[["left", "right"]])
    targets = head.encode(pd.DataFrame({"asked": classes})).targets
    np.testing.assert_array_equal(head.mirrored(targets), [0, 2, 1, 3])


def test_softmax_confidence_is_the_probability_of_the_answer():
    answers = softmax(classes=["a", "b"]).read(np.array([[0.3, 0.7], [0.9, 0.1]]))
    assert answers["asked"].tolist() == ["b", "a"]
    assert answers["asked_confidence"].tolist() == [0.7, 0.9]


def test_balanced_softmax_weights_are_scikit_learns():
    labels = ["a"] * 6 + ["b"] * 3 + ["c"]
    table = pd.DataFrame({"asked": [*labels, NAN, NAN]})
    head = softmax(classes=["a", "b", "c", "never"])
    weights = head.balanced(table, head.encode(table)).weights
    np.testing.assert_allclose(
        weights[:10], compute_sample_weight("balanced", labels), rtol=1e-6
    )


def test_softmax_summary_is_scikit_learns_over_the_labelled_rows():
    random = np.random.default_rng(7)
    classes = ["a", "b", "c", "never"]
    truth = random.choice(classes[:3], 200).astype(object)
    said = np.where(random.random(200) < 0.6, truth, random.choice(classes, 200))
    missing = random.random(200) < 0.3
    labels = pd.DataFrame({"asked": np.where(missing, NAN, truth)}, dtype=object)
    answers = pd.DataFrame({"asked": said, "asked_confidence": 0.5})
    summary = softmax(classes=classes).summary(labels, answers)
    truth, said = truth[~missing].astype(str), said[~missing].astype(str)
    assert summary["n"] == (~missing).sum()
    assert summary["accuracy"] == pytest.approx(accuracy_score(truth, said))
    assert summary["macro_f1"] == pytest.approx(
        f1_score(truth, said, average="macro", labels=["a", "b", "c"])
    )
    assert summary["classification_report"] == classification_report(
        truth, said, labels=classes, output_dict=True, zero_division=0.0
    )


# sigmoid


def test_label_smoothing_spreads_a_share_over_all_classes():
    table = pd.DataFrame({"asked": ["a"]})
    head = softmax(classes=["a", "b"], label_smoothing=0.2)
    value, _ = labelled_loss(head, table, np.array([[0.8, 0.2]]))
    # 0.2 of the label is halved between both: 0.9 to a, 0.1 to b.
    assert value == pytest.approx(-0.9 * np.log(0.8) - 0.1 * np.log(0.2), rel=1e-5)
    with pytest.raises(UserError, match="label_smoothing is 1.0, must be from 0"):
        softmax(classes=["a", "b"], label_smoothing=1)


def sigmoid(*columns: str, **settings: Any) -> Any:
    return from_config("asked", {"kind": "sigmoid", "columns": columns, **settings})


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
    said = measured(sigmoid("A", "B"), targets, weights, p)
    assert said == {"accuracy": pytest.approx(0.5)}


def test_sigmoid_answers_are_1_and_0_with_the_probability_of_what_is_said():
    answers = sigmoid("A", "B").read(np.array([[0.75, 0.25], [0.5, 1.0]]))
    assert answers["A"].tolist() == [1, 1]
    assert answers["B"].tolist() == [0, 1]
    assert answers["A_confidence"].tolist() == [0.75, 0.5]
    assert answers["B_confidence"].tolist() == [0.75, 1.0]


def test_sigmoid_over_text_finds_its_two_classes():
    table = pd.DataFrame({"asked": ["yes", NAN, "no"]})
    head = sigmoid().resolve(table)
    assert (head.classes, head.answer_type) == (("no", "yes"), "class")
    np.testing.assert_array_equal(head.encode(table).targets, [[1], [0], [0]])


def test_sigmoid_takes_yes_and_no_as_booleans_too():
    table = pd.DataFrame({"A": [True, NAN, False]}, dtype=object)
    targets, weights = sigmoid("A").encode(table)
    np.testing.assert_array_equal(targets, [[1], [0], [0]])
    np.testing.assert_array_equal(weights, [[1], [0], [1]])


def test_sigmoid_refuses_celebas_minus_1():
    with pytest.raises(UserError, match=r"neither 0 nor 1, first -1"):
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


def test_sigmoid_summary_is_scikit_learns_for_each_label_where_it_is_known():
    random = np.random.default_rng(3)
    truth = random.integers(0, 2, (150, 2))
    said = np.where(random.random((150, 2)) < 0.7, truth, 1 - truth)
    missing = random.random((150, 2)) < [0.2, 0.8]
    labels = pd.DataFrame(np.where(missing, NAN, truth), columns=["A", "B"])
    summary = sigmoid("A", "B", "C").summary(
        labels, pd.DataFrame(said, columns=["A", "B"]).assign(C=1)
    )
    assert list(summary["per_label"]) == ["A", "B"]  # nobody annotated C
    scores = []
    for column, name in enumerate(["A", "B"]):
        known = ~missing[:, column]
        one = (truth[known, column], said[known, column])
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


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_an_empty_cell_does_not_rename_classes_that_are_numbers(kind):
    texts = pd.DataFrame({"asked": ["10", "9", None]})
    floats = pd.DataFrame({"asked": [10.0, 9.0, NAN]})  # what pandas makes of them
    whole = pd.DataFrame({"asked": [10, 9, 9]})
    assert softmax().resolve(floats).classes == ("9", "10")
    assert softmax().resolve(whole).classes == ("9", "10")
    head = from_config("asked", {"kind": kind}).resolve(texts)
    for table in (texts, floats):
        np.testing.assert_array_equal(
            head.encode(table).targets[:2], head.encode(whole).targets[:2]
        )
        answers = pd.DataFrame({"asked": ["10", "9", "9"], "asked_confidence": 1.0})
        assert head.summary(table, answers)["accuracy"] == 1.0
        counts = _frames.confusion(head, table, answers)
        assert counts.to_numpy().tolist() == [[1, 0], [0, 1]]
    assert classes_of(pd.Series([10, "9", 9.0, None], dtype=object)) == ("10", "9")
    assert classes_of(pd.Series([10, 9, None], dtype="category")) == ("9", "10")


def test_sigmoid_of_two_classes_sums_up_as_softmax_does():
    labels = pd.DataFrame({"asked": ["no", "yes", NAN, "yes"]})
    answers = pd.DataFrame({"asked": ["no", "no", "no", "yes"]})
    two = sigmoid("asked", classes=["no", "yes"]).summary(labels, answers)
    assert two.pop("mean_accuracy") == two["accuracy"] == pytest.approx(2 / 3)
    assert two == softmax(classes=["no", "yes"]).summary(labels, answers)


# distribution

P = np.array([[0.06, 0.06, 0.7, 0.12, 0.06]], np.float32)  # of the values 0 to 4


def distribution(**settings: Any) -> Any:
    return from_config(
        "asked", {"kind": "distribution", "low": 0, "high": 4, "sigma": 1, **settings}
    )


def test_distribution_loss_of_a_number_is_cross_entropy_and_weighted_error():
    head = distribution(expectation_weight=0.5)
    targets, weights = head.encode(pd.DataFrame({"asked": [1.0]}))
    near = np.exp(-((np.arange(5) - 1.0) ** 2) / 2)
    entropy = -(near / near.sum() * np.log(P[0])).sum()
    # The expectation is 0.06 + 2 x 0.7 + 3 x 0.12 + 4 x 0.06 = 2.06.
    value, _ = loss(head, targets, weights, P)
    assert value == pytest.approx(entropy + 0.5 * (2.06 - 1), rel=1e-5)


@pytest.mark.parametrize(
    ("low", "high", "mass"),
    [
        (1.0, 3.0, 0.06 + 0.7 + 0.12),
        (0.0, 1.0, 0.12),
        (2.6, 3.4, 0.12),  # between values counts half a step each way
        (0.0, 4.0, 1.0),
    ],
)
def test_distribution_loss_of_an_interval_is_minus_log_of_the_mass_inside(
    low, high, mass
):
    head = distribution()
    table = pd.DataFrame({"asked_low": [low], "asked_high": [high]})
    value, _ = labelled_loss(head, table, P)
    assert value == pytest.approx(-np.log(mass), rel=1e-5, abs=1e-6)


def test_distribution_loss_averages_numbers_and_intervals_over_labelled_rows():
    head = distribution()
    table = pd.DataFrame(
        {
            "asked": [1.0, NAN, NAN],
            "asked_low": [NAN, 1.0, NAN],
            "asked_high": [NAN, 3.0, NAN],
        }
    )
    targets, weights = head.encode(table)
    single = [
        loss(head, targets[[row]], weights[[row]], P)[0] for row in range(len(table))
    ]
    value, _ = loss(head, targets, weights, np.repeat(P, 3, axis=0))
    assert value == pytest.approx((single[0] + single[1]) / 2, rel=1e-5)


def test_distribution_of_no_mass_where_it_should_be_still_has_a_finite_loss():
    sure = np.eye(5, dtype=np.float32)[[0]]
    head = distribution()
    for table in (
        pd.DataFrame({"asked": [4.0]}),
        pd.DataFrame({"asked_low": [2.0], "asked_high": [4.0]}),
    ):
        value, gradient = labelled_loss(head, table, sure)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_distribution_answer_is_the_expectation_and_the_central_80_percent():
    answers = distribution().read(P)
    # The mass up to each value is 0.06, 0.12, 0.82, 0.94, 1: it passes 10% at the
    # value 1 and 90% at the value 3.
    assert answers["asked"][0] == pytest.approx(2.06, rel=1e-5)
    assert (answers["asked_low"][0], answers["asked_high"][0]) == (1.0, 3.0)


def test_distribution_error_is_weighted_and_0_inside_an_interval():
    ends = np.array([[1, 1], [2, 3], [4, 4]], np.float32)
    weights = np.array([1, 1, 0], np.float32)
    # |2.06 - 1| and, between 2 and 3, 0.
    said = measured(distribution(), ends, weights, np.repeat(P, 3, axis=0))
    assert said == {"mae": pytest.approx(1.06 / 2, rel=1e-5)}


def test_distribution_values_go_by_step_up_to_high():
    head = distribution(high=1, step=0.1)
    np.testing.assert_allclose(head.values, np.linspace(0, 1, 11))


# regression and what both kinds of number share


def regression(**settings: Any) -> Any:
    return from_config(
        "asked", {"kind": "regression", "low": 0, "high": 10, **settings}
    )


@pytest.mark.parametrize(
    ("error", "far", "near"),
    [
        # Said 6 and 4.5 for 4, in shares of the range of 10: 0.2 and 0.05.
        ("mse", 0.2**2, 0.05**2),
        ("mae", 0.2, 0.05),
        # Huber bends at 0.1: 0.1 x (0.2 - 0.05), and 0.05 squared by 2.
        ("huber", 0.015, 0.00125),
    ],
)
def test_regression_loss_is_the_error_in_shares_of_the_range(error, far, near):
    head = regression(error=error)
    table = pd.DataFrame({"asked": [4.0, 4.0, NAN]})
    outputs = np.array([[6.0], [4.5], [9.0]])
    value, _ = labelled_loss(head, table, outputs)
    assert value == pytest.approx((far + near) / 2, rel=1e-5)


def test_regression_loss_is_0_inside_an_interval_and_the_distance_outside():
    head = regression(error="mae")
    table = pd.DataFrame({"asked_low": [4.0] * 3, "asked_high": [6.0] * 3})
    value, _ = labelled_loss(head, table, np.array([[5.0], [3.0], [8.0]]))
    assert value == pytest.approx((0 + 0.1 + 0.2) / 3, rel=1e-5)


def test_regression_error_is_weighted():
    ends = np.array([[4, 4], [4, 4], [0, 0]], np.float32)
    outputs = np.array([[6], [4.5], [9]], np.float32)
    said = measured(regression(), ends, np.array([1.0, 3.0, 0.0]), outputs)
    assert said == {"mae": pytest.approx((2 + 3 * 0.5) / 4)}


def test_regression_outputs_lie_within_the_range():
    import keras

    features = keras.Input((1,))
    model = keras.Model(features, regression(low=5).layers(features))
    model.get_layer("asked_unit").set_weights([np.ones((1, 1)), np.zeros(1)])
    said = model(np.array([[-100.0], [0.0], [100.0]]))
    # The sigmoid is 0, 1/2 and 1.
    np.testing.assert_allclose(said, [[5.0], [7.5], [10.0]], rtol=1e-5)


def test_regression_calibrates_to_the_10_and_90_percent_points_of_the_residuals():
    truth = np.array([*np.arange(11.0), NAN])  # 0 to 10
    outputs = np.array([[5.0]] * 12)
    head = regression().calibrate(pd.DataFrame({"asked": truth}), outputs)
    # Truth minus 5 is -5 to 5 in steps of 1, so the points are -4 and 4.
    assert head.residuals == pytest.approx((-4.0, 4.0))
    answers = head.read(np.array([[5.0], [9.0]]))
    assert answers["asked_low"].tolist() == pytest.approx([1.0, 5.0])
    assert answers["asked_high"].tolist() == pytest.approx([9.0, 10.0])  # not 13


def test_regression_without_labels_stays_uncalibrated(unlabelled):
    head = regression().calibrate(unlabelled, np.zeros((3, 1)))
    assert head == regression()
    # No interval is known then, which is not one of no width.
    labels = pd.DataFrame({"asked": [7.0, 8.0]})
    answers = head.read(np.array([[7.0], [9.0]]))
    assert answers["asked_low"].isna().all()
    assert answers["asked_high"].isna().all()
    summary = head.summary(labels, answers)
    assert summary["mae"] == pytest.approx(0.5)
    assert "coverage_80" not in summary


def test_balanced_numbers_weigh_their_bands_as_scikit_learn_weighs_classes():
    ages = [1.0, 2.0, 2.0, 5.0, 7.0, 9.0]
    table = pd.DataFrame({"asked": [*ages, NAN]})
    head = regression(bands=[0, 3, 8])
    bands = np.digitize(ages, [3, 8])  # a band's lower end belongs to it
    weights = head.balanced(table, head.encode(table)).weights
    np.testing.assert_allclose(
        weights, [*compute_sample_weight("balanced", bands), 0.0], rtol=1e-6
    )


def test_a_number_on_a_bands_edge_is_in_the_upper_band():
    table = pd.DataFrame({"asked": [2.9, 3.0, 10.0]})
    strata = regression(bands=[0, 3, 8]).strata(table)
    assert strata.idxmax(axis=1).tolist() == ["0+", "3+", "8+"]


def test_an_interval_is_cut_to_the_range_and_an_exact_label_wins_over_it():
    table = pd.DataFrame(
        {"asked": [NAN, 5.0], "asked_low": [8.0, 1.0], "asked_high": [99.0, 9.0]}
    )
    targets, weights = regression().encode(table)
    np.testing.assert_array_equal(targets, [[8, 10], [5, 5]])
    np.testing.assert_array_equal(weights, [1, 1])


def test_number_summary_is_scikit_learns_over_exact_labels_and_counts_intervals():
    random = np.random.default_rng(5)
    truth, said = random.uniform(0, 10, 100), random.uniform(0, 10, 100)
    missing = random.random(100) < 0.4
    labels = pd.DataFrame({"asked": np.where(missing, NAN, truth)})
    labels["asked_low"], labels["asked_high"] = NAN, NAN
    labels.loc[labels.index[missing][:2], ["asked_low", "asked_high"]] = [2.0, 4.0]
    said[np.flatnonzero(missing)[:2]] = [3.0, 5.0]  # inside, outside
    answers = pd.DataFrame(
        {"asked": said, "asked_low": said - 1, "asked_high": said + 1}
    )
    summary = regression(bands=[0, 5], within=2).summary(labels, answers)
    truth, said = truth[~missing], said[~missing]
    error = np.abs(said - truth)
    young = truth < 5
    assert summary.pop("bands") == {
        "0+": {"n": young.sum(), "mae": pytest.approx(error[young].mean())},
        "5+": {"n": (~young).sum(), "mae": pytest.approx(error[~young].mean())},
    }
    assert summary == pytest.approx(
        {
            "n": len(truth),
            "mae": mean_absolute_error(truth, said),
            "rmse": root_mean_squared_error(truth, said),
            "bias": (said - truth).mean(),
            "within": 2.0,
            "within_share": (error <= 2).mean(),
            "coverage_80": (error <= 1).mean(),
            "interval_n": 2,
            "interval_accuracy": 0.5,
        }
    )


def test_distribution_is_read_by_the_power_that_errs_least_on_the_labels():
    # Half of the mass at 2, the rest spread over 6 and 8: the expectation is 4.5, far
    # from the label 2; sharpened, the mass at 2 outweighs the tail.
    head = from_config(
        "asked", {"kind": "distribution", "low": 0, "high": 8, "step": 2}
    )
    outputs = np.array([[0.0, 0.5, 0.0, 0.25, 0.25]])
    assert head.read(outputs)["asked"][0] == pytest.approx(4.5)
    sharp: Any = head.calibrate(pd.DataFrame({"asked": [2.0]}), outputs)
    assert sharp.sharpness == 2.5
    tail = 2 * 0.25**2.5
    expected = (2 * 0.5**2.5 + 7 * tail) / (0.5**2.5 + tail)
    assert sharp.read(outputs)["asked"][0] == pytest.approx(expected)
    # A label at the expectation itself wants no sharpening; none, none either.
    same = head.calibrate(pd.DataFrame({"asked": [4.5]}), outputs)
    assert same == head
    assert head.calibrate(pd.DataFrame({"path": ["a"]}), outputs) == head
