"""Does every kind of head keep the contract of `contracts.head.Head`?

These tests run over every kind that exists; a new kind needs an `Example`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import plugins
from multitask.contracts.catalog import from_config, to_config
from multitask.contracts.errors import UserError
from multitask.contracts.head import Head, Targets
from multitask.networks.answers import answer_columns, probability_columns
from tests.head_losses import batch_loss, metric_values

NAN = np.nan


@dataclass(frozen=True)
class Example:
    """A head, labels for it, and the outputs that mean its targets."""

    config: dict[str, Any]
    labels: dict[str, list[Any]]
    perfect: Callable[[np.ndarray], np.ndarray]

    @property
    def head(self) -> Any:
        return from_config("trait", self.config)

    @property
    def table(self) -> pd.DataFrame:
        rows = len(next(iter(self.labels.values())))
        paths = [f"{row}.jpg" for row in range(rows)]
        return pd.DataFrame({"path": paths, **self.labels})


AGES = {
    "trait": [31.0, NAN, 4.0, NAN, 60.0, NAN],
    "trait_low": [NAN, NAN, NAN, 20.0, NAN, NAN],
    "trait_high": [NAN, NAN, NAN, 29.0, NAN, NAN],
}


RANGE = {"low": 0, "high": 116, "unit": "years", "bands": [0, 30, 50], "within": 5}


EXAMPLES = {
    "softmax": Example(
        {"kind": "softmax", "classes": ["bad", "medium", "high"]},
        {"trait": ["high", NAN, "bad", "medium", NAN, "high"]},
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
        {"trait": ["yes", NAN, "no", "no", NAN, "yes"]},
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


def untrained_outputs(example: Example) -> np.ndarray:
    """Outputs (6, ...) of the untrained head: valid, and mostly wrong."""
    import keras

    keras.utils.set_random_seed(11)
    features = keras.Input((8,))
    model = keras.Model(features, example.head.layers(features))
    inputs = np.random.default_rng(11).normal(size=(6, 8))
    return np.asarray(model(inputs))


def masked(weights, targets):
    """Which entries of the targets nobody annotated."""
    empty = weights == 0
    return empty[:, None] if targets.ndim > empty.ndim else empty


def test_every_kind_has_an_example():
    known = {example.config["kind"] for example in EXAMPLES.values()}
    assert known >= set(plugins.names("heads"))


@every_kind
def test_targets_and_weights_have_one_row_per_picture_and_no_nan(example):
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
    answers = head.read(untrained_outputs(example))
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
def test_probabilities_are_one_per_class_and_those_of_the_answers(example):
    head, outputs = example.head, untrained_outputs(example)
    answers, table = head.read(outputs), head.probabilities(outputs)
    assert len(table) == 6
    if head.answer_type == "class":
        assert list(table) == [f"trait_{name}" for name in head.classes]
        np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-6)
        best = table.to_numpy().argmax(axis=1)
        assert answers["trait"].tolist() == [head.classes[i] for i in best]
        np.testing.assert_allclose(table.max(axis=1), answers["trait_confidence"])
    elif head.answer_type == "labels":
        assert list(table) == [f"{name}_probability" for name in head.columns]
        np.testing.assert_array_equal(table.to_numpy(), outputs)
        np.testing.assert_array_equal(table >= 0.5, answers[list(head.columns)] == 1)
    else:
        assert table.shape == (6, 0)


@every_kind
def test_columns_are_those_of_the_tables(example):
    head, outputs = example.head, untrained_outputs(example)
    for table, columns in (
        (head.read(outputs), answer_columns(head, outputs)),
        (head.probabilities(outputs), probability_columns(head, outputs)),
    ):
        assert list(table) == list(columns)
        for name, values in columns.items():
            np.testing.assert_array_equal(table[name], values)


def test_a_kind_that_says_nothing_of_probabilities_has_none():
    head = EXAMPLES["softmax"].head
    table = Head.probabilities(head, np.eye(3, dtype=np.float32))
    assert table.shape == (3, 0)


@every_kind
def test_the_settings_survive_a_round_trip_through_json(example):
    head = example.head
    stored = json.loads(json.dumps(to_config(head)))
    assert from_config("trait", stored) == head


@every_kind
def test_without_a_labelled_row_the_summary_is_n_0(example, unlabelled):
    answers = example.head.read(untrained_outputs(example)[:3])
    assert example.head.summary(unlabelled, answers) == {"n": 0}


@every_kind
def test_the_summary_is_plain_json_with_n_and_the_kinds_metric(example):
    head, table = example.head, example.table
    summary = head.summary(table, head.read(untrained_outputs(example)))
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
        model = keras.Model(features, {"trait": output})
        prediction = model(np.zeros((6, 8), np.float32))["trait"]
    finally:
        keras.config.set_dtype_policy(before)
    assert output.dtype == "float32"
    assert model.get_layer("trait").output is output
    outputs = example.perfect(example.head.encode(example.table).targets)
    assert tuple(prediction.shape) == outputs.shape


@every_kind
def test_a_batch_without_labels_has_loss_0_and_gradient_0(example):
    targets, weights = example.head.encode(example.table)
    value, gradient = batch_loss(
        example.head, targets, np.zeros_like(weights), untrained_outputs(example)
    )
    assert value == 0.0
    np.testing.assert_array_equal(gradient, 0.0)


@every_kind
def test_filled_in_targets_change_neither_loss_nor_metrics(example):
    head = example.head
    targets, weights = head.encode(example.table)
    other = np.where(masked(weights, targets), targets.max(axis=0), targets)
    outputs = untrained_outputs(example)
    assert not np.array_equal(targets, other)
    value, gradient = batch_loss(head, targets, weights, outputs)
    same, same_gradient = batch_loss(head, other, weights, outputs)
    assert value == same > 0
    np.testing.assert_array_equal(gradient, same_gradient)
    assert metric_values(head, targets, weights, outputs) == metric_values(
        head, other, weights, outputs
    )


@every_kind
def test_unlabelled_rows_do_not_scale_the_loss_down(example):
    head = example.head
    targets, weights = head.encode(example.table)
    outputs = untrained_outputs(example)
    value, _ = batch_loss(head, targets, weights, outputs)
    twice, _ = batch_loss(
        head,
        np.concatenate([targets, targets]),
        np.concatenate([weights, np.zeros_like(weights)]),
        np.concatenate([outputs, outputs]),
    )
    assert twice == pytest.approx(value, rel=1e-6)


@every_kind
def test_the_loss_is_lower_half_way_to_perfect_outputs(example):
    head = example.head
    targets, weights = head.encode(example.table)
    wrong = untrained_outputs(example)
    halfway = (example.perfect(targets) + wrong) / 2
    before, _ = batch_loss(head, targets, weights, wrong)
    after, _ = batch_loss(head, targets, weights, halfway)
    assert 0 < after < before


@every_kind
def test_training_on_a_batch_reports_the_loss_and_metrics_of_its_labels(example):
    import keras

    head = example.head
    targets, weights = head.encode(example.table)
    features = keras.Input((8,))
    model = keras.Model(features, {"trait": head.layers(features)})
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss={"trait": head.loss()},
        weighted_metrics={"trait": head.metrics()},
        run_eagerly=True,
    )
    inputs = np.linspace(-1, 1, 48, dtype=np.float32).reshape(6, 8)
    predictions = model.predict(inputs, verbose=0)["trait"]
    logs = model.train_on_batch(
        inputs, {"trait": targets}, {"trait": weights}, return_dict=True
    )
    assert logs.pop("loss") == pytest.approx(
        batch_loss(head, targets, weights, predictions)[0], rel=1e-4
    )
    expected = metric_values(head, targets, weights, predictions)
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
def test_training_starts_near_one_answer_for_all_whose_loss_is_lower(example):
    import keras

    from multitask.training.priors import start_from_labels

    head, encoded = example.head, example.head.encode(example.table)
    targets = Targets(*(np.repeat(array, 50, axis=0) for array in encoded))
    keras.utils.set_random_seed(11)
    features = keras.Input((8,))
    core = keras.Model(features, {"trait": head.layers(features)})
    inputs = np.random.default_rng(11).normal(size=(300, 8))  # unrelated to labels
    random = np.asarray(core(inputs)["trait"])
    start_from_labels(core, [head], {"trait": targets})
    first = np.asarray(core(inputs)["trait"])
    if head.initial_bias(targets) is None:
        np.testing.assert_array_equal(first, random)
        return
    assert np.isfinite(first).all()
    constant = np.asarray(core(np.zeros((1, 8)))["trait"]).repeat(300, axis=0)
    goal, near, far = (
        batch_loss(head, *targets, outputs)[0] for outputs in (constant, first, random)
    )
    assert goal < far
    assert abs(near - goal) < (far - goal) / 4


@every_kind
def test_labels_that_are_missing_do_not_move_the_start(example):
    head = example.head
    targets, weights = head.encode(example.table)
    other = np.where(masked(weights, targets), targets.max(axis=0), targets)
    assert not np.array_equal(targets, other)
    np.testing.assert_array_equal(
        head.initial_bias(Targets(targets, weights)),
        head.initial_bias(Targets(other, weights)),
    )


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
    calibrated = head.calibrate(table, untrained_outputs(example))
    assert from_config("trait", to_config(calibrated)) == calibrated
    assert (calibrated.name, calibrated.columns) == (head.name, head.columns)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"loss_weight": 0}, "trait: loss_weight is 0.0, must be a number above 0"),
        ({"loss_weight": float("inf")}, "loss_weight is inf, must be a number above 0"),
        (
            {"name": "other"},
            "head trait: has a name, 'other', that differs; leave it out",
        ),
        ({"classes": ["a", "accuracy"]}, "has a class 'accuracy', which is also a"),
        ({"kind": "regression", "high": float("inf")}, "from 0.0 to inf, low must be"),
        ({"class_weights": "some"}, "class_weights is 'some', must be 'none' or "),
        ({"clases": ["a"]}, "unknown key 'clases'; did you mean 'classes'?"),
        ({"classes": ["a"]}, "classes are a, must be two or more names, each once"),
        ({"classes": ["a", "b", "a"]}, "classes are a, b, a, must be two or more"),
        ({"columns": ["a", "b"]}, "head trait: reads 2 columns, must read one"),
        (
            {"mirror": [["left", "right"]]},
            "head trait: mirror contains 'left', which is not a class",
        ),
        ({"kind": "softmaks"}, "did you mean 'softmax'?"),
        ({"kind": "sigmoid", "columns": ["a", "a"]}, "trait: lists a label twice"),
        (
            {"kind": "sigmoid", "classes": ["a", "b", "c"]},
            "has 3 classes (a, b, c), but kind sigmoid takes two; use kind softmax",
        ),
        ({"kind": "regression", "low": 1}, "goes from 1.0 to 1.0, low must be below"),
        ({"kind": "regression", "bands": [3, 0]}, "bands are (3.0, 0.0), must ascend"),
        ({"kind": "regression", "error": "rmse"}, "error is 'rmse', must be 'mse', "),
        ({"kind": "distribution", "sigma": 0}, "sigma is 0.0, must be above 0"),
        ({"kind": "distribution", "step": 2}, "step 2.0 leaves one value, must leave"),
        (
            {"kind": "regression", "columns": ["a", "b"]},
            "head trait: reads 2 columns, must read one",
        ),
    ],
)
def test_a_wrong_setting_is_an_error_of_one_line(config, line):
    with pytest.raises(UserError) as caught:
        from_config("trait", {"kind": "softmax", **config})
    assert line in str(caught.value)


def test_a_head_without_kind_lists_the_kinds():
    with pytest.raises(UserError, match="has no kind; set kind to one of: distrib"):
        from_config("trait", {"classes": ["a", "b"]})


def test_a_name_that_is_no_identifier_is_refused():
    with pytest.raises(UserError, match="head 'a b': is not a name; use letters"):
        from_config("a b", {"kind": "softmax"})


@pytest.mark.parametrize(
    ("kind", "label", "line"),
    [
        (
            "softmax",
            "hihg",
            "1 label of column 'trait' is not among its classes, first",
        ),
        ("sigmoid of two classes", "yep", "neither no nor yes, first 'yep'; did"),
        ("regression", 130.0, "outside 0 to 116, first 130; set low and high"),
        ("distribution", "old", "1 non-numeric label in column 'trait', first 'old'"),
    ],
)
def test_a_label_that_the_head_cannot_have_is_an_error_that_names_its_column(
    kind, label, line
):
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "trait": [label, NAN]})
    with pytest.raises(UserError) as caught:
        EXAMPLES[kind].head.encode(table)
    assert line in str(caught.value)
