"""Which pictures of the data sets does a recipe use, and whom do they show?"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.table import column
from multitask.contracts.table import sources as table_sources
from multitask.data import sources as data
from multitask.data import split


def select(
    table: pd.DataFrame, recipe: Recipe, say: Callable[[str], object]
) -> pd.DataFrame:
    """The rows that a recipe uses, with identities found in their paths.

    Raises UserError if a split's file lists none of them, or no identity is found.
    """
    return _limited(
        _with_identities(_listed_in_split(table, recipe, say), recipe), recipe
    )


def selection_key(recipe: Recipe) -> tuple[Any, ...]:
    """What says which pictures of the data there are, and whom they show."""
    lot = recipe.seed if recipe.limit else 0
    return recipe.limit, lot, recipe.identity, recipe.split_rule.file


def _listed_in_split(
    table: pd.DataFrame, recipe: Recipe, say: Callable[[str], object]
) -> pd.DataFrame:
    """The rows that a split has a part for, if it is one of a file."""
    file = recipe.split_rule.file
    if not file:
        return table
    found = table[table["path"].isin(split.read_split(file).index)]
    if found.empty:
        raise UserError(
            "--split",
            f"'{file}' lists no picture of the data",
            f"the data's are such as {table['path'].iloc[0]!r}",
        )
    if len(found) < len(table):
        say(f"{len(table) - len(found):,} pictures are left out: not in '{file}'")
    return found.reset_index(drop=True)


def _with_identities(table: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """The table with identities found in paths where a data set names none.

    It is looked for below the data set's folder: where that lies says nothing.
    """
    text = recipe.identity
    compiled = recipe.identity_pattern
    if not compiled:
        return table
    known = column(table, "identity").astype(object)
    roots = [Path(data.parse(one).path) for one in recipe.data]
    roots = [root.parent if root.is_file() else root for root in roots]
    starts = tuple(f"{root}{os.sep}" for root in roots)

    def shortened(path: str) -> str:
        known = [len(start) for start in starts if path.startswith(start)]
        return path[max(known, default=0) :]

    below = table["path"].map(shortened)
    found = below.map(compiled.search)
    if not found[known.isna()].notna().any():
        raise UserError(
            "--identity", f"{text!r} is found in no path such as {below.iloc[0]!r}"
        )
    names = found.map(lambda m: m.group(min(1, m.re.groups)), na_action="ignore")
    return table.assign(identity=known.fillna(table_sources(table) + ":" + names))


def _limited(table: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    if not 0 < recipe.limit < len(table):
        return table
    lot = table.sample(recipe.limit, random_state=recipe.seed)
    return lot.sort_index().reset_index(drop=True)
