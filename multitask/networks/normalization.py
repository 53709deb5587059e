"""How is batch normalization fast in training, yet plain Keras in the saved file?"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import layers

# With Keras's momentum of 0.99 validation is meaningless for hundreds of steps; with
# 0.9 the predictions carry the noise of the last few batches.
MOMENTUM = 0.97


class FusedNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalization by TensorFlow's fused kernel, for training only.

    Keras computes it in several float32 steps, which on a CPU takes longer than the
    convolutions around it. Weights and inference are those of the plain layer. The
    running variance is an average of unbiased variances.

    The moving averages soon forget their initial values: their momentum rises with the
    number of steps, as in TensorFlow's `ExponentialMovingAverage` with `num_updates`.
    After few steps, averages with a constant momentum describe no picture.
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        # No weight of Keras: the saved network has plain layers, without it.
        self.steps = tf.Variable(0.0, trainable=False)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable) or len(inputs.shape) not in (2, 4):
            return super().call(inputs, training=training, mask=mask)
        if len(inputs.shape) == 2:
            return self.call(inputs[:, None, None], training=True)[:, 0, 0]
        empty = tf.zeros((0,))
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=empty,
            variance=empty,
            epsilon=self.epsilon,
            is_training=True,
        )
        momentum = tf.minimum(self.momentum, (1 + self.steps) / (10 + self.steps))
        for moving, new in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * momentum + new * (1.0 - momentum))
        self.steps.assign_add(1.0)
        return outputs


def norm(training: bool) -> Callable[..., Any]:
    """The constructor of batch normalizations, for training or for the saved file."""
    supported = keras.config.image_data_format() == "channels_last"
    cls = FusedNormalization if training and supported else layers.BatchNormalization
    return partial(cls, momentum=MOMENTUM)


def resume_averages(layer: keras.Layer, steps: float) -> None:
    """Go on with the moving averages of a layer as after so many steps of training.

    Those of a model are of all its layers. After 300 steps or more, their momentum is
    constant.
    """
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            resume_averages(inner, steps)
    elif isinstance(layer, FusedNormalization):
        layer.steps.assign(steps)
