"""The default trunk: a compact residual network made for plain processors."""

from collections.abc import Callable
from typing import Any

from keras import layers


def cnn(images: Any, norm: Callable[[], Any]) -> Any:
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
