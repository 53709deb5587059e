"""What were the columns of a table read as, and why was one left out?"""

from typing import Any

import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.infer import head_fault
from multitask.contracts.table import RESERVED, label_columns
from multitask.terminal.text_table import aligned


def decide(table: pd.DataFrame, heads: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """What each column of a table is read as: `column`, `role` and `remarks`.

    `heads` are those that the table brings; a column that neither they nor named heads
    read is left out, and its remark says why.
    """
    columns = [config.get("columns", [name]) for name, config in heads.items()]
    labels = label_columns([*catalog.readers(), *sum(columns, [])])
    rows = []
    for column in map(str, table):
        role, remark = "label", ""
        if column in RESERVED:
            role = column
        elif column not in labels:
            role, fault = "left out", head_fault(table, column)
            remark = fault[0].partition(f"{column!r} ")[2] if fault else ""
        rows.append((column, role, remark))
    return pd.DataFrame(rows, columns=["column", "role", "remarks"], dtype=object)


def describe(decisions: pd.DataFrame) -> str:
    """The text of decisions on several data sets, `source` among their columns."""
    names = ["source", "column", "role", "remarks"]
    rows = decisions[names].itertuples(index=False, name=None)
    return aligned([("data set", "column", "read as", "remarks"), *rows])
