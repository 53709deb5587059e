"""How does a gradient change the weights, and at which learning rate?"""

import math
from typing import Any

import keras
from keras import ops

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.recipe import Recipe


class Muon(keras.optimizers.Muon):  # type: ignore[misc]
    """Muon for the kernels of convolutions, AdamW for all other weights.

    Muon replaces the momentum by the nearest orthogonal matrix, so that a step is
    equally long in every direction of the gradient (Jordan et al. 2024, "Muon: An
    optimizer for hidden layers in neural networks"). It is scaled so that AdamW's
    learning rate and weight decay fit (Liu et al. 2025, "Muon is Scalable for LLM
    Training"). Keras's own Muon leaves kernels (height, width, in, out) to AdamW; here
    they are matrices (height * width * in, out).
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        """Whether a weight is no such kernel, or the kernel of the first layer."""
        shape = variable.shape
        return len(shape) != 4 or shape[2] <= 3 or shape[3] == 1

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, gradient + m * (self.momentum - 1))
        nesterov = gradient + self.momentum * m
        matrix = ops.reshape(nesterov, (-1, variable.shape[-1]))
        step = self._orthogonal(matrix)
        scale = self.rms_rate * math.sqrt(max(matrix.shape))
        self.assign_sub(variable, ops.reshape(step, variable.shape) * (scale * lr))

    def _orthogonal(self, matrix: Any) -> Any:
        """The same as Keras's `zeropower_via_newtonschulz5`, in half the time.

        Each of its steps multiplies by a polynomial of the Gram matrix of the columns
        (or rows, if fewer), so it is enough to iterate that small matrix.
        """
        wide = matrix.shape[0] < matrix.shape[1]
        tall = ops.transpose(matrix) if wide else matrix
        tall = tall / (ops.norm(tall) + 1e-7)
        gram = ops.transpose(tall) @ tall
        identity = ops.eye(gram.shape[0])
        product = identity
        for _ in range(self.ns_steps):
            factor = (
                self.muon_a * identity + self.muon_b * gram + self.muon_c * gram @ gram
            )
            product = product @ factor
            gram = factor @ gram @ factor
        step = tall @ product
        return ops.transpose(step) if wide else step


OPTIMIZERS: dict[str, type[Any]] = {
    "muon": Muon,
    "adamw": keras.optimizers.AdamW,
    "adam": keras.optimizers.Adam,
    "sgd": keras.optimizers.SGD,
}


def optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe, and its learning rate for `steps` per epoch.

    Weight decay leaves out biases and the parameters of normalization.
    """
    weight_decay, options = recipe.weight_decay, dict[str, Any]()
    if recipe.optimizer == "sgd":
        options = {"momentum": 0.9}
    if recipe.optimizer == "muon":
        options = {"adam_weight_decay": weight_decay}
    if recipe.ema:
        options |= {"use_ema": True, "ema_momentum": recipe.ema}
    cls = OPTIMIZERS[recipe.optimizer]
    if recipe.ema:
        cls = _with_warm_averages(cls)
    learning_rate = _learning_rate(recipe, steps)
    instance = cls(learning_rate=learning_rate, weight_decay=weight_decay, **options)
    instance.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return instance


def named(name: str, learning_rate: Any = None) -> keras.optimizers.Optimizer:
    """An optimizer by its name, `muon` or one of Keras's, with the defaults of Keras.

    Raises UserError for an unknown name.
    """
    try:
        cls = OPTIMIZERS.get(name.lower()) or type(keras.optimizers.get(name))
    except ValueError:
        todo = nearest(name, OPTIMIZERS) + ", or any other of keras.optimizers"
        raise UserError("optimizer", f"no optimizer {name!r}", todo) from None
    return cls() if learning_rate is None else cls(learning_rate=learning_rate)


def _with_warm_averages(cls: type[Any]) -> type[Any]:
    """An optimizer class whose weight averages soon forget the initial weights.

    Their momentum rises from 0.1 to that of the recipe, as in TensorFlow's
    `ExponentialMovingAverage` with `num_updates`; Keras's own averages stay near the
    initial weights for long.
    """

    class Averaging(cls):  # type: ignore[misc]
        def _update_model_variables_moving_average(self, variables: Any) -> None:
            step = ops.cast(self.iterations, "float32")
            momentum = ops.minimum(self.ema_momentum, (1 + step) / (10 + step))
            pairs = zip(variables, self._model_variables_moving_average, strict=True)
            for variable, mean in pairs:
                mean.assign(mean + (1 - momentum) * (variable - mean))

    return Averaging


def _learning_rate(recipe: Recipe, steps: int) -> Any:
    """A schedule over steps, or a number if it is constant or lowered on a plateau."""
    peak, schedule = recipe.learning_rate, recipe.lr_schedule
    if schedule.name == "plateau":
        return peak
    warmup = round(min(schedule.warmup, recipe.epochs / 4) * steps)
    if schedule.name == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            peak / 100 if warmup else peak,
            decay_steps=max(1, recipe.epochs * steps - warmup),
            warmup_target=peak if warmup else None,
            warmup_steps=warmup,
        )
    if not warmup:
        return peak
    return keras.optimizers.schedules.PolynomialDecay(peak / 100, warmup, peak)
