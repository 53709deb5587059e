"""Which of the measured pictures may a network have learned from?"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts import plugins
from multitask.contracts.errors import UserError, counted, listed
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import NETWORK, SPLIT
from multitask.data import sources, split
from multitask.networks import pretrained
from multitask.networks.named import description

OWN_UNLISTED = (
    "The network was trained on this data, and no split.csv beside it lists its "
    "training pictures: figures include them."
)


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
            notes += unlisted_notes(file, recipe.data, network, f" of {option}")
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


def unlisted_notes(
    file: Path, data: Sequence[str], network: str, option: str = ""
) -> tuple[str, ...]:
    """What it means that no file lists the pictures that a network learned from.

    `network` is what the user calls the network in `file`, `option` where, such as
    " of --weights". If its model card names its data sets, a set that only the reader
    of another one reads holds none of them.
    """
    taught = description.datasets(file)
    if not taught:
        return (
            f"No split.csv beside the network{option} lists the pictures that it "
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


def moved_notes(count: int) -> tuple[str, ...]:
    """How many pictures of the training were recognized in another folder, if any."""
    if not count:
        return ()
    return (
        f"{counted(count, 'picture')} of the training, recognized by the end of the "
        "path, stay in the same parts.",
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
