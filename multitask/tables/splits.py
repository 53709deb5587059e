"""Which column of a table says in which part of the split a picture is?

| column | cells | part |
| --- | --- | --- |
| `split`, `Usage`, `subset`, `partition`, ... | words of `PARTS` | as said |
| the same | 0, 1, 2 (or 1, 2, 3) | train, val, test; in `fold` they are none |
| `is_valid`, `is_test`, `valid`, ... | true and false, yes and no, 1, 0 | as said |
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import PARTS as FOLDERS
from multitask.contracts.table import as_text
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration, column_section
from multitask.tables.values import distinct, replaced
from multitask.tables.words import NO, YES, are_few, examples, key

PARTS = {
    **FOLDERS,
    **dict.fromkeys(("trn", "tr", "trainset", "trainingset", "learn"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "publictest", "valset"), "val"),
    **dict.fromkeys(("privatetest", "holdout", "heldout", "tst", "testset"), "test"),
}
_EVAL = frozenset(("eval", "evaluation"))  # the test part, unless there is another
_NAMES = (
    *("split", "usage", "subset", "partition", "fold", "set", "phase", "part"),
    *("datasplit", "datasetsplit", "splitname"),
)
_FLAGS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}
_RESTS = ("train", "test", "val")
_MOST = 0.5  # share of rows in a validation or test part


def with_split(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions, where: str
) -> pd.DataFrame:
    """The cells with the column `split` in place of those that say it otherwise.

    Raises UserError for a cell of such a column that is no part of a split.
    """
    roles = {name: column.role for name, column in declaration.column.items()}
    columns = [c for c in map(str, cells) if roles.get(c, "split") in ("", "split")]
    columns = [c for c in columns if not declaration.column.get(c, Column()).classes]
    columns.sort(key=lambda c: (c != "split", roles.get(c) != "split"))
    flags: dict[str, tuple[str, pd.Series[Any]]] = {}
    split: tuple[str, pd.Series[Any]] | None = None
    for column in columns:
        must = column == "split" or roles.get(column) == "split"
        name = key(column).removeprefix("is")
        if must or name in _NAMES:
            parts = _parts(column, cells[column], decisions, where, must)
            if parts is not None and split is not None:
                _leave_out(column, f"{split[0]!r} is the split", decisions)
            elif parts is not None:
                split = column, parts
        elif name in _FLAGS:
            answers = _answers(column, cells[column], decisions, where)
            if answers is not None:
                flags[column] = _FLAGS[name], answers
    if split is None and flags:
        split = next(iter(flags)), _combined(flags, decisions, where)
    elif split is not None:
        for column in flags:
            _leave_out(column, f"{split[0]!r} is the split", decisions)
    if split is None:
        return cells
    read = [c for c in flags if decisions.roles.get(c) == "split" and c != split[0]]
    cells = cells.drop(columns=read).rename(columns={split[0]: "split"})
    return cells.assign(split=split[1])


def _leave_out(column: str, why: str, decisions: Decisions) -> None:
    decisions.read_as(column, "left out")
    decisions.remark(column, why)


def _parts(
    column: str,
    cells: "pd.Series[Any]",
    decisions: Decisions,
    where: str,
    must: bool,
) -> "pd.Series[Any] | None":
    """The part (rows,) that each cell names; None if the column is no split."""
    texts = _texts(cells)
    values = list(distinct(texts))
    keys = {text: key(text) for text in values}
    meaning = _meaning(set(keys.values()), is_fold=key(column) == "fold")
    known = {text: meaning[k] for text, k in keys.items() if k in meaning}
    unknown = texts[texts.notna() & ~texts.isin(list(known))]
    is_part = texts.map(known).notna() if known else texts.notna() & False
    has_parts = "train" in known.values() and len(set(known.values())) > 1
    must |= has_parts and 2 * is_part.sum() >= texts.notna().sum()
    if not must and not are_few(len(unknown), int(texts.notna().sum())):
        if key(column) == "fold" and all(text.isdecimal() for text in values):
            _leave_out(column, "numbers of folds, not train, val and test", decisions)
        return None
    if not values:
        return texts if must else None
    if len(unknown):
        raise _error(column, unknown, "one of train, val, test", where)
    decisions.read_as(column, "split")
    changes = {old: new for old, new in known.items() if old != new}
    if changes:
        decisions.remark(column, examples(changes))
    return replaced(texts, known)


def _error(column: str, unknown: "pd.Series[Any]", must: str, where: str) -> UserError:
    row, text = unknown.index[0], unknown.iloc[0]
    return UserError(
        where,
        f"row {row + 1}: {column} is {text!r}, must be {must}",
        'if it is not the split, declare role = "label" under '
        f"{column_section(column)} in the TOML beside the table; "
        f"missing = [{json.dumps(text)}] there leaves its rows to chance",
    )


def _texts(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """The cells as trimmed text, empty if there is none."""
    values = pd.Series(distinct(cells), dtype=object)
    trimmed = [text.strip() or np.nan for text in as_text(values)]
    return replaced(cells, dict(zip(values, trimmed, strict=True)))


def _meaning(keys: set[str], is_fold: bool) -> dict[str, str]:
    """The part for each spelling, in a column of these spellings."""
    if not is_fold and "0" in keys:
        return PARTS | {"0": "train", "1": "val", "2": "test"}
    if not is_fold and {"1", "2", "3"} <= keys:
        return PARTS | {"1": "train", "2": "val", "3": "test"}
    has_test = any(PARTS.get(k) == "test" for k in keys)
    return PARTS | dict.fromkeys(_EVAL, "val" if has_test else "test")


def _answers(
    column: str, cells: "pd.Series[Any]", decisions: Decisions, where: str
) -> "pd.Series[Any] | None":
    """1 and 0 (rows,) of a column such as `is_valid`; None if it is no such column."""
    texts = _texts(cells)
    answers = {
        text: float(k in YES)
        for text in distinct(texts)
        if (k := text.casefold()) in YES | NO
    }
    unknown = texts[texts.notna() & ~texts.isin(list(answers))]
    if not answers or not are_few(len(unknown), int(texts.notna().sum())):
        return None
    if len(unknown):
        raise _error(column, unknown, "true or false", where)
    values = replaced(texts, answers).astype(float)
    is_plain = not key(column).startswith("is") and _FLAGS[key(column)] != "train"
    if is_plain and values.mean() > _MOST:  # it may say which rows are valid
        why = f"is true in {values.mean():.0%} of the rows, too many for a part"
        _leave_out(column, why, decisions)
        return None
    return values


def _combined(
    flags: "dict[str, tuple[str, pd.Series[Any]]]", decisions: Decisions, where: str
) -> "pd.Series[Any]":
    """The part (rows,) that columns such as `is_valid` and `is_test` say together."""
    by_part = {part: answers for part, answers in flags.values()}
    columns = {part: column for column, (part, _) in flags.items()}
    answers = pd.DataFrame(by_part)
    both = answers.sum(axis=1) > 1
    if both.any():
        row = answers.index[both][0]
        names = " and ".join(columns[p] for p in columns if answers[p][row])
        what = f"row {row + 1}: {names} are true, must be one of them at most"
        raise UserError(where, what, "correct the row")
    rest = next((part for part in _RESTS if part not in by_part), None)
    split: pd.Series[Any] = pd.Series(np.nan, answers.index, dtype=object)
    is_rest = (answers == 0).all(axis=1)
    split = split.mask(is_rest, rest)
    for column, (part, values) in flags.items():
        split = split.mask(values == 1, part)
        decisions.read_as(column, "split")
        decisions.remark(column, f"true is {part}")
    if rest:
        decisions.remark(next(iter(flags)), f"false is {rest}")
    return split.where(split.notna(), np.nan)
