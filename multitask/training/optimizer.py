"""How do the weights follow the gradients, and how fast at which step?"""

import math
from typing import Any

import keras
from keras import ops

from multitask.contracts.recipe import Recipe


class Muon(keras.optimizers.Muon):  # type: ignore[misc]
    """Muon for the kernels of convolutions, AdamW for all other weights.

    A step of Muon goes equally far in every direction that the gradient has: it
    replaces the momentum by the nearest orthogonal matrix (Jordan et al. 2024, "Muon:
    An optimizer for hidden layers in neural networks"), scaled so that AdamW's
    learning rate and weight decay fit (Liu et al. 2025, "Muon is Scalable for LLM
    Training"). Keras's own leaves kernels (height, width, in, out) to AdamW; here they
    are matrices (height * width * in, out).
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        """Whether a weight is no such kernel, or the first layer's: colours come in."""
        shape = variable.shape
        return len(shape) != 4 or shape[2] <= 3 or shape[3] == 1

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, gradient + m * (self.momentum - 1))
        toward = gradient + self.momentum * m
        matrix = ops.reshape(toward, (-1, variable.shape[-1]))
        step = self._orthogonal(matrix)
        scale = self.rms_rate * math.sqrt(max(matrix.shape))
        self.assign_sub(variable, ops.reshape(step, variable.shape) * (scale * lr))

    def _orthogonal(self, matrix: Any) -> Any:
        """Keras's `zeropower_via_newtonschulz5`, in half the time.

        Each of its steps multiplies by a polynomial of the small matrix of products
        of columns (or rows, if fewer), so that matrix is all that need be iterated.
        """
        wide = matrix.shape[0] < matrix.shape[1]
        tall = ops.transpose(matrix) if wide else matrix
        tall = tall / (ops.norm(tall) + 1e-7)
        products = ops.transpose(tall) @ tall
        unit = ops.eye(products.shape[0])
        whole = unit
        for _ in range(self.ns_steps):
            factor = (
                self.muon_a * unit
                + self.muon_b * products
                + self.muon_c * products @ products
            )
            whole = whole @ factor
            products = factor @ products @ factor
        step = tall @ whole
        return ops.transpose(step) if wide else step


def optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe, with its schedule over `steps` per epoch.

    Biases, and scales of normalized features, have no weight decay.
    """
    decay, extra = recipe.weight_decay, dict[str, Any]()
    if recipe.optimizer == "sgd":
        extra = {"momentum": 0.9}
    if recipe.optimizer == "muon":
        extra = {"adam_weight_decay": decay}
    if recipe.ema:
        extra |= {"use_ema": True, "ema_momentum": recipe.ema}
    cls = {
        "muon": Muon,
        "adamw": keras.optimizers.AdamW,
        "adam": keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
    }[recipe.optimizer]
    if recipe.ema:
        cls = _with_early_averages(cls)
    rule = cls(learning_rate=_rate(recipe, steps), weight_decay=decay, **extra)
    rule.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return rule


def _with_early_averages(cls: type[Any]) -> type[Any]:
    """An optimizer whose averages of weights soon forget where training began.

    Their momentum rises from 0.1 to the one of the recipe, as in TensorFlow's
    `ExponentialMovingAverage` with `num_updates`; Keras's averages stay near the first
    step's weights for long.
    """

    class Averaging(cls):  # type: ignore[misc]
        def _update_model_variables_moving_average(self, variables: Any) -> None:
            step = ops.cast(self.iterations, "float32")
            momentum = ops.minimum(self.ema_momentum, (1 + step) / (10 + step))
            pairs = zip(variables, self._model_variables_moving_average, strict=True)
            for variable, mean in pairs:
                mean.assign(mean + (1 - momentum) * (variable - mean))

    return Averaging


def _rate(recipe: Recipe, steps: int) -> Any:
    """A number (for plateau, which changes it) or a schedule over steps."""
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
