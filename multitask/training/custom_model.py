"""How is a network made for Keras's own `fit`, and saved after it?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head, Heads
from multitask.contracts.infer import infer_heads, requested_heads
from multitask.contracts.paths import expand_user
from multitask.contracts.reading import with_boxes
from multitask.contracts.recipe import Recipe
from multitask.contracts.settings import of_head, per_head
from multitask.contracts.table import NO_LABELS, check_intervals
from multitask.data.labels import usable
from multitask.networks import archive, build, pretrained, trunks
from multitask.networks.custom_trunk import custom_trunk
from multitask.networks.spec import NetworkSpec
from multitask.tables.types import labelled_table
from multitask.training.objective import compile_model
from multitask.training.optimizer import named
from multitask.training.priors import start_from_labels

_DEFAULTS = Recipe()  # those of `fit`


def build_model(
    heads: Heads,
    *,
    trunk: str | Callable[[Any], Any] = _DEFAULTS.trunk,  # also a keras.Model
    table: pd.DataFrame | None = None,
    image_size: int | None = None,
    crop: float = _DEFAULTS.crop,
    weights: str = pretrained.NONE,
    dropout: float = _DEFAULTS.dropout,
    tta: int = _DEFAULTS.tta,
    loss_weights: Mapping[str, float] | float | str | None = None,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: Any = None,
) -> keras.Model:
    """Build and compile a trunk with heads; `multitask.build` documents it.

    The model has its `spec`, by which `dataset` feeds it and `save_model` saves it.
    """
    recipe = Recipe(  # checks values and their ranges
        image_size=image_size or 0,
        crop=crop, weights=weights, dropout=dropout, tta=tta,
        loss_weights=per_head("loss_weights", loss_weights or {}),
    )  # fmt: skip
    own = None if isinstance(trunk, str) else custom_trunk(trunk, recipe.image_size)
    architecture = own or trunks.trunk(str(trunk))
    if own is None:
        pretrained.check(weights, architecture.name, recipe.image_size)
    elif weights != pretrained.NONE:
        raise UserError(
            "weights", "are for a trunk by name", "load them into your trunk yourself"
        )
    spec = NetworkSpec(
        trunk=architecture.name,
        size=recipe.image_size or pretrained.size(weights) or architecture.size,
        crop=recipe.crop,
        heads=_weighted(resolve(heads, table), recipe.loss_weights),
        tta=recipe.tta,
    )
    policy = keras.config.dtype_policy().name
    # Of plain layers, so that Keras itself can save, copy and export the model.
    model = build.build_core(spec, recipe.dropout, policy, architecture=own)
    new_heads, _ = pretrained.begin(model, spec, weights)
    if table is not None:
        labels, _ = usable(checked_table(table), spec.heads)
        targets = {head.name: head.encode(labels) for head in spec.heads}
        start_from_labels(model, new_heads, targets)
    compile_model(model, spec.heads, _optimizer(optimizer, learning_rate))
    model.spec = spec
    # Keras can't write down the losses of heads, and would fail to read its own files.
    model.get_compile_config = dict
    return model


def resolve(
    heads: Heads,
    table: pd.DataFrame | None = None,
    *,
    columns: Iterable[object] = (),
    todo: str = "give the labels as table=...",
) -> tuple[Head, ...]:
    """The heads of these names, with the classes that occur in a table's labels.

    The table's own label columns are names of heads, too. Raises UserError for an
    unknown name, and without a table for a head whose classes come from labels; then
    `todo` says what to do. Of the `columns` of a table that must not decide on classes,
    `COLUMN:KIND` makes a head.
    """
    names = catalog.heads_listed(heads)
    if table is not None:
        table = checked_table(table)
        if not names:
            return catalog.heads(names)  # says that none is given
        requested = requested_heads(names, table, infer_heads(table))
        return tuple(head.resolve(table) for head in requested)
    for name in [n for n in names if isinstance(n, str) and n.isidentifier()]:
        if name not in catalog.named() and name not in catalog.groups():
            known_names = nearest(name, [*catalog.named(), *catalog.groups()])
            own = f"for a label column of your own, {todo}"
            raise UserError("heads", f"unknown head {name!r}", f"{known_names}; {own}")
    own_columns: dict[str, Any] = {
        str(name): {} for name in columns if name not in NO_LABELS
    }
    known = catalog.heads(names, {**own_columns, **catalog.named()})
    for head in known:
        if head.answer_type == "class" and not head.classes:
            raise UserError(head.where, "takes its classes from labels", todo)
    return known


def checked_table(table: object) -> pd.DataFrame:
    """A data frame as a table of labelled pictures, with a fresh index."""
    checked = with_boxes(labelled_table(table, "table"))
    check_intervals(checked)
    return checked


def _weighted(
    heads: tuple[Head, ...], loss_weights: Mapping[str, float]
) -> tuple[Head, ...]:
    names = [head.name for head in heads]
    for name in loss_weights:
        if name not in (*names, "all"):
            raise UserError(
                "loss_weights", f"unknown head {name!r}", nearest(name, names)
            )
    return tuple(
        replace(head, loss_weight=of_head(loss_weights, head.name, head.loss_weight))
        for head in heads
    )


def _optimizer(
    optimizer: str | keras.optimizers.Optimizer, learning_rate: Any
) -> keras.optimizers.Optimizer:
    if isinstance(optimizer, str):
        return named(optimizer, learning_rate)
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        kind = type(optimizer).__name__
        raise UserError(
            "optimizer", f"is of type {kind}, must be a name or a Keras optimizer"
        )
    if learning_rate is not None:
        raise UserError(
            "learning_rate",
            "is given beside an optimizer that has its own",
            "leave one of them out",
        )
    return optimizer


def spec_of(model: keras.Model) -> NetworkSpec:
    """What `build_model` noted of a model.

    Raises UserError for any other model, also one that Keras has copied or loaded.
    """
    spec = getattr(model, "spec", None)
    if not isinstance(spec, NetworkSpec):
        raise UserError(
            f"model {getattr(model, 'name', model)}",
            "is not one that multitask.build returned",
            "build it again, and load its weights into that",
        )
    return spec


def save_model(model: keras.Model, path: str | Path) -> Path:
    """Save a trained model as one network file; `multitask.save` documents it."""
    spec, path = spec_of(model), expand_user(path)
    if path.suffix != ".keras":
        raise UserError(path, "must end in .keras")
    if not path.parent.is_dir():
        what = f"no folder '{path.parent}'"
        raise UserError(path, what, "make it, or name another")
    spec.to_json()  # a head that is no plug-in is told before the work
    archive.save(build.build(spec, _saved_core(model)), spec, path)
    return path


def _saved_core(model: keras.Model) -> keras.Model:
    """The layers of a model as one that is not compiled and computes in float32."""
    core = keras.Model(model.input, model.output, name="core")
    with build.dtype_policy("float32"):  # for layers that a layer makes by itself
        float32_core = keras.models.clone_model(
            core, clone_function=_float32_layer, recursive=True
        )
    float32_core.set_weights(core.get_weights())
    return float32_core


def _float32_layer(layer: keras.Layer) -> keras.Layer:
    """A new layer like this one that computes in float32, as do those within it."""
    return type(layer).from_config(_float32_config(layer.get_config()))


def _float32_config(config: Any) -> Any:
    """A layer's config with float32 in place of every other policy of floats."""
    if isinstance(config, list | tuple):
        return type(config)(map(_float32_config, config))
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        is_float = "float" in config["config"]["name"]  # unlike that of a lookup
        return keras.DTypePolicy("float32") if is_float else config
    return {key: _float32_config(value) for key, value in config.items()}
