"""Which classes do several data sets spell differently, in case or blanks alone?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from multitask.contracts import catalog, infer
from multitask.contracts.table import RESERVED, Reading
from multitask.data.joint_heads import left_out
from multitask.tables.spellings import one_case
from multitask.tables.values import replaced, texts
from multitask.tables.words import examples

Spellings = dict[Any, Any]


def one_spelling(readings: Sequence[Reading]) -> tuple[list[Reading], list[str]]:
    """The readings with one spelling of each class, and a note on each that changed.

    Classes that differ in case or blanks alone are one, as in a single file, unless one
    data set has both. So are the yes/no columns of lists. The most frequent spelling
    counts, and that of the first data set among equals.
    """
    several, notes = list(readings), []
    for column in _shared(readings):
        cells = [r.table[column].dropna() for r in several if _reads(r, column)]
        changes = _changes(cells)
        if changes:
            several = [_respelled(r, column, changes) for r in several]
            notes.append(_note(column, changes))
    lists = [_list_columns(reading) for reading in several]
    changes = _changes([pd.Series(names, dtype=object) for names in lists])
    if changes:
        several = [_renamed(reading, changes) for reading in several]
        notes.append(_note("lists", changes))
    return several, notes


def _shared(readings: Sequence[Reading]) -> list[str]:
    """The columns of several readings that no named head reads."""
    known = {*RESERVED, *catalog.readers()}
    columns = dict.fromkeys(str(c) for reading in readings for c in reading.table)
    return [
        column
        for column in columns
        if column not in known and sum(_reads(r, column) for r in readings) > 1
    ]


def _reads(reading: Reading, column: str) -> bool:
    return column in reading.table and column not in left_out(reading)


def _changes(cells: "Sequence[pd.Series[Any]]") -> Spellings:
    """The spelling to use for each other one in the cells of several data sets."""
    spelled = [texts(some) for some in cells]
    if sum(map(bool, spelled)) < 2:
        return {}
    joined = pd.concat([some.astype(object) for some in cells], ignore_index=True)
    changes = one_case(joined, texts(joined))
    apart = set()
    for own in spelled:
        meant = [changes.get(text, text) for text in own]
        apart |= {one for one in meant if meant.count(one) > 1}
    return {old: new for old, new in changes.items() if new not in apart}


def _note(column: str, changes: Spellings) -> str:
    what = "Columns of lists" if column == "lists" else f"Classes of {column}"
    return (
        f"{what} that data sets spell in another case are the same: "
        f"{examples(changes)}."
    )


def _respelled(reading: Reading, column: str, changes: Spellings) -> Reading:
    if not _reads(reading, column) or not {*texts(reading.table[column])} & {*changes}:
        return reading
    cells = replaced(reading.table[column], changes).astype(object)
    heads = {
        name: _with_classes(head, changes)
        if column in infer.read_by(name, head) and not head.get("votes")
        else head
        for name, head in reading.heads.items()
    }
    table = reading.table.assign(**{column: cells})
    return replace(reading, table=table, heads=heads)


def _with_classes(head: Mapping[str, Any], changes: Spellings) -> dict[str, Any]:
    if "classes" not in head:
        return dict(head)
    classes = [*dict.fromkeys(changes.get(name, name) for name in head["classes"])]
    return {**head, **infer.softmax(classes), "kind": head["kind"]}


def _list_columns(reading: Reading) -> list[str]:
    """The columns of heads that read several, which no named head reads."""
    known = catalog.readers()
    lists = [head.get("columns", ()) for head in reading.heads.values()]
    return [
        name for names in lists if len(names) > 1 for name in names if name not in known
    ]


def _renamed(reading: Reading, changes: Spellings) -> Reading:
    new = {
        old: name
        for old, name in changes.items()
        if old in _list_columns(reading) and name not in reading.table
    }
    heads = {
        name: {**head, "columns": [new.get(c, c) for c in head["columns"]]}
        if "columns" in head
        else head
        for name, head in reading.heads.items()
    }
    decisions = reading.decisions.copy()
    labels = [tuple(new.get(c, c) for c in names) for names in decisions["labels"]]
    decisions["labels"] = pd.Series(labels, decisions.index, dtype=object)
    return replace(
        reading,
        table=reading.table.rename(columns=new),
        heads=heads,
        decisions=decisions,
    )
