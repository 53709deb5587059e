"""Does a training go wrong: a loss that is not finite, a head that learns nothing?"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from multitask.contracts.errors import Say, UserError, listed
from multitask.contracts.head import Array, Head, Targets
from multitask.contracts.recipe import Precision, Recipe
from multitask.data.batches import Batches
from multitask.networks.build import head_layers
from multitask.training.loss_balancing import STATIC

_HEAVY = 1e4  # the weight of a loss from which on it may be what overflows
_FAR = 2.0  # times a constant's loss: not what is yet to learn, but what went wrong


class StopOnNonFinite(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops a training whose loss is not finite.

    Raises UserError that names the step and the setting to change: that of the `stage`
    (from 1), whose settings are `recipe`.
    """

    epoch = 0

    def __init__(
        self, recipe: Recipe, stage: int, heads: Sequence[Head], precision: Precision
    ) -> None:
        super().__init__()
        self.recipe, self.stage, self.heads = recipe, stage, heads
        self.precision = precision

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            raise UserError(
                f"epoch {self.epoch}, step {batch + 1}",
                f"the loss is {loss}, must be finite",
                self._todo(is_first=self.epoch == batch + 1 == 1),
            )

    def _todo(self, is_first: bool) -> str:
        """What to change; the loss of the first step is that of the initial weights."""
        heaviest = max(self.heads, key=lambda head: head.loss_weight)
        if self.recipe.balance == STATIC and heaviest.loss_weight >= _HEAVY:
            weight = f"{heaviest.name}={heaviest.loss_weight:g}"
            return f"lower --loss-weights (now {weight})"
        rate = f"{self.recipe.learning_rate:g}"
        todos = {
            f"lower --learning-rate (now {rate})": not is_first and self.stage == 1,
            f"lower learning_rate in --then (now {rate})": self.stage > 1,
            "use --precision float32": self.precision != "float32",
        }
        todo = " or ".join(text for text, applies in todos.items() if applies)
        return todo or "check the labels, and the network in --weights if there is one"


def tell_constant_heads(
    heads: Sequence[Head],
    recipe: Recipe,
    history: Sequence[Mapping[str, Any]],
    training: Batches,
    validation: Batches | None,
    say: Say,
) -> list[keras.callbacks.Callback]:
    """What compares the first epoch of a training with constants.

    Nothing does without a validation part, and after the first epoch. The constants
    are computed here, which takes a moment.
    """
    if history or not validation:
        return []
    shown = training.shown(heads, recipe.augmentation)
    constants = constant_losses(heads, shown, validation.encoded)
    return [TellConstantHeads(constants, history, recipe.learning_rate, say)]


class TellConstantHeads(keras.callbacks.Callback):  # type: ignore[misc]
    """Says after the first epoch which heads are no better than a constant.

    `constants` are the validation losses of constants by head name, of
    `constant_losses`; `history` is the list that gets the figures of each epoch.
    """

    def __init__(
        self,
        constants: Mapping[str, float],
        history: Sequence[Mapping[str, Any]],
        learning_rate: float,
        say: Say,
    ) -> None:
        super().__init__()
        self.constants, self.history = constants, history
        self.learning_rate, self.say = learning_rate, say

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch:
            return
        losses = {name: self.history[0][f"val_{name}_loss"] for name in self.constants}
        # Not `>=`, so that NaN counts as worse.
        heads = [name for name in losses if not losses[name] < self.constants[name]]
        if not heads:
            return
        figures = [
            f"{name} ({losses[name]:.3g}, a constant {self.constants[name]:.3g})"
            for name in heads
        ]
        rate = f"--learning-rate (now {self.learning_rate:g})"
        is_far = any(not losses[n] < _FAR * self.constants[n] for n in heads)
        self.say(
            f"no better than a constant after epoch 1, by validation loss: "
            f"{listed(figures)}; "
            + (f"lower {rate}" if is_far else f"if that lasts, change {rate}")
        )


def constant_losses(
    heads: Sequence[Head],
    training: Mapping[str, Targets],
    validation: Mapping[str, Targets],
) -> dict[str, float]:
    """The validation loss of each head, by name, if it always gave the same answer.

    It is the answer that fits the `training` labels best, as they count in an epoch:
    that of `initial_bias`. Heads without one, and without labels in either part, are
    left out.
    """
    losses = {}
    for head in heads:
        labels, own = training[head.name], validation[head.name]
        if not (labels.labelled.any() and own.labelled.any()):
            continue
        bias = head.initial_bias(labels)
        if bias is not None:
            rows = np.flatnonzero(own.labelled)
            answers = np.repeat(_constant_output(head, bias), len(rows), axis=0)
            loss = head.loss()(
                tf.constant(own.targets[rows]),
                tf.constant(answers),
                tf.constant(own.weights[rows]),
            )
            losses[head.name] = float(loss)
    return losses


def _constant_output(head: Head, bias: Array) -> Array:
    """The output (1, ...) of a head whatever the picture, with a bias and no kernel."""
    features = keras.Input((1,))
    model = keras.Model(features, {head.name: head.layers(features)})
    layer = head_layers(model, head)[0]
    layer.kernel.assign(layer.kernel * 0)
    layer.bias.assign(bias)
    output: Array = model(np.zeros((1, 1), np.float32))[head.name].numpy()
    return output
