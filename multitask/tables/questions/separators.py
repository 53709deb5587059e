"""Which separator stands between the labels in the cells of a column?"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from multitask.tables.decisions import Decisions
from multitask.tables.declaration import column_section
from multitask.tables.missing import WORDS
from multitask.tables.questions.brackets import Labels

SEPARATORS = ("|", ";", ",")
MOST_LABELS = 200  # of one column
_MOST_WORDS = 4  # of a label; free text has more between its commas
_MOST_CLASSES = 50  # of a column that may be a question as it is


def separator_of(counts: "pd.Series[int]", name: str, decisions: Decisions) -> str:
    """The separator of the labels in distinct cells (the index); "" if there is none.

    Decisions suggest to declare it where cells hold one but may be no lists.
    """
    texts = pd.Index(counts.index)
    for separator in SEPARATORS:
        has = np.array([separator in text for text in texts])
        if not has.any():
            continue
        if not is_prose(texts[has], separator) and _are_lists(counts, has, separator):
            return separator
        if 2 * has.sum() >= len(texts) and len(texts) <= _MOST_CLASSES:
            decisions.remark(
                name,
                f"each text is one class; if {separator!r} separates labels, declare "
                f'several = "{separator}" under {column_section(name)}',
            )
    _suggest(texts, name, decisions)
    return ""


def _suggest(texts: "pd.Index[Any]", name: str, decisions: Decisions) -> None:
    """Remark that numbers with blanks or + between them may be several labels."""
    for separator in ("+", " "):
        lists = [split(text, separator) for text in texts if text.strip()]
        numbers = [part for one in lists for part in one]
        several = sum(len(one) > 1 for one in lists)
        whole = all(re.fullmatch(r"[A-Za-z]?\d+", part) for part in numbers)
        if several and whole and len(set(numbers)) < len(numbers):
            decisions.remark(
                name,
                "each text is one class; if its numbers are several labels, declare "
                f'several = "{separator}" under {column_section(name)}',
            )
            return


def is_prose(texts: "Sequence[str] | pd.Index[Any]", separator: str) -> bool:
    """Whether there are sentences among the first texts, not only short labels."""
    parts = (part for text in texts[:2000] for part in text.split(separator))
    return any(len(part.split()) > _MOST_WORDS for part in parts)


def _are_lists(counts: "pd.Series[int]", has: Any, separator: str) -> bool:
    """Whether cells, split at a separator, are lists of labels.

    Labels are short and come back in other rows; and with commas, other than in
    `Paris, France`, in other places of other cells.
    """
    lists = [split(text, separator) for text in counts.index]
    places: dict[str, set[int]] = {}
    cells_of: dict[str, int] = {}
    for labels, rows in zip(lists, counts, strict=True):
        for place, label in enumerate(labels):
            places.setdefault(label, set()).add(place)
        for label in set(labels):
            same = 1 if separator == "," else int(rows)
            cells_of[label] = cells_of.get(label, 0) + same
    if not places or len(places) > MOST_LABELS:
        return False
    if any(len(label.split()) > _MOST_WORDS for label in places):
        return False
    several = [labels for labels, is_list in zip(lists, has, strict=True) if is_list]
    if all(_is_number(label) for label in places):
        return separator != "," and _are_classes(several, lists)
    repeated = sum(count > 1 for count in cells_of.values())
    all_known = all(cells_of[label] > 1 for labels in several for label in labels)
    if separator == "," and not (2 * len(several) >= len(lists) or all_known):
        return False
    moves = any(len(where) > 1 for where in places.values())
    moves |= len({len(labels) for labels in lists}) > 1
    if separator == ",":
        return moves and 3 * repeated >= len(places)
    return repeated > 0


def _are_classes(several: list[tuple[str, ...]], lists: list[tuple[str, ...]]) -> bool:
    """Whether lists of numbers are those of classes: whole, each once, few or many."""
    whole = all(label.isdecimal() for labels in several for label in labels)
    once = all(len(set(labels)) == len(labels) for labels in several)
    return whole and once and len({len(labels) for labels in lists}) > 1


def split(text: str, separator: str) -> tuple[str, ...]:
    """The labels of a cell; nothing between two separators is none.

    >>> split("Drama| Comedy|", "|")
    ('Drama', 'Comedy')
    """
    parts = (part.strip() for part in text.split(separator))
    return tuple(part for part in parts if part)


def without_missing(
    lists: "Mapping[str, Labels | None]",
    counts: "pd.Series[int]",
    known: Collection[str],
) -> "tuple[dict[str, Labels | None], dict[str, str]]":
    """Lists without words for *not annotated*, and how many hold nothing else."""
    left: dict[str, Labels | None] = {}
    empty: dict[str, str] = {}
    for text, labels in lists.items():
        left[text] = labels
        words = [label for label in labels or () if _is_missing(label, known)]
        if words and labels is not None:
            left[text] = tuple(label for label in labels if label not in words) or None
            if left[text] is None:
                empty[text] = f"{counts[text]:,} {text!r}"
    return left, empty


def _is_missing(label: Any, known: Collection[str]) -> bool:
    is_word = isinstance(label, str) and label.casefold() in WORDS
    return is_word and label not in known


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
