"""How do a trunk and its heads become one Keras model, and one file?"""

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
from keras import layers, ops

import multitask
from multitask.contracts.errors import UserError
from multitask.contracts.head import Head, from_config
from multitask.images.resize import middle, resize
from multitask.networks.normalization import norm
from multitask.networks.trunks import check_pooling, check_size, trunk

FILE = "network.keras"
_SPEC_MEMBER = "multitask.json"
_FORMAT = 3


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A part of a picture, so many pixels from its middle, in a mirror or not."""

    mirrored: bool = False
    down: int = 0
    right: int = 0

    def at(self, images: Any, size: int) -> Any:
        """What it sees (batch, size, size, 3) of pictures (batch, side, side, 3)."""
        seen = middle(images, size, self.down, self.right)
        return ops.flip(seen, axis=2) if self.mirrored else seen


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """What rides along in the file of a network: all that Keras does not know."""

    trunk: str
    size: int  # pixels a side that the trunk looks at
    crop: float = 1.0  # their share of the picture's side; the rest is its margin
    pooling: str = "average"  # how the places of a picture become one
    features: int = 0  # of a dense layer between trunk and heads; 0: none
    features_l2: float = 0.0  # what its squared weights add to the loss
    features_norm: bool = False  # whether it is normalized over a batch
    heads: tuple[Head, ...]
    looks: int = 4  # that answers are averaged over: 1, 2 or 4
    notes: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)

    @property
    def side(self) -> int:
        """Pixels a side of a whole picture, of which the middle is looked at."""
        return self.size + 2 * round(self.size * (1 / self.crop - 1) / 2)

    def crops(self) -> tuple["Crop", ...]:
        """How the network looks at a picture, as often as `looks` says.

        Once at its middle; also in a mirror; or at four places towards its corners,
        two of them in a mirror, if it has a margin.
        """
        away = round(0.75 * (self.side - self.size) / 2)
        if self.looks < 4 or not away:
            return (Crop(), Crop(mirrored=True))[: self.looks]
        return (
            Crop(down=-away, right=-away),
            Crop(down=away, right=away),
            Crop(down=-away, right=away, mirrored=True),
            Crop(down=away, right=-away, mirrored=True),
        )

    def with_heads(self, heads: Sequence[Head]) -> "NetworkSpec":
        return replace(self, heads=tuple(heads))

    def to_json(self) -> str:
        return json.dumps(
            {
                "format": _FORMAT,
                "multitask": multitask.__version__,
                "trunk": self.trunk,
                "size": self.size,
                "crop": self.crop,
                "pooling": self.pooling,
                "features": self.features,
                "features_l2": self.features_l2,
                "features_norm": self.features_norm,
                "looks": self.looks,
                "heads": [head.config() for head in self.heads],
                "notes": self.notes,
                "recipe": self.recipe,
            },
            indent=1,
        )


def build(spec: NetworkSpec, core: keras.Model | None = None) -> keras.Model:
    """Make the network to be saved, of plain Keras layers only, around a `core`.

    It takes uint8 RGB (batch, height, width, 3) of any size and gives a dict of
    outputs by head name.
    """
    core = core or build_core(spec)
    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    # Operations, not `layers.Resizing`: that layer would switch the layers behind it
    # to training mode in `model(x)`.
    pixels = resize(image, spec.side)
    seen = [look.at(pixels, spec.size) for look in spec.crops()]
    outputs = averaged(spec, core(ops.concatenate(seen) if seen[1:] else seen[0]))
    return keras.Model(image, outputs, name="multitask")


def averaged(spec: NetworkSpec, outputs: dict[str, Any]) -> dict[str, Any]:
    """The mean (batch, ...) of outputs (looks x batch, ...), look by look, by head."""
    ways = spec.crops()
    if not ways[1:]:
        return outputs
    means = {}
    for head in spec.heads:
        said = outputs[head.name]
        shape = (len(ways), -1, *said.shape[1:])
        parts = ops.unstack(ops.reshape(said, shape), len(ways))
        straight = [
            head.unmirrored(part) if look.mirrored else part
            for look, part in zip(ways, parts, strict=True)
        ]
        means[head.name] = sum(straight[1:], straight[0]) / len(ways)
    return means


def build_core(
    spec: NetworkSpec,
    dropout: float = 0.0,
    policy: str = "float32",
    training: bool = False,
) -> keras.Model:
    """Make the trunk with its heads: what is trained.

    It takes float32 pictures (batch, size, size, 3) in 0..255 and computes in
    `policy`, a Keras dtype policy; outputs are float32. `training` takes the layers
    that learn fastest; the weights are the same.
    """
    check_size(spec.trunk, spec.size)
    check_pooling(spec.trunk, spec.pooling)
    image = keras.Input((spec.size, spec.size, 3), dtype="float32", name="pixels")
    with _policy(policy):
        chosen = trunk(spec.trunk)
        features = chosen.build(image, norm(training), spec.pooling)
        features = keras.Model(image, features, name="trunk")(image)
        if spec.features:
            features = _dense(spec.features, "features", spec.features_l2)(features)
        if spec.features_norm:
            features = norm(training)()(features)
        features = layers.Dropout(dropout)(features) if dropout else features
        outputs = {}
        for head in spec.heads:
            own = features
            if chosen.units:
                own = _dense(chosen.units, f"{head.name}_features")(features)
            outputs[head.name] = head.layers(own)
    return keras.Model(image, outputs, name="core")


def _dense(units: int, name: str, l2: float = 0.0) -> layers.Layer:
    return layers.Dense(
        units,
        activation="relu",
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
        name=name,
    )


@contextmanager
def _policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def save(model: keras.Model, spec: NetworkSpec, path: Path) -> None:
    """Write a network of `build` as one file; a file that is there survives failure.

    Raises UserError if the disk is full or the folder can't be written.
    """
    with _replacing(path) as part:
        model.save(part)
        with zipfile.ZipFile(part, "a") as members:
            members.writestr(_SPEC_MEMBER, spec.to_json())


def save_spec(spec: NetworkSpec, path: Path) -> None:
    """Write anew how a saved network's outputs are read; its weights stay as they are.

    Raises UserError as `save` does.
    """
    with (
        _replacing(path) as part,
        zipfile.ZipFile(path) as before,
        zipfile.ZipFile(part, "w") as members,
    ):
        for member in before.infolist():
            if member.filename != _SPEC_MEMBER:
                members.writestr(member, before.read(member))
        members.writestr(_SPEC_MEMBER, spec.to_json())


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file to be written, which takes the place of `path` when it is whole."""
    part = path.with_name(f".part-{path.name}")
    try:
        yield part
        flush(part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        kept = "the previous one is kept" if path.exists() else "nothing was written"
        raise UserError(
            path, f"can't be saved ({error.strerror}), {kept}", "free some space"
        ) from None


def flush(path: Path) -> None:
    """Have a file on the disk, not only on its way there."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def load(path: str | Path) -> tuple[keras.Model, NetworkSpec]:
    """Open a network file, or that of a run folder.

    Raises UserError if there is none, if it is damaged, or not one of ours.
    """
    if keras.config.backend() != "tensorflow":
        raise UserError(
            "Keras", f"runs on {keras.config.backend()!r}, must run on 'tensorflow'"
        )
    path = Path(path).expanduser()
    path = path / FILE if path.is_dir() else path
    if not path.exists():
        raise UserError(path, "no such network", "name a run folder or a .keras file")
    spec = _read_spec(path)
    try:
        return keras.models.load_model(path, compile=False), spec
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(
            path, f"is damaged: {error}", "train or copy it again"
        ) from None


def _read_spec(path: Path) -> NetworkSpec:
    member = _read_member(path)
    try:
        found = json.loads(member)
        if found["format"] > _FORMAT:
            raise UserError(
                path,
                f"was written by multitask {found['multitask']}, this is "
                f"{multitask.__version__}",
                "update multitask",
            )
        heads = [
            from_config(h["name"], h, f"{path}, head {h['name']}")
            for h in found["heads"]
        ]
        return NetworkSpec(
            trunk=found["trunk"],
            size=found["size"],
            crop=found.get("crop", 1.0),
            pooling=found.get("pooling", "average"),
            features=found.get("features", 0),
            features_l2=found.get("features_l2", 0.0),
            features_norm=found.get("features_norm", False),
            looks=found["looks"] if "looks" in found else 1 + bool(found["mirror"]),
            heads=tuple(heads),
            notes=tuple(found["notes"]),
            recipe=found["recipe"],
        )
    except (ValueError, KeyError, TypeError):
        raise UserError(
            path, f"is damaged in its member {_SPEC_MEMBER}", "train or copy it again"
        ) from None


def _read_member(path: Path) -> bytes:
    """What rides along, of a file that is whole."""
    try:
        with zipfile.ZipFile(path) as members:
            broken = members.testzip()
            if broken:
                raise UserError(
                    path, f"is damaged in its member {broken}", "copy it again"
                )
            if _SPEC_MEMBER not in members.namelist():
                raise UserError(
                    path,
                    "is not a network of this package, its heads are unknown",
                    "open it with keras.models.load_model",
                )
            return members.read(_SPEC_MEMBER)
    # The last two if damage makes a member look encrypted or compressed.
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, zlib.error) as error:
        raise UserError(
            path,
            f"is no network file or a truncated one ({error})",
            "must be the network.keras that multitask.fit writes",
        ) from None
