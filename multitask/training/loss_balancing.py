"""How are the heads' losses weighted in training, if not by fixed weights?

`static` is the default: well tuned fixed weights are hard to beat (Kurin et al. 2022,
"In Defense of the Unitary Scalarization for Deep Multi-Task Learning"; Xin et al. 2022,
"Do Current Multi-Task Optimization Methods in Deep Learning Even Help?"). The other
rules are as their authors published them, and replace the fixed weights of the heads;
each says how it differs from implementations that are used more widely.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from multitask.contracts.head import Head
from multitask.networks.build import input_like

STATIC = "static"
_TEMPERATURE = 2.0  # of dwa
_RATE, _DECAY = 0.025, 0.001  # learning rate and weight decay of famo's scores
_LEAST = 1e-8  # lower bound of losses in quotients and logarithms


class Rule(keras.layers.Layer):  # type: ignore[misc]
    """A rule that weights the losses (heads,) of each step.

    `labelled` (heads,) is 1 for heads that the batch has a label of, else 0.
    """

    passes = 1  # through the model in each step of training

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__(name="balance")
        self.names = tuple(head.name for head in heads)
        self.count = len(self.names)
        self.loss_weights = self._vector("ones", "shares")  # of the last step
        self.weight_sums = self._vector("zeros", "summed")  # over the epoch so far
        self.steps = self.add_weight(initializer="zeros", trainable=False, name="steps")

    def _vector(self, initializer: str, name: str) -> Any:
        return self.add_weight(
            shape=(self.count,), initializer=initializer, trainable=False, name=name
        )

    def begin(self, history: Sequence[Mapping[str, float]]) -> None:
        """Begin an epoch; `history` has the figures of those before, as history.csv."""
        self.weight_sums.assign(ops.zeros_like(self.weight_sums))
        self.steps.assign(0.0)

    def count_step(self) -> None:
        """Add the weights of a step to the mean of the epoch."""
        self.weight_sums.assign_add(self.loss_weights)
        self.steps.assign_add(1.0)

    def mean_weights(self) -> dict[str, float]:
        """The mean weight over the epoch so far, by head name."""
        means = self.weight_sums / ops.maximum(self.steps, 1.0)
        return dict(zip(self.names, ops.convert_to_numpy(means).tolist(), strict=True))

    def total(self, losses: Any, labelled: Any) -> Any:
        """The weighted sum of the losses, which training minimizes."""
        return ops.sum(self.loss_weights * losses)

    def update(self, before: Any, after: Any, labelled: Any) -> None:
        """Learn from the losses of one batch before and after a step.

        It is called for rules with two `passes`.
        """


class Uncertainty(Rule):
    """Kendall et al. 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses".

    The logarithm s of each head's variance is learned with the network, from 0:

        total = sum of exp(-s) * loss + s / 2            a loss of classes
                       exp(-s) / 2 * loss + s / 2        a squared error

    This is the paper's joint loss of continuous and discrete outputs; every loss but a
    squared error counts as one of classes. A head that a batch has no label of adds
    nothing.

    LibMTL, FAMO's repository and the code of MTAN halve the loss of classes as well;
    LibMTL begins with s = -0.5. Halving the loss of a head moves its s by log 2 in the
    end, and leaves its weight the same.
    """

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__(heads)
        self.squared = [head.squared_error for head in heads]
        # Named a bias so that it has no weight decay.
        self.log_variance = self.add_weight(
            shape=(self.count,), initializer="zeros", name="bias"
        )

    def total(self, losses: Any, labelled: Any) -> Any:
        factors = ops.where(ops.convert_to_tensor(self.squared), 0.5, 1.0)
        loss_weights = factors * ops.exp(-self.log_variance)
        self.loss_weights.assign(ops.stop_gradient(loss_weights))
        return ops.sum(loss_weights * losses + labelled * self.log_variance / 2)


class DynamicAverage(Rule):
    """Liu et al. 2019, "End-to-End Multi-Task Learning with Attention".

    Heads that learn more slowly have larger weights, from the third epoch of a stage:

        ratio = training loss of the last epoch / of the one before it
        weights = heads * softmax(ratio / 2)

    This is the paper's rule, and that of its code (MTAN) and LibMTL. FAMO's repository
    compares windows of 25 steps instead of epochs. A loss below 1e-8 counts as 1e-8 in
    the denominator.
    """

    def begin(self, history: Sequence[Mapping[str, float]]) -> None:
        super().begin(history)
        if len(history) < 2:
            return
        last, before = history[-1], history[-2]
        ratios = [
            last[f"{name}_loss"] / max(before[f"{name}_loss"], _LEAST)
            for name in self.names
        ]
        softmax = ops.softmax(ops.convert_to_tensor(ratios, "float32") / _TEMPERATURE)
        self.loss_weights.assign(self.count * softmax)


class Famo(Rule):
    """Liu et al. 2023, "FAMO: Fast Adaptive Multitask Optimization".

    After each step, heads whose loss fell less in proportion get larger weights:

        z = softmax(scores)
        weights = z / loss, divided by their sum
        gain = log(loss before the step) - log(loss after it)
        scores are changed by Adam's step for d(z * gain)/d(scores) + decay * scores

    This is algorithm 1 of the paper, with Adam at 0.025 and a decay of 0.001. The
    weights are treated as constants, so that the gradient is that of the sum of
    z * log(loss) in the authors' `famo.py`; the loss itself has another value.

    The differences from `famo.py`:

    - It also clips the gradients of shared weights to a norm of 1; here nothing is
      clipped.
    - Its decay is 0.01 unless a script sets another one, as that of QM9 sets 0.001;
      LibMTL's is 0.001, too.
    - Adam's epsilon is Keras's 1e-7, there 1e-8; a loss below 1e-8 counts as 1e-8,
      there 1e-8 is added to each.
    - Heads that a batch has no label of have no weight in its step, and their scores
      learn nothing from it; there, every batch has labels of all tasks.
    """

    passes = 2

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__(heads)
        self.scores = self._vector("zeros", "scores")
        self.adam = keras.optimizers.Adam(_RATE)
        self.adam.build([self.scores])

    def total(self, losses: Any, labelled: Any) -> Any:
        sizes = ops.stop_gradient(ops.maximum(losses, _LEAST))
        loss_weights = labelled * ops.softmax(self.scores) / sizes
        total = ops.maximum(ops.sum(loss_weights), _LEAST)
        self.loss_weights.assign(loss_weights / total)
        return super().total(losses, labelled)

    def update(self, before: Any, after: Any, labelled: Any) -> None:
        before, after = (ops.maximum(losses, _LEAST) for losses in (before, after))
        gain = ops.log(before) - ops.log(after)
        # The batch says nothing about heads that it has no label of.
        shares = labelled * ops.softmax(self.scores)
        shares /= ops.maximum(ops.sum(shares), _LEAST)
        gradient = shares * (gain - ops.sum(shares * gain))
        self.adam.apply([gradient + _DECAY * self.scores], [self.scores])


RULES: dict[str, type[Rule]] = {
    "uncertainty": Uncertainty,
    "dwa": DynamicAverage,
    "famo": Famo,
}


class _Step:
    """Tensors that methods share within a step; Keras must not track them."""

    losses: Any = None
    labelled: Any = None


class Balanced(keras.Model):  # type: ignore[misc]
    """A model whose heads' losses are weighted by a rule in training.

    Validation uses the fixed weights, so that epochs can be compared.
    """

    def set_rule(self, heads: Sequence[Head], rule: Rule) -> None:
        """Set the rule and the heads, in the same order as the rule's."""
        self.rule = rule
        self._head_losses = [(head.name, head.loss()) for head in heads]
        self._step = _Step()

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        # Also updates the mean of each head's loss.
        fixed_total = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return fixed_total
        step = self._step
        step.losses = self._losses_by_head(y, y_pred, sample_weight)
        step.labelled = ops.stack(
            [
                ops.cast(ops.any(sample_weight[name] > 0), "float32")
                for name, _ in self._head_losses
            ]
        )
        total = self.rule.total(step.losses, step.labelled)
        self.rule.count_step()
        return total + sum(self.losses, ops.zeros(()))

    def train_step(self, data: Any) -> Any:
        logs = super().train_step(data)
        if self.rule.passes > 1:
            x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
            losses = self._losses_by_head(y, self(x, training=True), weights)
            self.rule.update(self._step.losses, losses, self._step.labelled)
        return logs

    def _losses_by_head(self, y: Any, y_pred: Any, weights: Any) -> Any:
        """The losses (heads,) of a batch."""
        return ops.stack(
            [
                loss(y[name], y_pred[name], weights[name])
                for name, loss in self._head_losses
            ]
        )


def balanced(model: keras.Model, heads: Sequence[Head], name: str) -> keras.Model:
    """The model, its losses weighted by the rule of that name in `RULES`."""
    image = input_like(model)
    outputs = {
        head: keras.layers.Identity(name=head)(output)
        for head, output in model(image).items()
    }
    balanced_model = Balanced(image, outputs)
    balanced_model.set_rule(heads, RULES[name](heads))
    return balanced_model
