"""What is the default trunk? A compact residual network for CPUs."""

from collections.abc import Callable
from typing import Any

from keras import layers


def cnn(images: Any, norm: Callable[[], Any]) -> Any:
    """A compact residual network for CPUs with 2.8 M parameters (He et al. 2016).

    The first layer halves the resolution and has few channels: on large feature maps a
    CPU spends its time on moving memory.
    """
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = _convolve(x, 32, 3, 2, norm)
    x = _block(x, 32, 1, norm)
    for channels in (64, 128, 256):
        x = _block(x, channels, 2, norm)
        x = _block(x, channels, 1, norm)
    # Each channel learns where to look (Chen et al. 2018, MobileFaceNets): in aligned
    # faces position carries meaning, which global average pooling would discard.
    x = layers.DepthwiseConv2D(x.shape[1], use_bias=False)(x)
    return layers.Flatten()(norm()(x))


def _convolve(
    x: Any,
    channels: int,
    kernel_size: int,
    stride: int,
    norm: Any,
    relu: bool = True,
) -> Any:
    x = layers.Conv2D(
        channels,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    x = norm()(x)
    return layers.ReLU()(x) if relu else x


def _block(x: Any, channels: int, stride: int, norm: Any) -> Any:
    """A residual block of two convolutions; a stride is applied by the first."""
    y = _convolve(x, channels, 3, stride, norm)
    y = _convolve(y, channels, 3, 1, norm, relu=False)
    if stride > 1:
        x = layers.AveragePooling2D(stride, padding="same")(x)
        x = _convolve(x, channels, 1, 1, norm, relu=False)
    return layers.ReLU()(layers.Add()([x, y]))
