"""Is a training that goes wrong told, with the setting to change?"""

from dataclasses import replace

import numpy as np
import pytest
from multitask.heads.regression import Regression

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.head import Targets
from multitask.training.divergence import (
    StopOnNonFinite,
    TellConstantHeads,
    constant_losses,
)
from tests.training import small

CONSTANT = "constant,warmup=0"


def todo(epoch=1, step=2, stage=1, precision="float32", weight=1.0, **settings):
    """What the line about a loss that is not finite in a step (from 1) advises."""
    recipe = small.recipe(**settings)
    age, gender = catalog.heads(["age", "gender"])
    heads = age, replace(gender, loss_weight=weight)
    stop = StopOnNonFinite(recipe, stage, heads, precision)
    stop.on_epoch_begin(epoch - 1)
    with pytest.raises(UserError) as error:
        stop.on_train_batch_end(step - 1, {"loss": float("nan")})
    where, _, advice = error.value.line.partition(": the loss is nan, must be finite; ")
    assert where == f"epoch {epoch}, step {step}"
    return advice


def test_the_setting_to_change_is_named_with_its_value():
    # Not with the rate of the step, which a schedule may have lowered to 0.
    assert todo(learning_rate=1e20) == "lower --learning-rate (now 1e+20)"
    assert todo(epoch=2, step=1) == "lower --learning-rate (now 0.0015)"
    assert todo(precision="float16") == (
        "lower --learning-rate (now 0.0015) or use --precision float32"
    )
    assert todo(stage=2, learning_rate=0.5) == "lower learning_rate in --then (now 0.5)"


def test_a_heavy_loss_is_named_before_the_learning_rate():
    assert todo(weight=1e30) == "lower --loss-weights (now gender=1e+30)"
    # Under a rule that weights the losses, the fixed weights have no part in it.
    assert todo(weight=1e30, balance="dwa") == "lower --learning-rate (now 0.0015)"


def test_no_learning_rate_makes_the_first_loss_what_it_is():
    assert todo(step=1, precision="bfloat16") == "use --precision float32"
    assert todo(step=1).startswith("check the labels, and the network in --weights")


def test_a_constant_has_the_loss_that_the_shares_of_classes_give():
    [gender] = catalog.heads(["gender"])
    # Of 48 labels, 12 are male and one more is spread over both; the last of the
    # validation part has no label.
    training = Targets(np.repeat([0, 1], [12, 36]), np.ones(48, np.float32))
    validation = Targets(np.array([0, 1, 1, 0]), np.array([1, 1, 1, 0], np.float32))
    male, female = 12.5 / 49, 36.5 / 49
    losses = constant_losses([gender], {"gender": training}, {"gender": validation})
    # Label smoothing gives a share of each label to both.
    kept = 1 - gender.label_smoothing / 2
    expected = -np.log(male) * (kept + 2 * (1 - kept)) / 3
    expected -= np.log(female) * (2 * kept + 1 - kept) / 3
    assert losses == {"gender": pytest.approx(expected, rel=1e-5)}


def test_a_constant_number_is_the_mean():
    age = Regression(name="age", low=0, high=100)
    training = Targets(np.array([[20.0, 20.0], [40.0, 40.0]]), np.ones(2, np.float32))
    validation = Targets(np.array([[60.0, 60.0]]), np.ones(1, np.float32))
    losses = constant_losses([age], {"age": training}, {"age": validation})
    assert losses == {"age": pytest.approx(0.3**2, rel=1e-4)}


def test_heads_without_labels_have_no_constant():
    [gender] = catalog.heads(["gender"])
    some = Targets(np.array([0, 1]), np.ones(2, np.float32))
    none = Targets(np.array([0, 1]), np.zeros(2, np.float32))
    assert constant_losses([gender], {"gender": some}, {"gender": none}) == {}
    assert constant_losses([gender], {"gender": none}, {"gender": some}) == {}


def test_heads_that_are_no_better_than_a_constant_are_told_once():
    lines, history = list[str](), list[dict[str, float]]()
    constants = {"age": 2.0, "gender": 0.5, "race": 1.0}
    tell = TellConstantHeads(constants, history, 1e3, lines.append)
    history += [{"val_age_loss": 1.9, "val_gender_loss": 0.5, "val_race_loss": np.nan}]
    tell.on_epoch_end(0)
    tell.on_epoch_end(1)
    assert lines == [
        "no better than a constant after epoch 1, by validation loss: gender (0.5, a "
        "constant 0.5), race (nan, a constant 1); lower --learning-rate (now 1000)"
    ]
    history[0]["val_race_loss"] = 0.9
    tell.on_epoch_end(0)  # what has learnt nothing yet may need a higher rate, too
    assert lines[1].endswith("0.5); if that lasts, change --learning-rate (now 1000)")
    history[0]["val_gender_loss"] = 0.4
    tell.on_epoch_end(0)
    assert len(lines) == 2


# In a training


def test_a_learning_rate_that_is_too_high_stops_with_what_to_change(
    tiny_trunk, tmp_path
):
    recipe = small.recipe(optimizer="sgd", learning_rate=1e30, schedule=CONSTANT)
    with pytest.raises(
        UserError,
        match=r"epoch 1, step \d+: the loss .* --learning-rate \(now 1e",
    ):
        small.train(recipe, tmp_path / "run")


@pytest.mark.parametrize("changes", [{}, {"augment": "mixup"}])
def test_a_learning_rate_that_teaches_nothing_is_told(tiny_trunk, tmp_path, changes):
    lines: list[str] = []
    recipe = small.recipe(learning_rate=1e3, schedule=CONSTANT, **changes)
    small.train(recipe, tmp_path / "run", say=lines.append)
    [line] = [line for line in lines if "no better than a constant" in line]
    assert line.endswith("lower --learning-rate (now 1000)")
    losses = small.history(tmp_path / "run").iloc[0]
    assert f"gender ({losses['val_gender_loss']:.3g}, a constant 0.5" in line
