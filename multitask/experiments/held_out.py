"""Which labelled pictures may measure networks that were trained on others?"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, counted
from multitask.contracts.run import SPLIT
from multitask.contracts.table import read_csv
from multitask.data.split import listed_parts, with_moved
from multitask.experiments.notes.leaks import OWN_UNLISTED, moved_notes

_LEFT_OUT = {  # by the part that a network has them in
    "train": "that {} learned from",
    "val": "by which the best epoch of {} was chosen",
    "test": "in the test part of {}",
    "": "that are not among those of {}",
}


def select_part(
    table: pd.DataFrame, wanted: str | None, run: Path, own: bool
) -> tuple[pd.DataFrame, str, list[str]]:
    """The rows of the part to measure, its name, and warnings about them.

    The run's split.csv wins over the data's own parts, so that nobody measures
    training pictures by accident. Of the run's `own` data, only pictures that it lists
    are measured. Rows keep their index.
    """
    placed, warnings = with_parts(table, run, own)
    return *_rows_of_part(placed, wanted), warnings


def held_out_by_all(
    table: pd.DataFrame, runs: Mapping[str, tuple[Path, bool]], wanted: str | None
) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
    """The rows that all networks hold out, their part, and what to tell about it.

    `runs` has the folder of each network by its name, and whether the table holds its
    own data. With the part `all`, pictures that trained a network are left out. Rows
    keep their index.

    Raises UserError if no picture is left.
    """
    places, held_out = {}, {}
    part, notes = "all", list[str]()
    for name, (run, own) in runs.items():
        placed, warnings = with_parts(table, run, own)
        rows, part_of_one = _rows_of_part(placed, wanted)
        splits = placed["split"] if "split" in placed else pd.Series(dtype=object)
        places[name] = splits.reindex(table.index).fillna("").to_numpy(object)
        held_out[name] = table.index.isin(rows.index) & (
            (part_of_one != "all") | (places[name] != "train")
        )
        part = part_of_one if part == "all" else part
        notes += [f"{name}: {warning}" for warning in warnings]
    candidates = np.any(list(held_out.values()), axis=0)
    shared = np.all(list(held_out.values()), axis=0)
    reasons = _left_out(candidates & ~shared, places, held_out)
    if not shared.any():
        raise UserError(
            f"{', '.join(list(held_out)[:-1])} and {list(held_out)[-1]}",
            f"hold out no picture in common: {'; '.join(reasons)}",
            "train them with the same --split, or give other pictures with --data",
        )
    if reasons:
        notes.append(
            f"Of {counted(int(candidates.sum()), 'picture')} that one of the networks "
            f"holds out, {int(shared.sum()):,} measure all. Left out: "
            f"{'; '.join(reasons)}."
        )
    return table[shared], part, tuple(notes)


def _left_out(
    rows: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    places: "Mapping[str, np.ndarray[tuple[int], np.dtype[np.object_]]]",
    held_out: "Mapping[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]",
) -> list[str]:
    """How many of the `rows` (rows,) each network keeps from being measured, and why.

    A row counts once, by the strongest reason.
    """
    reasons, left = [], rows.copy()
    for part, why in _LEFT_OUT.items():
        for name, places_of_one in places.items():
            kept_back = left & ~held_out[name] & (places_of_one == part)
            left &= ~kept_back
            if kept_back.any():
                reasons.append(f"{int(kept_back.sum()):,} {why.format(name)}")
    return reasons


def _rows_of_part(table: pd.DataFrame, wanted: str | None) -> tuple[pd.DataFrame, str]:
    """The rows of a part, by default of the test part if there is any, and its name."""
    has_split = "split" in table and table["split"].notna().any()
    part = wanted or ("test" if has_split else "all")
    if part == "all":
        return table, part
    rows = table["split"] == part if has_split else None
    if rows is not None and not wanted and "source" in table:
        # Another data set without parts is measured whole.
        rows |= table["split"].isna().groupby(table["source"]).transform("all")
    if rows is None or not rows.any():
        parts = table["split"].dropna().unique() if has_split else ()
        raise UserError(
            "--split",
            f"the data has no pictures in the part {part!r}",
            "use --split " + " or ".join([*sorted(parts), "all"]),
        )
    return table[rows], part


def with_parts(
    table: pd.DataFrame, run: Path, own: bool
) -> tuple[pd.DataFrame, list[str]]:
    """The table with the run's part of each picture that it lists, and warnings.

    Of the run's `own` data, only the rows that it lists. Rows keep their index.
    """
    file = run / SPLIT
    if not file.exists():
        return table, [OWN_UNLISTED] if own else []
    trained, warnings = read_csv(file), list[str]()
    split = listed_parts(table, trained, other_boxes=not own)
    if own and split.isna().all():
        raise UserError(
            file,
            f"lists no picture that still exists, such as {trained['path'].iloc[0]!r}",
            "if they have moved, give their folder with --data",
        )
    if own:
        table, split = table[split.notna()], split.dropna()
    else:
        split, count = with_moved(table, split, trained)
        warnings += moved_notes(count)
    if "split" in table:
        split = split.fillna(table["split"])
    return table.assign(split=split), warnings
