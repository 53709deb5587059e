"""How much does each head's loss count, if not always the same?

`static` is the default: fixed weights, well chosen, are hard to beat (Kurin et al.
2022, "In Defense of the Unitary Scalarization for Deep Multi-Task Learning"; Xin et al.
2022, "Do Current Multi-Task Optimization Methods in Deep Learning Even Help?"). The
other rules are as their authors published them, and take the place of the heads'
weights.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from multitask.contracts.head import Head

STATIC = "static"
_TEMPERATURE = 2.0  # of dwa
_RATE, _DECAY = 0.025, 0.001  # of famo's own weights
_LEAST = 1e-8  # loss that famo takes a logarithm of


class Rule(keras.layers.Layer):  # type: ignore[misc]
    """What weighs the losses of heads (heads,); `shares` are the weights of last.

    `labelled` (heads,) is 1 for the heads that the batch has a label of, else 0.
    """

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__(name="balance")
        self.names = tuple(head.name for head in heads)
        self.count = len(self.names)
        self.shares = self._kept("ones", "shares")
        self.summed = self._kept("zeros", "summed")
        self.steps = self.add_weight(initializer="zeros", trainable=False, name="steps")

    def _kept(self, initializer: str, name: str) -> Any:
        return self.add_weight(
            shape=(self.count,), initializer=initializer, trainable=False, name=name
        )

    def begin(self, history: Sequence[Mapping[str, float]]) -> None:
        """Begin an epoch after those of `history`, rows of history.csv."""
        self.summed.assign(ops.zeros_like(self.summed))
        self.steps.assign(0.0)

    def count_step(self) -> None:
        """Take the weights of a step into the epoch's mean."""
        self.summed.assign_add(self.shares)
        self.steps.assign_add(1.0)

    def means(self) -> dict[str, float]:
        """By head, the mean weight over the steps since the epoch began."""
        found = self.summed / ops.maximum(self.steps, 1.0)
        return dict(zip(self.names, ops.convert_to_numpy(found).tolist(), strict=True))

    def total(self, losses: Any, labelled: Any) -> Any:
        """The weighted sum that is trained on."""
        return ops.sum(self.shares * losses)

    def after(self, before: Any, losses: Any, labelled: Any) -> None:
        """Learn from the losses before a step and after it, of the same batch."""


class Uncertainty(Rule):
    """Kendall et al. 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses".

    The logarithm s of each head's variance is learnt: its loss counts exp(-s), a
    squared error half as much, and each adds s / 2.
    """

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__(heads)
        self.squared = [head.squared_error for head in heads]
        self.variance = self.add_weight(
            shape=(self.count,), initializer="zeros", name="bias"
        )

    def total(self, losses: Any, labelled: Any) -> Any:
        halves = ops.where(ops.convert_to_tensor(self.squared), 0.5, 1.0)
        shares = halves * ops.exp(-self.variance)
        self.shares.assign(ops.stop_gradient(shares))
        return ops.sum(shares * losses + labelled * self.variance / 2)


class DynamicAverage(Rule):
    """Liu et al. 2019, "End-to-End Multi-Task Learning with Attention": slower heads
    count more, by the ratio of their losses in the last two epochs."""

    def begin(self, history: Sequence[Mapping[str, float]]) -> None:
        super().begin(history)
        if len(history) < 2:
            return
        last, before = history[-1], history[-2]
        ratios = [
            last[f"{name}_loss"] / max(before[f"{name}_loss"], _LEAST)
            for name in self.names
        ]
        shares = ops.softmax(ops.convert_to_tensor(ratios, "float32") / _TEMPERATURE)
        self.shares.assign(self.count * shares)


class Famo(Rule):
    """Liu et al. 2023, "FAMO: Fast Adaptive Multitask Optimization": heads whose loss
    falls less, in proportion, get more weight after each step."""

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__(heads)
        self.scores = self._kept("zeros", "scores")
        self.adam = keras.optimizers.Adam(_RATE)
        self.adam.build([self.scores])

    def total(self, losses: Any, labelled: Any) -> Any:
        known = ops.stop_gradient(ops.maximum(losses, _LEAST))
        shares = labelled * ops.softmax(self.scores) / known
        self.shares.assign(shares / ops.maximum(ops.sum(shares), _LEAST))
        return super().total(losses, labelled)

    def after(self, before: Any, losses: Any, labelled: Any) -> None:
        gain = ops.log(ops.maximum(before, _LEAST)) - ops.log(
            ops.maximum(losses, _LEAST)
        )
        # Of heads that the batch has no label of, nothing is learnt.
        shares = labelled * ops.softmax(self.scores)
        shares /= ops.maximum(ops.sum(shares), _LEAST)
        slope = shares * (gain - ops.sum(shares * gain))
        self.adam.apply([slope + _DECAY * self.scores], [self.scores])


RULES: dict[str, type[Rule]] = {
    "uncertainty": Uncertainty,
    "dwa": DynamicAverage,
    "famo": Famo,
}


class _Held:
    """What one method of a step leaves for another, out of Keras's sight."""

    losses: Any = None
    labelled: Any = None


class Balanced(keras.Model):  # type: ignore[misc]
    """A network whose heads' losses are weighed by a rule; validated by static ones.

    What an epoch comes to in validation can thus be compared with other epochs.
    """

    def weigh(self, heads: Sequence[Head], rule: Rule) -> None:
        """Tell it the heads, whose order is the rule's."""
        self.rule = rule
        self._functions = [(head.name, head.loss()) for head in heads]
        self._held = _Held()

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        # Also keeps count of each head's loss.
        usual = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return usual
        held = self._held
        held.losses = self._each(y, y_pred, sample_weight)
        held.labelled = ops.stack(
            [
                ops.cast(ops.any(sample_weight[name] > 0), "float32")
                for name, _ in self._functions
            ]
        )
        total = self.rule.total(held.losses, held.labelled)
        self.rule.count_step()
        return total + sum(self.losses, ops.zeros(()))

    def train_step(self, data: Any) -> Any:
        logs = super().train_step(data)
        if type(self.rule).after is not Rule.after:
            x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
            losses = self._each(y, self(x, training=True), weights)
            self.rule.after(self._held.losses, losses, self._held.labelled)
        return logs

    def _each(self, y: Any, said: Any, weights: Any) -> Any:
        """The losses (heads,) of a batch."""
        return ops.stack(
            [loss(y[name], said[name], weights[name]) for name, loss in self._functions]
        )


def balanced(model: keras.Model, heads: Sequence[Head], how: str) -> keras.Model:
    """The network, its losses weighed by the rule of a name."""
    image = keras.Input(model.input.shape[1:], dtype=model.input.dtype)
    said = {
        name: keras.layers.Identity(name=name)(one)
        for name, one in model(image).items()
    }
    made = Balanced(image, said)
    made.weigh(heads, RULES[how](heads))
    return made
