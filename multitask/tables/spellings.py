"""Which label does a cell of a table mean, however it is spelled?

| column | spellings | label |
| --- | --- | --- |
| of a named head with classes | `Male`, `m`, `East Asian` | the head's class |
| of a named head with a number | `20-29`, `70+`, `060Y` | the number, or its interval |
| yes and no | `True`, `Yes`, `y` | 1 and 0 |
| numbers, but for a few cells | `3O` | none: the cell is set aside |
| other classes | `Drama`, `drama `, `DRAMA` | the most frequent spelling |
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import catalog, infer
from multitask.contracts.errors import UserError, counted, listed, shortened
from multitask.contracts.table import RESERVED, as_text, interval_columns
from multitask.tables.dates import as_typed, intervals, is_date
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration, as_mapping, column_section
from multitask.tables.types import parsed
from multitask.tables.values import by_value, distinct, replaced, texts
from multitask.tables.words import (
    MOST_ODD,
    NO,
    YES,
    age,
    are_few,
    examples,
    key,
    meanings,
    one_of,
)

Fault = tuple[int, str]  # a row, counted from 0, and what is wrong in it
_ALONE = frozenset(("true", "yes", "false", "no"))  # clear without their opposite
# Different numbers that may be classes beside words: some not whole, all whole.
_FEW_NUMBERS, _MOST_NUMBERS = 4, 20
_NAMED = 5  # different faulty spellings that a message names
_AGES = "must be a number or an interval such as 20-29"


def respelled(
    cells: pd.DataFrame,
    declaration: Declaration,
    decisions: Decisions,
    where: str,
    text: Collection[str] = (),
    *,
    numbered: bool = False,
) -> tuple[pd.DataFrame, list[Fault]]:
    """The cells with labels in one spelling, and the faulty ones that are now empty.

    Columns in `text` have no numbers. In a `numbered` file, numbers are those of
    classes, also in the columns of named heads. Raises UserError if more than a tenth
    of a column's labels are faulty.
    """
    faults: list[Fault] = []
    readers, heads = catalog.readers(), catalog.named()
    changed: dict[str, pd.Series[Any]] = {}
    for column in cells.columns.difference([*RESERVED], sort=False):
        labels, reader = cells[column], readers.get(column, "")
        if decisions.roles.get(column) == "left out" and not reader:
            continue
        spelled = texts(labels)
        declared = declaration.column.get(column, Column())
        config = heads.get(reader, {}) if declared.role != "label" else {}
        if numbered and "classes" in config and _are_numbers(labels):
            config = {}
        odd, must = list[Any](), ""
        if declared.classes or "classes" in config:
            known = _known(declared, config, reader)
            must = f"must be {one_of(known.values())}"
            changes, odd = _classes(labels, known | declaration.no_classes(column))
        elif "low" in config:
            ends = _ages(labels, float(config["low"]), float(config["high"]))
            odd = [spelling for spelling, interval in ends.items() if interval is None]
            faults += _faults(column, labels, odd, _AGES, where, decisions)
            _report_ages(column, ends, decisions)
            changed |= _interval_columns(cells, column, ends)
            continue
        elif config:
            changes = _named_yes_no(labels)
        elif column in text:
            changes = one_case(labels, spelled)
        elif changes := _yes_no(labels, spelled):
            odd = [cell for cell in spelled if cell.strip() and cell not in changes]
            must = "must be yes or no"
        elif not (changes := _minus_one(labels)):
            odd, must = _odd(labels, spelled), "must be a number"
            changes = {} if odd else as_typed(spelled) or one_case(labels, spelled)
            _report_codes(column, spelled, decisions)
        faults += _faults(column, labels, odd, must, where, decisions)
        changes |= dict.fromkeys(odd, np.nan)
        if changes:
            _report(column, changes, decisions)
            changed[column] = replaced(labels, changes)
    return cells.assign(**changed) if changed else cells, faults


def _known(declared: Column, config: dict[str, Any], reader: str) -> dict[str, str]:
    """The class that each spelling means.

    What is declared of a named head adds to the spellings that are known.
    """
    own = as_mapping(declared.classes)
    is_more = "classes" in config and set(own.values()) <= set(config["classes"])
    return {**meanings(reader), **own} if is_more else own


def _are_numbers(labels: "pd.Series[Any]") -> bool:
    return all(_is_number(cell) for cell in distinct(labels))


def _is_number(cell: Any) -> bool:
    """Whether a cell is a number; True and False are none."""
    return isinstance(cell, int | float | np.number) and not isinstance(cell, bool)


def _report(column: str, changes: dict[Any, Any], decisions: Decisions) -> None:
    written = {
        f"{old:g}" if _is_number(old) else old: f"{new:g}" if _is_number(new) else new
        for old, new in changes.items()
        if new == new  # not NaN, which faults tell
    }
    shown = {old: new for old, new in written.items() if str(old).strip() != new}
    if shown:
        decisions.remark(column, examples(shown))


def _report_codes(column: str, spelled: list[str], decisions: Decisions) -> None:
    """Say that codes such as 007 are read as numbers, in a column of numbers."""
    codes = [cell for cell in spelled if re.fullmatch(r"\s*0\d+\s*", cell)]
    if codes and parsed(pd.Series(spelled, dtype=object)).notna().all():
        first = codes[0].strip()
        keep = f"text = [{json.dumps(column)}] in the TOML beside the table keeps it"
        decisions.remark(column, f"{first!r} is {int(first)}; {keep}")


def _classes(
    labels: "pd.Series[Any]", known: Mapping[str, str]
) -> tuple[dict[Any, Any], list[Any]]:
    """The class of each cell that is another spelling of one; the cells of none."""
    classes = {key(spelling): name for spelling, name in known.items()}
    cells = {
        cell: f"{cell:g}" if isinstance(cell, float) else str(cell)
        for cell in distinct(labels)
    }
    cells = {cell: text for cell, text in cells.items() if text.strip()}
    found = {c: classes[k] for c, text in cells.items() if (k := key(text)) in classes}
    odd = [cell for cell in cells if cell not in found]
    return {cell: name for cell, name in found.items() if cell != name}, odd


def _named_yes_no(labels: "pd.Series[Any]") -> dict[Any, Any]:
    """1 and 0 for the cells of a column that a named head of yes and no reads."""
    changes: dict[Any, Any] = {}
    for cell in distinct(labels):
        word = f"{cell:g}" if isinstance(cell, float) else str(cell).strip().casefold()
        if word in YES | NO | {"-1"} and (isinstance(cell, str) or word == "-1"):
            changes[cell] = float(word in YES)
    return changes


def _yes_no(labels: "pd.Series[Any]", spelled: list[str]) -> dict[Any, Any]:
    """1 and 0 for the cells that are words for yes and no, if but a few are not."""
    words = {cell: word for cell in spelled if (word := cell.strip().casefold())}
    known = {cell: word for cell, word in words.items() if word in YES | NO}
    found = set(known.values())
    if not found or found <= {"0", "1", "0.0", "1.0"}:
        return {}
    if not (found & YES and found & NO) and not found <= _ALONE:
        return {}
    if found & {"t", "f"} and found & {"y", "n"}:
        return {}  # t, f and n are three classes
    odd = int(labels.isin([cell for cell in words if cell not in known]).sum())
    if not are_few(odd, int(labels.notna().sum())):
        return {}
    return {cell: float(word in YES) for cell, word in known.items()}


def _minus_one(labels: "pd.Series[Any]") -> dict[Any, Any]:
    """0 for the cells of -1 in a column of -1 and 1 alone: no and yes."""
    if pd.api.types.is_numeric_dtype(labels) and not (labels == -1).any():
        return {}
    cells = distinct(labels)
    values = parsed(pd.Series(cells[:5], dtype=object))
    if set(values) != {-1.0, 1.0}:
        return {}
    return {cell: 0.0 for cell, n in zip(cells, values, strict=True) if n == -1}


def _odd(labels: "pd.Series[Any]", spelled: list[str]) -> list[str]:
    """The cells that are no numbers, in a column of numbers.

    They are few, or the others are half of it and can't be classes: too many different
    numbers, or some that are not whole.
    """
    values = parsed(pd.Series(spelled, dtype=object)).astype(float)
    is_number = np.isfinite(values)
    odd = [
        cell
        for cell, known in zip(spelled, is_number, strict=True)
        if not known and cell.strip()
    ]
    if not odd:
        return []
    count, filled = int(labels.isin(odd).sum()), int(labels.notna().sum())
    if are_few(count, filled):
        return odd
    numbers = values[is_number]
    least = _FEW_NUMBERS if (numbers % 1 != 0).any() else _MOST_NUMBERS
    return odd if len(numbers) > least and 2 * count <= filled else []


def _faults(
    column: str,
    labels: "pd.Series[Any]",
    odd: Collection[Any],
    must: str,
    where: str,
    decisions: Decisions,
) -> list[Fault]:
    """The fault in each odd cell; UserError if they are more than a tenth."""
    if not odd:
        return []
    cells = labels[labels.isin(list(odd))]
    reasons = {
        row: f"row {int(row) + 1}: {column} is {str(cell).strip()!r}"
        for row, cell in zip(cells.index.tolist(), cells, strict=True)
    }
    if len(cells) > MOST_ODD * labels.notna().sum():
        what = f"{next(iter(reasons.values()))}, {must}"
        words = [str(word) for word in as_text(cells).str.strip().unique()]
        many = _others(len(cells) - 1, words[1:])
        raise UserError(where, what + many, _todo(column, words, must))
    counts = as_text(cells).str.strip().value_counts(sort=False)
    words = [f"{count:,} {word!r}" for word, count in counts.items()]
    decisions.remark(column, f"left empty: {listed(words)}")
    return [(row, f"{reason}, left empty; {must}") for row, reason in reasons.items()]


def _others(count: int, words: list[str]) -> str:
    """How many other cells are faulty, and their different spellings."""
    if not count:
        return ""
    named = ", ".join(shortened(repr(word)) for word in words[: _NAMED - 1])
    left = len(words) - _NAMED + 1
    more = f" and {counted(left, 'more spelling')}" if left > 0 else ""
    spelled = f", among them {named}{more}" if words else ""
    return f" (and so must {counted(count, 'other')}{spelled})"


def _todo(column: str, words: list[str], must: str) -> str:
    means = f'what it means, classes = {{"{words[0]}" = "CLASS"}}, or '
    means = "" if must in ("must be a number", _AGES) else means
    missing = [json.dumps(word, ensure_ascii=False) for word in words[:_NAMED]]
    missing += ["..."] * (len(words) > _NAMED)
    own = ', or that this is another question: role = "label"'
    correct = "correct it"
    if must == _AGES and any(map(is_date, words)):
        correct = "format the column as text and write what was typed, such as 10-19"
    return (
        f"{correct}, or declare under {column_section(column)} in the TOML beside the "
        f"table {means}that it means no label, missing = [{', '.join(missing)}]"
        f"{own if column in catalog.readers() else ''}"
    )


def one_case(labels: "pd.Series[Any]", spelled: list[str]) -> dict[Any, Any]:
    """The most frequent spelling of classes that differ in case or blanks alone."""
    if len(spelled) > 20 * infer.MOST:
        return {}
    groups: dict[str, list[str]] = {}
    for cell in spelled:
        if cell.strip():
            groups.setdefault(_folded(cell), []).append(cell)
    several = [group for group in groups.values() if len(group) > 1]
    if not several or len(groups) > infer.MOST:
        return {}
    counts = labels.value_counts(sort=False)
    changes: dict[Any, Any] = {}
    for group in several:
        trimmed: dict[str, int] = {}
        for cell in group:
            name = cell.strip()
            trimmed[name] = trimmed.get(name, 0) + int(counts[cell])
        best = max(trimmed, key=lambda name: trimmed[name])
        changes |= {cell: best for cell in group if cell != best}
    return changes


def _folded(cell: str) -> str:
    """What classes that differ in case or blanks alone share; line breaks differ."""
    return cell.strip().casefold().translate(dict.fromkeys(map(ord, " \t\xa0")))


def _ages(
    labels: "pd.Series[Any]", low: float, high: float
) -> dict[str, tuple[float, float] | None]:
    """The interval of each cell that is no plain number; None if it is no age."""
    spelled = texts(labels)
    filled = pd.Series([cell for cell in spelled if cell.strip()], dtype=object)
    numbers = pd.to_numeric(filled, errors="coerce").astype(float)
    dates = intervals(spelled, len(distinct(labels)))
    return {
        text: dates.get(text) or age(text, low, high)
        for text in filled[~np.isfinite(numbers)]
    }


def _report_ages(
    column: str, ends: dict[str, tuple[float, float] | None], decisions: Decisions
) -> None:
    changes = {
        text: f"{pair[0]:g}" if pair[0] == pair[1] else f"{pair[0]:g} to {pair[1]:g}"
        for text, pair in ends.items()
        if pair
    }
    if changes:
        decisions.remark(column, examples(changes))


def _interval_columns(
    cells: pd.DataFrame, column: str, ends: dict[str, tuple[float, float] | None]
) -> "dict[str, pd.Series[Any]]":
    """The column of exact numbers, and those of intervals, which are filled in."""
    if not ends:
        return {}
    labels = cells[column]
    exact = {text: p[0] if p and p[0] == p[1] else np.nan for text, p in ends.items()}
    columns = {column: replaced(labels, exact)}
    intervals = {text: p for text, p in ends.items() if p and p[0] < p[1]}
    if intervals:
        for number, name in enumerate(interval_columns(column)):
            side = _side(labels, {text: p[number] for text, p in intervals.items()})
            before = cells[name].astype(object) if name in cells else side
            columns[name] = before.where(before.notna(), side)
    return columns


def _side(labels: "pd.Series[Any]", ends: dict[str, float]) -> "pd.Series[Any]":
    """One end (rows,) of the intervals in a column, NaN where there is none."""
    return by_value(labels, lambda values: values.map(ends))
