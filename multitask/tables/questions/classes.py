"""Are the classes of votes those of a named head, and of a column beside them?

mood   happy  sad        mood
Happy  5      1     ->   happy
sad    5      1          (empty, as its votes)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.errors import counted
from multitask.contracts.head import Array
from multitask.contracts.table import as_text
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import column_section
from multitask.tables.values import by_value
from multitask.tables.words import examples, key, meanings, one_of


def named_classes(question: str) -> dict[str, str]:
    """The class of the named head of a question for each `key` of a spelling.

    Empty if no named head with classes reads it.
    """
    reader = catalog.readers().get(question, "")
    if "classes" not in catalog.named().get(reader, {}):
        return {}
    return {key(spelling): name for spelling, name in meanings(reader).items()}


def in_named_spelling(
    question: str, columns: dict[str, str], decisions: Decisions
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The column of each class in the spelling of a named head, and all its classes.

    Unless each class is another one of the named head, both are the question's own.
    """
    known = named_classes(question)
    spelled = {label: known.get(key(label), "") for label in columns}
    if not all(spelled.values()) or len(set(spelled.values())) < len(spelled):
        return columns, tuple(columns)
    changes = {label: name for label, name in spelled.items() if label != name}
    if changes:
        decisions.remark(question, examples(changes))
    columns = {spelled[label]: column for label, column in columns.items()}
    reader = catalog.readers()[question]
    return columns, tuple(catalog.named()[reader]["classes"])


def decided(
    cells: "pd.Series[Any]",
    votes: Array,
    classes: tuple[str, ...],
    declared: Mapping[str, str],
    decisions: Decisions,
) -> "tuple[pd.Series[Any], dict[int, str]]":
    """The classes in a column beside votes (rows, classes), in their spelling.

    Also reasons for rows, counted from 0, whose class is none or has fewer votes than
    another one. `declared` says what else cells mean.
    """
    name = str(cells.name)
    known = {key(label): label for label in classes}
    spellings = {k: label for k, label in named_classes(name).items() if label in known}
    known = spellings | {key(cell): label for cell, label in declared.items()} | known
    texts = as_text(cells)
    own = by_value(texts, lambda values: values.map(lambda cell: known.get(key(cell))))
    own = own.astype(object)
    pairs = pd.DataFrame({"cell": texts, "class": own}).dropna().drop_duplicates()
    changes = {c: label for c, label in pairs.to_numpy().tolist() if c != label}
    if changes:
        decisions.remark(name, examples(changes))
    codes = pd.Index(classes).get_indexer(pd.Index(own))
    most = (votes == votes.max(axis=1, keepdims=True)) & (votes > 0)
    fits = most[np.arange(len(votes)), codes] | ~votes.any(axis=1)
    filled = texts.notna().to_numpy()
    reasons: dict[int, str] = {}
    for row in np.flatnonzero(filled & ((codes < 0) | ~fits)).tolist():
        reason = f"must be {one_of(classes)}, as the votes"
        if codes[row] >= 0:
            best = " or ".join(np.array(classes)[most[row]])
            reason = f"most votes are for {best}"
        reasons[row] = (
            f"{name} is {texts.iloc[row]!r} in row {row + 1}, left empty; {reason}. "
            f'role = "none" under {column_section(name)} lets the votes alone count'
        )
    odd = int((filled & (codes >= 0) & ~fits).sum())
    if odd:
        rows = counted(odd, "row")
        decisions.remark(name, f"{rows} left empty, as class and votes differ")
    return own, reasons
