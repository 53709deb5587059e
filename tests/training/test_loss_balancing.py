"""Do the rules weigh losses as their authors published?"""

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample

from multitask.contracts import catalog
from multitask.contracts.recipe import Recipe
from multitask.experiments.run import fit
from multitask.training import loss_balancing

pytestmark = pytest.mark.usefixtures("no_pictures")
HEADS = ("gender", "age:regression", "illumination")


def rule(name, heads=HEADS):
    return loss_balancing.RULES[name](catalog.heads(heads))


def tensor(*values):
    return keras.ops.convert_to_tensor(np.array(values, np.float32))


def test_uncertainty_halves_squared_errors_and_pays_for_each_variance():
    made = rule("uncertainty")
    made.log_variance.assign([0.5, -1.0, 2.0])
    total = made.total(tensor(2.0, 3.0, 0.0), tensor(1.0, 1.0, 0.0))
    # The third has no label in this batch: it neither counts nor pays.
    expected = np.exp(-0.5) * 2 + 0.25 + 0.5 * np.exp(1.0) * 3 - 0.5
    np.testing.assert_allclose(total, expected, rtol=1e-6)
    np.testing.assert_allclose(
        made.loss_weights, [np.exp(-0.5), 0.5 * np.exp(1), np.exp(-2)], rtol=1e-6
    )


def test_uncertainty_comes_to_where_a_variance_is_its_loss():
    made = rule("uncertainty")
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build([made.log_variance])
    import tensorflow as tf

    for _ in range(300):
        with tf.GradientTape() as tape:
            total = made.total(tensor(2.0, 3.0, 0.5), tensor(1.0, 1.0, 1.0))
        [slope] = tape.gradient(total, [made.log_variance])
        optimizer.apply([slope], [made.log_variance])
    # d/ds of exp(-s) L + s/2 is 0 at exp(s) = 2 L; of a squared error, at exp(s) = L.
    np.testing.assert_allclose(np.exp(made.log_variance), [4.0, 3.0, 1.0], rtol=1e-3)


def test_uncertainty_takes_a_distribution_for_classes():
    made = rule("uncertainty", ["age"])
    made.total(tensor(3.0), tensor(1.0))
    np.testing.assert_allclose(made.loss_weights, [1.0])


def test_the_dynamic_average_follows_the_last_two_epochs():
    made = rule("dwa")
    one = {"gender_loss": 2.0, "age_loss": 4.0, "illumination_loss": 1.0}
    two = {"gender_loss": 1.0, "age_loss": 4.0, "illumination_loss": 1.5}
    made.begin([])
    made.begin([one])
    np.testing.assert_allclose(made.loss_weights, 1.0)
    made.begin([one, two])
    powers = np.exp(np.array([0.5, 1.0, 1.5]) / 2)
    np.testing.assert_allclose(made.loss_weights, 3 * powers / powers.sum(), rtol=1e-6)
    total = made.total(tensor(1.0, 2.0, 4.0), tensor(1.0, 1.0, 1.0))
    expected = 3 * (powers @ [1, 2, 4]) / powers.sum()
    np.testing.assert_allclose(total, expected, rtol=1e-6)


def test_famo_follows_a_trajectory_computed_by_hand():
    made = rule("famo")
    scores, mean, square = np.zeros(3), np.zeros(3), np.zeros(3)
    before = np.array([2.0, 4.0, 1.0])
    for step in range(1, 6):
        shares = np.exp(scores) / np.exp(scores).sum()
        expected = (shares / before) / (shares / before).sum()
        total = made.total(tensor(*before), tensor(1.0, 1.0, 1.0))
        np.testing.assert_allclose(made.loss_weights, expected, rtol=1e-4)
        np.testing.assert_allclose(total, expected @ before, rtol=1e-4)
        after = before * np.array([0.5, 0.9, 1.1])  # the first one gains most
        made.update(tensor(*before), tensor(*after), tensor(1.0, 1.0, 1.0))
        gain = np.log(before) - np.log(after)
        slope = shares * (gain - shares @ gain) + 0.001 * scores
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        away = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        scores = scores - 0.025 * away[0] / (np.sqrt(away[1]) + 1e-7)
        np.testing.assert_allclose(made.scores, scores, rtol=1e-3, atol=1e-5)
        before = after
    assert scores[2] > scores[1] > scores[0]


def test_famo_leaves_out_heads_that_a_batch_has_no_label_of():
    made = rule("famo")
    known = tensor(1.0, 0.0, 1.0)
    made.total(tensor(2.0, 0.0, 1.0), known)
    np.testing.assert_allclose(made.loss_weights, [1 / 3, 0, 2 / 3], rtol=1e-5)
    # Both gain alike: nothing is known against either, and nothing of the third.
    made.update(tensor(2.0, 0.0, 1.0), tensor(1.0, 0.0, 0.5), known)
    np.testing.assert_allclose(made.scores, [0, 0, 0], atol=1e-6)
    made.update(tensor(2.0, 0.0, 1.0), tensor(1.0, 0.0, 1.0), known)
    first, second, third = made.scores.numpy()
    assert first < 0 == second < third


@pytest.mark.parametrize("name", loss_balancing.RULES)
def test_the_weights_of_an_epoch_are_the_mean_over_its_steps(name):
    made = rule(name)
    made.begin([])
    each = []
    for losses in ([2.0, 4.0, 1.0], [1.0, 2.0, 3.0]):
        made.total(tensor(*losses), tensor(1.0, 1.0, 1.0))
        made.count_step()
        each.append(made.loss_weights.numpy())
    found = made.mean_weights()
    assert list(found) == ["gender", "age", "illumination"]
    np.testing.assert_allclose(list(found.values()), np.mean(each, axis=0), rtol=1e-6)
    made.begin([])
    assert set(made.mean_weights().values()) == {0.0}


# In a training


@pytest.fixture(scope="module")
def faces(tmp_path_factory, tiny_trunk):
    folder = tmp_path_factory.mktemp("drawn") / "faces"
    sample.read(folder, count=90)
    return folder


@pytest.mark.parametrize(
    "how",
    [
        "uncertainty",
        pytest.param("dwa", marks=pytest.mark.slow),
        pytest.param("famo", marks=pytest.mark.slow),
    ],
)
def test_a_training_tells_the_weights_of_each_epoch(faces, tmp_path, how):
    settings: dict[str, Any] = {
        "heads": ("gender", "age"), "data": (f"sample={faces}",), "trunk": "tiny",
        "epochs": 3, "batch_size": 16, "precision": "float32", "balance": how,
        "learning_rate": 0.01,
    }  # fmt: skip
    run = fit(Recipe(**settings), tmp_path / "run", say=lambda line: None)
    history = pd.read_csv(run.folder / "history.csv")
    weights = history[["gender_weight", "age_weight"]]
    assert np.isfinite(weights).all(axis=None)
    changes = weights.diff().abs().sum(axis=1)
    assert changes.iloc[-1] > 0
    assert {"gender_loss", "val_gender_loss", "gender_accuracy"} <= set(history)
    # Validation is by the static weights, whatever the rule.
    [gender, age] = catalog.heads(["gender", "age"])
    np.testing.assert_allclose(
        history["val_loss"],
        gender.loss_weight * history["val_gender_loss"]
        + age.loss_weight * history["val_age_loss"],
        rtol=1e-3,
    )
