"""Which shared networks turn a picture into features?"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from multitask.errors import UserError, nearest


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """A network from pictures (batch, size, size, 3) in 0..255 to (batch, features).

    `build(images, norm)` makes it; `norm()` is to make its batch normalizations, so
    that training can use a faster one than the saved file (see `FusedNormalization`).
    """

    name: str
    size: int  # the default picture size
    least: int  # the smallest that the layers allow
    build: Callable[[Any, Callable[[], Any]], Any]


class FusedNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalization by TensorFlow's fused kernel, for training only.

    Keras computes it step by step in float32, which on a CPU costs more time than the
    convolutions around it. Weights and inference are those of the plain layer. The
    running variance is the unbiased one.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable):
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


def _cnn(images: Any, norm: Callable[[], Any]) -> Any:
    """A compact residual network for CPUs: 2.8 M parameters (He et al. 2016).

    Half the picture's size from the first layer on, and few channels there: where
    pictures are large, a CPU spends its time on moving memory.
    """
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = _convolve(x, 32, 3, 2, norm)
    x = _block(x, 32, 1, norm)
    for channels in (64, 128, 256):
        x = _block(x, channels, 2, norm)
        x = _block(x, channels, 1, norm)
    # Each channel learns where to look (Chen et al. 2018, MobileFaceNets): in aligned
    # faces a place means something, which an average over all places forgets.
    x = layers.DepthwiseConv2D(x.shape[1], use_bias=False)(x)
    return layers.Flatten()(norm()(x))


def _convolve(
    x: Any,
    channels: int,
    width: int,
    stride: int,
    norm: Any,
    relu: bool = True,
) -> Any:
    x = layers.Conv2D(
        channels,
        width,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    x = norm()(x)
    return layers.ReLU()(x) if relu else x


def _block(x: Any, channels: int, stride: int, norm: Any) -> Any:
    y = _convolve(x, channels, 3, stride, norm)
    y = _convolve(y, channels, 3, 1, norm, relu=False)
    if stride > 1:
        x = layers.AveragePooling2D(stride, padding="same")(x)
        x = _convolve(x, channels, 1, 1, norm, relu=False)
    return layers.ReLU()(layers.Add()([x, y]))


TRUNKS = {t.name: t for t in (Trunk(name="cnn", size=64, least=16, build=_cnn),)}


def trunk(name: str) -> Trunk:
    """The trunk of a name; UserError lists the names."""
    if name not in TRUNKS:
        raise UserError("--trunk", f"no trunk {name!r}", nearest(name, TRUNKS))
    return TRUNKS[name]


def check_size(name: str, size: int) -> None:
    """Raise UserError if pictures of `size` pixels a side are too small for a trunk."""
    least = trunk(name).least
    if size < least:
        raise UserError(
            "--image-size", f"is {size}, trunk {name} needs {least} or more"
        )


def norm(training: bool) -> Callable[[], Any]:
    """What makes the batch normalizations of a network for training, or to be saved."""
    fits = keras.config.image_data_format() == "channels_last"
    cls = FusedNormalization if training and fits else layers.BatchNormalization
    # Keras's momentum of 0.99 needs hundreds of steps before validation means much;
    # 0.9 leaves the noise of a few batches in the answers.
    return partial(cls, momentum=0.97)
