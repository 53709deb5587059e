"""What must a reader of a report know of the data and the training?"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts import augmentation, recipe_texts
from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import SPLIT
from multitask.data import split
from multitask.training.views import views


def _notes(recipe: Recipe, heads: Sequence[Head]) -> tuple[str, ...]:
    """What a reader of the report must know of how training pictures were chosen."""
    notes = []
    for name, cap in recipe.cap.items():
        of = "each head" if name == "all" else name
        notes.append(
            f"Training pictures were taken by lot until every class of {of} had "
            f"{cap:,} or all it has; those that come with rarer ones may have more."
        )
    if recipe.oversample:
        notes.append(f"Training saw the classes of {recipe.oversample} equally often.")
    if recipe.mix != "proportional":
        notes.append(f"Training saw the data sets by the rule {recipe.mix}.")
    weighed = [head.name for head in heads if head.class_weights == "balanced"]
    if weighed:
        notes.append(f"Rare classes weigh more in the loss of {', '.join(weighed)}.")
    return tuple(notes)


def frozen_notes(recipe: Recipe) -> tuple[str, ...]:
    """What a reader of the report must know of a trunk that was frozen."""
    notes = []
    if recipe.freeze != recipe_texts.NONE and recipe.views:
        count = len(
            views(augmentation.parse_augmentation(recipe.augment), recipe.views)
        )
        more = f" and {count - 1} mirrored or varied views of it" if count > 1 else ""
        notes.append(
            "What is frozen was computed once, for each training picture as it is"
            f"{more}."
        )
    if recipe.then_unfreeze:
        what = {"all": "all of it"}.get(recipe.then_unfreeze, "more stages of it")
        notes.append(
            "The trunk was frozen at first; in a second stage of at most "
            f"{recipe.then_epochs} epochs {what} learnt."
        )
    return tuple(notes)


_NO_TEST = (
    "No picture is in the test part (those of one person, or nearly alike, stay in one "
    "part): figures are of "
)


_MEASURED: dict[str, tuple[str, ...]] = {
    "test": (),
    "val": (f"{_NO_TEST}the validation part, by which the best epoch was chosen.",),
    "train": (f"{_NO_TEST}pictures that the network learnt from.",),
}


def leakage_notes(
    recipe: Recipe, table: pd.DataFrame, members: npt.NDArray[np.intp]
) -> tuple[str, ...]:
    """What speaks against figures of the test part, of a `table` with its split.

    Pictures that the trunk had learnt from before; those that are nearly alike, or of
    one person, in several parts of a split that a file says. `members` (rows,) number
    these.
    """
    found = []
    held = table[table["split"].isin(["val", "test"])]
    before = Path(recipe.weights).expanduser().parent / SPLIT
    if Path(recipe.weights).suffix and before.is_file():
        count = 0
        with contextlib.suppress(UserError):  # it may be something else
            count = int((held["path"].map(split.read_split(before)) == "train").sum())
        if count:
            found.append(
                f"{count:,} of {len(held):,} pictures of validation and test part had "
                "trained the network of --weights: figures of these parts are too "
                f"good. --split {before} keeps its parts."
            )
    if recipe_texts.split_file(recipe.split):
        train = set(members[(table["split"] == "train").to_numpy()])
        mine = pd.Series(members, index=table.index)[held.index]
        count = int(mine.isin(train).sum())
        if count:
            found.append(
                f"{count:,} of {len(held):,} pictures of validation and test part show "
                "a person of the training part, or are nearly alike one of it: "
                f"{recipe.split} parts them so."
            )
    return tuple(found)


def measured_part(table: pd.DataFrame) -> tuple[str, tuple[str, ...]]:
    """The part that a report is of, and what its reader must know of it.

    Without a test part it is the validation part, or else the training part.
    """
    part = next(p for p in _MEASURED if (table["split"] == p).any())
    return part, _MEASURED[part]
