"""What does a data set's own spelling of a label mean, and which can no head have?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head, column

_MOST = 0.1  # of a data set's labels may be none: with more it is another spelling


def translate(
    labels: "pd.Series[Any]", meanings: Mapping[str, object]
) -> "tuple[pd.Series[Any], pd.Series[str]]":
    """Turn labels (rows,) from a publisher's spelling into that of the heads.

    `meanings` is the mapping that a reader declares: spelling to label, or to NaN where
    a spelling says that nobody annotated it. Case and blanks around do not count.

    Returns the labels, empty where a cell was empty, blank or not known; and for the
    cells that are not known (only these, by their index) a reason that names the
    nearest spelling.

    >>> said, reasons = translate(pd.Series([" MALE", "Femal", None]), {"male": "m"})
    >>> said.tolist()
    ['m', nan, nan]
    >>> reasons.tolist()
    ["is 'Femal', left empty; did you mean 'male'? Known: male"]
    """
    known = {_key(spelling): label for spelling, label in meanings.items()}
    distinct = labels.dropna().unique()
    said = {label: known.get(_key(label), np.nan) for label in distinct}
    unknown = {
        label: f"is {str(label)!r}, left empty; {nearest(label, meanings)}"
        for label in distinct
        if _key(label) and _key(label) not in known
    }
    reasons = labels[labels.isin(list(unknown))].map(unknown)
    return labels.map(said), reasons


def _key(spelling: object) -> str:
    return str(spelling).strip().casefold()


def set_aside(
    table: pd.DataFrame, heads: Sequence[Head]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table without the few labels that a head can't have, and what these are.

    Raises UserError, the head's own, if they are many of a data set's labels.
    """
    kept, faults = usable(table, heads)
    if len(faults):
        sources = column(table, "source").astype(object).fillna("")
        for head in heads:
            names = [n for n in _columns(head) if n in table]
            before, after = (t[names].notna().any(axis=1) for t in (table, kept))
            lost = (before & ~after).groupby(sources).sum()
            if (lost > _MOST * before.groupby(sources).sum()).any():
                head.encode(table)
    return kept, faults


def usable(
    table: pd.DataFrame, heads: Sequence[Head]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table without labels that a head can't have, and what these are.

    They are listed (`path`, `reason`) and emptied.
    """
    table, faults = table.copy(), []
    for head in heads:
        try:
            head.encode(table)
        except UserError:
            faults += [_empty_unusable(table, head, name) for name in head.columns]
    none = pd.DataFrame({"path": [], "reason": []}, dtype=str)
    return table, pd.concat([none, *faults], ignore_index=True)


def _columns(head: Head) -> list[str]:
    ends = ("", "_low", "_high")  # an interval is a label too
    return [name + end for name in head.columns for end in ends]


def _empty_unusable(table: pd.DataFrame, head: Head, name: str) -> pd.DataFrame:
    columns = [c for c in (name, f"{name}_low", f"{name}_high") if c in table]
    if not columns:
        return pd.DataFrame({"path": [], "reason": []}, dtype=str)
    kinds = table.groupby(columns, dropna=False, sort=False).ngroup()
    values = table.loc[~kinds.duplicated(), columns]
    wrong = {kinds[i]: reason for i, reason in _faulty(values, head, name).items()}
    reasons = kinds.map(wrong)
    bad = reasons.notna()
    table.loc[bad, columns] = np.nan
    return pd.DataFrame({"path": table.loc[bad, "path"], "reason": reasons[bad]})


def _faulty(values: pd.DataFrame, head: Head, name: str) -> dict[Any, str]:
    """Why a head can't have labels, by their index; found by halves, as few are so."""
    if values.isna().all(axis=None):
        return {}
    try:
        head.encode(values)
    except UserError as error:
        if len(values) == 1:
            said = ", ".join(str(v) for v in values.iloc[0].dropna())
            reason = str(error).partition("; ")[0]
            return {values.index[0]: f"{name} is {said!r}: {reason}"}
        half = len(values) // 2
        return {
            **_faulty(values[:half], head, name),
            **_faulty(values[half:], head, name),
        }
    return {}
