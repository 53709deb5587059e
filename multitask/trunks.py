"""Which shared networks turn a picture into features?"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from multitask.errors import UserError, command, nearest
from multitask.quiet import quiet_start


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """A network from pictures (batch, size, size, 3) in 0..255 to (batch, features).

    `build(images, norm)` makes it; `norm()` is to make its batch normalizations, so
    that training can use a faster one than the saved file (see `normalization.py`).
    """

    name: str
    size: int  # the default picture size
    least: int  # the smallest that the layers allow
    build: Callable[[Any, Callable[[], Any]], Any]
    units: int = 0  # of a dense layer that each head has to itself before its output
    application: str = ""  # what `keras.applications` calls it, if it is there
    dense: bool = False  # whether it has the dense layers of that, too
    good_for: str = ""


def _ours(module: str, name: str, size: int, least: int, **others: Any) -> Trunk:
    """A trunk made by the function of its name in a module, imported when built."""

    def build(images: Any, norm: Callable[[], Any]) -> Any:
        return getattr(import_module(f"multitask.{module}"), name)(images, norm)

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


def check_size(name: str, size: int) -> None:
    """Raise UserError if pictures of `size` pixels a side are too small for a trunk."""
    least = trunk(name).least
    if size < least:
        raise UserError(
            "--image-size", f"is {size}, trunk {name} needs {least} or more"
        )


def table() -> list[tuple[str, str, str, str, str]]:
    """Every trunk as it is listed: name, parameters, size, pretrained, good for."""
    import keras

    from multitask.normalization import norm

    lines = []
    for made in TRUNKS.values():
        image = keras.Input((made.size, made.size, 3))
        count = keras.Model(image, made.build(image, norm(False))).count_params()
        lines.append(
            (
                made.name,
                f"{count / 1e6:.2f} M",
                str(made.size),
                "imagenet" if made.application else "",
                made.good_for,
            )
        )
    return lines


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask trunks`; returns the exit status."""
    argparse.ArgumentParser(
        prog="multitask trunks",
        description="List the shared networks that --trunk takes.",
    ).parse_args(argv)
    quiet_start()
    heading = ("trunk", "parameters", "size", "pretrained", "good for")
    lines = [heading, *table()]
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print("  ".join([*cells, line[4]]).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
