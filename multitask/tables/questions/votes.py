"""Which columns together say how many voted for each class of one question?

    happiness  sadness  unknown        expression  expression_happy  expression_sad
    8          2        0          ->  happy       8                 2
    1          0        9              (empty)

Such columns become one softmax head with soft labels, or with classes if each row has
one 1 and else 0. A table declares them; of itself only `is_happy`, `is_sad`, ... are.
"""

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import infer
from multitask.contracts.errors import UserError, counted, listed, nearest
from multitask.contracts.head import Array, class_column, most_votes
from multitask.contracts.table import RESERVED, as_text
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import (
    Column,
    Declaration,
    Votes,
    as_mapping,
    votes_section,
)
from multitask.tables.questions.classes import decided, in_named_spelling
from multitask.tables.questions.generated import check_generated
from multitask.tables.types import parsed
from multitask.tables.values import factorized
from multitask.tables.words import are_few

# Columns `is_happy`, `is_sad`, or at least three `mood_happy`, `mood_sad`, ..., with
# one 1 in each row are one question.
_IS, _LEAST = "is", 3


@dataclass(kw_only=True)
class Voted:
    """The cells with a column per question, and settings of its head by its name.

    `faults` are rows and reasons of cells that are left empty.
    """

    cells: pd.DataFrame
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[tuple[Any, str]] = field(default_factory=list)


def count(
    cells: pd.DataFrame, where: str, *, declaration: Declaration, decisions: Decisions
) -> Voted:
    """Join the columns of votes, and one-hot columns, of each question.

    Raises UserError if a declared column does not exist or is declared twice, if none
    of its rows has a vote, or if a column is called as one of another question.
    """
    result = Voted(cells=cells)
    taken: dict[str, str] = {}
    for name, votes in declaration.votes.items():
        if not votes.columns:
            continue  # its rows vote, see `raters.py`
        if name in RESERVED:
            what = f"{name!r} is a column of every table"
            raise UserError(
                f"{where}: {votes_section(name)}", what, "call it otherwise"
            )
        columns = _columns(votes)
        for column in dict.fromkeys([*columns.values(), *votes.leave_out]):
            section = f"{where}: {votes_section(name)}"
            if column not in cells or column in RESERVED:
                todo = nearest(column, cells.columns)
                raise UserError(section, f"names no column {column!r}", todo)
            if column in taken:
                what = (
                    f"names column {column!r}, as {votes_section(taken[column])} does"
                )
                raise UserError(section, what)
            taken[column] = name
        if len(columns) < 2:
            what, todo = "has fewer than two classes", "list their columns"
            raise UserError(f"{where}: {votes_section(name)}", what, todo)
        own = as_mapping(declaration.column.get(name, Column()).classes)
        _join(result, name, columns, votes.leave_out, decisions, where, own)
        if result.cells[name].isna().all() and name not in cells:
            raise UserError(f"{where}: {votes_section(name)}", "has no row with a vote")
    one_hot = _inferred(result.cells, declaration)
    for name, columns in one_hot.items():
        _join(result, name, columns, (), decisions, where, {})
    if not one_hot:
        _suggest(result.cells, declaration, decisions)
    return result


def _columns(votes: Votes) -> dict[str, str]:
    """The column of each class, without those that are left out."""
    columns = votes.columns
    if not isinstance(columns, dict):
        kept = [name for name in columns if name not in votes.leave_out]
        prefix = os.path.commonprefix(kept)
        start = prefix.rfind("_") + 1
        columns = {name[start:] or name: name for name in kept}
    return {c: name for c, name in columns.items() if name not in votes.leave_out}


