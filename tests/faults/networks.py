"""Network files that are damaged or hostile, loaded and asked for an answer."""

import json
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import multitask
from multitask.networks import archive, build, pretrained
from multitask.networks.answers import NO_NUMBER
from tests import tiny
from tests.faults.outcomes import Outcome, Rng, damaged, outcome
from tests.networks.untrained import face_spec, pictures

Members = dict[str, bytes]
_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 10**12, 10**400, 1e308, float("nan"), "", "x", "../x"),
    *("x" * 20_000, [], {}, [None], [[]], {"class_name": "Lambda"}),
)


@cache
def _members() -> Members:
    """The members of a whole network file."""
    spec = face_spec(tiny.register())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        archive.save(build.build(spec), spec, path)
        with zipfile.ZipFile(path) as members:
            return {name: members.read(name) for name in members.namelist()}


@cache
def _trunk_weights() -> bytes:
    """A whole file of a trunk's weights, as Keras saves it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trunk.weights.h5"
        _trunk().save_weights(path)
        return path.read_bytes()


def _trunk() -> Any:
    return build.build_core(face_spec(tiny.register())).get_layer("trunk")


def _load(weights: Path) -> str:
    pretrained.load(_trunk(), str(weights), "tiny")
    return "read"


def case(seed: int, folder: Path) -> Outcome:
    """Damage a network file by a seed, load it, and predict with what was loaded.

    Some are weights of a trunk alone, which are only loaded.
    """
    rng = np.random.default_rng(seed)
    if rng.random() < 1 / 7:
        weights = folder / "trunk.weights.h5"
        weights.write_bytes(damaged(_trunk_weights(), rng)[1])
        return outcome("weights of a trunk", seed, lambda: _load(weights))
    kinds = {
        "file": None, "spec": _spec, "config": _config, "weights": _weights,
        "weights without checksum": _unsigned, "member missing": _missing,
    }  # fmt: skip
    name = str(rng.choice(list(kinds)))
    members, change = dict(_members()), kinds[name]
    if change:
        change(members, rng)
    file = folder / "network.keras"
    with zipfile.ZipFile(file, "w") as written:
        for member, content in members.items():
            written.writestr(member, content)
    if not change:
        file.write_bytes(damaged(file.read_bytes(), rng)[1])
    return outcome(name, seed, lambda: _answer(file))


def _answer(file: Path) -> str:
    network = multitask.load(file)
    table = network.predict(list(pictures(2)), probabilities=True)
    if not set(table["status"]) <= {"ok", NO_NUMBER}:
        return f"status {set(table['status'])}"
    answers = table.loc[table["status"] == "ok"].select_dtypes("number")
    # Ends of an interval are empty in a network that was not calibrated.
    sure = answers[[name for name in map(str, answers) if name.endswith("_confidence")]]
    return "read" if np.isfinite(sure.to_numpy(float)).all() else "ok without a number"


def _spec(members: Members, rng: Rng) -> None:
    members["multitask.json"] = _exchanged(members["multitask.json"], rng)


def _config(members: Members, rng: Rng) -> None:
    members["config.json"] = _exchanged(members["config.json"], rng)


def _weights(members: Members, rng: Rng) -> None:
    name = "model.weights.h5"
    members[name] = damaged(members[name], rng)[1]


def _unsigned(members: Members, rng: Rng) -> None:
    spec = json.loads(members["multitask.json"])
    del spec["weights_sha256"]
    members["multitask.json"] = json.dumps(spec).encode()
    _weights(members, rng)


def _missing(members: Members, rng: Rng) -> None:
    del members[str(rng.choice(list(members)))]


def _exchanged(text: bytes, rng: Rng) -> bytes:
    """JSON with another value, key or type somewhere, or damaged bytes."""
    if rng.random() < 0.2:
        return damaged(text, rng)[1]
    content = json.loads(text)
    places = list(_places(content))
    for _ in range(int(rng.integers(1, 3))):
        container, key = places[int(rng.integers(len(places)))]
        value = _VALUES[int(rng.integers(len(_VALUES)))]
        if isinstance(container, dict) and rng.random() < 0.2:
            container["surprise"] = value
        elif isinstance(container, dict) or key < len(container):
            container[key] = value
    return json.dumps(content).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in nested lists and dicts, with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in list(items):
        yield value, key
        if isinstance(part, (dict, list)):
            yield from _places(part)
