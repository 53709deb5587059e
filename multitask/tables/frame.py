"""How does a data frame become the table that a file of it would give?"""

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import picture_table
from multitask.tables.types import has_text, typed


def labelled_table(frame: object, where: str) -> pd.DataFrame:
    """A data frame as the table of labelled pictures that a file of it would give.

    Its column `path` may hold pictures. Text stays text, also where it looks like
    numbers. Raises UserError as `picture_table` and `typed`, and if it has no row.
    """
    table = picture_table(frame, where)
    if table.empty:
        raise UserError(where, "has no rows")
    others = table.columns.drop("path")
    text = [
        name
        for name in others
        if not name.endswith(("_low", "_high")) and has_text(table[name])
    ]
    return typed(table, where, text)
