"""How is a trunk's batch normalized, fast in training and plain in the saved file?"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import layers

# Keras's momentum of 0.99 needs hundreds of steps before validation means much; 0.9
# leaves the noise of a few batches in the answers.
MOMENTUM = 0.97


class FusedNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalization by TensorFlow's fused kernel, for training only.

    Keras computes it step by step in float32, which on a CPU costs more time than the
    convolutions around it. Weights and inference are those of the plain layer. The
    running variance is the unbiased one.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable) or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        none = tf.zeros((0,))
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=none,
            variance=none,
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
    """What makes the batch normalizations of a network for training, or to be saved."""
    fits = keras.config.image_data_format() == "channels_last"
    cls = FusedNormalization if training and fits else layers.BatchNormalization
    return partial(cls, momentum=MOMENTUM)
