"""Which part of the split is missing, small, or measured?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from multitask.contracts.errors import counted
from multitask.contracts.head import Head
from multitask.contracts.recipe import Recipe
from multitask.data.split import Groups

_FEW_LABELS = 30
_TODO = (
    " to fill all three parts",
    ": pictures of others are needed to fill all three parts",
)
_PARTS = {
    "train": "The training part",
    "val": "The validation part",
    "test": "The test part",
    "all": "The data",
}
_MEASURED = {  # whose figures they are, if not those of the test part
    "test": "",
    "val": "the validation part, by which the best epoch was chosen and confidences, "
    "intervals and thresholds were calibrated",
    "train": "pictures that the network learnt from",
}


def missing_parts(
    recipe: Recipe, table: pd.DataFrame, members: Groups
) -> tuple[str, ...]:
    """What it means that a part of the split is empty, to be said before training.

    Rows with the same number in `members` (rows,) stay in one part.
    """
    present = set(table["split"])
    lines = []
    if "val" not in present:
        lines.append(
            "No picture is in the validation part: the network of the last epoch is "
            "kept, and its confidences are not calibrated."
        )
    if "test" not in present:
        part = "validation" if "val" in present else "training"
        lines.append(
            f"No picture is in the test part: the report will measure the {part} part, "
            "which flatters the network."
        )
    if lines and _is_asked_for(recipe):
        lines.append("--split 70/15/15 makes all three parts.")
    elif lines:
        found = ""
        if recipe.identity:
            people = counted(table["identity"].nunique(), "person", "people")
            found = f" --identity finds {people}: check its pattern."
        lines.append(f"{_cause(table, members, *_TODO)}.{found}")
    return tuple(lines)


def _is_asked_for(recipe: Recipe) -> bool:
    """Whether the split itself leaves a part empty."""
    return bool(recipe.split_rule.file) or 0 in recipe.split_rule.shares


def _cause(
    table: pd.DataFrame, members: Groups, if_few: str = "", if_alike: str = ""
) -> str:
    """Why pictures do not fill all three parts, and what follows in either case."""
    groups = len(np.unique(members))
    if groups == len(table):
        return f"{counted(groups, 'picture is', 'pictures are')} too few{if_few}"
    form = f"{counted(len(table), 'picture')} form {counted(groups, 'group')}"
    return (
        f"{form}, as those of one person, or nearly alike, stay in one part{if_alike}"
    )


def parts_notes(
    recipe: Recipe, heads: Sequence[Head], table: pd.DataFrame, members: Groups
) -> tuple[str, ...]:
    """What is missing or small of a split, to be said before training."""
    return (*missing_parts(recipe, table, members), *small_parts(heads, table))


def small_parts(heads: Sequence[Head], table: pd.DataFrame) -> tuple[str, ...]:
    """Which parts measure little for want of labels, to be said before training."""
    return tuple(
        note
        for part in ("val", "test")
        for note in few_labels_notes(heads, table[table["split"] == part], part)
    )


def measured_part(
    recipe: Recipe, table: pd.DataFrame, members: Groups
) -> tuple[str, tuple[str, ...]]:
    """The part that a report measures, and warnings about it.

    It is the test part, or without one the validation part, or the training part.
    """
    part = next(p for p in _MEASURED if (table["split"] == p).any())
    if part == "test":
        return part, ()
    why = "as --split says" if _is_asked_for(recipe) else _cause(table, members)
    return part, (
        f"No picture is in the test part ({why}): figures are of {_MEASURED[part]}.",
    )


def few_labels_notes(
    heads: Sequence[Head], table: pd.DataFrame, part: str
) -> tuple[str, ...]:
    """Whether a `part` has so few labels that its figures say little.

    `table` holds its rows. Of 30 labels, an accuracy of .80 may as well be .63 or .90
    (the 95% interval of Wilson 1927).
    """
    counts = {head.name: int(head.labelled(table).sum()) for head in heads}
    few = {name: n for name, n in counts.items() if 0 < n < _FEW_LABELS}
    if not few:
        return ()
    quantity = ", ".join(f"{n} for {name}" for name, n in few.items())
    quantity = f"few labels ({quantity})"
    if set(counts.values()) == {len(table)}:
        quantity = f"only {counted(len(table), 'picture')}"
    best = ", and so is which epoch is the best" if part == "val" else ""
    return (f"{_PARTS[part]} has {quantity}: its figures are largely chance{best}.",)


def shared_split_note(rows: Mapping[str, int], command: str) -> str:
    """How many pictures each part has for networks that share a split.

    `command` names what else can have the same parts, such as "comparison".
    """
    return (
        f"Of the pictures, {rows['train']:,} trained the networks, {rows['val']:,} "
        f"chose the best epoch, and {rows['test']:,} measured them. Another {command} "
        "has the same parts with --split and this folder's split.csv."
    )
