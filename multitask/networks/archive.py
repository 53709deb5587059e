"""How do a trunk and its heads become one Keras model, and one file?"""

import json
import zipfile
import zlib
from pathlib import Path

import keras

from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.contracts.saving import replacing
from multitask.contracts.version import VERSION
from multitask.networks.spec import FORMAT, NetworkSpec

_SPEC_MEMBER = "multitask.json"


def save(model: keras.Model, spec: NetworkSpec, path: Path) -> None:
    """Write a network of `build` as one file; a file that is there survives failure.

    Raises UserError if the disk is full or the folder can't be written.
    """
    with replacing(path) as part:
        model.save(part)
        with zipfile.ZipFile(part, "a") as members:
            members.writestr(_SPEC_MEMBER, spec.to_json())


def save_spec(spec: NetworkSpec, path: Path) -> None:
    """Write anew how a saved network's outputs are read; its weights stay as they are.

    Raises UserError as `save` does.
    """
    with (
        replacing(path) as part,
        zipfile.ZipFile(path) as before,
        zipfile.ZipFile(part, "w") as members,
    ):
        for member in before.infolist():
            if member.filename != _SPEC_MEMBER:
                members.writestr(member, before.read(member))
        members.writestr(_SPEC_MEMBER, spec.to_json())


def load(path: str | Path) -> tuple[keras.Model, NetworkSpec]:
    """Open a network file, or that of a run folder.

    Raises UserError if there is none, if it is damaged, or not one of ours.
    """
    if keras.config.backend() != "tensorflow":
        raise UserError(
            "Keras", f"runs on {keras.config.backend()!r}, must run on 'tensorflow'"
        )
    path = Path(path).expanduser()
    path = path / NETWORK if path.is_dir() else path
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
        if found["format"] > FORMAT:
            raise UserError(
                path,
                f"was written by multitask {found['multitask']}, this is {VERSION}",
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
            tta=found["looks"] if "looks" in found else 1 + bool(found["mirror"]),
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
