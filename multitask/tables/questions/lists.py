"""Which cells hold several labels, and which yes/no labels do they stand for?

    genre                     genre_Comedy  genre_Drama  genre_Horror
    Drama|Comedy              1             1            0
    ['Horror']          ->    0             0            1
    (empty)

Such a column becomes yes/no columns of one multi-label head. Lists are written with a
separator, or in brackets as Python, JSON and NumPy do. Lists of numbers are classes,
`[0, 2]`, or no, yes and unknown in order, `[0, 1, null]`.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Array, class_column
from multitask.contracts.table import RESERVED
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration, column_section
from multitask.tables.questions.brackets import Labels, bracket_list, is_bracketed
from multitask.tables.questions.generated import check_generated
from multitask.tables.questions.separators import (
    MOST_LABELS,
    SEPARATORS,
    is_prose,
    separator_of,
    split,
    without_missing,
)
from multitask.tables.values import factorized, texts

_LOOKED_AT = 2000  # cells that tell whether a column may hold lists
_NUMBERS = re.compile(r"[A-Za-z]?\d+([+ ][A-Za-z]?\d+)+")
FORMS = ("numbers", "yes/no")  # of lists of numbers
_UNKNOWN = (None, -1)  # in a list of yes and no


@dataclass(kw_only=True)
class Lists:
    """The cells with a column per label; the columns of each list, by its own name.

    `faults` are rows and reasons of cells that are left empty.
    """

    cells: pd.DataFrame
    columns: dict[str, list[str]] = field(default_factory=dict)
    faults: list[tuple[Any, str]] = field(default_factory=list)


def spread(
    cells: pd.DataFrame,
    where: str,
    *,
    declaration: Declaration,
    decisions: Decisions,
    names: Mapping[str, Sequence[str]],
) -> Lists:
    """The cells with the labels of each column of lists in columns of their own.

    `names` has the names of numbered labels, by column. Raises UserError for lists of
    numbers that could be both classes and yes and no, or if the column of a label is
    called as another one.
    """
    result = Lists(cells=cells)
    parts: list[pd.DataFrame] = []
    for name in map(str, cells):
        column = declaration.column.get(name, Column())
        known = tuple(names.get(name, column.classes))
        is_label = decisions.roles.get(name, "label") == "label"
        is_label &= name not in RESERVED
        labels = None
        if is_label and (column.several or _may_hold_lists(cells[name])):
            codes, counts = _distinct(cells[name])
            labels = _labels(counts, name, column, decisions)
        if labels is None:
            parts.append(cells[[name]])
            continue
        lists = _Lists(name=name, where=where, form=column.several or "", names=known)
        labels, empty = without_missing(labels, counts, {*known, *column.classes})
        yes, bad = lists.read(labels)
        made = {c: of for of, columns in result.columns.items() for c in columns}
        check_generated(name, lists.columns, cells.columns.drop(name), where, made)
        bad = {text: reason for text, reason in bad.items() if text not in empty}
        lists.remarks += (
            [f"not annotated: {', '.join(empty.values())}"] if empty else []
        )
        # Empty cells have the code -1, that of the row after all others.
        yes = np.vstack([yes, np.full((1, yes.shape[1]), np.nan)])
        parts.append(pd.DataFrame(yes[codes], cells.index, lists.columns))
        result.columns[name] = lists.columns
        result.faults += _faults(cells[name], bad)
        text = f"lists become {len(lists.columns)} yes/no labels"
        decisions.read_as(name, "label")
        decisions.labels_in(name, lists.columns)
        decisions.remark(name, "; ".join([text, *lists.remarks]))
    if result.columns:
        result.cells = pd.concat(parts, axis="columns")
    return result


def _faults(cells: "pd.Series[Any]", bad: Mapping[str, str]) -> list[tuple[Any, str]]:
    rows = np.flatnonzero(cells.isin(list(bad))).tolist()
    return [
        (
            cells.index[row],
            f"{cells.name} is {cells.iloc[row]!r} in row {row + 1}, "
            f"left empty; {bad[cells.iloc[row]]}",
        )
        for row in rows
    ]


def _may_hold_lists(cells: "pd.Series[Any]") -> bool:
    """Whether lists are among cells from all over a column; most columns hold none."""
    if pd.api.types.is_numeric_dtype(cells):
        return False
    some = texts(cells.iloc[:: max(1, len(cells) // _LOOKED_AT)])
    if any(_NUMBERS.fullmatch(text) for text in some):
        return True
    return any(map(is_bracketed, some)) or any(
        any(mark in text for text in some) and not is_prose(some, mark)
        for mark in SEPARATORS
    )


def _distinct(cells: "pd.Series[Any]") -> "tuple[Array, pd.Series[int]]":
    """The place of each cell among the distinct ones, -1 if empty; counts of these."""
    codes, values = factorized(cells)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    return codes, pd.Series(counts, index=pd.Index(values, dtype=object))


def _labels(
    counts: "pd.Series[int]", name: str, column: Column, decisions: Decisions
) -> "dict[str, Labels | None] | None":
    """The labels of each distinct cell, None for one that is no list.

    None instead of them if the column holds no lists.
    """
    if column.several == "":
        return None
    spelled = [text for text in counts.index if isinstance(text, str)]
    if not spelled or len(spelled) < len(counts):
        return None
    bracketed = [text for text in spelled if is_bracketed(text)]
    declared = column.several if column.several not in FORMS else None
    if declared is None and 2 * len(bracketed) >= len(spelled):
        lists = {text: bracket_list(text) for text in spelled}
        if column.several or _is_question(lists, name, decisions):
            return lists
        return None
    if declared is None and not set(column.classes).isdisjoint(
        text for text in spelled if any(mark in text for mark in SEPARATORS)
    ):
        return None  # such as the class "sun, clouds"
    separator = declared or separator_of(counts, name, decisions)
    if not separator:
        return None
    return {text: split(text, separator) for text in spelled}


def _is_question(
    lists: "dict[str, Labels | None]", name: str, decisions: Decisions
) -> bool:
    """Whether lists in brackets are labels, not points, boxes or features."""
    if all(one is None for one in lists.values()):
        decisions.read_as(name, "left out")
        decisions.remark(name, "lists whose parts are no labels")
        return False
    labels = {label for one in lists.values() for label in one or ()} - {None}
    numeric = all(isinstance(label, int | float) for label in labels)
    if not numeric:
        return len(labels) <= MOST_LABELS
    known = [one for one in lists.values() if one is not None]
    pairs = all(len(one) == 2 and one[0] <= one[1] for one in known if None not in one)
    if all(isinstance(n, int) and -1 <= n < MOST_LABELS for n in labels):
        is_dense = 2 * len(labels) > max(labels, default=0)
        return is_dense or not pairs  # pairs of distant numbers are intervals
    if not pairs:
        decisions.read_as(name, "left out")
        decisions.remark(name, "lists of numbers that are no labels")
    return False


@dataclass(kw_only=True)
class _Lists:
    """How the lists of one column are read; `columns` and `remarks` come of it."""

    name: str
    where: str
    form: str
    names: tuple[str, ...]
    columns: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def read(self, lists: "Mapping[str, Labels | None]") -> Any:
        """Yes, no and unknown (cells, labels) of distinct cells; why some are bad."""
        form = self._form([one for one in lists.values() if one is not None])
        if form == "yes/no":
            return self._yes_no(lists)
        numbered = form == "numbers"
        known = self._numbers(lists) if numbered else self._words(lists)
        self.columns = self._column_names(known.values())
        places = {label: i for i, label in enumerate(dict.fromkeys(known.values()))}
        yes = np.full((len(lists), len(places)), np.nan)
        bad: dict[str, str] = {}
        for row, (text, labels) in enumerate(lists.items()):
            fault = self._fault(labels, known, numbered)
            if fault:
                bad[text] = fault
            elif labels is not None:
                yes[row] = 0
                yes[row, [places[known[_key(label)]] for label in labels]] = 1
        return yes, bad

    def _form(self, lists: "Sequence[Labels]") -> str:
        """Whether lists are `words`, `numbers` of classes, or `yes/no` in order."""
        if self.form in FORMS:
            return self.form
        labels = {label for one in lists for label in one}
        if any(isinstance(label, str) for label in labels):
            return "words"
        numbers = sum(any(n not in (0, 1, *_UNKNOWN) for n in one) for one in lists)
        ordered = sum(_is_ordered(one) for one in lists)
        sizes = {len(one) for one in lists}
        if numbers == ordered == 0 and len(sizes) > 1:
            return "numbers"
        if numbers == ordered == 0 and self.names and sizes != {len(self.names)}:
            return "numbers"
        if numbers == ordered:
            example = list(lists[0]) if lists else []
            raise UserError(
                self.where,
                f"{self.name} is {example}, which may be class numbers or no (0) and "
                "yes (1)",
                'declare several = "numbers" or several = "yes/no" under '
                f"{column_section(self.name)} in the TOML beside the file",
            )
        return "numbers" if numbers > ordered else "yes/no"

    def _yes_no(self, lists: "Mapping[str, Labels | None]") -> Any:
        sizes = Counter(len(one) for one in lists.values() if one is not None)
        ordered = Counter(len(o) for o in lists.values() if o and _is_ordered(o))
        size = len(self.names) or (ordered or sizes).most_common(1)[0][0]
        self.columns = self._column_names(self.names or range(size))
        yes = np.full((len(lists), size), np.nan)
        bad = {}
        for row, (text, labels) in enumerate(lists.items()):
            if labels is None or len(labels) != size:
                bad[text] = f"must be {size} times 0 or 1"
            elif any(label not in (0, 1, *_UNKNOWN) for label in labels):
                bad[text] = f"must be {size} times 0 or 1, null for unknown"
            else:
                yes[row] = [np.nan if n in _UNKNOWN else float(n) for n in labels]
        return yes, bad

    def _numbers(self, lists: "Mapping[str, Labels | None]") -> dict[Any, str]:
        """The name of each class number."""
        if self.names:
            return dict(enumerate(self.names))
        found = (n for one in lists.values() for n in one or () if _is_class(n))
        return {n: str(n) for n in range(max(found, default=-1) + 1)}

    def _words(self, lists: "Mapping[str, Labels | None]") -> dict[Any, str]:
        """The spelling of each label by its key: the most frequent one."""
        if self.names:
            return {_key(name): name for name in self.names}
        words = Counter(
            str(label) for one in lists.values() for label in one or () if label != ""
        )
        known: dict[Any, str] = {}
        for word, _ in words.most_common():
            first = known.setdefault(_key(word), word)
            if first != word:
                self.remarks.append(f"{word!r} is {first!r}")
        by_name = sorted(known.items(), key=lambda item: item[1])
        return dict(by_name)

    def _column_names(self, labels: Any) -> list[str]:
        """`genre_Drama` for each label."""
        labels = dict.fromkeys(map(str, labels))
        return [class_column(self.name, label) for label in labels]

    def _fault(
        self, labels: "Labels | None", known: Mapping[Any, str], numbered: bool
    ) -> str:
        """Why a cell can't be read; empty if it can."""
        if labels is None:
            example = "[0, 2]" if numbered else "['a', 'b']"
            return f"must be a list such as {example}"
        if numbered and len(set(labels)) < len(labels):
            return "must be class numbers, each once"
        for label in labels:
            if _key(label) not in known:
                if numbered:
                    most = max(known, default=MOST_LABELS - 1)
                    return f"must be class numbers from 0 to {most}"
                return f"{label!r} is no label; {nearest(str(label), known.values())}"
            parts = re.split(r"[|;,]", str(label))
            if len(parts) > 1 and all(_key(part) in known for part in parts):
                return f"{label!r} holds another separator than the other cells"
        return ""


def _key(label: Any) -> Any:
    if isinstance(label, str):
        return " ".join(label.split()).casefold()
    return label if isinstance(label, int) else str(label)


def _is_class(number: Any) -> bool:
    return isinstance(number, int) and 0 <= number < MOST_LABELS


def _is_ordered(labels: Labels) -> bool:
    """Whether a list can only be yes and no: it repeats one, or one is unknown."""
    if not all(label in (0, 1, *_UNKNOWN) for label in labels):
        return False
    has_words = any(isinstance(label, bool) or label in _UNKNOWN for label in labels)
    return has_words or len(set(labels)) < len(labels)
