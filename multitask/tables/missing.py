"""Which cells of a table say that nobody annotated this?

Words such as `NaN`, `?` and `unknown`, and -1 where it can be no label.
"""

import re
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import catalog, infer
from multitask.contracts.errors import UserError, counted
from multitask.contracts.table import RESERVED, as_text
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration, column_section
from multitask.tables.types import parsed
from multitask.tables.values import distinct, factorized, replaced

WORDS = frozenset(
    (
        *("nan", "-nan", "na", "n/a", "n.a.", "n.a", "#n/a", "#na", "<na>", "nat"),
        *("?", "??", "-", "--", "---", "none", "null", "nil", "unknown"),
        *("k.a.", "k. a.", "keine angabe"),
        *("not available", "not annotated", "unlabeled", "unlabelled"),
    )
)
_SENTINEL = "-1"
_NUMBER = re.compile(r".*\d|[+-]?inf")  # a word that a number may be written as
# Words in names of columns of numbers that may, and that can't, be negative.
_SIGNED = re.compile(
    "valence|arousal|dominance|temperature|temp|sentiment|polarity|yaw|pitch|roll|angle"
    "|rotation|tilt|offset|delta|diff|difference|change|shift|bias|latitude|longitude"
    "|lat|lon|lng|balance|elevation|logit"
)
_UNSIGNED = re.compile(
    "ages?|years?|months?|height|width|weight|counts?|number|num|price|cost|size"
    "|distance|duration|length|area|stars|rating|probability|prob|income|speed"
)


def emptied(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions, where: str
) -> pd.DataFrame:
    """The cells of a table, empty where they say that nobody annotated this.

    Classes that are declared or that a named head has stay, such as an occlusion of
    `none`. Raises UserError if no label of a column that a named head reads is left.
    """
    changed: dict[str, pd.Series[Any]] = {}
    heads, readers = catalog.named(), catalog.readers()
    for column in cells.columns.drop(["path", "source"], errors="ignore"):
        name, _, end = column.rpartition("_")
        reader = readers.get(name if end in ("low", "high") else column, "")
        declared = declaration.column.get(column, Column())
        config = heads.get(reader, {})
        classes = {*_keys(declared.classes), *_keys(config.get("classes", ()))}
        own = {*_keys(declaration.missing), *_keys(declared.missing)}
        if _are_labels(cells[column], own):
            continue
        values = distinct(cells[column])
        found = _words(values, (WORDS - classes) | own)
        sentinels, reason = _sentinels(column, values, found, config)
        if _SENTINEL in classes | own:
            sentinels, reason = [], ""
        if reason:
            decisions.remark(column, reason)
        if found or sentinels:
            empty = dict.fromkeys([*found, *sentinels], np.nan)
            _report(column, cells[column][cells[column].isin([*empty])], decisions)
            changed[column] = replaced(cells[column], empty)
            if reader or declared.role == "label" or sentinels:
                _check_some_left(column, empty, changed[column], where)
    return cells.assign(**changed) if changed else cells


def _are_labels(cells: "pd.Series[Any]", missing: Collection[str]) -> bool:
    """Whether all cells are numbers that are no word and no sentinel."""
    return (
        pd.api.types.is_numeric_dtype(cells)
        and not any(map(_NUMBER.fullmatch, missing))
        and not (cells == -1).any()
    )


def _keys(words: Collection[str]) -> set[str]:
    return {word.strip().casefold() for word in words}


def _words(values: Any, words: Collection[str]) -> list[Any]:
    """Those of different values that are among some words, or numbers of the same."""
    if values.dtype != object and not any(map(_NUMBER.fullmatch, words)):
        return []
    if pd.api.types.infer_dtype(values, skipna=False) == "string":
        bare = map(str.casefold, map(str.strip, values))  # as fast as a loop can be
    else:
        bare = map(_word, values)
    return [cell for cell, word in zip(values, bare, strict=True) if word in words]


