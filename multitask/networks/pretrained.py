"""What does a trunk begin with: nothing, ImageNet, or another network?"""

import os
import re
import warnings
import zipfile
from pathlib import Path

import keras

from multitask.contracts.errors import UserError
from multitask.networks.normalization import norm
from multitask.networks.trunks import trunk

NONE, IMAGENET = "none", "imagenet"


def check(source: str, name: str, size: int = 0) -> None:
    """Raise UserError if the trunk of a name can't begin with the weights `source`.

    `size` is that of its pictures, if it is not the usual one.
    """
    if source == NONE:
        return
    if source == IMAGENET:
        if not trunk(name).application:
            raise UserError(
                "--weights", f"there are none of ImageNet for trunk {name}",
                "`multitask trunks` lists which are pretrained",
            )  # fmt: skip
        usual = trunk(name).size
        if trunk(name).dense and size not in (0, usual):
            raise UserError(
                "--weights",
                f"of ImageNet for trunk {name} are for pictures of {usual}x{usual}",
                "leave --image-size out, or take another trunk",
            )
        return
    path = Path(source).expanduser()
    if not path.is_file():
        raise UserError(
            "--weights", f"no such file: {path}", "must be imagenet, none or a file"
        )
    if path.suffix not in (".keras", ".h5"):
        raise UserError("--weights", f"is {path.name}, must be .keras or .weights.h5")


def absolute(source: str) -> str:
    """The same source, to be found from any working folder."""
    return (
        source
        if source in (NONE, IMAGENET)
        else str(Path(source).expanduser().absolute())
    )


def load(model: keras.Model, source: str, name: str) -> None:
    """Give `model`, the trunk of a name, the weights of a `source`.

    `imagenet` downloads them as Keras does. A `.keras` file may be a network of ours,
    of which the trunk is taken, or any other model whose first weights are those of
    the trunk; a `.weights.h5` file one that Keras wrote of such a model.

    Raises UserError if they can't be had or are of another architecture.
    """
    if source == NONE:
        return
    if source == IMAGENET:
        _fill(model, _imagenet(name), f"--weights {source}")
        return
    path = Path(source).expanduser()
    try:
        if path.suffix == ".keras":
            _fill(model, _trunk_of(keras.models.load_model(path, compile=False)), path)
        else:
            # Keras finds weights in it by the names of the plain layers' classes.
            plain = _plain(model, name)
            _read(plain, path)
            model.set_weights(plain.get_weights())
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        # Keras names a layer that differs in a line, how in the next one, and goes on.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = " ".join(lines[:2]).partition(". Target variable")[0]
        raise UserError(
            path, f"does not fit trunk {name}: {said}", "must be of the same trunk"
        ) from None


def _read(plain: keras.Model, path: Path) -> None:
    """Fill a model from a file; ValueError if that lacks weights of it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        plain.load_weights(path)
    for one in said:  # Keras warns of layers that it leaves as they were
        if "no matching group" in str(one.message):
            raise ValueError(str(one.message))


def _plain(model: keras.Model, name: str) -> keras.Model:
    image = keras.Input(model.input.shape[1:])
    return keras.Model(image, trunk(name).build(image, norm(training=False), "average"))


def _imagenet(name: str) -> keras.Model:
    chosen = trunk(name)
    make = getattr(keras.applications, chosen.application)
    try:
        return make(include_top=chosen.dense, weights="imagenet")
    except Exception as error:  # Keras raises nothing more particular
        found = re.search(r"URL fetch failure on (\S+?):? ", str(error))
        if not found and not isinstance(error, (OSError, ValueError)):
            raise
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        where = Path(home) / "models"
        if not found:
            raise UserError(
                "--weights imagenet", f"can't be had: {error}", f"look into {where}"
            ) from None
        file = found[1].rpartition("/")[2]
        raise UserError(
            "--weights imagenet",
            f"{file} can't be downloaded from {found[1]}",
            f"put it into {where} on this machine",
        ) from None


def _trunk_of(model: keras.Model) -> keras.Model:
    """The trunk in a network of ours; any other model is itself."""
    for name in ("core", "trunk"):
        if name not in {layer.name for layer in model.layers}:
            return model
        model = model.get_layer(name)
    return model


def _fill(model: keras.Model, other: keras.Model, where: str | Path) -> None:
    """Copy the weights of another model, whose first ones must be like the model's."""
    sizes = [getattr(one, "input_shape", (None, None))[1] for one in (other, model)]
    todo = "must be weights of the same trunk"
    if None not in sizes and sizes[0] != sizes[1]:
        todo += f", perhaps with --image-size {sizes[0]}, for which these are"
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
            f"the first that it lacks is {model.weights[len(other.weights)].path}",
            "must be weights of the same trunk",
        )
    for ours, theirs in zip(model.weights, other.weights, strict=False):
        ours.assign(theirs)
