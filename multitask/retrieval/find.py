"""Which rows match an expression, in which order, and why might none of them?"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from os import PathLike

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError, counted
from multitask.contracts.errors import nearest as nearest_name
from multitask.images.paths import checksum
from multitask.retrieval.answers import Answers, open_answers
from multitask.retrieval.conditions import Column, Compiler, Condition, check_names
from multitask.retrieval.expression import Expression, parse
from multitask.retrieval.nearest import nearest

SIMILARITY = "similarity"  # a column: from -1 to 1
_TOP = 20  # rows that are most like a picture, by default
_MANY = 100  # different texts of a column: more are no classes


@dataclass(frozen=True, kw_only=True)
class Like:
    """What to look for: the features (channels,) of a picture, `query`.

    `features` (rows, channels) are those of all rows of the answers, which `checksum`
    of `multitask.images.paths` tells from others.
    """

    query: npt.NDArray[np.floating]
    features: npt.NDArray[np.floating]
    checksum: int


@dataclass(frozen=True, kw_only=True)
class Matches:
    """The rows that match an expression, as many as are wanted.

    `matched` of `total` rows match and, if something like them is looked for, have
    features. `searched` are the columns that the expression names, that of the sort,
    and `similarity`. `notes` are lines for the user, such as why no row matches.
    """

    rows: pd.DataFrame
    matched: int
    total: int
    searched: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find(
    source: "str | PathLike[str] | pd.DataFrame",
    expression: str | None = None,
    *,
    like: Like | None = None,
    top: int | None = None,
    sort: str | None = None,
    ascending: bool = False,
) -> Matches:
    """Find the rows of a table of answers that match an expression.

    Without one, all rows match, but there must be `sort` or `like`. Rows keep their
    order; or `sort` names a column, whose highest values come first unless `ascending`.
    A yes/no label is sorted by its probability, and a missing value comes last. Only
    the first `top` rows are returned.

    With `like`, the rows that match come in the order of their similarity, which is
    added as the column `similarity`, and `top` is 20 by default. Rows without features
    are left out.

    Raises UserError for an expression that is wrong, an unknown column, answers that
    can't be read, and features of other rows.
    """
    _check_wanted(expression, like, top, sort, ascending)
    parsed = None if expression is None else parse(expression)
    with closing(open_answers(source)) as answers:
        return _matches(answers, parsed, like, top, sort, ascending)


def _matches(
    answers: Answers,
    parsed: Expression | None,
    like: Like | None,
    top: int | None,
    sort: str | None,
    ascending: bool,
) -> Matches:
    """What `find` returns, of answers that are open."""
    searched = parsed.names if parsed else ()
    check_names(searched, answers.names, "expression", parsed)
    check_names((sort,) if sort else (), answers.names, "--sort")
    check_names(("box",) if like else (), answers.names, "--like")
    others = [*([sort] if sort else []), *(("path", "box") if like else ())]
    columns = answers.load((*searched, *others))
    if like:
        _check_like(answers, columns["path"], columns["box"], like)
    condition, notes = Condition("TRUE"), list[str]()
    parts = list[tuple[str, Condition]]()
    if parsed:
        compiler = Compiler(expression=parsed, columns=columns)
        condition = compiler.condition(parsed.tree)
        parts = [(parsed.source(p), compiler.condition(p)) for p in parsed.parts]
        notes += _unknown_texts(answers, dict.fromkeys(compiler.texts))
    total, matched = _counts(answers, [condition])
    if not matched:
        notes += _why_none(answers, total, parts)
        notes += _ranges(answers, [columns[name] for name in searched])
    order = _order(columns[sort], ascending) if sort else ""
    rows = _select(answers, condition, order, None if like else top)
    if like:
        most, count = top or _TOP, matched
        rows, similarities, matched = nearest(like.features, like.query, most, rows)
        if matched < count:
            without = counted(count - matched, "row")
            notes.append(f"left out: {without} without features")
        table = _with_similarity(answers.rows(rows), similarities)
    else:
        table = answers.rows(rows)
    return Matches(
        rows=table,
        matched=matched,
        total=total,
        searched=tuple(filter(None, (*searched, sort, SIMILARITY if like else None))),
        notes=tuple(notes),
    )


def _with_similarity(
    table: pd.DataFrame, similarities: npt.NDArray[np.float32]
) -> pd.DataFrame:
    table = table.copy()
    table.insert(list(table).index("path") + 1, SIMILARITY, similarities)
    return table


def _check_wanted(
    expression: str | None,
    like: Like | None,
    top: int | None,
    sort: str | None,
    ascending: bool,
) -> None:
    """Raise UserError if nothing is wanted, for a `top` below 1, and for two orders."""
    if expression is None and like is None and sort is None:
        todo = "write one, or give --like or --sort"
        raise UserError("expression", "is missing", todo)
    if top is not None and top < 1:
        raise UserError("--top", f"is {top}, must be 1 or more")
    if ascending and sort is None and not like:
        raise UserError("--ascending", "has no effect without --sort", "name a column")
    if like and (sort is not None or ascending):
        option = "--ascending" if sort is None else "--sort"
        raise UserError(option, "contradicts --like, which has an order of its own")


def _select(
    answers: Answers, condition: Condition, order: str, top: int | None
) -> npt.NDArray[np.int64]:
    """The numbers of the rows that match, in their order."""
    sql = f"SELECT row FROM answers WHERE {condition.sql} ORDER BY {order}row"
    values = [*condition.values, *([top] if top else [])]
    selected = answers.connection.execute(sql + " LIMIT ?" * bool(top), values)
    return np.asarray(selected.fetchnumpy()["row"], np.int64)


def _check_like(answers: Answers, paths: Column, boxes: Column, like: Like) -> None:
    """Raise UserError unless features are those of the rows of the answers."""
    where = "--features"
    if SIMILARITY in answers.names:
        raise UserError(answers.where, f"has a column {SIMILARITY!r} already")
    sql = f"SELECT {paths.value}, {boxes.value} FROM answers ORDER BY row"
    texts = answers.connection.execute(sql).fetchall()
    if len(texts) != len(like.features):
        rows = counted(len(like.features), "row")
        what = f"has {rows}, but the answers have {len(texts):,}"
        raise UserError(where, what, "give what the same predict wrote")
    if checksum(text for row in texts for text in row) != like.checksum:
        what = "belongs to other rows, or to the same ones in another order"
        raise UserError(where, what, "give what the same predict wrote")


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


def _ranges(answers: Answers, columns: list[Column]) -> Iterator[str]:
    """Lines that say from where to where columns of numbers go."""
    for column in columns:
        if column.kind == "number":
            sql = f"SELECT min({column.value}), max({column.value}) FROM answers"
            ((low, high),) = answers.connection.execute(sql).fetchall()
            if low is not None:
                yield f"  {column.name} is from {low:g} to {high:g}"


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
            todo = f"; {nearest_name(text, classes)}" if len(known) <= _MANY else ""
            yield f"{column.name} is never {text!r}{todo}"
