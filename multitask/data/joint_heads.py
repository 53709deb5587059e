"""Which heads do data sets bring, each alone and all together?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from multitask.contracts import infer
from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading
from multitask.tables.declaration import column_section


def joint_heads(
    readings: Sequence[Reading], table: pd.DataFrame, named: Sequence[Reading]
) -> dict[str, dict[str, Any]]:
    """The heads that the data sets bring, each alone or all together in one `table`.

    Classes may be spread over data sets: one has the cats, another the dogs. Only those
    whose readers take a name, `named`, bring heads of columns that are no named head's.

    Raises UserError if a column that one makes of a question is another one elsewhere,
    or if a column holds lists in one and single labels in another.
    """
    _check_generated(readings)
    _check_lists(readings)
    heads: dict[str, dict[str, Any]] = {}
    for reading in readings:
        for name, head in reading.heads.items():
            heads[name] = infer.united(heads[name], head) if name in heads else head
    if len(readings) == 1:
        return heads
    # Lists of yes/no labels, and votes: each is declared by its file.
    together = {
        column
        for name, head in heads.items()
        for column in infer.read_by(name, head)
        if head.get("votes") or _is_list(name, head)
    } - {name for name, head in heads.items() if head.get("votes")}
    columns = {column for reading in named for column in reading.table} - together
    columns -= _left_out_of_all(readings)
    inferred = infer.infer_heads(table[[c for c in table if c in columns]])
    for name, head in inferred.items():
        declared = heads.get(name, {})
        if _is_list(name, declared):
            continue  # a list of yes and no, declared by its file
        declared = {key: value for key, value in declared.items() if key != "columns"}
        heads[name] = infer.united(declared, head) if declared else head
    return heads


def _check_generated(readings: Sequence[Reading]) -> None:
    """Raise UserError if a column is made of a question in one data set alone."""
    made = [_generated(reading) for reading in readings]
    for reading, own in zip(readings, made, strict=True):
        for one, columns in zip(readings, made, strict=True):
            for column in columns.keys() - own.keys() & {*reading.table}:
                here, there = (r.table["source"].iloc[0] for r in (reading, one))
                question = columns[column]
                raise UserError(
                    f"column {column!r} of data set {here}",
                    f"is called as one that is made of {question!r} in {there}",
                    "rename one of them, or declare both alike in the TOML beside the "
                    "table",
                )


def _check_lists(readings: Sequence[Reading]) -> None:
    """Raise UserError if one head reads lists of one data set, not of another."""
    first: dict[str, tuple[bool, Reading]] = {}
    for reading in readings:
        for name, head in reading.heads.items():
            is_list = _is_list(name, head)
            was_list, before = first.setdefault(name, (is_list, reading))
            if is_list != was_list:
                lists, other = (reading, before) if is_list else (before, reading)
                here, there = (r.table["source"].iloc[0] for r in (lists, other))
                todo = f'rename it in {there}, or leave it out: role = "none"'
                if any(not n.isdigit() for n in other.heads[name].get("classes", ())):
                    todo = 'a single label is a list of one: write several = ","'
                column = other.heads[name].get("columns", [name])[0]
                raise UserError(
                    f"head {name}",
                    f"reads lists of labels in data set {here}, and a single label in "
                    f"{there}",
                    f"{todo} under {column_section(column)} in the TOML beside the "
                    f"table of {there}",
                )


def _is_list(name: str, head: Mapping[str, Any]) -> bool:
    """Whether a head reads the columns of lists, which may have a single label."""
    columns = head.get("columns", ())
    return len(columns) > 1 or any(
        infer.head_name(column, ()).startswith(f"{name}_") for column in columns
    )


def _generated(reading: Reading) -> dict[str, str]:
    """The columns that a reader made of lists and votes, and of which question."""
    columns: dict[str, str] = {}
    for name, head in reading.heads.items():
        read = infer.read_by(name, head)
        made = read[1:] if head.get("votes") else read if _is_list(name, head) else []
        columns |= dict.fromkeys(made, read[0] if head.get("votes") else name)
    return columns


def _left_out_of_all(readings: Sequence[Reading]) -> set[str]:
    """The columns that no reader takes for labels of a head."""
    out = {column for reading in readings for column in left_out(reading)}
    return out - _kept(readings)


def _kept(readings: Sequence[Reading]) -> set[str]:
    """The columns that a reader takes for something else than one to leave out."""
    return {
        str(column)
        for reading in readings
        for column in set(reading.table) - set(left_out(reading))
    }


def without_left_out(
    readings: Sequence[Reading], asked: Iterable[object]
) -> list[Reading]:
    """The readings without the columns that they left out and others of them did not.

    Numbers from 0 on may be those of the rows in one file, and a level in another. Such
    columns stay if they have the name of a head that is `asked` for; the decisions say
    what became of them.
    """
    kept, names = _kept(readings), _head_names(asked)
    result = []
    for reading in readings:
        out = [column for column in left_out(reading) if column in kept]
        out = [column for column in out if infer.head_name(column, ()) not in names]
        result.append(_without(reading, out) if out else reading)
    return result


def _without(reading: Reading, columns: list[str]) -> Reading:
    decisions = reading.decisions.copy()
    is_out = decisions["column"].isin(columns)
    decisions["remarks"] = [
        f"{remarks}; --heads {infer.head_name(column, ())} would join them to the "
        "labels of the other data sets"
        if one_is_out
        else remarks
        for column, remarks, one_is_out in zip(
            decisions["column"], decisions["remarks"], is_out, strict=True
        )
    ]
    none = pd.Series([()] * len(decisions), decisions.index, dtype=object)
    decisions["labels"] = decisions["labels"].where(~is_out, none)
    return replace(
        reading, table=reading.table.drop(columns=columns), decisions=decisions
    )


def _head_names(heads: Iterable[object]) -> set[str]:
    """The names in texts such as `mood:softmax`."""
    return {re.split(r"[:\[]", str(head))[0] for head in heads}


def left_out(reading: Reading) -> list[str]:
    """The columns that a reader left out, because they are no question to a head."""
    is_out = reading.decisions["role"] == "left out"
    names = reading.decisions["column"][is_out]
    return [name for name in dict.fromkeys(names) if name in reading.table]


def with_asked(
    reading: Reading, names: Iterable[object], known: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The heads of a reading, and those asked for by name that it left out.

    `known` are heads that have such a name already.
    """
    asked = _head_names(names) - set(known)
    heads = dict(reading.heads)
    for column in left_out(reading):
        name = infer.head_name(column, heads)
        if name in asked and (head := infer.asked_head(reading.table, column)):
            heads[name] = head if name == column else {**head, "columns": [column]}
    return heads
