"""Is a column of a table numbers or text?"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import PARTS, translate
from multitask.contracts.table import RESERVED, as_text


def typed(cells: pd.DataFrame, where: str, text: Collection[str] = ()) -> pd.DataFrame:
    """The table with text in its reserved columns and those named in `text`.

    The others hold numbers if all of their filled cells are numbers, else text, too.
    Raises UserError for text that is not UTF-8, and in the ends of an interval.
    """
    columns: dict[str, pd.Series[Any]] = {"path": cells["path"].astype(object)}
    for column in cells.columns.drop("path"):
        convert = _text if column in (*RESERVED, *text) else _label
        _check_utf8(column, cells[column], where)
        columns[column] = convert(cells[column])
    if "split" in columns:
        parts, _ = translate(columns["split"], PARTS)
        parts = parts.astype(object)
        columns["split"] = parts.where(parts.notna(), columns["split"])
    for column, values in columns.items():
        is_end = column.endswith(("_low", "_high"))
        if is_end and not pd.api.types.is_numeric_dtype(values):
            raise UserError(
                where,
                f"column {column!r} holds {values.dropna().iloc[0]!r}, as one end of "
                "an interval it must hold numbers",
                "rename it if it is not an interval",
            )
    return pd.DataFrame(columns)


def _label(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """Numbers if all filled cells are numbers, else text."""
    values = numbers(cells)
    if values is None:
        cells = _text(cells)
        values = numbers(cells)  # now that blank cells are empty
    return cells if values is None else values


def _text(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """Text without surrounding blanks."""
    text = as_text(cells)
    trimmed = {label: label.strip() or np.nan for label in text.dropna().unique()}
    return text.map(trimmed).astype(object)


def numbers(cells: "pd.Series[Any]") -> "pd.Series[float] | None":
    """The numbers of a column; None if a filled cell is none."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return None
    values = pd.to_numeric(cells.astype(object), errors="coerce").astype(float)
    is_number = np.isfinite(values) | cells.isna()
    return values if is_number.all() else None


def _check_utf8(column: str, values: "pd.Series[Any]", where: str) -> None:
    texts = {column, *(cell for cell in values.tolist() if isinstance(cell, str))}
    for text in sorted(texts):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UserError(
                where,
                f"column {column!r} holds {text!r}, which is not UTF-8",
                "save the file as UTF-8",
            ) from None


def has_text(cells: "pd.Series[Any]") -> bool:
    """Whether any cell of a column is text, as `"01"` is and 1 is not."""
    return any(isinstance(cell, str) for cell in cells.unique())
