"""How is a network compared with the labels of both pictures that are mixed?"""

from typing import Any

import keras
from keras import ops

from multitask.networks.build import input_like


def doubled(model: keras.Model) -> keras.Model:
    """A core that gives each output twice, for the labels of both mixed pictures."""
    image = input_like(model)
    outputs = {
        name: _Doubled(name=name, dtype="float32")(output)
        for name, output in model(image).items()
    }
    return keras.Model(image, outputs, name="core")


def first(outputs: Any, count: Any) -> Any:
    """The first of some outputs, with their logits."""
    return _with_logits(outputs, lambda values: values[:count])


class _Doubled(keras.layers.Layer):  # type: ignore[misc]
    def call(self, outputs: Any) -> Any:
        return _with_logits(outputs, lambda values: ops.concatenate([values, values]))


def _with_logits(outputs: Any, change: Any) -> Any:
    """Outputs changed, and the logits that Keras keeps beside them likewise.

    Without logits, losses clip probabilities: a network that is wrong and sure of it
    would learn nothing.
    """
    changed, logits = change(outputs), getattr(outputs, "_keras_logits", None)
    if logits is not None:
        changed._keras_logits = change(logits)
    return changed
