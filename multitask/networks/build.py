"""How do a trunk and its heads become one Keras model?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers, ops

from multitask.images.resize import resize
from multitask.networks.normalization import norm
from multitask.networks.spec import NetworkSpec
from multitask.networks.trunks import check_pooling, check_size, trunk


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
