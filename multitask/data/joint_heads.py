"""Which heads do data sets bring, each alone and all together?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from multitask.contracts import infer
from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading


def joint_heads(
    readings: Sequence[Reading], table: pd.DataFrame, named: Sequence[Reading]
) -> dict[str, dict[str, Any]]:
    """The heads that the data sets bring, each alone or all together in one `table`.

    Classes may be spread over data sets: one has the cats, another the dogs. Only those
    whose readers take a name, `named`, bring heads of columns that are no named head's.

    Raises UserError if a column that one makes of a question is another one elsewhere.
    """
    _check_generated(readings)
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
        if head.get("votes") or len(head.get("columns", ())) > 1
    } - {name for name, head in heads.items() if head.get("votes")}
    columns = {column for reading in named for column in reading.table} - together
    columns -= _left_out_of_all(readings)
    inferred = infer.infer_heads(table[[c for c in table if c in columns]])
    for name, head in inferred.items():
        declared = heads.get(name, {})
        if len(declared.get("columns", ())) > 1:
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


def _generated(reading: Reading) -> dict[str, str]:
    """The columns that a reader made of lists and votes, and of which question."""
    columns: dict[str, str] = {}
    for name, head in reading.heads.items():
        read = infer.read_by(name, head)
        made = read[1:] if head.get("votes") else read if len(read) > 1 else []
        columns |= dict.fromkeys(made, read[0] if head.get("votes") else name)
    return columns


def _left_out_of_all(readings: Sequence[Reading]) -> set[str]:
    """The columns that no reader takes for labels of a head.

    Numbers from 0 on are those of the rows in one file, and a score beside another.
    """
    out = {column for reading in readings for column in left_out(reading)}
    return out - {
        column
        for reading in readings
        for column in set(reading.table) - set(left_out(reading))
    }


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
    asked = {re.split(r"[:\[]", str(name))[0] for name in names} - set(known)
    heads = dict(reading.heads)
    for column in left_out(reading):
        name = infer.head_name(column, heads)
        if name in asked and (head := infer.asked_head(reading.table, column)):
            heads[name] = head if name == column else {**head, "columns": [column]}
    return heads
