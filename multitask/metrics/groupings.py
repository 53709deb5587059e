"""Into which groups do the labels of other columns divide the pictures?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Array, Head
from multitask.contracts.table import NO_LABELS, as_text, classes_of, column

_MOST_VALUES = 20  # of a column that no head answers
_LEAST_ROWS = 5  # per value, on average


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """The group of each row by one column, or by several.

    `codes` (rows,) are indices of `groups`, -1 where the column has no value. `titles`
    name the groups where the column is not named. `columns` are those of the table.
    """

    column: str
    codes: Array
    groups: tuple[str, ...]
    titles: tuple[str, ...]
    columns: frozenset[str]


def groupings(labels: pd.DataFrame, heads: Sequence[Head]) -> dict[str, Grouping]:
    """How each column of a table divides its rows, by its name.

    They are the classes, bands and yes/no labels of the heads, then the columns with
    few values that no head answers, then the data sets, if there are several.
    """
    result: dict[str, Grouping] = {}
    for head in heads:
        for one in _of_head(head, labels):
            result.setdefault(one.column, one)
    answered = {name for head in heads for name in head.label_columns}
    for name in map(str, labels):
        if name not in answered and name not in NO_LABELS and name not in result:
            other = _of_column(name, labels[name])
            if other is not None:
                result[name] = other
    source = as_text(column(labels, "source"))
    if source.nunique() > 1:
        result["source"] = _named("source", source, "data set")
    return {name: one for name, one in result.items() if len(one.groups) > 1}


def requested(
    known: Mapping[str, Grouping], by: Iterable[str], labels: pd.DataFrame
) -> list[Grouping]:
    """The groupings by columns or products of columns, such as `race*gender`.

    `known` are those of `groupings`. Raises UserError for a column that is not among
    them.
    """
    result = []
    for text in by:
        names = [name.strip() for name in text.split("*")]
        for name in names:
            if name not in known:
                what = f"{name!r} is no labelled column of the data"
                if name in labels:
                    what = f"{name!r} does not divide the pictures into 2 to "
                    what += f"{_MOST_VALUES} groups"
                raise UserError("--by", what, nearest(name, known))
        if len(set(names)) < len(names):
            raise UserError("--by", f"{text!r} names a column twice", "name it once")
        result.append(_product([known[name] for name in names]))
    return result


def check_by(
    by: str | Sequence[str], labels: pd.DataFrame, heads: Sequence[Head]
) -> tuple[str, ...]:
    """The groupings that a user asks for, if the table has all of them.

    Raises UserError as `requested` does.
    """
    names = split_by(by)
    if names:
        requested(groupings(labels, heads), names, labels)
    return names


def split_by(texts: str | Sequence[str]) -> tuple[str, ...]:
    """Groupings, separated by commas, as a list.

    >>> split_by(["race*gender, age", "race"]), split_by("race*gender")
    (('race*gender', 'age', 'race'), ('race*gender',))
    """
    texts = [texts] if isinstance(texts, str) else texts
    parts = (part.strip() for text in texts for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _of_head(head: Head, labels: pd.DataFrame) -> list[Grouping]:
    if head.answer_type == "labels":
        targets, weights = head.encode(labels)
        values = np.where(weights > 0, targets, np.nan)
        return [
            _yes_no(name, values[:, place]) for place, name in enumerate(head.columns)
        ]
    name, strata = head.columns[0], head.strata(labels)
    groups = tuple(map(str, strata.columns))
    if head.answer_type == "number":
        groups = _band_names(groups)
    one_hot = strata.to_numpy(bool)
    codes = np.where(one_hot.any(axis=1), one_hot.argmax(axis=1), -1)
    return [_occurring(name, codes, groups, [f"{name} {group}" for group in groups])]


def _band_names(strata: Sequence[str]) -> tuple[str, ...]:
    """The names of bands, from their lower ends; those of other strata as they are.

    >>> _band_names(["0+", "3+", "70+"]), _band_names(["0+", "0.5+"])
    (('0 to 2', '3 to 69', '70 or more'), ('below 0.5', '0.5 or more'))
    >>> _band_names(["short", "tall"])
    ('short', 'tall')
    """
    if not all(name.endswith("+") for name in strata):
        return tuple(strata)
    try:
        ends = [float(name.removesuffix("+")) for name in strata]
    except ValueError:
        return tuple(strata)
    last = f"{ends[-1]:g} or more"
    if all(end.is_integer() for end in ends):
        spans = [
            f"{low:g} to {high - 1:g}" if high - 1 > low else f"{low:g}"
            for low, high in pairwise(ends)
        ]
    else:
        spans = [
            f"{low:g} to below {high:g}" if place else f"below {high:g}"
            for place, (low, high) in enumerate(pairwise(ends))
        ]
    return (*spans, last)


def _of_column(name: str, labels: "pd.Series[Any]") -> Grouping | None:
    """The groups of a column that no head answers; None if it has too many values."""
    known = labels.dropna()
    count = known.astype(str).nunique()
    if not 2 <= count <= min(_MOST_VALUES, len(known) / _LEAST_ROWS):
        return None
    texts = as_text(labels)
    if set(texts.dropna()) <= {"0", "1"}:
        return _yes_no(name, pd.to_numeric(texts).to_numpy(float))
    return _named(name, labels, name)


def _named(name: str, labels: "pd.Series[Any]", title: str) -> Grouping:
    classes = classes_of(labels)
    codes = pd.Index(classes).get_indexer(pd.Index(as_text(labels)))
    return _occurring(name, codes, classes, [f"{title} {one}" for one in classes])


def _yes_no(name: str, values: Array) -> Grouping:
    codes = np.where(np.isnan(values), -1, np.nan_to_num(values)).astype(int)
    return _occurring(name, codes, ("no", "yes"), [f"not {name}", name])


def _product(parts: Sequence[Grouping]) -> Grouping:
    codes, groups, titles = parts[0].codes, parts[0].groups, parts[0].titles
    for part in parts[1:]:
        both = (codes >= 0) & (part.codes >= 0)
        codes = np.where(both, codes * len(part.groups) + part.codes, -1)
        groups = tuple(f"{one}, {two}" for one in groups for two in part.groups)
        titles = tuple(f"{one} × {two}" for one in titles for two in part.titles)
    names = "*".join(part.column for part in parts)
    columns = frozenset().union(*(part.columns for part in parts))
    product = _occurring(names, codes, groups, titles)
    return Grouping(**vars(product) | {"columns": columns})


def _occurring(
    name: str, codes: Array, groups: Sequence[str], titles: Sequence[str]
) -> Grouping:
    """A grouping without the groups that have no row."""
    present = np.unique(codes[codes >= 0])
    places = np.full(len(groups) + 1, -1)  # the last place is that of code -1
    places[present] = np.arange(len(present))
    return Grouping(
        column=name,
        codes=places[codes],
        groups=tuple(groups[place] for place in present),
        titles=tuple(titles[place] for place in present),
        columns=frozenset([name]),
    )