def _join(
    result: Voted,
    name: str,
    columns: dict[str, str],
    leave_out: tuple[str, ...],
    decisions: Decisions,
    where: str,
    own: dict[str, str],
) -> None:
    """Put one column per class, and that of the class itself, in place of columns.

    `own` says what cells of a column that has the class already mean.
    """
    cells, read = result.cells, [*columns.values(), *leave_out]
    votes, faults = _numbers(cells, read, name)
    kept, others = votes[:, : len(columns)], votes[:, len(columns) :].sum(axis=1)
    columns, classes = in_named_spelling(name, columns, decisions)
    places = pd.Index([*columns]).get_indexer(pd.Index(classes))
    kept = np.where(places >= 0, kept[:, places], 0.0)
    rest = cells.drop(columns=read)
    if name in rest:  # the class that somebody decided on
        counted_in = np.where((others > kept.sum(axis=1))[:, None], 0.0, kept)
        labels, odd = decided(rest[name], counted_in, classes, own, decisions)
        labels.iloc[[*odd]] = np.nan
        kept[[*odd]] = 0.0
        faults += [(cells.index[row], reason) for row, reason in odd.items()]
    voted = question(name, classes, kept, others, decisions)
    joined = voted.cells.set_axis(cells.index)
    check_generated(name, joined.columns.drop(name), rest, where)
    if name in rest:
        joined[name] = labels.where(labels.notna(), joined[name])
    result.cells = rest.assign(**{str(column): joined[column] for column in joined})
    result.heads |= voted.heads
    result.faults += faults
    for column in read:
        is_class = column not in leave_out
        decisions.read_as(column, "votes" if is_class else "left out")
        if is_class:
            decisions.labels_in(column, [name])
        decisions.remark(column, f"for {'a' if is_class else 'no'} class of {name}")
    empty = ~votes.any(axis=1) & cells[read].notna().any(axis=1).to_numpy()
    if empty.any():
        rows = counted(int(empty.sum()), "row")
        decisions.remark(name, f"empty in {rows} without a vote")


def question(
    name: str,
    classes: tuple[str, ...],
    kept: Array,
    others: Array,
    decisions: Decisions,
) -> Voted:
    """The columns of a question, and its head, from the votes for its classes.

    `kept` (rows, classes) are the votes; a row with more `others` (rows,) than those is
    empty.
    """
    outvoted = others > kept.sum(axis=1)
    kept = np.where(outvoted[:, None], 0, kept)
    known: Array = np.asarray(kept.any(axis=1))
    best = most_votes(kept, classes)
    one_hot = np.isin(kept, (0, 1)).all() and kept.sum(axis=1).max() <= 1
    config = infer.softmax(classes)
    joined = {name: pd.Series(best, dtype=object)}
    if not one_hot:
        config["votes"] = True
        shares = np.where(known[:, None], kept, np.nan)
        joined |= {
            class_column(name, label): pd.Series(votes)
            for label, votes in zip(classes, shares.T, strict=True)
        }
    for rows, text in (
        (outvoted, "with most votes for what is left out: empty"),
        (known & pd.isna(best), "with a tie: no class has most votes"),
    ):
        if rows.any():
            decisions.remark(name, f"{counted(int(rows.sum()), 'row')} {text}")
    text = "one of" if one_hot else "shares of the votes for"
    decisions.remark(name, f"{text} {listed(classes)}")
    head = infer.head_name(name, ())
    config |= {} if head == name else {"columns": [name]}
    return Voted(cells=pd.DataFrame(joined), heads={head: config})


def _numbers(
    cells: pd.DataFrame, columns: list[str], question: str
) -> "tuple[Array, list[tuple[Any, str]]]":
    """Votes (rows, columns), a row with a bad cell all 0; reasons for these."""
    votes, bad = np.zeros((len(cells), len(columns))), np.zeros(len(cells), bool)
    faults: list[tuple[Any, str]] = []
    for place, name in enumerate(columns):
        values = _as_numbers(cells[name])
        wrong = cells[name].notna().to_numpy() & ~((values >= 0) & (values < np.inf))
        for row in np.flatnonzero(wrong).tolist():
            cell = as_text(cells[name].iloc[[row]]).iloc[0]
            reason = f"{name} is {cell!r}"
            must = "must be a number of votes, 0 or more"
            text = f"{question} is left empty in row {row + 1}: {reason}, {must}"
            faults.append((cells.index[row], text))
        bad |= wrong
        votes[:, place] = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    votes[bad] = 0
    return votes, faults


