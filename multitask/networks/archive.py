"""How is a network saved to one file and loaded from it?"""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import numpy.typing as npt

from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError, listed
from multitask.contracts.head import Head
from multitask.contracts.recipe import recipe
from multitask.contracts.recipe_files import translate
from multitask.contracts.recipe_texts import DenseFeatures
from multitask.contracts.run import network_file
from multitask.contracts.saving import replacing
from multitask.images.faces.crop import Framing
from multitask.networks.spec import NetworkSpec
from multitask.networks.stored import schema
from multitask.networks.stored.members import (
    CONFIG_MEMBER,
    SPEC_MEMBER,
    TRAINING_MEMBER,
    WEIGHTS_MEMBER,
    read_member,
    refused,
)
from multitask.networks.stored.model import load_model, safely
from multitask.networks.unlike import TrainingFeatures

_NEWER = {  # settings that Keras 3.12 doesn't know, and their defaults
    "quantization_config": None,  # since 3.13
    "renorm": False,  # these since 3.14
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
    "input_axes": None,  # these since 3.15
    "output_axes": None,
}


def save(model: keras.Model, spec: NetworkSpec, path: Path) -> None:
    """Save a model of `build` with its spec as one file, whole or not at all.

    Kernels are stored as the spec says, in float32 or float16; Keras computes with both
    in float32.

    Raises UserError if the disk is full or the folder can't be written; an existing
    file is then unchanged.
    """
    with replacing(path) as part:
        plain = part.with_name(f".plain{part.name}")
        try:
            model.save(plain)
            _rewrite(plain, part, spec)
        finally:
            plain.unlink(missing_ok=True)


def _rewrite(plain: Path, path: Path, spec: NetworkSpec) -> None:
    """Write a file of Keras anew: with the spec, portable, kernels as the spec says.

    Both files are on the disk at once, as a member of a zip file can't be replaced.
    """
    halve = spec.storage == "float16"
    with zipfile.ZipFile(plain) as saved, zipfile.ZipFile(path, "w") as members:
        compression = zipfile.ZIP_DEFLATED if halve else zipfile.ZIP_STORED
        checksum = ""
        for name in saved.namelist():
            content = saved.read(name)
            if name == CONFIG_MEMBER:
                content = json.dumps(_portable(json.loads(content))).encode()
            elif name == WEIGHTS_MEMBER:
                content = _halved(content) if halve else content
                checksum = hashlib.sha256(content).hexdigest()
            members.writestr(name, content, compression)
        members.writestr(SPEC_MEMBER, spec.to_json(checksum))


def _portable(config: Any) -> Any:
    """A model's config without the defaults that earlier versions of Keras refuse."""
    if isinstance(config, list):
        return [_portable(value) for value in config]
    if not isinstance(config, dict):
        return config
    return {
        key: _portable(value)
        for key, value in config.items()
        if not (key in _NEWER and value == _NEWER[key])
    }


def _halved(content: bytes) -> bytes:
    """The bytes of an HDF5 file of weights, rewritten with kernels in float16."""
    halved = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as before, h5py.File(halved, "w") as after:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                twin = after.require_group(name)
            elif _fits_float16(item[()]):
                # By NumPy, as HDF5 rounds some values to half of what they are; and
                # bytes of one significance together, which saves another 5%.
                kernel = item[()].astype(np.float16)
                twin = after.create_dataset(
                    name, data=kernel, compression="gzip", shuffle=True
                )
            else:
                twin = after.create_dataset(name, data=item)
            twin.attrs.update(item.attrs)

        after.attrs.update(before.attrs)
        before.visititems(copy)
    return halved.getvalue()


def _fits_float16(values: npt.NDArray[Any]) -> bool:
    """Whether a weight is a kernel whose values float16 holds, most of them precisely.

    Biases and the statistics of batch normalization, which are few, stay as they are.
    """
    if values.ndim < 2 or values.dtype != np.float32:
        return False
    sizes, limits = np.abs(values[values != 0]), np.finfo(np.float16)
    is_precise = not sizes.size or np.median(sizes) >= limits.smallest_normal
    return bool(is_precise and sizes.max(initial=0) <= limits.max)


def save_spec(spec: NetworkSpec, path: Path) -> None:
    """Replace the spec in the file of a saved network; its weights stay as they are.

    Raises UserError as `save` does, and for a file that is damaged.
    """
    checksum = schema.read(path).weights_sha256 or _checksum(path)
    _put(path, SPEC_MEMBER, spec.to_json(checksum).encode())


