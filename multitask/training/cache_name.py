"""By what is a cache of features known, so that no other network's are taken for it?"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import keras

from multitask.training.views import DIGEST_SIZE

_FORMAT = 1


def describe(front: keras.Model, precision: str) -> dict[str, Any]:
    """What the features of a network depend on, in plain values."""
    return {
        "format": _FORMAT,
        "layers": digest((*map(_describe, front.operations), _wiring(front))),
        "weights": digest(w.numpy().tobytes() for w in front.weights),
        "input": list(front.input.shape[1:]),
        "output": list(front.output.shape[1:]),
        "precision": precision,
    }


def digest(parts: Iterable[bytes]) -> str:
    """A checksum of bytes in parts."""
    whole = hashlib.blake2b(digest_size=DIGEST_SIZE)
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def _describe(operation: keras.Operation) -> bytes:
    """What an operation computes in inference, apart from its weights."""
    settings = {
        key: value
        for key, value in operation.get_config().items()
        if key not in ("name", "trainable", "dtype")
        and not key.endswith(("_initializer", "_regularizer"))
    }
    normalizes = isinstance(operation, keras.layers.BatchNormalization)
    kind = "BatchNormalization" if normalizes else type(operation).__name__
    return f"{kind} {json.dumps(settings, sort_keys=True, default=repr)}\n".encode()


def _wiring(model: keras.Model) -> bytes:
    """The inputs of each operation, in the order of operations, whatever their names.

    These are outputs of other operations, and constants that are in no layer's config.
    """
    places = {o.name: f"#{place}" for place, o in enumerate(model.operations)}
    inputs = [layer["inbound_nodes"] for layer in model.get_config()["layers"]]
    unnamed = keras.tree.map_structure(
        lambda leaf: places.get(leaf, leaf) if isinstance(leaf, str) else leaf, inputs
    )
    return json.dumps(unnamed, sort_keys=True, default=repr).encode()
