"""Can a recipe work, as far as it, its data and its trunk can tell before training?"""

from collections.abc import Callable, Sequence

import pandas as pd

from multitask.contracts import augmentation, catalog, recipe_texts
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import ALL, NONE, pattern
from multitask.data import sampling, sources, split
from multitask.networks import build, freeze, pretrained, trunks
from multitask.networks.freeze import last
from multitask.networks.spec import NetworkSpec
from multitask.training import feature_cache


def check_inputs(recipe: Recipe, resume: bool = False) -> None:
    """Raise UserError for names and files that can't be."""
    check_recipe(recipe)
    if not resume or recipe.freeze != recipe_texts.NONE:  # a checkpoint has what learns
        pretrained.check(recipe.weights, recipe.trunk, recipe.image_size)


def check_recipe(recipe: Recipe) -> None:
    """Raise UserError for a name that can't be, before the long work begins."""
    trunks.check_size(
        recipe.trunk, recipe.image_size or trunks.trunk(recipe.trunk).size
    )
    trunks.check_pooling(recipe.trunk, recipe.pooling)
    freeze.check(recipe.freeze)
    if recipe.then_unfreeze:
        _check_then(recipe.freeze, recipe.then_unfreeze)
    augmentation.parse_augmentation(recipe.augment)
    recipe_texts.ratios(recipe.split)
    if file := recipe_texts.split_file(recipe.split):
        split.read_split(file)
    sampling.check(recipe.mix, recipe.oversample)
    pattern(recipe.identity)
    # A data set may bring heads of its own, which are known when it is read.
    if recipe.heads and not any(map(sources.takes_name, recipe.data)):
        _check_keys(recipe, catalog.heads(recipe.heads, recipe.head))


def _check_then(before: str, then: str) -> None:
    freeze.check(then, "--then-unfreeze")
    if before == recipe_texts.NONE:
        raise UserError(
            "--then-unfreeze", "needs a trunk that was frozen", "add --freeze all"
        )
    learning = 0 if before == recipe_texts.ALL else int(before)
    if then == recipe_texts.NONE or (
        then != recipe_texts.ALL and int(then) <= learning
    ):
        raise UserError(
            "--then-unfreeze",
            f"is {then}, with --freeze {before} {learning} stages learn before",
            "must be more of them, or all",
        )


def _check_keys(recipe: Recipe, heads: Sequence[Head]) -> None:
    names = [head.name for head in heads]
    for option in ("loss_weights", "class_weights", "cap"):
        for key in getattr(recipe, option):
            if key not in (*names, "all"):
                raise UserError(
                    f"--{option.replace('_', '-')}",
                    f"no head {key!r}",
                    nearest(key, names),
                )
    if recipe.oversample and recipe.oversample not in names:
        raise UserError(
            "--oversample",
            f"no head {recipe.oversample!r}",
            nearest(recipe.oversample, names),
        )


def check_trainable(
    heads: Sequence[Head],
    table: pd.DataFrame,
    say: Callable[[str], object] = lambda line: None,
) -> None:
    """Raise UserError for a class that is measured but never trained on.

    Of a head with many labels, those of which training has no yes, or no no, are said.
    """
    train = table["split"] == "train"
    for head in heads:
        strata = head.strata(table)
        missing = strata.columns[strata.any() & ~strata[train].any()]
        if head.answer_type == "number" and strata[train].any(axis=None):
            continue  # a number can be answered between those that were seen
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
    """Raise UserError if nothing is validated, but the recipe waits for it."""
    waits = recipe.patience or recipe.schedule == "plateau"
    if waits and not (table["split"] == "val").any():
        raise UserError(
            "--split",
            "leaves no validation part, --patience and --schedule plateau need one",
        )


def check_freezable(spec: NetworkSpec, recipe: Recipe) -> None:
    """Raise UserError for what freezing can't be, before the long work begins.

    That is a number of stages that the trunk does not have, and a folder for features
    that can't be one.
    """
    for number, stage in enumerate(recipe.stages()):
        if stage.freeze != NONE and stage.views:
            feature_cache.check_folder(stage.cache)
        if stage.freeze not in (NONE, ALL):
            option = "--then-unfreeze" if number else "--freeze"
            last(build.build_core(spec).get_layer("trunk"), stage.freeze, option)


def check_weights(spec: NetworkSpec, recipe: Recipe) -> None:
    """Raise UserError if the trunk can't begin with the weights that it shall have."""
    if recipe.weights != pretrained.NONE:
        trunk = build.build_core(spec).get_layer("trunk")
        pretrained.load(trunk, recipe.weights, recipe.trunk)
