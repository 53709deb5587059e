"""Which cells of a table say that nobody annotated this?

Words such as `NaN`, `?` and `unknown`, and -1 where it can be no label.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
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
    found = {
        column: one
        for column in cells.columns.drop(["path", "source"], errors="ignore")
        if (one := _found(column, cells[column], declaration))
    }
    beside = (column for column, one in found.items() if one.is_beside_0_and_1)
    unknown = next(beside, "")  # a column in which -1 can't be no
    for column, one in found.items():
        words, reason = [*one.words, *one.sentinels], one.reason
        if one.no and unknown:
            words, reason = [*words, *one.no], _one_rule(column, unknown)
        if reason:
            decisions.remark(column, reason)
        if words:
            empty = dict.fromkeys(words, np.nan)
            _report(column, cells[column][cells[column].isin([*empty])], decisions)
            changed[column] = replaced(cells[column], empty)
            if one.must_stay or one.sentinels:
                _check_some_left(column, empty, changed[column], where)
    return cells.assign(**changed) if changed else cells


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What a column has that is no label: words, and cells of -1.

    Those in `no` mean no, unless -1 is beside 0 and 1 in another column.
    """

    words: list[Any]
    sentinels: list[Any] = field(default_factory=list)
    no: list[Any] = field(default_factory=list)
    is_beside_0_and_1: bool = False
    reason: str = ""
    must_stay: bool = False  # else it may have no label at all


def _found(
    column: str, cells: "pd.Series[Any]", declaration: Declaration
) -> _Found | None:
    heads, readers = catalog.named(), catalog.readers()
    name, _, end = column.rpartition("_")
    reader = readers.get(name if end in ("low", "high") else column, "")
    declared = declaration.column.get(column, Column())
    config = heads.get(reader, {})
    classes = {*_keys(declared.classes), *_keys(config.get("classes", ()))}
    own = {*_keys(declaration.missing), *_keys(declared.missing)}
    if _are_labels(cells, own):
        return None
    values = distinct(cells)
    words = _words(values, (WORDS - classes) | own)
    must_stay = bool(reader) or declared.role == "label"
    if _SENTINEL in classes | own:
        return _Found(words=words, must_stay=must_stay)
    found = _sentinels(column, values, words, config)
    if "0" in own:
        found = replace(found, no=[])  # as declared for this data set
    return replace(found, must_stay=must_stay)


def _one_rule(column: str, other: str) -> str:
    todo = f'classes = {{"1" = "yes", "-1" = "no"}} under {column_section(column)}'
    return f"-1 is no label, as {other!r} has it beside 0 and 1; if it is no, {todo}"


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
    column: str, values: Any, words: list[Any], config: dict[str, Any]
) -> _Found:
    """The cells that are -1 and no label, and what a user must know of it."""
    none = _Found(words=words)
    if values.dtype == object and "-" not in "".join(map(str, values)):
        return none
    others, found = [], []
    missing = set(words)
    numbers = parsed(pd.Series(values, dtype=values.dtype))
    if not (numbers == -1).any() or isinstance(values[0], bool):
        return none
    for cell, number in zip(values, numbers, strict=True):
        if number == -1:
            found.append(cell)
        elif cell not in missing and str(cell).strip():
            others.append(number)
    known = np.array(others, float)
    if column in RESERVED:
        return replace(none, sentinels=found) if column == "identity" else none
    is_named = config.get("kind") == "sigmoid"
    if set(known) == {1.0} and (is_named or not _is_missing(column, known, config)):
        return replace(none, no=found)  # as CelebA writes yes and no
    if is_named or _is_missing(column, known, config):
        reason = _coded(column, known)
        is_coded = bool(reason)
        return replace(none, sentinels=found, reason=reason, is_beside_0_and_1=is_coded)
    todo = f'missing = ["-1"] under {column_section(column)} would empty it'
    return replace(none, reason=f"-1 is a value; {todo}")


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
