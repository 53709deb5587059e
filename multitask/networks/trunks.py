"""Which shared networks turn a picture into features?"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from statistics import median
from typing import Any

from multitask.contracts.errors import UserError, nearest

_CALLS = 15  # of a trunk that is timed


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """A network from pictures (batch, size, size, 3) in 0..255 to (batch, features).

    `build(images, norm, pooling)` makes it; `norm()` is to make its batch
    normalizations, so that training can use a faster one than the saved file (see
    `normalization.py`), and `pooling` is how the places of a picture become one, for
    those that leave it open.
    """

    name: str
    size: int  # the default picture size
    least: int  # the smallest that the layers allow
    build: Callable[[Any, Callable[[], Any], str], Any]
    units: int = 0  # of a dense layer that each head has to itself before its output
    application: str = ""  # what `keras.applications` calls it, if it is there
    dense: bool = False  # whether it has the dense layers of that, too
    millions: float = 0.0  # of parameters, at the default size
    good_for: str = ""


def _ours(
    module: str, name: str, millions: float, size: int, least: int, good_for: str,
    **others: Any,
) -> Trunk:  # fmt: skip
    """A trunk made by the function of its name in a module, imported when built."""

    def build(images: Any, norm: Callable[[], Any], pooling: str = "average") -> Any:
        made = getattr(import_module(f"multitask.networks.{module}"), name)
        if others.get("application"):
            return made(images, pooling)
        return made(images, norm)

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
    made.name: made
    for made in (
        _ours("cnn", "cnn", 2.79, 64, 16, "training from scratch on a CPU"),
        _ours("classics", "base_cnn", 2.80, 224, 22, "the plainest baseline"),
        _ours("classics", "regularized_cnn", 2.80, 224, 22, "one that overfits less"),
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
            "mobilenet_v3_large", "MobileNetV3Large", 3.00, "transfer on a CPU, a phone"
        ),
        _application(
            "efficientnet_v2_b0", "EfficientNetV2B0", 5.92, "transfer, good and fast"
        ),
        _application("convnext_tiny", "ConvNeXtTiny", 27.82, "transfer on a GPU"),
    )
}  # fmt: skip


def trunk(name: str) -> Trunk:
    """The trunk of a name; UserError lists the names."""
    if name not in TRUNKS:
        raise UserError("--trunk", f"no trunk {name!r}", nearest(name, TRUNKS))
    return TRUNKS[name]


def check_pooling(name: str, pooling: str) -> None:
    """Raise UserError if a trunk pools in a way of its own."""
    made = trunk(name)
    if pooling != "average" and (not made.application or made.dense):
        raise UserError("--pooling", f"trunk {name} has its own", "leave it out")


def check_size(name: str, size: int) -> None:
    """Raise UserError if pictures of `size` pixels a side are too small for a trunk."""
    least = trunk(name).least
    if size < least:
        raise UserError(
            "--image-size", f"is {size}, trunk {name} needs {least} or more"
        )


def table(timed: bool = False) -> list[list[str]]:
    """Every trunk as it is listed, below a heading; `timed` on this machine, too."""
    heading = ["trunk", "parameters", "size", "pretrained", "good for"]
    lines = [[*heading[:4], "ms a picture", heading[4]] if timed else heading]
    for made in TRUNKS.values():
        lines.append(
            [
                made.name,
                f"{made.millions:.2f} M",
                str(made.size),
                "imagenet" if made.application else "",
                *([f"{_milliseconds(made):.1f}"] if timed else []),
                made.good_for,
            ]
        )
    return lines


def _milliseconds(made: Trunk) -> float:
    """How long one picture takes, in the median of a few calls after the first."""
    import keras
    import tensorflow as tf

    from multitask.networks.normalization import norm

    image = keras.Input((made.size, made.size, 3))
    model = keras.Model(image, made.build(image, norm(False), "average"))
    forward = tf.function(lambda images: model(images, training=False))
    images = tf.zeros((1, *model.input.shape[1:]))
    took = []
    for _ in range(1 + _CALLS):
        began = time.perf_counter()
        forward(images)
        took.append(1000 * (time.perf_counter() - began))
    return median(took[1:])
