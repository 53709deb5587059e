"""What if several raters labelled a picture, with one row per rater?

    path   mood           path   mood   mood_happy  mood_sad
    a.jpg  happy          a.jpg  happy  2           1
    a.jpg  happy     ->   b.jpg  sad    0           1
    a.jpg  sad
    b.jpg  sad

The rows of a picture vote if its table declares `[votes.mood]` without columns.
"""

from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.table import RESERVED, as_text, faces
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration, as_mapping, votes_section
from multitask.tables.questions.generated import check_generated
from multitask.tables.questions.votes import Voted, question
from multitask.tables.words import one_of


def row_votes(
    table: pd.DataFrame, declaration: Declaration, decisions: Decisions, where: str
) -> Voted:
    """The table with the votes of all rows of a face in each of its rows.

    Labels that are no class of a named head, or of those declared for the column, are
    no votes; they are faults. Raises UserError if a declared column does not exist, or
    has fewer than two classes, or if a column of votes is called as another one.
    """
    result = Voted(cells=table)
    for name, votes in declaration.votes.items():
        if votes.columns:
            continue
        section = f"{where}: {votes_section(name)}"
        if name not in table or name in RESERVED:
            raise UserError(section, f"has no columns, and there is no column {name!r}",
                            nearest(name, table.columns))  # fmt: skip
        labels = as_text(table[name])
        known = declaration.column.get(name, Column()).classes
        config = catalog.named().get(catalog.readers().get(name, ""), {})
        distinct = sorted(set(labels.dropna()) - set(votes.leave_out))
        declared = dict.fromkeys(as_mapping(known).values())
        classes = tuple(declared or config.get("classes", ()) or distinct)
        if len(classes) < 2:
            raise UserError(section, "has fewer than two classes", "check the column")
        columns = pd.Index([*classes, *votes.leave_out])
        codes = columns.get_indexer(pd.Index(labels))
        face = pd.factorize(faces(table))[0]
        counts = np.zeros((len(table), len(columns)))  # one line per face is filled
        np.add.at(counts, (face[codes >= 0], codes[codes >= 0]), 1)
        size = int(face.max()) + 1
        kept, others = counts[:size, : len(classes)], counts[:size, len(classes) :]
        voted = question(name, classes, kept, others.sum(axis=1), decisions)
        joined = voted.cells.iloc[face].set_axis(table.index)
        check_generated(name, joined.columns.drop(name), result.cells, section)
        result.cells = result.cells.assign(**{str(c): joined[c] for c in joined})
        result.heads |= voted.heads
        result.faults += _faults(labels, codes, classes)
    return result


def _faults(
    labels: "pd.Series[Any]", codes: Any, classes: Any
) -> list[tuple[Any, str]]:
    """Rows and reasons of labels that are no class."""
    odd = labels[(codes < 0) & labels.notna()]
    must = f"no vote; must be {one_of(classes)}"
    return [
        (row, f"{labels.name} is {label!r} in row {int(row) + 1}, {must}")
        for row, label in odd.items()
    ]
