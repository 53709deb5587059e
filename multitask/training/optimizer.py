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
    """The optimizer of a recipe, with its schedule over `steps` an epoch.

    Biases and what scales normalized features are not pulled to 0.
    """
    decay, extra = recipe.weight_decay, dict[str, Any]()
    if recipe.optimizer == "sgd":
        extra = {"momentum": 0.9}
    if recipe.optimizer == "muon":
        extra = {"adam_weight_decay": decay}
    if recipe.average:
        extra |= {"use_ema": True, "ema_momentum": recipe.average}
    cls = {
        "muon": Muon,
        "adamw": keras.optimizers.AdamW,
        "adam": keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
        "lion": keras.optimizers.Lion,
    }[recipe.optimizer]
    if recipe.average:
        cls = _averaging(cls)
    made = cls(learning_rate=_rate(recipe, steps), weight_decay=decay, **extra)
    made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return made


def _averaging(cls: type[Any]) -> type[Any]:
    """An optimizer whose averages of weights soon forget where training began.

    Their momentum rises from 0.1 to the one asked for, as in TensorFlow's
    `ExponentialMovingAverage` with `num_updates`; Keras's are a long time near the
    first step's weights.
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
    top = recipe.learning_rate
    warm = round(min(recipe.warmup, recipe.epochs / 4) * steps)
    if recipe.schedule == "plateau":
        return top
    if recipe.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            top / 100 if warm else top,
            decay_steps=max(1, recipe.epochs * steps - warm),
            warmup_target=top if warm else None,
            warmup_steps=warm,
        )
    if not warm:
        return top
    return keras.optimizers.schedules.PolynomialDecay(top / 100, warm, top)
