"""Which columns are lists of labels, and which are together one question?"""

from dataclasses import replace
from typing import Any

import pandas as pd

from multitask.contracts import catalog, infer
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Declaration
from multitask.tables.formats.annotations import LabelFile
from multitask.tables.questions import lists, votes


def question_columns(
    cells: pd.DataFrame,
    labels: LabelFile,
    declaration: Declaration,
    decisions: Decisions,
    where: str,
) -> tuple[pd.DataFrame, LabelFile, list[tuple[Any, str]]]:
    """The cells with columns as heads read them, and the file with these heads.

    Also rows and reasons of cells that are left empty. Raises UserError as
    `votes.count` and `lists.spread`.
    """
    voted = votes.count(cells, where, declaration=declaration, decisions=decisions)
    spread = lists.spread(
        voted.cells,
        where,
        declaration=declaration,
        decisions=decisions,
        names=labels.names,
    )
    heads = dict(voted.heads)
    for column, columns in spread.columns.items():
        name = infer.head_name(column, {*heads, *catalog.named()})
        heads[name] = {"kind": "sigmoid", "columns": columns}
    brings = replace(labels, brings={**labels.brings, **heads})
    return spread.cells, brings, [*voted.faults, *spread.faults]
