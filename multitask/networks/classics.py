"""Which small trunks do papers and courses on faces and film stills begin with?

All map pictures (batch, size, size, 3) in 0..255 to features (batch, features).
"""

from collections.abc import Callable, Sequence
from typing import Any

from keras import layers, regularizers

Norm = Callable[[], Any]


def base_cnn(images: Any, norm: Norm) -> Any:
    """Three convolutions and a dense layer, without any regularization."""
    x = _convolved(images, (32, 32, 64))
    return layers.Dense(64, activation="relu")(layers.Flatten()(x))


def regularized_cnn(images: Any, norm: Norm) -> Any:
    """`base_cnn` with batch normalization, spatial dropout and L2."""
    x = layers.Rescaling(1 / 255)(images)
    for number, channels in enumerate((32, 32, 64), 1):
        x = layers.Conv2D(channels, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(norm()(x))
        if number == 2:
            x = layers.SpatialDropout2D(0.5)(x)
    dense = layers.Dense(
        64, activation="relu", kernel_regularizer=regularizers.L2(0.001)
    )
    return norm()(dense(layers.Flatten()(x)))


def utkface_cnn(images: Any, norm: Norm) -> Any:
    """Six convolutions and global max pooling."""
    x = _convolved(images, (32, 64, 128, 128, 160, 192))
    return layers.GlobalMaxPooling2D()(x)


def mood_cnn(images: Any, norm: Norm) -> Any:
    """Three convolutions with few channels and a wide dense layer."""
    x = _convolved(images, (16, 32, 16))
    return layers.Dense(256, activation="relu")(layers.Flatten()(x))


def alexnet(images: Any, norm: Norm) -> Any:
    """Krizhevsky et al. 2012, in one tower and without response normalization.

    The heads take the place of its third dense layer.
    """
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = layers.Conv2D(96, 11, strides=4, activation="relu")(x)
    x = layers.MaxPooling2D(3, 2)(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, 2)(x)
    for channels in (384, 384, 256):
        x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
    x = layers.Flatten()(layers.MaxPooling2D(3, 2)(x))
    for _ in range(2):
        x = layers.Dense(4096, activation="relu")(x)
    return x


def _convolved(images: Any, channels: Sequence[int]) -> Any:
    """Scale to 0..1, then convolve and halve once per number of channels."""
    x = layers.Rescaling(1 / 255)(images)
    for count in channels:
        x = layers.Conv2D(count, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    return x