def _word(cell: Any) -> str:
    return cell.strip().casefold() if isinstance(cell, str) else str(_whole(cell))


def _whole(cell: Any) -> Any:
    """A whole number without a point."""
    is_whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return int(cell) if is_whole else cell


def _sentinels(
    column: str, values: Any, missing: Collection[Any], config: dict[str, Any]
) -> tuple[list[Any], str]:
    """The cells that are -1 and no label, and what a user must know of it."""
    if values.dtype == object and "-" not in "".join(map(str, values)):
        return [], ""
    others, found = [], []
    missing = set(missing)
    numbers = parsed(pd.Series(values, dtype=values.dtype))
    if not (numbers == -1).any() or isinstance(values[0], bool):
        return [], ""
    for cell, number in zip(values, numbers, strict=True):
        if number == -1:
            found.append(cell)
        elif cell not in missing and str(cell).strip():
            others.append(number)
    known = np.array(others, float)
    if column in RESERVED:
        return (found if column == "identity" else []), ""
    if config.get("kind") == "sigmoid":
        is_no = set(known) == {1.0}  # as CelebA writes yes and no
        return ([], "") if is_no else (found, _coded(column, known))
    if _is_missing(column, known, config):
        return found, _coded(column, known)
    if set(known) == {1.0}:
        return [], ""  # no and yes
    todo = f'missing = ["-1"] under {column_section(column)} would empty it'
    return [], f"-1 is a value; {todo}"


def _coded(column: str, others: Any) -> str:
    """What to declare if -1 is no and 0 not annotated, as in some data sets."""
    if set(others) != {0.0, 1.0}:
        return ""
    todo = f'declare missing = ["0"] under {column_section(column)}'
    return f"if -1 means no and 0 not annotated, {todo}"


def _is_missing(column: str, others: Any, config: dict[str, Any]) -> bool:
    """Whether -1 is no label beside the `others` of a column, NaN for those of text."""
    if "low" in config:
        return bool(config["low"] >= 0)
    words = re.findall(r"[a-z]+", column.casefold())
    numbers = others[~np.isnan(others)]
    if (numbers < 0).any() or any(map(_SIGNED.fullmatch, words)) or not len(others):
        return False
    if len(numbers) < len(others) or any(map(_UNSIGNED.fullmatch, words)):
        return True  # -1 among text is no class
    if set(numbers) == {1.0}:
        return False  # no and yes
    if (numbers % 1 == 0).all() and len(numbers) <= infer.MOST:
        return True  # 0 and 1, or numbers of classes
    if numbers.max() <= 1:
        return False  # such as a valence from -1 to 1
    spread = float(numbers.max() - numbers.min())
    return bool(numbers.min() + 1 > spread)  # far from all other values


def _report(column: str, cells: "pd.Series[Any]", decisions: Decisions) -> None:
    codes, values = factorized(cells)
    words = as_text(pd.Series(values, dtype=object)).str.strip()
    counts = pd.Series(np.bincount(codes)).groupby(words, sort=False).sum()
    texts = [f"{count:,} {word!r}" for word, count in counts.items()]
    others = f" and {counted(len(texts) - 5, 'other')}" if len(texts) > 5 else ""
    decisions.remark(column, f"not annotated: {', '.join(texts[:5])}{others}")


def _check_some_left(
    column: str, emptied: Collection[Any], after: "pd.Series[Any]", where: str
) -> None:
    if any(str(value).strip() for value in distinct(after)):
        return
    texts = as_text(pd.Series([*emptied], dtype=object)).str.strip()
    words = [word for word in texts.unique() if word]
    raise UserError(
        where,
        f"column {column!r} has no label: all of its cells are "
        f"{' or '.join(map(repr, words[:3]))}, which mean 'not annotated'",
        f"if they are classes, declare classes = {list(words[:3])} under "
        f'{column_section(column)} in the TOML beside the table, else role = "none"',
    )
