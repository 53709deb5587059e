"""How do a trunk and its heads become one Keras model?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers, ops

from multitask.contracts.catalog import check_layer_names
from multitask.contracts.head import Head
from multitask.images.resize import resize
from multitask.networks.normalization import norm
from multitask.networks.spec import NetworkSpec
from multitask.networks.trunks import Trunk, check_pooling, check_size, trunk

# The layers of a core that all heads share.
SHARED = ("trunk", "features-dense", "features-norm", "features-dropout")


def build(spec: NetworkSpec, core: keras.Model | None = None) -> keras.Model:
    """Build the model that is saved, of plain Keras layers only, around a `core`.

    It maps uint8 RGB images (batch, height, width, 3) of any size to a dict of outputs
    by head name. Its layers are the sub-models `preprocessing` and `core` and one layer
    per head, named after it. Without a `core` a new one is built.
    """
    core = core or build_core(spec)
    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    crops = core(_preprocessing(spec)(image))
    outputs = {head.name: _output(spec, head, crops[head.name]) for head in spec.heads}
    return keras.Model(image, outputs, name="multitask")


def _preprocessing(spec: NetworkSpec) -> keras.Model:
    """The model that resizes pictures and cuts the crops (crops x batch, ...)."""
    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    # Operations rather than `layers.Resizing`, which would switch the layers after it
    # to training mode in `model(x)`.
    crops = cut_crops(spec, resize(image, spec.side))
    return keras.Model(image, crops, name="preprocessing")


def cut_crops(spec: NetworkSpec, pixels: Any) -> Any:
    """Cut what the network looks at, (crops x batch, ...), out of resized pictures."""
    crops = [crop.at(pixels, spec.size) for crop in spec.crops()]
    return ops.concatenate(crops) if crops[1:] else crops[0]


def _output(spec: NetworkSpec, head: Head, output: Any) -> Any:
    """The mean of a head's output over the crops, from a layer named after the head."""
    if not spec.crops()[1:]:
        return layers.Identity(name=head.name)(output)
    crops = keras.Input(output.shape[1:], name="crops")
    return keras.Model(crops, _mean(spec, head, crops), name=head.name)(output)


def input_like(model: keras.Model) -> Any:
    """A new input like that of a core, under a name that no head can have."""
    return keras.Input(model.input.shape[1:], dtype=model.input.dtype, name="pixels")


def averaged(spec: NetworkSpec, outputs: dict[str, Any]) -> dict[str, Any]:
    """Average a core's outputs over the crops of each picture.

    `outputs` (crops x batch, ...) by head name hold all pictures of the first crop,
    then all of the second, and so on; the means are (batch, ...) by head name.
    """
    if not spec.crops()[1:]:
        return outputs
    return {head.name: _mean(spec, head, outputs[head.name]) for head in spec.heads}


def _mean(spec: NetworkSpec, head: Head, output: Any) -> Any:
    """The mean over two or more crops, as `averaged`, of one head's output."""
    crops = spec.crops()
    shape = (len(crops), -1, *output.shape[1:])
    parts = ops.unstack(ops.reshape(output, shape), len(crops))
    upright = [
        head.unmirrored(part) if crop.mirrored else part
        for crop, part in zip(crops, parts, strict=True)
    ]
    return sum(upright[1:], upright[0]) / len(crops)


def build_core(
    spec: NetworkSpec,
    dropout: float = 0.0,
    policy: str = "float32",
    training: bool = False,
    architecture: Trunk | None = None,
) -> keras.Model:
    """Build the core, the trunk with its heads, which is what training trains.

    It takes float32 images (batch, size, size, 3) in 0..255 and computes in `policy`, a
    Keras dtype policy; its outputs are float32. With `training` it uses the layers that
    train fastest; the weights are the same. `architecture` is the trunk if it is none
    of the named ones.

    Its layers beside the heads have names that no head can have: those that
    `check_layer_names` refuses, or with a hyphen. Raises UserError for such a head.
    """
    check_layer_names(spec.heads)
    if architecture is None:
        check_size(spec.trunk, spec.size)
        check_pooling(spec.trunk, spec.pooling)
        architecture = trunk(spec.trunk)
    image = keras.Input((spec.size, spec.size, 3), dtype="float32", name="pixels")
    with dtype_policy(policy):
        features = architecture.build(image, norm(training), spec.pooling)
        features = keras.Model(image, features, name="trunk")(image)
        if spec.dense.units:
            layer = _dense(spec.dense.units, "features-dense", spec.dense.l2)
            features = layer(features)
        if spec.dense.norm:
            features = norm(training)(name="features-norm")(features)
        if dropout:
            features = layers.Dropout(dropout, name="features-dropout")(features)
        outputs = {
            head.name: _head_outputs(head, features, architecture.units)
            for head in spec.heads
        }
    return keras.Model(image, outputs, name="core")


def _head_outputs(head: Head, features: Any, units: int) -> Any:
    """A head's outputs, after a dense layer of its own if it has `units`."""
    if units:
        features = _dense(units, f"{head.name}-features")(features)
    return head.layers(features)


def head_layers(core: keras.Model, head: Head) -> list[Any]:
    """The layers with weights that only a head of a core has, that of its output first.

    They are followed from the output along each layer's first input.
    """
    producer = {
        id(tensor): operation
        for operation in core.operations
        for tensor in keras.tree.flatten(operation.output)
    }
    operation, weighted = producer[id(core.output[head.name])], []
    # The trunk is no producer: as a model, it has outputs of its own.
    while operation and operation.name not in SHARED:
        if getattr(operation, "weights", ()):
            weighted.append(operation)
        inputs = keras.tree.flatten(operation.input)  # none of an input layer
        operation = producer.get(id(inputs[0])) if inputs else None
    return weighted


def _dense(units: int, name: str, l2: float = 0.0) -> layers.Layer:
    return layers.Dense(
        units,
        activation="relu",
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
        name=name,
    )


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Have new layers compute in a Keras dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
