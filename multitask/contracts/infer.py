"""Which heads can be inferred from columns that no named head reads?

| labels of a column | head |
| --- | --- |
| 0 and 1 | sigmoid |
| text or whole numbers, 2 to 50 different ones | softmax with these classes |
| whole numbers, more than 10 with fewer than 5 labels each on average | regression |
| other numbers, and intervals (`_low`, `_high`) | regression from lowest to highest |
| anything else | none |
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.catalog import readers
from multitask.contracts.errors import UserError, close_name, counted, listed
from multitask.contracts.head import Head, class_column
from multitask.contracts.table import NO_LABELS, classes_of, interval_columns

MOST = 50  # classes; a column that holds more kinds of text is no question
# Whole numbers are classes if they are few, or each has several labels.
_FEW, _LABELS_EACH = 10, 5

Config = dict[str, Any]
_SIDE = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)


def infer_heads(table: pd.DataFrame) -> dict[str, Config]:
    """Settings of a head for each column that is a question and no named head's.

    A head is called as its column, spelled so that it is a name: `hair_color` reads
    `hair color`.

    >>> stills = {"path": ["a.jpg", "b.jpg"], "genre": ["drama", "comedy"]}
    >>> infer_heads(pd.DataFrame(stills))
    {'genre': {'kind': 'softmax', 'classes': ['comedy', 'drama']}}
    """
    named = set(readers())
    taken = set(catalog.named())
    heads: dict[str, Config] = {}
    for column in _questions(table):
        config = _config(table, column) if column not in named else None
        if config:
            name = head_name(column, taken)
            taken.add(name)
            heads[name] = config if name == column else {**config, "columns": [column]}
    return heads


def asked_head(table: pd.DataFrame, column: str) -> Config | None:
    """The head of a column that is no question by itself; None if it has one label.

    >>> asked_head(pd.DataFrame({"id": [f"n{i}" for i in range(60)]}), "id")["kind"]
    'softmax'
    """
    labels = table[column].dropna()
    distinct = labels.nunique()
    if pd.api.types.is_numeric_dtype(labels) and distinct * 2 >= len(labels) > 2:
        return _range(labels) if distinct > 1 else None
    if pd.api.types.is_numeric_dtype(labels) or distinct < 2:
        return _config(table, column)
    return softmax(classes_of(labels))


def _questions(table: pd.DataFrame) -> list[str]:
    """The columns of labels, each once with those that belong to it."""
    present = list(map(str, table))
    names = set(present)
    columns = dict.fromkeys(_question(column, names) for column in present)
    return [column for column in columns if column not in NO_LABELS]


def _question(column: str, columns: set[str]) -> str:
    """The column that one belongs to: `age` for `age_low`, else mostly itself."""
    name, _, end = column.rpartition("_")
    if end in ("low", "high") and all(c in columns for c in interval_columns(name)):
        return name
    # An answer's own probability, where a table of answers is read as labels.
    return name if end == "confidence" and name in columns else column


def _config(table: pd.DataFrame, column: str) -> Config | None:
    labels = _labels(table, column)
    values = labels.unique()
    if len(values) < 2:
        return None  # nothing can be learnt from it
    if all(end in table for end in interval_columns(column)):
        return _range(labels)
    if pd.api.types.is_numeric_dtype(labels):
        if set(values) == {0, 1}:
            return {"kind": "sigmoid"}
        is_rare = len(values) > _FEW and len(labels) < _LABELS_EACH * len(values)
        is_whole = all(float(n).is_integer() for n in values)
        if len(values) > MOST or is_rare or not is_whole:
            return _range(labels)
    if len(values) > MOST:
        return None
    return softmax(classes_of(labels))


def _labels(table: pd.DataFrame, column: str) -> "pd.Series[Any]":
    """The labels of a question, the ends of intervals among them."""
    ends = interval_columns(column)
    known = [column, *ends] if all(end in table for end in ends) else [column]
    columns = [table[name] for name in known if name in table]
    labels: pd.Series[Any] = columns[0] if len(columns) == 1 else pd.concat(columns)
    return labels.dropna()


def requested_heads(
    names: Sequence[str | Head],
    table: pd.DataFrame,
    declared: Mapping[str, catalog.Config],
) -> tuple[Head, ...]:
    """The heads of these names or, without any, all that a table has labels for.

    `declared` heads, such as those inferred from the table, stand beside the named
    ones. Raises UserError as `catalog.heads` does, and says why a column makes no head.
    """
    present = catalog.labelled(table, declared)
    if not names and not present:
        raise _no_head(table)
    known = {*declared, *catalog.named(), *catalog.groups()}
    for text in names:
        name = re.split(r"[:\[]", text)[0] if isinstance(text, str) else ""
        if name in known or not name.isidentifier():
            continue
        for column in _questions(table):
            why = head_fault(table, column) if head_name(column, ()) == name else None
            if why:
                raise UserError("--heads", *why)
        if not present:
            raise _no_head(table)
        close = close_name(name, [*known]) or close_name(name, present)
        todo = f"did you mean {close!r}? " if close else ""
        todo += f"The data has labels for {listed(present)}"
        raise UserError("--heads", f"unknown head {name!r}", todo)
    return catalog.heads(names or present, declared)


def _no_head(table: pd.DataFrame) -> UserError:
    """The error of a table that has labels for no head: it says why."""
    columns = _questions(table)
    faults = [why for name in columns if (why := head_fault(table, name))]
    if columns and not faults:
        what = f"the data has no labels for a head; left out: {listed(columns)}"
        todo = "name the columns to use with --heads"
    elif not faults:
        what, todo = "the data has no column of labels", "add one"
    else:
        what = "the data has no labels for a head: " + faults[0][0]
        others = counted(len(faults) - 1, "other column")
        what += f" (and {others} can't be one)" if len(faults) > 1 else ""
        todo = faults[0][1]
    return UserError("--heads", what, todo)


def head_fault(table: pd.DataFrame, column: str) -> tuple[str, str] | None:
    """What keeps a column from being a head, and what to do; None if nothing does."""
    classes = classes_of(_labels(table, column))
    if not classes:
        return f"column {column!r} is empty", "fill in its labels"
    if len(classes) == 1:
        what = f"column {column!r} has one class, {classes[0]!r}, but a head needs two"
        return what, "add pictures of another class"
    if len(classes) > MOST:
        what = f"column {column!r} has {len(classes):,} classes"
        return (
            f"{what}, but a head takes at most {MOST}",
            "group them into fewer classes",
        )
    return None


def softmax(classes: Iterable[str]) -> Config:
    """A softmax head of classes; those of left and right change places in a mirror.

    >>> softmax(["front", "from left", "from right"])["mirror"]
    [['from left', 'from right']]
    """
    config: Config = {"kind": "softmax", "classes": list(classes)}
    swapped = {name: _SIDE.sub(_swap, name) for name in config["classes"]}
    pairs = [[a, b] for a, b in swapped.items() if a < b and b in swapped]
    return config | ({"mirror": pairs} if pairs else {})


def read_by(name: str, head: Mapping[str, Any]) -> list[str]:
    """The columns that a head of this name and these settings reads.

    >>> read_by("mood", {"kind": "softmax", "classes": ["calm", "sad"], "votes": True})
    ['mood', 'mood_calm', 'mood_sad']
    """
    columns = list(head.get("columns") or [name])
    classes = head.get("classes", ()) if head.get("votes") else ()
    return [*columns, *(class_column(columns[0], label) for label in classes)]


def _swap(side: "re.Match[str]") -> str:
    word = side[0]
    other = "right" if word.lower() == "left" else "left"
    if word.isupper():
        return other.upper()
    return other.title() if word[0].isupper() else other


def _range(labels: "pd.Series[Any]") -> Config:
    low, high = float(labels.min()), float(labels.max())
    return {"kind": "regression", "low": low, "high": high}


def head_name(column: str, existing: Iterable[str]) -> str:
    """A new name for a column's head, of ASCII letters, digits and _.

    >>> head_name("Haarfärbung (neu)", [])
    'Haarfarbung__neu_'
    """
    plain = unicodedata.normalize("NFKD", column)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"[^A-Za-z0-9_]", "_", plain)
    plain = plain if plain.isidentifier() else f"label_{plain}"
    name, number = plain, 2
    while name in existing:
        name, number = f"{plain}_{number}", number + 1
    return name


def united(one: Mapping[str, Any], other: Mapping[str, Any]) -> Config:
    """The head of two data sets together that each bring one of the same name.

    Their classes are united, and so are the columns of a yes/no head; where one of
    them has numbers that are no classes, the range takes in both. For all else the
    settings are those of `other`.

    >>> drama = {"kind": "softmax", "classes": ["drama", "horror"]}
    >>> united(drama, {"kind": "softmax", "classes": ["comedy", "drama"]})
    {'kind': 'softmax', 'classes': ['comedy', 'drama', 'horror']}
    """
    kinds = {one["kind"], other["kind"]}
    head = {**one, **other}
    if kinds == {"sigmoid"} and "columns" in one and "columns" in other:
        head["columns"] = list(dict.fromkeys([*one["columns"], *other["columns"]]))
    elif kinds <= {"softmax", "sigmoid"} and "softmax" in kinds:
        head |= softmax(_united_classes(one, other))
    elif kinds <= {"softmax", "sigmoid", "regression"} and "regression" in kinds:
        try:
            ends = [float(n) for config in (one, other) for n in _ends(config)]
        except ValueError:  # text: joining the tables tells that they disagree
            return dict(other)
        head |= {"kind": "regression", "low": min(ends), "high": max(ends)}
        head.pop("classes", None)
    return head


def _classes(head: Mapping[str, Any]) -> list[str]:
    no_yes = ["0", "1"] if head["kind"] == "sigmoid" else []
    return list(head.get("classes", no_yes))


def _united_classes(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The classes of both; none, so that the labels tell them, if one has none."""
    if not (_classes(one) and _classes(other)):
        return []
    classes = {*_classes(one), *_classes(other)}
    try:
        return sorted(classes, key=float)
    except ValueError:
        return sorted(classes)


def _ends(head: Mapping[str, Any]) -> list[Any]:
    if head["kind"] == "regression":
        return [head["low"], head["high"]]
    return _classes(head)
