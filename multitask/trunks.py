"""Which shared networks turn a picture into features?"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from statistics import median
from typing import Any

from multitask.errors import UserError, command, nearest
from multitask.quiet import quiet_start

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
    good_for: str = ""


def _ours(module: str, name: str, size: int, least: int, **others: Any) -> Trunk:
    """A trunk made by the function of its name in a module, imported when built."""

    def build(images: Any, norm: Callable[[], Any], pooling: str = "average") -> Any:
        made = getattr(import_module(f"multitask.{module}"), name)
        if others.get("application"):
            return made(images, pooling)
        return made(images, norm)

    return Trunk(name=name, size=size, least=least, build=build, **others)


def _application(name: str, application: str, good_for: str, **others: Any) -> Trunk:
    return _ours(
        "applications", name, others.pop("size", 224), others.pop("least", 32),
        application=application, good_for=good_for, **others,
    )  # fmt: skip


TRUNKS = {
    made.name: made
    for made in (
        _ours("cnn", "cnn", 64, 16, good_for="training from scratch on a CPU"),
        _ours("classics", "base_cnn", 224, 22, good_for="the plainest baseline"),
        _ours(
            "classics",
            "regularized_cnn",
            224,
            22,
            good_for="a baseline that overfits less",
        ),
        _ours(
            "classics",
            "utkface_cnn",
            198,
            190,
            units=128,
            good_for="the usual experiment on UTKFace",
        ),
        _ours("classics", "mood_cnn", 256, 22, good_for="two classes, few pictures"),
        _ours("classics", "alexnet", 227, 67, good_for="comparison with older work"),
        _application("vgg16", "VGG16", "comparison with older work"),
        _application("vgg16_dense", "VGG16", "VGG16 with its dense layers", dense=True),
        _application("resnet50", "ResNet50", "transfer to other questions"),
        _application("densenet121", "DenseNet121", "transfer with few parameters"),
        _application(
            "inception_v3",
            "InceptionV3",
            "transfer for large pictures",
            size=299,
            least=75,
        ),
        _application(
            "mobilenet_v3_large", "MobileNetV3Large", "transfer on a CPU or a phone"
        ),
        _application(
            "efficientnet_v2_b0", "EfficientNetV2B0", "transfer, good for its time"
        ),
        _application("convnext_tiny", "ConvNeXtTiny", "transfer on a GPU"),
    )
}


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
    import keras

    from multitask.normalization import norm

    heading = ["trunk", "parameters", "size", "pretrained", "good for"]
    lines = [[*heading[:4], "ms a picture", heading[4]] if timed else heading]
    for made in TRUNKS.values():
        image = keras.Input((made.size, made.size, 3))
        model = keras.Model(image, made.build(image, norm(False), "average"))
        lines.append(
            [
                made.name,
                f"{model.count_params() / 1e6:.2f} M",
                str(made.size),
                "imagenet" if made.application else "",
                *([f"{_milliseconds(model):.1f}"] if timed else []),
                made.good_for,
            ]
        )
    return lines


def _milliseconds(model: Any) -> float:
    """How long one picture takes, in the median of a few calls after the first."""
    import tensorflow as tf

    forward = tf.function(lambda images: model(images, training=False))
    images = tf.zeros((1, *model.input.shape[1:]))
    took = []
    for _ in range(1 + _CALLS):
        began = time.perf_counter()
        forward(images)
        took.append(1000 * (time.perf_counter() - began))
    return median(took[1:])


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask trunks`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="multitask trunks",
        description="List the shared networks that --trunk takes.",
    )
    parser.add_argument(
        "--time", action="store_true", help="measure each on this machine, too"
    )
    arguments = parser.parse_args(argv)
    quiet_start()
    lines = table(arguments.time)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join(cells).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
