"""Can this recipe work with its data and its trunk? Asked before training begins."""

from collections.abc import Sequence

import pandas as pd

from multitask.contracts.errors import Say, UserError
from multitask.contracts.head import Head
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import ALL, NONE
from multitask.experiments.names import check_recipe
from multitask.networks import build, pretrained
from multitask.networks.freeze import last
from multitask.networks.spec import NetworkSpec
from multitask.training import feature_cache


def check_inputs(recipe: Recipe, resume: bool = False) -> None:
    """Raise UserError for wrong names and files, those of weights included."""
    check_recipe(recipe)
    if not resume or recipe.is_frozen:  # else a checkpoint holds all weights
        pretrained.check(recipe.weights, recipe.trunk, recipe.image_size)


def check_trainable(
    heads: Sequence[Head],
    table: pd.DataFrame,
    say: Say = lambda line: None,
) -> None:
    """Raise UserError for a class of which `table` has no picture in training.

    For a head with many labels, `say` lists the answers missing from training instead.
    `table` has a `split`.
    """
    train = table["split"] == "train"
    for head in heads:
        strata = head.strata(table)
        missing = strata.columns[strata.any() & ~strata[train].any()]
        if head.answer_type == "number" and strata[train].any(axis=None):
            continue  # numbers interpolate
        if not strata[train].any(axis=None):
            raise UserError(
                head.where,
                "has no label in the training part",
                "pictures that are nearly alike, or of one person, stay in one part, "
                "and the publishers' parts stay as they are: see --split",
            )
        listed = ", ".join(map(str, missing))
        if len(missing) and head.answer_type == "labels":
            say(f"head {head.name}: training has no {listed}")
        elif len(missing):
            raise UserError(
                head.where,
                f"never in training, but in another part: {listed}",
                "give more pictures or a larger training share",
            )


def check_validated(recipe: Recipe, table: pd.DataFrame) -> None:
    """Raise UserError if the recipe needs a validation part and `table` has none."""
    validates = recipe.patience or recipe.lr_schedule.name == "plateau"
    if validates and not (table["split"] == "val").any():
        raise UserError(
            "--split",
            "leaves no validation part, --patience and --schedule plateau need one",
        )


def check_freezable(spec: NetworkSpec, recipe: Recipe, machine: Machine) -> None:
    """Raise UserError for stages that the trunk lacks, or an unwritable cache."""
    for number, stage in enumerate(recipe.stages()):
        if stage.caches_features:
            feature_cache.check_folder(machine.cache)
        if stage.freeze not in (NONE, ALL):
            name = "--then" if number else "--freeze"
            last(build.build_core(spec).get_layer("trunk"), stage.freeze, name)


def check_weights(spec: NetworkSpec, recipe: Recipe) -> None:
    """Raise UserError if the recipe's `weights` don't fit the trunk."""
    if recipe.weights != pretrained.NONE:
        trunk = build.build_core(spec).get_layer("trunk")
        pretrained.load(trunk, recipe.weights, recipe.trunk)
