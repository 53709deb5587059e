"""Which labels can a head not take, and are they few enough to leave out?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import infer
from multitask.contracts.errors import UserError, counted
from multitask.contracts.head import Head
from multitask.contracts.reading import ENDINGS
from multitask.contracts.table import (
    RESERVED,
    Reading,
    as_text,
    label_columns,
    sources,
)
from multitask.tables.merge import OF_ONE

_MOST = 0.1  # share of a data set's labels that may be unusable: more is a mistake
_NAMED = 6  # yes/no labels per head that are told by name


def check_reading(reading: Reading, where: str) -> None:
    """Raise UserError if a reader left more than a tenth of a head's labels empty.

    Its reasons for these begin with the column or the head: `Smiling is 'x', ...`. One
    label may always be wrong, and rows of one picture may contradict each other.
    """
    skipped = reading.skipped.astype({"path": object, "reason": object})
    skipped = skipped[~skipped["reason"].str.contains(OF_ONE, regex=False)]
    names = skipped["reason"].str.extract(r"^(.+?) is ", expand=False)
    for name in names.dropna().unique():
        columns = infer.read_by(name, reading.heads.get(name, {}))
        filled = [c for c in label_columns(columns) if c in reading.table]
        if not filled or name in RESERVED:
            continue
        reasons = skipped.loc[names == name]
        lost = reasons["path"].nunique()
        total = lost + int(reading.table[filled].notna().any(axis=1).sum())
        if lost > max(1, _MOST * total):
            path, reason = reasons.iloc[0]
            raise UserError(
                where,
                f"{lost:,} of {total:,} labels of {name} can't be used, the first, of "
                f"'{path}': {reason}",
            )


def describe_skipped(skipped: pd.DataFrame, table: pd.DataFrame) -> str:
    """How many pictures and labels were set aside: the pictures of labels stay.

    A picture counts once, however many reasons it has. Other entries are files and
    folders that are no pictures, and lines of lists.

    >>> skipped = pd.DataFrame({"path": ["a.jpg", "b.jpg", "list.txt"]})
    >>> describe_skipped(skipped, pd.DataFrame({"path": ["b.jpg", "c.jpg"]}))
    '1 picture, 1 label and 1 other entry'
    >>> describe_skipped(skipped[2:], pd.DataFrame({"path": ["b.jpg", "c.jpg"]}))
    '1 entry'
    """
    paths = skipped["path"].astype(object).astype(str)
    of_label = paths.isin(table["path"])
    is_picture = ~of_label & paths.str.lower().str.endswith(ENDINGS)
    pictures, labels = paths[is_picture].nunique(), int(of_label.sum())
    others = int((~of_label & ~is_picture).sum())
    texts = [counted(pictures, "picture")] if pictures else []
    texts += [counted(labels, "label")] if labels else []
    if others:
        other = "other " if texts else ""
        texts.append(counted(others, f"{other}entry", f"{other}entries"))
    first = ", ".join(texts[:-1])
    return " and ".join(filter(None, (first, *texts[-1:]))) or "nothing"


def set_aside(
    table: pd.DataFrame, heads: Sequence[Head]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table without the few labels that a head can't take, and a list of these.

    The list has the columns `path` and `reason`. Raises the head's own UserError, with
    the first picture, if they are more than a tenth of a data set's labels.
    """
    cleaned, faults = usable(table, heads)
    for refused in refusals(table, cleaned, heads):
        raise refused
    return cleaned, faults


def refusals(
    table: pd.DataFrame, cleaned: pd.DataFrame, heads: Sequence[Head]
) -> Iterator[UserError]:
    """An error for each head that can't take more than a tenth of a data set's labels.

    `cleaned` is the table of `usable`.
    """
    origins = sources(table)
    for head in heads:
        names = [n for n in head.label_columns if n in table]
        before, after = (t[names].notna().any(axis=1) for t in (table, cleaned))
        lost = before & ~after
        most = _MOST * before.groupby(origins).sum()
        if not (lost.groupby(origins).sum() > most).any():
            continue
        try:
            head.encode(table)
        except UserError as error:
            first = table.loc[lost, "path"].iloc[0]
            what = f"{error.what} (the first picture: '{first}')"
            yield UserError(error.where, what, error.todo)


def usable(
    table: pd.DataFrame, heads: Sequence[Head]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table with labels that a head can't take left empty, and a list of these.

    The list has the columns `path` and `reason`.
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
    is_only = len(head.columns) == 1  # then its votes are labels, too
    names = head.label_columns if is_only else label_columns([name])
    columns = [c for c in names if c in table]
    if not columns:
        return pd.DataFrame({"path": [], "reason": []}, dtype=str)
    value_ids = table.groupby(columns, dropna=False, sort=False).ngroup()
    distinct = table.loc[~value_ids.duplicated(), columns]
    faults = _faults(distinct, head, name)
    reasons = value_ids.map({value_ids[i]: reason for i, reason in faults.items()})
    bad = reasons.notna()
    table.loc[bad, columns] = np.nan
    return pd.DataFrame({"path": table.loc[bad, "path"], "reason": reasons[bad]})


def _faults(values: pd.DataFrame, head: Head, name: str) -> dict[Any, str]:
    """Why a head can't take some values, by their index.

    As few are faulty, they are searched for by bisection.
    """
    if values.isna().all(axis=None):
        return {}
    try:
        head.encode(values)
    except UserError as error:
        if len(values) == 1:
            label = ", ".join(as_text(values.iloc[0].dropna()))
            reason = f", {error.fault}" if error.fault else f": {error.what}"
            return {values.index[0]: f"{name} is {label!r}{reason}"}
        half = len(values) // 2
        return {
            **_faults(values[:half], head, name),
            **_faults(values[half:], head, name),
        }
    return {}


def yes_text(counts: Mapping[str, tuple[int, int]]) -> str:
    """How many labels of each name are yes; of many names, how many there are.

    `counts` has the number of labels, and of those that are yes.

    >>> yes_text({"Smiling": (9, 4), "Young": (12, 3)})
    'yes: Smiling 4 of 9, Young 3 of 12'
    """
    used = {name: (n, yes) for name, (n, yes) in counts.items() if n}
    if len(used) > _NAMED:
        n, yes = (sum(column) for column in zip(*used.values(), strict=True))
        return f"{len(used):,} labels, {yes:,} of {n:,} yes"
    each = [f"{name} {yes:,} of {n:,}" for name, (n, yes) in used.items()]
    return f"yes: {', '.join(each)}" if each else ""
