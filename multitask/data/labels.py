"""What does a data set's own spelling of a label mean, and which can no head have?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.contracts.table import label_columns, sources

_MOST = 0.1  # of a data set's labels may be none: with more it is another spelling


def set_aside(
    table: pd.DataFrame, heads: Sequence[Head]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table without the few labels that a head can't have, and what these are.

    Raises UserError, the head's own, if they are many of a data set's labels.
    """
    kept, faults = usable(table, heads)
    if len(faults):
        origins = sources(table)
        for head in heads:
            names = [n for n in head.label_columns if n in table]
            before, after = (t[names].notna().any(axis=1) for t in (table, kept))
            lost = (before & ~after).groupby(origins).sum()
            if (lost > _MOST * before.groupby(origins).sum()).any():
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


def _empty_unusable(table: pd.DataFrame, head: Head, name: str) -> pd.DataFrame:
    columns = [c for c in label_columns([name]) if c in table]
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
