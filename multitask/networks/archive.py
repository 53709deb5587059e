"""How is a network saved to one file and loaded from it?"""

import json
import zipfile
import zlib
from pathlib import Path

import keras

from multitask.contracts.catalog import from_config
from multitask.contracts.errors import UserError
from multitask.contracts.recipe_texts import DenseFeatures
from multitask.contracts.run import network_file
from multitask.contracts.saving import replacing
from multitask.contracts.version import VERSION
from multitask.networks.spec import FORMAT, NetworkSpec

_SPEC_MEMBER = "multitask.json"


def save(model: keras.Model, spec: NetworkSpec, path: Path) -> None:
    """Save a model of `build` with its spec as one file, whole or not at all.

    Raises UserError if the disk is full or the folder can't be written; an existing
    file is then unchanged.
    """
    with replacing(path) as part:
        model.save(part)
        with zipfile.ZipFile(part, "a") as members:
            members.writestr(_SPEC_MEMBER, spec.to_json())


def save_spec(spec: NetworkSpec, path: Path) -> None:
    """Replace the spec in the file of a saved network; its weights stay as they are.

    Raises UserError as `save` does.
    """
    with (
        replacing(path) as part,
        zipfile.ZipFile(path) as saved,
        zipfile.ZipFile(part, "w") as members,
    ):
        for member in saved.infolist():
            if member.filename != _SPEC_MEMBER:
                members.writestr(member, saved.read(member))
        members.writestr(_SPEC_MEMBER, spec.to_json())


def load(path: str | Path) -> tuple[keras.Model, NetworkSpec]:
    """Load a network file, or that in a run folder.

    Raises UserError if there is none, or it is damaged or not one of this package.
    """
    path = network_file(path)
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
        config = json.loads(member)
        if config["format"] > FORMAT:
            raise UserError(
                path,
                f"was written by multitask {config['multitask']}, this is {VERSION}",
                "update multitask",
            )
        heads = [
            from_config(h["name"], h, f"{path}, head {h['name']}")
            for h in config["heads"]
        ]
        return NetworkSpec(
            trunk=config["trunk"],
            size=config["size"],
            crop=config.get("crop", 1.0),
            pooling=config.get("pooling", "average"),
            dense=DenseFeatures(
                units=config.get("features", 0),
                l2=config.get("features_l2", 0.0),
                norm=config.get("features_norm", False),
            ),
            tta=config["looks"] if "looks" in config else 1 + bool(config["mirror"]),
            heads=tuple(heads),
            notes=tuple(config["notes"]),
            box=config.get("box", ""),
            recipe=config["recipe"],
        )
    except (ValueError, KeyError, TypeError):
        raise UserError(
            path,
            f"is damaged in its member {_SPEC_MEMBER}",
            "train or copy it again",
        ) from None


def _read_member(path: Path) -> bytes:
    """The text of the spec, from a file whose members are all intact."""
    try:
        with zipfile.ZipFile(path) as members:
            damaged = members.testzip()
            if damaged:
                raise UserError(
                    path, f"is damaged in its member {damaged}", "copy it again"
                )
            if _SPEC_MEMBER not in members.namelist():
                raise UserError(
                    path,
                    "is not a network of multitask: it does not describe its heads",
                    "open it with keras.models.load_model",
                )
            return members.read(_SPEC_MEMBER)
    # The last two occur if damage makes a member look encrypted or compressed.
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, zlib.error) as error:
        raise UserError(
            path,
            f"is not a network file, or is truncated ({error})",
            "give a network.keras that `python -m multitask.fit` wrote",
        ) from None
