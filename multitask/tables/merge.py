"""What if a table has several rows for one picture?"""

from typing import Any

import pandas as pd


def repeated(table: pd.DataFrame) -> "pd.Series[Any]":
    """A reason for each row whose picture an earlier row lists."""
    first: dict[str, int] = {}
    rows, first_rows = [], []
    for row, path in enumerate(table["path"]):
        first_row = first.setdefault(path, row)
        if first_row != row:
            rows.append(row)
            first_rows.append(first_row)
    later = table.iloc[rows]
    originals = table.iloc[first_rows].set_index(later.index)
    columns = later.columns.drop("path")
    labels, first_labels = later[columns], originals[columns]
    differs = (labels != first_labels) & ~(labels.isna() & first_labels.isna())
    return pd.Series(
        [
            f"is listed before with another {', '.join(columns[row])}; the first counts"
            if row.any()
            else "is listed before, with the same labels"
            for row in differs.to_numpy(bool)
        ],
        index=later.index,
        dtype=object,
    )
