"""The networks of `keras.applications` as trunks, each with its own input scaling.

How the places of a picture become one is open: `average`, `max`, or `flatten`.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from multitask.networks.normalization import MOMENTUM

# How the pictures of ImageNet were scaled when the published weights were trained.
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red
_TORCH_MEAN, _TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def resnet50(images: Any, pooling: str) -> Any:
    """He et al. 2016, "Deep Residual Learning for Image Recognition"."""
    return _made(keras.applications.ResNet50, _caffe(images), pooling)


def vgg16(images: Any, pooling: str) -> Any:
    """Simonyan & Zisserman 2015, its convolutions alone."""
    return _made(keras.applications.VGG16, _caffe(images), pooling)


def vgg16_dense(images: Any, pooling: str) -> Any:
    """Simonyan & Zisserman 2015 with two of its three dense layers, as published.

    The third is the heads'.
    """
    x = _made(keras.applications.VGG16, _caffe(images), "flatten")
    for _ in range(2):
        x = layers.Dense(4096, activation="relu")(x)
    return x


def densenet121(images: Any, pooling: str) -> Any:
    """Huang et al. 2017, "Densely Connected Convolutional Networks"."""
    x = layers.Rescaling(1 / 255)(images)
    variance = [s * s for s in _TORCH_STD]
    x = layers.Normalization(mean=list(_TORCH_MEAN), variance=variance)(x)
    return _made(keras.applications.DenseNet121, x, pooling)


def inception_v3(images: Any, pooling: str) -> Any:
    """Szegedy et al. 2016, "Rethinking the Inception Architecture"."""
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    return _made(keras.applications.InceptionV3, x, pooling)


def mobilenet_v3_large(images: Any, pooling: str) -> Any:
    """Howard et al. 2019, "Searching for MobileNetV3"; scales pictures itself."""
    return _made(keras.applications.MobileNetV3Large, images, pooling)


def efficientnet_v2_b0(images: Any, pooling: str) -> Any:
    """Tan & Le 2021, "EfficientNetV2"; scales pictures itself."""
    return _made(keras.applications.EfficientNetV2B0, images, pooling)


def convnext_tiny(images: Any, pooling: str) -> Any:
    """Liu et al. 2022, "A ConvNet for the 2020s"; scales pictures itself."""
    return _made(keras.applications.ConvNeXtTiny, images, pooling)


def _caffe(images: Any) -> Any:
    """Blue, green, red with the mean of ImageNet taken off."""
    mean = layers.Normalization(mean=list(_CAFFE_MEAN), variance=[1.0, 1.0, 1.0])
    return mean(ops.flip(images, axis=-1))


def _made(build: Callable[..., keras.Model], images: Any, pooling: str) -> Any:
    """What the convolutions give, pooled."""
    kind = {"average": "avg", "max": "max", "flatten": None}[pooling]
    made = build(include_top=False, weights=None, input_tensor=images, pooling=kind)
    for layer in made.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = MOMENTUM
    return layers.Flatten()(made.output) if pooling == "flatten" else made.output