_YES_NO = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


def _as_numbers(cells: "pd.Series[Any]") -> Array:
    """Numbers, 1 and 0 for true and false; NaN for what is neither."""
    if pd.api.types.is_numeric_dtype(cells):
        return cells.to_numpy(float, na_value=np.nan)
    codes, cases = factorized(cells)
    words = [_YES_NO.get(str(cell).strip().lower(), cell) for cell in cases]
    values = parsed(pd.Series(words, dtype=object))
    # Empty cells have the code -1, that of the value after all others.
    numbers: Array = np.append(values.to_numpy(float), np.nan)[codes]
    return numbers


def _inferred(
    cells: pd.DataFrame, declaration: Declaration
) -> dict[str, dict[str, str]]:
    """The column of each class, by question, of columns that are one-hot."""
    groups: dict[str, list[str]] = {}
    for column in map(str, cells):
        is_open = column not in (*declaration.column, *declaration.yes_no)
        parts = column.split("_") if is_open else []
        for end in range(1, len(parts)):
            groups.setdefault("_".join(parts[:end]), []).append(column)
    questions: dict[str, dict[str, str]] = {}
    taken: set[str] = set()
    for name in sorted(groups, key=len, reverse=True):  # hair_color before hair
        columns = {c[len(name) + 1 :]: c for c in groups[name] if c not in taken}
        is_free = name and name not in cells and "" not in columns
        enough = len(columns) >= (2 if name == _IS else _LEAST)
        if is_free and enough and _is_one_hot(cells[[*columns.values()]]):
            questions[name] = columns
            taken.update(columns.values())
    return questions


def _is_one_hot(cells: pd.DataFrame) -> bool:
    """Whether each row has exactly one 1, but for empty rows and a few bad cells."""
    votes = np.stack([_as_numbers(cells[name]) for name in cells], axis=1)
    filled = cells.notna().to_numpy()
    bad = (filled & ~np.isin(votes, (0.0, 1.0))).any(axis=1)
    known = filled.any(axis=1)
    if not are_few(int(bad.sum()), int(known.sum())):
        return False
    votes = votes[known & ~bad]
    return bool((votes.sum(axis=1) == 1).all() and (votes.sum(axis=0) > 0).all())


def _suggest(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions
) -> None:
    """Say how to join columns of 0 and 1, or of counts, if they seem to be classes."""
    known = {*RESERVED, *declaration.column, *declaration.yes_no}
    others = [str(name) for name in cells if name not in known]
    counts: dict[str, Array] = {}
    for name in others:
        first = _as_numbers(cells[name].iloc[:1000])
        if np.isfinite(first).any() and (first[np.isfinite(first)] % 1 == 0).all():
            counts[name] = np.nan_to_num(_as_numbers(cells[name]))
    if len(counts) < 3:
        return
    whole = {n: v for n, v in counts.items() if (v >= 0).all()}
    ones = [n for n, v in whole.items() if np.isin(v, (0, 1)).all()]
    for names, kind in ((ones, "one 1"), ([*whole], "the same sum")):
        if len(names) < 3:
            continue
        with np.errstate(over="ignore"):
            sums = np.stack([whole[n] for n in names]).sum(axis=0)
        if (sums == sums[0]).all() and sums[0] > 0:
            columns = ", ".join(f'"{name}"' for name in names)
            decisions.remark(
                names[0],
                f"each row of {listed(names)} has {kind}; if they are classes of one "
                f"question, declare [votes.NAME] columns = [{columns}]",
            )
            return
