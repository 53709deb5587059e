"""Which pictures of the data sets does a recipe use, and who is in them?"""

import os
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import Say, UserError, counted
from multitask.contracts.recipe import Recipe
from multitask.contracts.table import column
from multitask.contracts.table import sources as table_sources
from multitask.data import sources as data
from multitask.data import split


def select(table: pd.DataFrame, recipe: Recipe, say: Say) -> pd.DataFrame:
    """The rows that a recipe uses, with identities read from their paths.

    `say` prints how many rows a split's file leaves out, and of a pattern for
    identities that it has no effect. Raises UserError if the file lists none of the
    rows, or no path holds an identity.
    """
    listed = _listed_in_split(table, recipe, say)
    return _limited(_with_identities(listed, recipe, say), recipe)


def selection_key(recipe: Recipe) -> tuple[Any, ...]:
    """Equal for recipes that use the same parts of the same pictures of some data."""
    seed = recipe.seed if recipe.limit else 0
    file = recipe.split_rule.file
    return recipe.limit, seed, recipe.identity, file, recipe.box_margin, recipe.faces


def _listed_in_split(table: pd.DataFrame, recipe: Recipe, say: Say) -> pd.DataFrame:
    """The rows that the split's file lists; all rows if there is none."""
    file = recipe.split_rule.file
    if not file:
        return table
    listed = table[split.listed_parts(table, split.read_split(file)).notna()]
    if listed.empty:
        raise UserError(
            "--split",
            f"'{file}' lists none of the pictures",
            f"its paths must be like {table['path'].iloc[0]!r}",
        )
    if len(listed) < len(table):
        say(f"left out: {counted(len(table) - len(listed), 'picture')} not in '{file}'")
    return listed.reset_index(drop=True)


def _with_identities(table: pd.DataFrame, recipe: Recipe, say: Say) -> pd.DataFrame:
    """The table with identities from the paths where a data set names none.

    Only the path below the data set's folder is searched: where the folder itself lies
    means nothing. `say` prints it if all are named.
    """
    text = recipe.identity
    compiled = recipe.identity_pattern
    if not compiled:
        return table
    known = column(table, "identity").astype(object)
    if known.notna().all():
        say("--identity has no effect: the data sets name everybody who is shown")
        return table
    roots = [Path(data.parse(one).path) for one in recipe.data]
    roots = [root.parent if root.is_file() else root for root in roots]
    starts = tuple(f"{root}{os.sep}" for root in roots)

    def relative(path: str) -> str:
        lengths = [len(start) for start in starts if path.startswith(start)]
        return path[max(lengths, default=0) :]

    paths = table["path"].map(relative)
    matches = paths.map(compiled.search)
    if not matches[known.isna()].notna().any():
        raise UserError(
            "--identity",
            f"{text!r} matches none of the paths, such as {paths.iloc[0]!r}",
        )
    names = matches.map(lambda m: m.group(min(1, m.re.groups)), na_action="ignore")
    return table.assign(identity=known.fillna(table_sources(table) + ":" + names))


def _limited(table: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """`limit` rows at random, in their order."""
    if not 0 < recipe.limit < len(table):
        return table
    rows = table.sample(recipe.limit, random_state=recipe.seed)
    return rows.sort_index().reset_index(drop=True)