def _checksum(path: Path) -> str:
    """The SHA-256 of the weights in a file of an earlier version, which has none."""
    return hashlib.sha256(read_member(path, WEIGHTS_MEMBER) or b"").hexdigest()


def save_training(known: TrainingFeatures, path: Path) -> None:
    """Put what is known of the training pictures into the file of a saved network.

    Raises UserError as `save` does.
    """
    _put(path, TRAINING_MEMBER, known.to_bytes())


def load_training(path: Path) -> bytes | None:
    """What `unlike.read` reads of a network file; None if it holds no such thing."""
    return read_member(path, TRAINING_MEMBER)


def _put(path: Path, name: str, content: bytes) -> None:
    """Replace a member of a network file, or add it."""
    with (
        replacing(path) as part,
        zipfile.ZipFile(path) as saved,
        zipfile.ZipFile(part, "w") as members,
    ):
        for member in saved.infolist():
            if member.filename != name:
                members.writestr(member, saved.read(member))
        members.writestr(name, content)


def load(path: str | Path) -> tuple[keras.Model, NetworkSpec]:
    """Load a network file, or that in a run folder.

    Raises UserError if there is none, or it is damaged or not one of this package.
    """
    path = network_file(path)
    spec = load_spec(path)
    model = load_model(path)
    _check_model(model, spec, path)
    return model, spec


def check_format(path: Path) -> None:
    """Raise UserError unless a `.keras` or `.h5` file has that format.

    It reads little, so that a damaged file is told before long work.
    """
    is_one = h5py.is_hdf5 if path.suffix == ".h5" else zipfile.is_zipfile
    if path.suffix in (".keras", ".h5") and not is_one(path):
        what = "is not a Keras file, or is truncated"
        raise UserError(path, what, "give another file")


def load_spec(path: Path) -> NetworkSpec:
    """The spec of a network file; UserError as `load`."""
    stored = schema.read(path)
    return NetworkSpec(
        trunk=stored.trunk,
        size=stored.size,
        crop=stored.crop,
        pooling=stored.pooling,
        dense=DenseFeatures(
            units=stored.features, l2=stored.features_l2, norm=stored.features_norm
        ),
        tta=stored.looks or 1 + stored.mirror,
        heads=_heads(stored, path),
        notes=tuple(stored.notes),
        leaks=tuple(stored.leaks),
        box=stored.box,
        framing=Framing(**dict(stored.framing)) if stored.framing else None,
        recipe=_recipe(stored, path),
    )


def _heads(stored: schema.StoredSpec, path: Path) -> tuple[Head, ...]:
    """The heads of a network file, checked as those of a recipe are."""
    heads, readers = list[Head](), dict[str, str]()
    for head in stored.heads:
        config = head.model_dump(exclude_unset=True)
        try:
            heads.append(from_config(head.name, config))
        except UserError as error:
            raise schema.damaged(path, error.line) from None
        for column in heads[-1].label_columns:
            if readers.setdefault(column, head.name) != head.name:
                what = f"heads {readers[column]} and {head.name} both read {column!r}"
                raise schema.damaged(path, what)
    return tuple(heads)


def _recipe(stored: schema.StoredSpec, path: Path) -> dict[str, Any]:
    """The recipe of a network file, of any version, whose settings are checked."""
    try:
        recipe(translate(stored.recipe)[0])
    except UserError as error:
        raise schema.damaged(path, error.line) from None
    return stored.recipe


def _check_model(model: keras.Model, spec: NetworkSpec, path: Path) -> None:
    """Raise UserError if a model has not the inputs and outputs that its spec says."""
    with safely(path, "is damaged"):
        core = model.get_layer("core")
        if core.input.shape != (None, spec.size, spec.size, 3):
            what = f"looks at {core.input.shape}, but says that its size is {spec.size}"
            raise refused(path, what)
        for part in (core, model):
            names, described = sorted(part.output), sorted(h.name for h in spec.heads)
            if names != described:
                what = f"has the outputs {listed(names)}, but describes the heads "
                raise refused(path, what + listed(described))
        for head in spec.heads:
            # The width of a head's output does not depend on that of its input.
            shape = head.layers(keras.KerasTensor((None, 1))).shape
            if model.output[head.name].shape != shape:
                what = f"answers {model.output[head.name].shape} for head {head.name}"
                raise refused(path, f"{what}, which must be {shape}")
