"""Which rows match an expression, in which order, and why might none of them?"""

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, counted, nearest
from multitask.retrieval.answers import Answers, open_answers
from multitask.retrieval.conditions import Column, Compiler, Condition, check_names
from multitask.retrieval.expression import parse

_MANY = 100  # different texts of a column: more are no classes


@dataclass(frozen=True, kw_only=True)
class Matches:
    """The rows that match an expression, as many as are wanted.

    `matched` of `total` rows match. `searched` are the columns that the expression
    names. `notes` are lines for the user, such as why no row matches.
    """

    rows: pd.DataFrame
    matched: int
    total: int
    searched: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find(
    source: "str | PathLike[str] | pd.DataFrame",
    expression: str,
    *,
    top: int | None = None,
    sort: str | None = None,
    ascending: bool = False,
) -> Matches:
    """Find the rows of a table of answers that match an expression.

    They keep their order; or `sort` names a column, whose highest values come first
    unless `ascending`. A yes/no label is sorted by its probability, and a missing value
    comes last. Only the first `top` rows are returned.

    Raises UserError for an expression that is wrong, an unknown column, and answers
    that can't be read.
    """
    if top is not None and top < 1:
        raise UserError("--top", f"is {top}, must be 1 or more")
    parsed = parse(expression)
    answers = open_answers(source)
    check_names(parsed.names, answers.names, "expression")
    if sort is not None:
        check_names((sort,), answers.names, "--sort")
    names = (*parsed.names, *([sort] if sort else []))
    columns = answers.load(names)
    compiler = Compiler(expression=parsed, columns=columns)
    condition = compiler.condition(parsed.tree)
    total, matched = _counts(answers, [condition])
    order = _order(columns[sort], ascending) if sort else ""
    found = answers.connection.execute(
        f"SELECT row FROM answers WHERE {condition.sql} ORDER BY {order}row"
        + (" LIMIT ?" if top else ""),
        [*condition.values, *([top] if top else [])],
    ).fetchall()
    notes = list(_unknown_texts(answers, dict.fromkeys(compiler.texts)))
    if not matched:
        parts = [(parsed.source(p), compiler.condition(p)) for p in parsed.parts]
        notes += _why_none(answers, total, parts)
    return Matches(
        rows=answers.rows(np.array([row for (row,) in found], np.int64)),
        matched=matched,
        total=total,
        searched=parsed.names,
        notes=tuple(notes),
    )


def _order(column: Column, ascending: bool) -> str:
    if column.kind == "other":
        raise UserError("--sort", f"{column.holds}, which have no order")
    direction = "ASC" if ascending else "DESC"
    return f"{column.probability or column.value} {direction} NULLS LAST, "


def _counts(answers: Answers, conditions: list[Condition]) -> list[int]:
    """How many rows there are, and how many match each condition."""
    counts = [f"count(*) FILTER (WHERE {condition.sql})" for condition in conditions]
    values = [value for condition in conditions for value in condition.values]
    sql = f"SELECT {', '.join(['count(*)', *counts])} FROM answers"
    (row,) = answers.connection.execute(sql, values).fetchall()
    return list(row)


def _why_none(
    answers: Answers, total: int, parts: list[tuple[str, Condition]]
) -> Iterator[str]:
    """Lines that say how many rows each part of the expression leaves."""
    yield f"no row of {total:,} matches" + (", of which alone" if parts[1:] else "")
    if len(parts) > 1 and total:
        counts = _counts(answers, [condition for _, condition in parts])[1:]
        for (text, _), count in zip(parts, counts, strict=True):
            yield f"  {text} leaves {counted(count, 'row')}"


def _unknown_texts(
    answers: Answers, texts: "dict[tuple[Column, str], None]"
) -> Iterator[str]:
    """Lines for texts that a column of classes never holds."""
    for column, text in texts:
        sql = f"SELECT count(*) FROM answers WHERE {column.value} = ?"
        if answers.connection.execute(sql, [text]).fetchall() == [(0,)]:
            sql = f"SELECT DISTINCT {column.value} FROM answers LIMIT {_MANY + 1}"
            known = answers.connection.execute(sql).fetchall()
            classes = sorted(name for (name,) in known if name is not None)
            todo = f"; {nearest(text, classes)}" if len(known) <= _MANY else ""
            yield f"{column.name} is never {text!r}{todo}"
