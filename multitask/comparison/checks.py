"""Can these designs be compared, as far as options, trunks and labels can tell?"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import pandas as pd

from multitask.comparison.designs import JOIN
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head
from multitask.contracts.recipe import Recipe
from multitask.contracts.results.design_comparison import DESIGNS
from multitask.experiments.checks import check_inputs
from multitask.networks.pretrained import IMAGENET, NONE


def check_request(
    designs: Sequence[str], trunks: Sequence[str], merges: Sequence[str], seeds: int
) -> None:
    """Raise UserError for designs, merges and seeds that make no comparison."""
    for design in designs:
        if design not in DESIGNS:
            raise UserError(
                "--designs", f"unknown design {design!r}", nearest(design, DESIGNS)
            )
    for option, names in ("--designs", designs), ("--trunks", trunks):
        if len(set(names)) < len(names):
            raise UserError(option, f"gives {max(names, key=names.count)} twice")
    if seeds < 1:
        raise UserError("--seeds", f"is {seeds}, must be 1 or more")
    if "merged" in designs and not merges:
        raise UserError(
            "--designs",
            "merged needs heads to merge",
            "add --merge A+B, or use --designs single,multi",
        )
    if merges and "merged" not in designs:
        raise UserError("--merge", "needs the design merged", "add it to --designs")
    merged = list(chain(*(merge.split(JOIN) for merge in merges)))
    for name in merged:
        if merged.count(name) > 1:
            raise UserError("--merge", f"contains {name} twice", "merge each head once")


def check_recipe(recipe: Recipe, trunks: Sequence[str]) -> None:
    """Raise UserError for settings that designs or trunks can't share.

    All trunks are checked at once: the turn of the last one would be too late.
    """
    if recipe.folds:
        raise UserError("--folds", "can't be used in a comparison", "use --seeds")
    if recipe.mixing.classes:
        raise UserError(
            "--mix",
            "balances the classes of one head, which not every network of a "
            "comparison has",
            f"use --class-weights {recipe.mixing.classes}=balanced",
        )
    if len(trunks) > 1 and recipe.weights not in (NONE, IMAGENET):
        raise UserError(
            "--weights",
            f"is of one trunk, which can't fit {len(trunks)}",
            "compare the trunks one by one",
        )
    for trunk in trunks:
        check_inputs(replace(recipe, trunk=trunk))


def check_heads(heads: Sequence[Head], designs: Sequence[str]) -> None:
    """Raise UserError if several designs would train the same network."""
    if len(heads) == 1 < len(designs):
        raise UserError(
            "--heads",
            f"is {heads[0].name} alone: all designs would be the same network",
            "give more heads",
        )


def check_test_labels(
    heads: Sequence[Head], table: pd.DataFrame, groups: "pd.Series[int]"
) -> None:
    """Raise UserError for a head that can't be compared on the test part.

    `table` has a `split`; `groups` number its rows, those of one person alike.
    """
    train, test = (table[table["split"] == part] for part in ("train", "test"))
    for head in heads:
        labelled = head.labelled(test)
        if not labelled.any():
            raise UserError(
                head.where,
                "has no labels in the test part",
                "choose another --split, or add people: pictures of one person, "
                "and near-identical ones, stay in one part",
            )
        if groups[test.index[labelled]].nunique() < 2:
            raise UserError(
                head.where,
                "is labelled in the test part for only one person, or for pictures "
                "that are nearly identical",
                "confidence intervals need two or more: choose another --split",
            )
        if head.answer_type == "class" and head.strata(train).any().sum() < 2:
            raise UserError(
                head.where,
                "has only one class in the training part",
                "choose another --split",
            )


def check_validation_labels(heads: Sequence[Head], table: pd.DataFrame) -> None:
    """Raise UserError for a head whose own network would have no best epoch."""
    val = table[table["split"] == "val"]
    for head in heads:
        if len(val) and not head.labelled(val).any():
            raise UserError(
                head.where,
                "has no labels in the validation part, by which the best epoch of each "
                "network is chosen",
                "choose another --split",
            )
