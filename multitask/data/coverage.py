"""What is labelled, in which data set, and is it enough to learn from?"""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head, column
from multitask.contracts.recipe import Recipe
from multitask.data import split
from multitask.data.batches import Batches

_SHOWN = 6  # classes of a head in the coverage
_NO_TEST = (
    "No picture is in the test part (those of one person, or nearly alike, stay in one "
    "part): figures are of "
)
_MEASURED: dict[str, tuple[str, ...]] = {
    "test": (),
    "val": (f"{_NO_TEST}the validation part, by which the best epoch was chosen.",),
    "train": (f"{_NO_TEST}pictures that the network learnt from.",),
}


def coverage(heads: Sequence[Head], table: pd.DataFrame) -> str:
    """What each data set is labelled with: a line a head and data set.

    How many pictures have a label, and how many each class has.
    """
    sources = column(table, "source").astype(object).fillna("").astype(str)
    lines = [("head", "data set", "labelled", "classes")]
    for head in heads:
        weights = head.encode(table).weights.reshape(len(table), -1)
        strata = head.strata(table)
        for source in sources.unique():
            rows = (sources == source).to_numpy()
            count = int(weights[rows].any(axis=1).sum())
            said = _classes(head, strata[rows]) if count else ""
            lines.append((head.name, source, f"{count:,}", said))
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    return "\n".join(
        "  ".join(
            (
                head.ljust(widths[0]),
                source.ljust(widths[1]),
                count.rjust(widths[2]),
                said,
            )
        ).rstrip()
        for head, source, count, said in lines
    )


def _classes(head: Head, strata: pd.DataFrame) -> str:
    counts = strata.sum()
    if head.answer_type == "labels":  # a no and a yes each
        names = counts.index[1::2]
        yes = counts[names]
        return f"{(counts.to_numpy().reshape(-1, 2).sum(1) > 0).sum()} labels, " + (
            f"{int(yes.sum()):,} yes of {int(counts.sum()):,}"
        )
    held = counts[counts > 0]
    shown = [f"{name} {n:,}" for name, n in held[:_SHOWN].items()]
    more = len(held) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


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
    before = Path(recipe.weights).expanduser().parent / "split.csv"
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
    if split.split_file(recipe.split):
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


def describe_epoch(table: pd.DataFrame, train: Batches) -> str:
    """How many pictures an epoch of training shows, and how many labels a head."""
    rates = np.ones(len(train.rows)) if train.rates is None else train.rates
    shown = {
        name: rates @ encoded.weights.reshape(len(rates), -1).any(axis=1)
        for name, encoded in train.encoded.items()
    }
    sources = column(table.loc[train.rows], "source").astype(object).fillna("")
    sets = pd.Series(rates).groupby(sources.to_numpy()).sum()
    return "; ".join(
        f"{what}: " + ", ".join(f"{name} {count:,.0f}" for name, count in counts)
        for what, counts in (
            ("an epoch shows", sets.items()),
            ("with labels for", shown.items()),
        )
    )
