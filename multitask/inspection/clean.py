"""Which rows are left of a table when what is wrong with its pictures is taken out?

The rules, in this order:

1. Rows whose picture is unreadable, blank or tiny are dropped.
2. The others are gone through in the table's order: a row stays unless its picture is
   near or equal to one that stayed. So no two of those left are near each other, and
   a chain of pictures, each near the next, is not taken for one.
3. Where a label of a row that stayed is contradicted by one dropped for it, nobody
   knows which is right: the label is emptied (a number with its `_low` and `_high`).
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.table import label_columns, write_csv
from multitask.inspection.duplicates import Groups, Known, groups

ENDINGS = (".csv", ".parquet")


def clean(table: pd.DataFrame, files: pd.DataFrame, labels: Known) -> pd.DataFrame:
    """The rows that are left, by the rules above; columns are as in the table."""
    bad = (files["reason"] != "") | files["blank"] | files["tiny"]
    found = groups(files[~bad])
    rows = np.flatnonzero(~bad)
    first = _first(found.member)
    kept = _kept(found, first)
    left = table.iloc[np.sort(rows[first[kept]])].copy()
    stayed, dropped = (rows[side] for side in _compared(found, first, kept))
    apart = labels.apart(stayed, dropped) > 0
    for number, name in enumerate(labels.names):
        doubtful = table.index[stayed[apart[:, number]]].unique()
        for column in label_columns([name]):
            if column in left and len(doubtful):
                left.loc[doubtful, column] = np.nan
    return left.reset_index(drop=True)


def _first(member: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The first row of each group."""
    return np.unique(member, return_index=True)[1]


def _kept(found: Groups, first: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Which groups stay, gone through in the order of their first rows."""
    kept = np.ones(len(first), bool)
    near: dict[int, list[int]] = {}
    for one, other in found.links.tolist():
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    for group in sorted(near, key=lambda g: int(first[g])):
        if kept[group]:
            kept[near[group]] = False
    return kept


def _compared(
    found: Groups, first: npt.NDArray[np.intp], kept: npt.NDArray[np.bool_]
) -> Sequence[npt.NDArray[np.intp]]:
    """Each row that stayed beside each that was dropped for it (pairs,), (pairs,)."""
    frame = pd.DataFrame({"group": found.member, "row": np.arange(len(found.member))})
    both = np.concatenate([found.links, found.links[:, ::-1]])
    own = np.repeat(np.arange(len(first)), 2).reshape(-1, 2)
    near = pd.DataFrame(np.concatenate([own, both]), columns=["kept", "group"])
    pairs = near[kept[near["kept"]]].merge(frame, on="group")
    return first[pairs["kept"]], pairs["row"].to_numpy()


def check_target(path: Path) -> Path:
    """UserError unless a table can be written to `path`, told before the long work."""
    if path.suffix.lower() not in ENDINGS:
        raise UserError("--fix", f"{str(path)!r} must end in {' or '.join(ENDINGS)}")
    if path.exists():
        raise UserError("--fix", f"'{path}' exists already", "name a new file")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise UserError("--fix", "parquet needs pyarrow", "pip install pyarrow")
    return path


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet, whichever its name ends in.

    Raises UserError if no row is left or the file can't be written.
    """
    if table.empty:
        raise UserError("--fix", "no row is left", "nothing was written")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".parquet":
            table.to_parquet(path, index=False)
        else:
            write_csv(table, path)
    except OSError as error:
        raise UserError(path, f"can't be written: {error.strerror or error}") from None
