"""Which columns are those of a named head, but for the spelling of their name?

A column `Gender` or `age group` feeds the head that reads `gender` or `age_group`, if
its cells are labels of it. `Identity` is `identity`, and `Source` is `source`.
"""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from multitask.contracts import catalog, infer
from multitask.tables.dates import intervals
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration, as_mapping
from multitask.tables.missing import WORDS
from multitask.tables.types import parsed
from multitask.tables.words import age, are_few, key, meanings


def named_columns(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions
) -> tuple[pd.DataFrame, Declaration]:
    """The cells with the names of columns as the named heads write them.

    What is declared about a column holds for its new name.

    A column with a declared role or declared classes of its own keeps its name, and so
    does one whose cells are no labels of the head.
    """
    heads, readers = catalog.named(), catalog.readers()
    spelled = {
        key(column): column
        for column, reader in readers.items()
        if column not in cells and {"low", "classes"} & heads[reader].keys()
    }
    names = _reserved(cells, declaration, decisions)
    for column in map(str, cells):
        declared = declaration.column.get(column, Column())
        name = spelled.get(key(column), "")
        is_taken = name in names.values() or column in readers
        if not name or is_taken or declared.role:
            continue
        reader = readers[name]
        own = set(as_mapping(declared.classes).values())
        if own - set(heads[reader].get("classes", ())):
            continue
        no_label = {word.strip().casefold() for word in declared.missing} | WORDS
        odd = _first_odd(cells[column], reader, heads[reader], no_label)
        if odd and not own:
            why = f"{odd!r} is no label of the head {reader}"
            decisions.remark(column, f"not read as {name!r}: {why}")
        else:
            decisions.rename(column, name)
            decisions.remark(name, f"is column {column!r}")
            names[column] = name
    return cells.rename(columns=names), declaration.renamed(names)


def own_heads(
    table: pd.DataFrame, declaration: Declaration
) -> dict[str, dict[str, Any]]:
    """The heads of columns with declared classes, or that are no named head's.

    Declared classes keep their order, and need not occur. Columns that are declared to
    be yes/no labels of one head have this one.
    """
    heads: dict[str, dict[str, Any]] = {}
    for head, one in declaration.multilabel.items():
        settings = {"kind": "sigmoid", "columns": [*one.columns]}
        heads[infer.head_name(head, ())] = settings
    readers, named = catalog.readers(), catalog.named()
    for column, declared in declaration.column.items():
        if column not in table or declared.role not in ("", "label"):
            continue
        classes = dict.fromkeys(as_mapping(declared.classes).values())
        known = named.get(readers.get(column, ""), {}).get("classes", ())
        config = None
        if column in declaration.yes_no:
            continue
        if classes and (declared.role or not classes.keys() <= set(known)):
            config = infer.softmax(classes)
        elif declared.role and column in readers:
            config = infer.asked_head(table, column)
        if config:
            name = infer.head_name(column, heads)
            heads[name] = config if name == column else {**config, "columns": [column]}
    return heads


def _reserved(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions
) -> dict[str, str]:
    """`identity` and `source` for columns whose names differ in case alone."""
    names: dict[str, str] = {}
    for column in map(str, cells):
        name = column.casefold()
        declared = declaration.column.get(column, Column())
        if name not in ("identity", "source") or declared.role or declared.classes:
            continue
        if name in {*cells, *names.values()}:
            continue
        if name == "source" and not _are_data_sets(cells[column]):
            continue
        decisions.rename(column, name)
        decisions.read_as(name, name)
        decisions.remark(name, f"is column {column!r}")
        names[column] = name
    return names


def _are_data_sets(cells: "pd.Series[Any]") -> bool:
    """Whether a column `Source` names a few data sets, not where each picture is from.

    >>> _are_data_sets(pd.Series(["web", "lab", "web"]))
    True
    >>> _are_data_sets(pd.Series(["https://a.org/1", "https://a.org/2"]))
    False
    """
    distinct, filled = cells.nunique(), int(cells.notna().sum())
    return 0 < distinct <= infer.MOST and (distinct == 1 or distinct < filled)


def _first_odd(
    cells: "pd.Series[Any]",
    reader: str,
    config: Mapping[str, Any],
    no_label: Collection[str],
) -> str:
    """A cell that is no label of a named head, if there are more than a few."""
    texts = cells.dropna().astype(str).str.strip()
    counts = texts[texts != ""].value_counts(sort=False)
    counts = counts[[text.casefold() not in no_label for text in counts.index]]
    if "low" in config:
        numbers = parsed(pd.Series(counts.index, dtype=object)).notna()
        ends = config["low"], config["high"]
        dates = intervals(counts.index, len(counts))
        fits = [
            is_number or text in dates or age(text, *ends) is not None
            for text, is_number in zip(counts.index, numbers, strict=True)
        ]
    else:
        known = set(map(key, meanings(reader)))
        fits = [key(text) in known for text in counts.index]
    odd = counts[[not fit for fit in fits]]
    if are_few(int(odd.sum()), int(counts.sum())):
        return ""
    return str(odd.index[0])
