"""Which weights does a trunk start from: random, ImageNet's or another network's?"""

import os
import re
import warnings
import zipfile
from pathlib import Path

import keras

from multitask.contracts.errors import UserError
from multitask.networks.efficientnet_lite import network as efficientnet_lite
from multitask.networks.normalization import norm
from multitask.networks.trunks import TRUNKS, trunk

NONE, IMAGENET = "none", "imagenet"


def check(source: str, name: str, size: int = 0) -> None:
    """Raise UserError if the trunk `name` can't start from the weights of `source`.

    `size` is that of its pictures, 0 for the trunk's default.
    """
    if source == NONE:
        return
    if source == IMAGENET:
        if not trunk(name).pretrained:
            raise UserError(
                "--weights", f"trunk {name} has no ImageNet weights",
                "`python -m multitask.trunks` lists which are pretrained",
            )  # fmt: skip
        if trunk(name).package:
            efficientnet_lite.imagenet_file(trunk(name).package, name)
        default = trunk(name).size
        if trunk(name).dense and size not in (0, default):
            raise UserError(
                "--weights",
                f"imagenet for trunk {name} needs pictures of {default}x{default}",
                "leave out --image-size, or choose another trunk",
            )
        return
    path = Path(source).expanduser()
    if not path.is_file():
        raise UserError(
            "--weights", f"there is no file {path}", "give imagenet, none or a file"
        )
    if path.suffix == ".pth" and trunk(name).package:
        return
    if path.suffix not in (".keras", ".h5"):
        raise UserError(
            "--weights", f"is {path.name}, must end in .keras or .weights.h5"
        )


def absolute(source: str) -> str:
    """The same source, a file as an absolute path."""
    return (
        source
        if source in (NONE, IMAGENET)
        else str(Path(source).expanduser().absolute())
    )


def load(model: keras.Model, source: str, name: str) -> None:
    """Load the weights of `source` into `model`, the trunk `name`.

    `imagenet` reads them from an installed package, if the trunk has one, or downloads
    them through Keras. A `.keras` file may be a network of this package, whose trunk is
    used, or any other model whose first weights are those of the trunk; a `.weights.h5`
    file is one that Keras saved of such a model. A `.pth` file is PyTorch's, for the
    trunk whose package has one.

    Raises UserError if they are not available or are of another architecture.
    """
    if source == NONE:
        return
    package = trunk(name).package
    if source == IMAGENET and not package:
        _fill(model, _imagenet(name), f"--weights {source}")
        return
    path = Path(source).expanduser()
    if source == IMAGENET:
        path = efficientnet_lite.imagenet_file(package, name)
    if path.suffix == ".pth" and package:
        efficientnet_lite.load(model, path)
        return
    if path.suffix == ".keras" and not zipfile.is_zipfile(path):
        raise UserError(
            path, "is not a Keras file, or is truncated", "give another file"
        )
    try:
        if path.suffix == ".keras":
            _fill(model, _trunk_of(keras.models.load_model(path, compile=False)), path)
        else:
            # Keras looks weights up by the class names of the plain layers.
            plain = _plain(model, name)
            _read(plain, path)
            model.set_weights(plain.get_weights())
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        # Keras names the layer that differs in one line, says how in the next.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(lines[:2]).partition(". Target variable")[0]
        raise UserError(
            path,
            f"does not fit trunk {name}: {reason}",
            "give weights of the same trunk",
        ) from None


def _read(plain: keras.Model, path: Path) -> None:
    """Load a model's weights from a file; ValueError if it lacks some of them."""
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        plain.load_weights(path)
    for record in records:  # Keras warns of layers that it leaves unchanged
        if "no matching group" in str(record.message):
            raise ValueError(str(record.message))


def _plain(model: keras.Model, name: str) -> keras.Model:
    """The trunk of `model` with plain layers, as in a saved network."""
    image = keras.Input(model.input.shape[1:])
    return keras.Model(image, trunk(name).build(image, norm(training=False), "average"))


def _imagenet(name: str) -> keras.Model:
    """The model of `keras.applications` for a trunk, with the weights of ImageNet."""
    architecture = trunk(name)
    build = getattr(keras.applications, architecture.application)
    try:
        return build(include_top=architecture.dense, weights="imagenet")
    except Exception as error:  # Keras raises nothing more specific
        match = re.search(r"URL fetch failure on (\S+?):? ", str(error))
        if not match and not isinstance(error, (OSError, ValueError)):
            raise
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        folder = Path(home) / "models"
        if not match:
            raise UserError(
                "--weights imagenet", f"can't be loaded: {error}", f"check {folder}"
            ) from None
        file = match[1].rpartition("/")[2]
        offline = next(entry.name for entry in TRUNKS.values() if entry.package)
        raise UserError(
            "--weights imagenet",
            f"{file} can't be downloaded from {match[1]}",
            f"put it into {folder} on this machine, or choose --trunk {offline}, which "
            "needs no download",
        ) from None


def _trunk_of(model: keras.Model) -> keras.Model:
    """The trunk of a network of this package; any other model itself."""
    for name in ("core", "trunk"):
        if name not in {layer.name for layer in model.layers}:
            return model
        model = model.get_layer(name)
    return model


def _fill(model: keras.Model, other: keras.Model, where: str | Path) -> None:
    """Copy the first weights of another model, which must have the same shapes."""
    sizes = [getattr(m, "input_shape", (None, None))[1] for m in (other, model)]
    todo = "give weights of the same trunk"
    if None not in sizes and sizes[0] != sizes[1]:
        todo += f", perhaps with --image-size {sizes[0]}, which these are for"
    for ours, theirs in zip(model.weights, other.weights, strict=False):
        if ours.shape != theirs.shape:
            raise UserError(
                where,
                f"{theirs.path} is {tuple(theirs.shape)}, {ours.path} of the trunk is "
                f"{tuple(ours.shape)}",
                todo,
            )
    if len(other.weights) < len(model.weights):
        raise UserError(
            where,
            f"has {len(other.weights)} weights, the trunk has {len(model.weights)}; "
            f"the first one missing is {model.weights[len(other.weights)].path}",
            "give weights of the same trunk",
        )
    for ours, theirs in zip(model.weights, other.weights, strict=False):
        ours.assign(theirs)
