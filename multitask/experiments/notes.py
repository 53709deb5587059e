"""What should a reader of a report know about the data and the training?"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts import plugins
from multitask.contracts.errors import UserError, counted, listed
from multitask.contracts.head import Head
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import ALL
from multitask.contracts.run import NETWORK, SPLIT
from multitask.data import sources, split
from multitask.networks import pretrained
from multitask.networks.named import description
from multitask.training.views import views

_NO_TEST = (
    "No picture is in the test part (those of one person, or nearly alike, stay in one "
    "part): figures are of "
)
_FEW_LABELS = 30
_PARTS = {
    "train": "The training part",
    "val": "The validation part",
    "test": "The test part",
    "all": "The data",
}
_MEASURED: dict[str, tuple[str, ...]] = {
    "test": (),
    "val": (f"{_NO_TEST}the validation part, by which the best epoch was chosen.",),
    "train": (f"{_NO_TEST}pictures that the network learnt from.",),
}


def sampling_notes(recipe: Recipe, heads: Sequence[Head]) -> tuple[str, ...]:
    """How training pictures were selected, sampled and weighted."""
    notes = []
    for name, cap in recipe.cap.items():
        of = "each head" if name == "all" else name
        notes.append(
            f"Training pictures were drawn at random until every class of {of} had "
            f"{cap:,} or all it has; classes that share pictures with rarer ones may "
            "have more."
        )
    mixing = recipe.mixing
    if mixing.classes and not mixing.exponent:
        notes.append(f"Training saw the classes of {mixing.classes} equally often.")
    elif not mixing.is_proportional:
        of = f"classes of {mixing.classes}" if mixing.classes else "data sets"
        notes.append(f"Training saw the {of} by the rule {recipe.mix}.")
    balanced = [head.name for head in heads if head.class_weights == "balanced"]
    if balanced:
        notes.append(f"Rare classes weigh more in the loss of {', '.join(balanced)}.")
    return tuple(notes)


def frozen_notes(recipe: Recipe) -> tuple[str, ...]:
    """What of the trunk was frozen, and in which stages."""
    notes = []
    if recipe.caches_features:
        others = len(views(recipe.augmentation, recipe.views)) - 1
        more = f" and {others} mirrored or augmented views of it" if others else ""
        notes.append(
            "What is frozen was computed once, for each training picture as it is"
            f"{more}."
        )
    second = recipe.unfreezing
    if second:
        thawed = "all of it" if second.stages == ALL else "more stages of it"
        notes.append(
            "The trunk was frozen at first; in a second stage of at most "
            f"{counted(second.epochs, 'epoch')} {thawed} learnt."
        )
    return tuple(notes)


def leakage_notes(
    recipe: Recipe, table: pd.DataFrame, members: npt.NDArray[np.intp]
) -> tuple[str, ...]:
    """Why figures of the validation and test parts may be too good.

    The network of --weights, or a teacher, may have learned from some of their
    pictures, or, if a file lists the split, training has pictures nearly like them or
    of the same person. `table` has its `split`; rows with the same number in `members`
    (rows,) should be in one part.
    """
    notes = list[str]()
    is_held_out = table["split"].isin(["val", "test"]).to_numpy()
    of = f"of {counted(int(is_held_out.sum()), 'picture')} of validation and test part"
    networks = [("--weights", recipe.weights)]
    networks += [("--teacher", name) for name in recipe.teacher]
    for option, network in networks:
        file = _network(network)
        if not file:
            continue
        before = file.with_name(SPLIT)
        if not before.is_file():
            if not file.exists():  # a checkpoint holds what began from it
                continue
            notes += _unlisted(option, network, file, recipe.data)
            continue
        taught = members[_taught(table, before)]
        count = int(np.isin(members[is_held_out], taught).sum())
        if count:
            notes.append(
                f"{count:,} {of} taught the network of {option}, or are nearly alike "
                "one that did, or of the same person: figures of these parts are too "
                f"good. --split {before} keeps its parts."
            )
    if recipe.split_rule.file:
        train = members[(table["split"] == "train").to_numpy()]
        count = int(np.isin(members[is_held_out], train).sum())
        if count:
            notes.append(
                f"{count:,} {of} show a person of the training part, or are nearly "
                f"alike one of its pictures: {recipe.split} splits them so."
            )
    return tuple(notes)


def _unlisted(
    option: str, network: str, file: Path, data: Sequence[str]
) -> tuple[str, ...]:
    """What it means that no file lists the pictures that a network learned from.

    If its model card names their data sets, a set that only the reader of another one
    reads holds none of them.
    """
    taught = description.datasets(file)
    if not taught:
        return (
            f"No split.csv beside the network of {option} lists the pictures that it "
            "learned from. If some of those tested here are among them, their figures "
            "are too good.",
        )
    others = {*plugins.own("datasets")} - {"table", "folder"}
    others -= {name.casefold() for name in taught}
    if {sources.parse(text).reader for text in data} <= others:
        return ()
    return (
        f"{network} learned from {listed(taught)}. If pictures tested here come from "
        "there, their figures are too good.",
    )


def _taught(table: pd.DataFrame, file: Path) -> npt.NDArray[np.bool_]:
    """Which pictures (rows,) are in the training part that a file lists.

    None, if it is another file of that name.
    """
    try:
        listed = split.read_split(file)
    except UserError:
        return np.zeros(len(table), bool)
    parts = split.listed_parts(table, listed, other_boxes=True)
    parts, _ = split.with_moved(table, parts, listed)
    return np.asarray(parts == "train")


def _network(network: str) -> Path | None:
    """The file of a network, which need not be there any more; None for others."""
    path = Path(network)
    if path.is_absolute():
        file = path / NETWORK if path.is_dir() else path
        return file if file.suffix == ".keras" else None
    with contextlib.suppress(UserError):  # it is no longer installed or downloaded
        return pretrained.network(network)
    return None


def missing_parts(recipe: Recipe, table: pd.DataFrame) -> tuple[str, ...]:
    """What it means that a part of the split is empty, to be said before training."""
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
    rule = recipe.split_rule
    if lines and (rule.file or 0 in rule.shares):
        lines.append("--split 70/15/15 makes all three parts.")
    elif lines:
        lines.append("More pictures are needed to fill all three parts.")
    return tuple(lines)


def small_parts(heads: Sequence[Head], table: pd.DataFrame) -> tuple[str, ...]:
    """Which parts measure little for want of labels, to be said before training."""
    return tuple(
        note
        for part in ("val", "test")
        for note in few_labels_notes(heads, table[table["split"] == part], part)
    )


def measured_part(table: pd.DataFrame) -> tuple[str, tuple[str, ...]]:
    """The part that a report measures, and warnings about it.

    It is the test part, or without one the validation part, or the training part.
    """
    part = next(p for p in _MEASURED if (table["split"] == p).any())
    return part, _MEASURED[part]


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
