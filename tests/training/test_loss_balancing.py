"""Do the rules weight losses as their authors published?"""

import keras
import numpy as np
import pytest

from multitask.contracts import catalog
from multitask.contracts.recipe import choices
from multitask.training import loss_balancing
from tests.training import small

HEADS = ("gender", "age:regression", "illumination")


def rule(name, heads=HEADS):
    return loss_balancing.RULES[name](catalog.heads(heads))


def tensor(*values):
    return keras.ops.convert_to_tensor(np.array(values, np.float32))


def test_there_is_a_rule_for_each_balance_that_a_recipe_can_name():
    names = (loss_balancing.STATIC, *loss_balancing.RULES)
    assert names == choices("balance")


def test_uncertainty_halves_squared_errors_and_adds_each_variance():
    balance = rule("uncertainty")
    balance.log_variance.assign([0.5, -1.0, 2.0])
    total = balance.total(tensor(2.0, 3.0, 0.0), tensor(1.0, 1.0, 0.0))
    # The third has no label in this batch: it has no part in the sum.
    expected = np.exp(-0.5) * 2 + 0.25 + 0.5 * np.exp(1.0) * 3 - 0.5
    np.testing.assert_allclose(total, expected, rtol=1e-6)
    np.testing.assert_allclose(
        balance.loss_weights, [np.exp(-0.5), 0.5 * np.exp(1), np.exp(-2)], rtol=1e-6
    )


def test_uncertainty_settles_where_a_variance_is_its_loss():
    balance = rule("uncertainty")
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build([balance.log_variance])
    import tensorflow as tf

    for _ in range(300):
        with tf.GradientTape() as tape:
            total = balance.total(tensor(2.0, 3.0, 0.5), tensor(1.0, 1.0, 1.0))
        [slope] = tape.gradient(total, [balance.log_variance])
        optimizer.apply([slope], [balance.log_variance])
    # d/ds of exp(-s) L + s/2 is 0 at exp(s) = 2 L; of a squared error, at exp(s) = L.
    np.testing.assert_allclose(np.exp(balance.log_variance), [4.0, 3.0, 1.0], rtol=1e-3)
    # Halved or not, a loss L ends with the weight 1 / (2 L).
    np.testing.assert_allclose(balance.loss_weights, [1 / 4, 1 / 6, 1 / 1], rtol=1e-3)


def test_uncertainty_takes_a_distribution_for_classes():
    balance = rule("uncertainty", ["age"])
    balance.total(tensor(3.0), tensor(1.0))
    np.testing.assert_allclose(balance.loss_weights, [1.0])


def test_the_dynamic_average_follows_the_last_two_epochs():
    balance = rule("dwa")
    one = {"gender_loss": 2.0, "age_loss": 4.0, "illumination_loss": 1.0}
    two = {"gender_loss": 1.0, "age_loss": 4.0, "illumination_loss": 1.5}
    balance.begin([])
    balance.begin([one])
    np.testing.assert_allclose(balance.loss_weights, 1.0)
    balance.begin([one, two])
    powers = np.exp(np.array([0.5, 1.0, 1.5]) / 2)
    np.testing.assert_allclose(
        balance.loss_weights, 3 * powers / powers.sum(), rtol=1e-6
    )
    total = balance.total(tensor(1.0, 2.0, 4.0), tensor(1.0, 1.0, 1.0))
    expected = 3 * (powers @ [1, 2, 4]) / powers.sum()
    np.testing.assert_allclose(total, expected, rtol=1e-6)


def test_famo_follows_a_trajectory_computed_by_hand():
    balance = rule("famo")
    scores, mean, square = np.zeros(3), np.zeros(3), np.zeros(3)
    before = np.array([2.0, 4.0, 1.0])
    for step in range(1, 6):
        shares = np.exp(scores) / np.exp(scores).sum()
        expected = (shares / before) / (shares / before).sum()
        total = balance.total(tensor(*before), tensor(1.0, 1.0, 1.0))
        np.testing.assert_allclose(balance.loss_weights, expected, rtol=1e-4)
        np.testing.assert_allclose(total, expected @ before, rtol=1e-4)
        after = before * np.array([0.5, 0.9, 1.1])  # the first one gains most
        balance.update(tensor(*before), tensor(*after), tensor(1.0, 1.0, 1.0))
        gain = np.log(before) - np.log(after)
        slope = shares * (gain - shares @ gain) + 0.001 * scores
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        away = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        scores = scores - 0.025 * away[0] / (np.sqrt(away[1]) + 1e-7)
        np.testing.assert_allclose(balance.scores, scores, rtol=1e-3, atol=1e-5)
        before = after
    assert scores[2] > scores[1] > scores[0]


def test_famo_leaves_out_heads_that_a_batch_has_no_label_of():
    balance = rule("famo")
    labelled = tensor(1.0, 0.0, 1.0)
    balance.total(tensor(2.0, 0.0, 1.0), labelled)
    np.testing.assert_allclose(balance.loss_weights, [1 / 3, 0, 2 / 3], rtol=1e-5)
    # Both gain alike: nothing is known against either, and nothing of the third.
    balance.update(tensor(2.0, 0.0, 1.0), tensor(1.0, 0.0, 0.5), labelled)
    np.testing.assert_allclose(balance.scores, [0, 0, 0], atol=1e-6)
    balance.update(tensor(2.0, 0.0, 1.0), tensor(1.0, 0.0, 1.0), labelled)
    first, second, third = balance.scores.numpy()
    assert first < 0 == second < third


@pytest.mark.parametrize("name", loss_balancing.RULES)
def test_the_weights_of_an_epoch_are_the_mean_over_its_steps(name):
    balance = rule(name)
    balance.begin([])
    each = []
    for losses in ([2.0, 4.0, 1.0], [1.0, 2.0, 3.0]):
        balance.total(tensor(*losses), tensor(1.0, 1.0, 1.0))
        balance.count_step()
        each.append(balance.loss_weights.numpy())
    means = balance.mean_weights()
    assert list(means) == ["gender", "age", "illumination"]
    np.testing.assert_allclose(list(means.values()), np.mean(each, axis=0), rtol=1e-6)
    balance.begin([])
    assert set(balance.mean_weights().values()) == {0.0}


# In a training


@pytest.mark.parametrize(
    "name",
    [
        "uncertainty",
        pytest.param("dwa", marks=pytest.mark.slow),
        pytest.param("famo", marks=pytest.mark.slow),
    ],
)
def test_a_training_records_the_weights_of_each_epoch(tiny_trunk, tmp_path, name):
    recipe = small.recipe(epochs=3, balance=name, learning_rate=0.01)
    small.train(recipe, tmp_path / "run")
    history = small.history(tmp_path / "run")
    weights = history[["gender_weight", "age_weight"]]
    assert np.isfinite(weights).all(axis=None)
    changes = weights.diff().abs().sum(axis=1)
    assert changes.iloc[-1] > 0
    assert {"gender_loss", "val_gender_loss", "gender_accuracy"} <= set(history)
    # Validation uses the fixed weights, whatever the rule.
    [gender, age] = catalog.heads(["gender", "age"])
    np.testing.assert_allclose(
        history["val_loss"],
        gender.loss_weight * history["val_gender_loss"]
        + age.loss_weight * history["val_age_loss"],
        rtol=1e-3,
    )
