"""Which networks of `keras.applications` are trunks, and how do they scale pictures?

`pooling` of their feature maps is `average`, `max` or `flatten`.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from multitask.networks.normalization import MOMENTUM

# The scaling of ImageNet's pictures with which the published weights were trained.
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red
_TORCH_MEAN, _TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def resnet50(images: Any, pooling: str) -> Any:
    """He et al. 2016, "Deep Residual Learning for Image Recognition"."""
    return _features(keras.applications.ResNet50, _caffe(images), pooling)


def vgg16(images: Any, pooling: str) -> Any:
    """Simonyan & Zisserman 2015, only the convolutions."""
    return _features(keras.applications.VGG16, _caffe(images), pooling)


def vgg16_dense(images: Any, pooling: str) -> Any:
    """Simonyan & Zisserman 2015 with its first two dense layers.

    The heads take the place of the third.
    """
    x = _features(keras.applications.VGG16, _caffe(images), "flatten")
    for _ in range(2):
        x = layers.Dense(4096, activation="relu")(x)
    return x


def densenet121(images: Any, pooling: str) -> Any:
    """Huang et al. 2017, "Densely Connected Convolutional Networks"."""
    x = layers.Rescaling(1 / 255)(images)
    variance = [s * s for s in _TORCH_STD]
    x = layers.Normalization(mean=list(_TORCH_MEAN), variance=variance)(x)
    return _features(keras.applications.DenseNet121, x, pooling)


def inception_v3(images: Any, pooling: str) -> Any:
    """Szegedy et al. 2016, "Rethinking the Inception Architecture"."""
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    return _features(keras.applications.InceptionV3, x, pooling)


def mobilenet_v3_large(images: Any, pooling: str) -> Any:
    """Howard et al. 2019, "Searching for MobileNetV3"; has its scaling built in."""
    return _features(keras.applications.MobileNetV3Large, images, pooling)


def efficientnet_v2_b0(images: Any, pooling: str) -> Any:
    """Tan & Le 2021, "EfficientNetV2"; has its scaling built in."""
    return _features(keras.applications.EfficientNetV2B0, images, pooling)


def convnext_tiny(images: Any, pooling: str) -> Any:
    """Liu et al. 2022, "A ConvNet for the 2020s"; has its scaling built in."""
    return _features(keras.applications.ConvNeXtTiny, images, pooling)


def _caffe(images: Any) -> Any:
    """Blue, green and red minus the means of ImageNet."""
    mean = layers.Normalization(mean=list(_CAFFE_MEAN), variance=[1.0, 1.0, 1.0])
    return mean(ops.flip(images, axis=-1))


def _features(build: Callable[..., keras.Model], images: Any, pooling: str) -> Any:
    """The pooled features (batch, features) of a network without its dense layers."""
    kind = {"average": "avg", "max": "max", "flatten": None}[pooling]
    model = build(include_top=False, weights=None, input_tensor=images, pooling=kind)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = MOMENTUM
    return layers.Flatten()(model.output) if pooling == "flatten" else model.output
