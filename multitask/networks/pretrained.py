"""Which weights does training begin from: random, ImageNet's or another network's?"""

import os
import re
import warnings
from functools import cache
from itertools import zip_longest
from pathlib import Path

import keras

from multitask.contracts.errors import Say, UserError, listed, nearest
from multitask.contracts.head import Head
from multitask.contracts.paths import expand_user
from multitask.contracts.run import NETWORK
from multitask.images.faces.crop import Framing
from multitask.networks import archive
from multitask.networks.build import SHARED, head_layers
from multitask.networks.efficientnet_lite import network as efficientnet_lite
from multitask.networks.efficientnet_lite import torch_file
from multitask.networks.named import catalog, hub
from multitask.networks.named.description import describe, holds_network
from multitask.networks.normalization import norm
from multitask.networks.spec import NetworkSpec
from multitask.networks.stored.members import check_weights, read
from multitask.networks.stored.model import load_model, safely
from multitask.networks.trunks import TRUNKS, trunk

NONE, IMAGENET = catalog.NONE, catalog.IMAGENET
_RANGE = ("low", "high", "step")  # of a head of numbers


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
    path = _file(source)
    of_pytorch = (".pth",) if trunk(name).package else ()
    if path.suffix not in (".keras", ".h5", *of_pytorch):
        endings = " or ".join((".keras", ".weights.h5", *of_pytorch))
        raise UserError(f"--weights {path.name}", f"must end in {endings}")
    archive.check_format(path)
    if path.suffix == ".pth":
        torch_file.read(path)
    if holds_network(path) and (other := describe(path)["trunk"]) != name:
        todo = f"use --trunk {other}, or other weights"
        what = f"{source} has trunk {other}, the recipe has {name}"
        raise UserError("--weights", what, todo)


def _file(source: str) -> Path:
    """The file of weights that a name, an address or a path means.

    Raises UserError if there is none.
    """
    if source.startswith(hub.PREFIX):
        return _downloaded(source)
    if catalog.is_named(source):
        return catalog.find(source)
    path = expand_user(source)
    path = path / NETWORK if path.is_dir() else path
    if path.is_file():
        return path
    if path.suffix:
        raise UserError(
            "--weights", f"there is no file {path}", "give imagenet, none or a file"
        )
    what = f"is {source!r}, which is neither a file nor the name of a network"
    known = nearest(source, (IMAGENET, NONE, *catalog.names()))
    raise UserError("--weights", what, known)


@cache
def _downloaded(address: str) -> Path:
    """The file of an address, asked for once: a program begins from one revision."""
    return catalog.find(address)


def network(source: str) -> Path | None:
    """The file of the network of this package that weights are of; None for others.

    Raises UserError if there is no file.
    """
    if source in (NONE, IMAGENET):
        return None
    path = _file(source)
    return path if holds_network(path) else None


def size(source: str) -> int:
    """Pixels per side of the pictures that a network was trained on; 0 if it is none.

    Raises UserError if there is no file.
    """
    path = network(source)
    return int(describe(path)["size"]) if path else 0


def framing(source: str) -> Framing | None:
    """How faces lay in the training pictures of a network; None if it is none.

    Raises UserError if there is no file, or it is damaged.
    """
    path = network(source)
    return archive.load_spec(path).framing if path else None


def absolute(source: str) -> str:
    """The same source in a way that stands for it from any folder, and later.

    A file is an absolute path, also that of a name in the folder of networks, and an
    address names the revision that it stands for now. The name of a network that comes
    with this package or another stays: it means the one that is installed, on any
    machine, which another version may replace.
    """
    if source in (NONE, IMAGENET):
        return source
    if source.startswith(hub.PREFIX):
        return hub.pinned(source, _file(source))
    if catalog.is_installed(source):
        return source
    return str(_file(source).absolute())


