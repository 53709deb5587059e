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
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable) or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
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
        for moving, new in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + new * (1.0 - self.momentum))
        return outputs


def norm(training: bool) -> Callable[[], Any]:
    """The constructor of batch normalizations, for training or for the saved file."""
    supported = keras.config.image_data_format() == "channels_last"
    cls = FusedNormalization if training and supported else layers.BatchNormalization
    return partial(cls, momentum=MOMENTUM)
