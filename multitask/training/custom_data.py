"""How is a table of labelled pictures fed to Keras's own `fit`?"""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import keras
import pandas as pd

from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import Say, UserError
from multitask.contracts.head import Head, Heads, Targets
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe
from multitask.contracts.table import any_file_name
from multitask.data.batches import Batches, decode_table
from multitask.data.labels import usable
from multitask.data.sources import check_labelled
from multitask.networks.spec import NetworkSpec
from multitask.training.custom_model import checked_table, resolve, spec_of

_DEFAULTS = Recipe()  # those of `fit`


@any_file_name()
def labelled_batches(
    table: pd.DataFrame,
    heads: keras.Model | Heads,
    *,
    image_size: int | None = None,
    crop: float | None = None,
    batch_size: int = 64,
    training: bool = False,
    augment: str | None = None,
    seed: int = 0,
    say: Say = print,
    machine: Machine = Machine(),  # noqa: B008  (it is frozen)
) -> Any:
    """Make batches of a table's pictures; `multitask.dataset` documents it."""
    table = checked_table(table)
    spec = _spec(heads, image_size, crop, table)
    if batch_size < 1:
        raise UserError("batch_size", f"is {batch_size}, must be 1 or more")
    if augment is not None and not training:
        raise UserError("augment", "is for training only", "add training=True")
    augment = _DEFAULTS.augment if augment is None else augment
    recipe = Recipe(seed=seed, augment=augment)
    _check_augmentation(recipe.augmentation)
    table, pixels = _readable(table, spec, say, machine)
    batches = Batches(
        pixels=pixels,
        rows=table.index.to_numpy(),
        encoded={head.name: _encoded(head, table, training) for head in spec.heads},
        batch_size=min(batch_size, len(table)),
        size=spec.size,
    )
    if not training:
        return batches.in_order()
    return batches.each_epoch(spec.heads, recipe.augmentation, recipe.seed)


def _spec(
    heads: keras.Model | Heads,
    image_size: int | None,
    crop: float | None,
    table: pd.DataFrame,
) -> NetworkSpec:
    """The heads, and which part of a picture the model takes at which size."""
    if not isinstance(heads, keras.Model):
        if not image_size:
            raise UserError(
                "image_size",
                "is missing",
                "give it, or the model that multitask.build returned as heads",
            )
        crop = _DEFAULTS.crop if crop is None else crop
        recipe = Recipe(image_size=image_size, crop=crop)
        size = recipe.image_size
        named = resolve(
            heads,
            columns=table.columns,
            todo="give the model that multitask.build returned",
        )
        return NetworkSpec(trunk="", size=size, crop=recipe.crop, heads=named)
    spec = spec_of(heads)
    for name, value, must in (
        ("image_size", image_size, spec.size),
        ("crop", crop, spec.crop),
    ):
        if value not in (None, must):
            raise UserError(name, f"is {value}, that of the model is {must}")
    return spec


def _check_augmentation(augmentation: Augmentation) -> None:
    if augmentation.mixup:
        raise UserError(
            "augment",
            "mixup needs the training loop of multitask.fit",
            "leave mixup out",
        )


def _readable(
    table: pd.DataFrame, spec: NetworkSpec, say: Say, machine: Machine
) -> tuple[pd.DataFrame, Any]:
    """The rows with a picture that can be read, and the pixels of all rows."""
    table, total = _usable(table, spec.heads, say), len(table)
    spill = next(p for p in (machine.cache, *machine.cache.parents) if p.is_dir())
    table, pixels, skipped = decode_table(
        *(table, spec.side, machine.memory, spill, spec.box_margin),
        damaged=machine.damaged,
    )
    if len(skipped):
        say(f"left out: {len(skipped):,} of {total:,} pictures, {_first(skipped)}")
    counts = check_labelled(spec.heads, table, every=False)
    for name, count in counts.items():
        if not count:
            say(f"head {name}: no picture has a label for it")
    return table, pixels


def _usable(table: pd.DataFrame, heads: Sequence[Head], say: Say) -> pd.DataFrame:
    """The table without labels that a head can't take.

    Raises the head's own UserError if these are all of its labels.
    """
    cleaned, faults = usable(table, heads)
    if len(faults):
        say(f"labels left out: {len(faults):,}, {_first(faults)}")
        for head in heads:
            if not head.labelled(cleaned).any():
                head.encode(table)
    return cleaned


def _first(left_out: pd.DataFrame) -> str:
    """The first of a list of what was left out (`path`, `reason`)."""
    path, reason = left_out.iloc[0]
    named = isinstance(path, str | PathLike)
    return f"the first: {path}: {reason}" if named else f"the first: {reason}"


def _encoded(head: Head, table: pd.DataFrame, training: bool) -> Targets:
    encoded = head.encode(table)
    if training and head.class_weights == "balanced":
        return head.balanced(table, encoded)
    return encoded
