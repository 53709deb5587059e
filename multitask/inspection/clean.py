"""Which rows of a table remain once the faulty pictures are removed?

The rules, in this order:

1. Rows whose picture is unreadable, blank or tiny are dropped.
2. The others are visited in the table's order: a row stays unless its picture is near
   or equal to one that stayed. So no two remaining pictures are near each other, and a
   chain of pictures, each near the next, does not collapse into one.
3. Where a row that stayed and a row dropped for it contradict each other, nobody knows
   which label is right: it is emptied (a number with its `_low` and `_high`).
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.saving import replacing, reporting_write_errors
from multitask.contracts.table import label_columns, write_csv
from multitask.inspection.duplicates import Groups, LabelIntervals, group_by_hash

ENDINGS = (".csv", ".parquet")


def clean(
    table: pd.DataFrame, files: pd.DataFrame, labels: LabelIntervals
) -> pd.DataFrame:
    """The rows that remain by the rules above, with the columns of the table.

    `files` is the result of `files.inspect_files(table)`.
    """
    bad = (files["reason"] != "") | files["blank"] | files["tiny"]
    groups = group_by_hash(files[~bad])
    rows = np.flatnonzero(~bad)
    first = np.unique(groups.member, return_index=True)[1]  # (groups,) their first rows
    stays = _groups_that_stay(groups, first)
    remaining = table.iloc[np.sort(rows[first[stays]])].copy()
    stayed, dropped = (rows[side] for side in _row_pairs(groups, first, stays))
    contradicted = labels.gaps(stayed, dropped) > 0
    for number, name in enumerate(labels.names):
        doubtful = table.index[stayed[contradicted[:, number]]].unique()
        for column in label_columns([name]):
            if column in remaining and len(doubtful):
                remaining.loc[doubtful, column] = np.nan
    return remaining.reset_index(drop=True)


def _groups_that_stay(
    groups: Groups, first: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Which groups (groups,) stay, visited in the order of their first rows."""
    stays = np.ones(len(first), bool)
    near: dict[int, list[int]] = {}
    for one, other in groups.links.tolist():
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    for group in sorted(near, key=lambda g: int(first[g])):
        if stays[group]:
            stays[near[group]] = False
    return stays


def _row_pairs(
    groups: Groups, first: npt.NDArray[np.intp], stays: npt.NDArray[np.bool_]
) -> Sequence[npt.NDArray[np.intp]]:
    """Each row that stayed (pairs,) and each one dropped for it (pairs,)."""
    members = pd.DataFrame(
        {"group": groups.member, "row": np.arange(len(groups.member))}
    )
    both_ways = np.concatenate([groups.links, groups.links[:, ::-1]])
    own = np.repeat(np.arange(len(first)), 2).reshape(-1, 2)
    near = pd.DataFrame(np.concatenate([own, both_ways]), columns=["stays", "group"])
    pairs = near[stays[near["stays"]]].merge(members, on="group")
    return first[pairs["stays"]], pairs["row"].to_numpy()


def check_target(path: Path) -> Path:
    """UserError unless a table can be written to `path`; call it before long work."""
    if path.suffix.lower() not in ENDINGS:
        raise UserError("--fix", f"{str(path)!r} must end in {' or '.join(ENDINGS)}")
    if path.exists():
        raise UserError("--fix", f"'{path}' exists already", "name a new file")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise UserError("--fix", "parquet needs pyarrow", "pip install pyarrow")
    return path


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet, by the ending of its file name.

    Raises UserError if no row remains or the file can't be written.
    """
    if table.empty:
        raise UserError("--fix", "no row is left", "nothing was written")
    with reporting_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        if path.suffix.lower() == ".parquet":
            table.to_parquet(part, index=False)
        else:
            write_csv(table, part)