def begin(
    core: keras.Model, spec: NetworkSpec, source: str, say: Say = print
) -> tuple[tuple[Head, ...], bool]:
    """Load the weights of `source` into a core.

    From a network of this package, heads of the same name that answer the same question
    are loaded, too, and the layers between trunk and heads if they are the same. `say`
    is called with a line about it. Returns the heads that are still new, and whether
    these layers are loaded.

    Raises UserError as `load` does.
    """
    path = network(source)
    if not path:
        load(core.get_layer("trunk"), source, spec.trunk)
        return spec.heads, False
    model, other = archive.load(path)
    theirs = model.get_layer("core")
    _fill(core.get_layer("trunk"), theirs.get_layer("trunk"), source)
    before = {head.name: head for head in other.heads}
    new, other_features = {}, _other_features(spec, other)
    for head in spec.heads:
        reason = difference(head, before.get(head.name)) or other_features
        if not reason and not _copied(core, theirs, head):
            reason = "its layers differ"
        if reason:
            new[head.name] = reason
    if not other_features:
        for layer in core.layers:
            if layer.name in SHARED and layer.name != "trunk" and layer.weights:
                layer.set_weights(theirs.get_layer(layer.name).get_weights())
    loaded = [head.name for head in spec.heads if head.name not in new]
    parts = " and ".join(
        ["the trunk", *(["heads " + listed(loaded)] if loaded else [])]
    )
    others = [f"{name} ({reason})" for name, reason in new.items()]
    size = f"pictures of {spec.size} pixels"
    if spec.size != other.size:
        size += f", its own had {other.size}"
    say(
        f"begins from {source} ({size}): {parts}"
        + (f"; new heads: {', '.join(others)}" if others else "")
    )
    new_heads = tuple(head for head in spec.heads if head.name in new)
    return new_heads, not other_features


def _other_features(spec: NetworkSpec, other: NetworkSpec) -> str:
    """Why heads of two networks with one trunk take other features; "" if the same."""
    ours, theirs = spec.dense, other.dense
    if (ours.units, ours.norm) != (theirs.units, theirs.norm):
        return "its --features differ"
    if spec.pooling != other.pooling:
        return "its --pooling differs"
    # Flattened, each place in a picture has features of its own.
    differ = spec.pooling == "flatten" and spec.size != other.size
    return "its --image-size differs" if differ else ""


def difference(head: Head, before: Head | None) -> str:
    """Why a head asks another question than one of the same name; "" if the same."""
    if before is None:
        return "it has none of this name"
    if type(head) is not type(before):
        return "of another kind"
    if head.columns != before.columns:
        return "its labels differ"
    if head.classes != before.classes:
        return "its classes differ"
    if any(getattr(head, n, None) != getattr(before, n, None) for n in _RANGE):
        return "its range differs"
    return ""


def _copied(core: keras.Model, theirs: keras.Model, head: Head) -> bool:
    """Copy the weights of a head; False if they have other shapes."""
    pairs = list(zip_longest(head_layers(core, head), head_layers(theirs, head)))
    shapes = [
        [[weight.shape for weight in getattr(layer, "weights", ())] for layer in pair]
        for pair in pairs
    ]
    if any(ours != others for ours, others in shapes):
        return False
    for layer, other in pairs:
        layer.set_weights(other.get_weights())
    return True


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
    if source == IMAGENET:
        path = efficientnet_lite.imagenet_file(package, name)
    else:
        path = _file(source)
    if path.suffix == ".pth" and package:
        efficientnet_lite.load(model, path)
        return
    archive.check_format(path)
    unfit, todo = f"does not fit trunk {name}", "give weights of the same trunk"
    with safely(path, unfit, todo):
        if path.suffix == ".keras":
            read(path)
            _fill(model, _trunk_of(load_model(path, unfit, todo)), path)
        else:
            with safely(path, "is damaged", "copy it again"):
                check_weights(path)
            # Keras looks weights up by the class names of the plain layers.
            plain = _plain(model, name)
            _read(plain, path)
            model.set_weights(plain.get_weights())


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
