"""Can this recipe work with its data and its trunk? Asked before training begins."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
from multitask.training import feature_cache, teacher


def check_inputs(recipe: Recipe, resume: bool = False) -> None:
    """Raise UserError for wrong names and files, those of weights included."""
    check_recipe(recipe)
    if not resume:  # else a checkpoint holds the weights
        pretrained.check(recipe.weights, recipe.trunk, recipe.image_size)
    teacher.check(recipe)


@contextmanager
def naming_limit(recipe: Recipe) -> Iterator[None]:
    """Have a UserError about a head's labels say that few pictures are used.

    Otherwise it would blame the data for what `limit` left out.
    """
    try:
        yield
    except UserError as error:
        about_labels = str(error).startswith(("head ", "--heads: the data has no"))
        where, _, what = str(error).partition("; ")[0].partition(": ")
        if not (recipe.limit and about_labels) or "has no column" in what:
            raise
        todo = f"only {recipe.limit} pictures are used: raise --limit"
        if what.startswith("the data has no labels for it"):
            what = f"none of the {recipe.limit} pictures that are used has a label"
            todo = "raise --limit, or name other --heads"
        raise UserError(where, what, todo) from None


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
                "has no labels in the training part",
                "add pictures, or choose another --split: near-identical pictures and "
                "those of one person stay in one part, and official parts are kept",
            )
        listed = ", ".join(map(str, missing))
        if len(missing) and head.answer_type == "labels":
            say(f"head {head.name}: the training part has no {listed}")
        elif len(missing):
            raise UserError(
                head.where,
                f"has classes that the training part lacks: {listed}",
                "add pictures of them, or enlarge the training part with --split",
            )


def check_validated(recipe: Recipe, table: pd.DataFrame) -> None:
    """Raise UserError if the recipe needs a validation part and `table` has none."""
    plateau = recipe.lr_schedule.name == "plateau"
    validates = recipe.patience or plateau or recipe.threshold_rule
    if validates and not (table["split"] == "val").any():
        raise UserError(
            "--split",
            "leaves the validation part empty, but --patience, --schedule plateau and "
            "--thresholds need it",
        )


def check_freezable(spec: NetworkSpec, recipe: Recipe, machine: Machine) -> None:
    """Raise UserError for stages that the trunk lacks, or an unwritable cache."""
    for number, stage in enumerate(recipe.stages()):
        if stage.caches_features:
            feature_cache.check_folder(machine.cache)
        if stage.freeze not in (NONE, ALL):
            name = "--then" if number else "--freeze"
            last(build.build_core(spec).get_layer("trunk"), stage.freeze, name)


def check_weights(
    spec: NetworkSpec, recipe: Recipe, say: Say = lambda line: None
) -> None:
    """Raise UserError if the recipe's `weights` don't fit the trunk.

    The same for a teacher of none of the heads; `say` prints what the others teach.
    """
    for name in recipe.teacher:
        teacher.check_heads(name, spec, say)
    if recipe.weights != pretrained.NONE:
        trunk = build.build_core(spec).get_layer("trunk")
        pretrained.load(trunk, recipe.weights, recipe.trunk)
