"""Is a column of a table, or of a data frame, numbers or text?"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import PARTS, box_columns, picture_table, translate
from multitask.contracts.table import RESERVED, as_text
from multitask.tables.questions.brackets import flat
from multitask.tables.values import by_value, distinct

LARGEST = float(np.finfo(np.float32).max)  # number that a network can be taught
_FEW = 50  # columns that pandas need not join


def typed(cells: pd.DataFrame, where: str, text: Collection[str] = ()) -> pd.DataFrame:
    """The table with text in its reserved columns and those named in `text`.

    The others hold numbers if all of their filled cells are numbers, else text, too.
    Raises UserError for text that is not UTF-8, and in the ends of an interval.
    """
    columns: dict[str, pd.Series[Any]] = {"path": cells["path"].astype(object)}
    for column in cells.columns.drop("path"):
        is_text = column in (*RESERVED, *text)
        columns[column] = _typed(cells[column], where, is_text)
    for column, values in columns.items():
        is_end = column.endswith(("_low", "_high"))
        if is_end and not pd.api.types.is_numeric_dtype(values):
            raise UserError(
                where,
                f"column {column!r} holds {values.dropna().iloc[0]!r}, as one end of "
                "an interval it must hold numbers",
                "rename it if it is not an interval",
            )
    # Copies join columns of one type: pandas is slow with many separate ones.
    return pd.DataFrame(columns, copy=len(columns) > _FEW)


def _typed(cells: "pd.Series[Any]", where: str, is_text: bool) -> "pd.Series[Any]":
    """Numbers if all filled cells are numbers and may be, else trimmed text."""
    is_text |= pd.api.types.is_datetime64_any_dtype(cells)
    if not is_text and isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iuf":
        values = numbers(cells)
        if values is not None:
            return values
        row = int((cells.abs() > LARGEST).to_numpy().argmax())
        raise UserError(
            where,
            f"row {row + 1}: {cells.name} is {cells.iloc[row]:g}, must be a number "
            f"that float32 can hold, below {LARGEST:.1e}",
            "correct it, or leave the cell empty",
        )

    def convert(values: "pd.Series[Any]") -> "pd.Series[Any]":
        _check_utf8(str(cells.name), values, where)
        is_known = pd.api.types.infer_dtype(values) == "string"
        texts = values if is_known else as_text(values)
        stripped = [t.strip() or np.nan for t in texts.tolist()]
        text = pd.Series(stripped, dtype=object)
        if cells.name == "split":
            parts, _ = translate(text, PARTS)
            text = parts.astype(object).where(parts.notna(), text)
        if is_text:
            return text
        number = parsed(values)
        is_number = np.isfinite(number) | text.isna()
        return number if is_number.all() else text

    values = by_value(cells, convert)
    return values.astype(object) if is_text else values


def numbers(cells: "pd.Series[Any]") -> "pd.Series[float] | None":
    """The numbers of a column; None if a filled cell is none."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return None
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iuf":
        values = cells.astype(float)
        return None if (values.abs() > LARGEST).any() else values

    values = by_value(cells, parsed).astype(float)
    is_number = np.isfinite(values) | cells.isna()
    return values if is_number.all() else None


def parsed(values: "pd.Series[Any]") -> "pd.Series[float]":
    """The number of each value: NaN for none, infinite if float32 can't hold it."""
    try:
        number = pd.to_numeric(values, errors="coerce").astype(float)
    except OverflowError:  # an integer that no float can hold
        short = values.map(lambda v: v if len(str(v)) < 300 else None)
        number = pd.to_numeric(short, errors="coerce").astype(float)
    return number.mask(number.abs() > LARGEST, np.inf)


def _check_utf8(column: str, values: "pd.Series[Any]", where: str) -> None:
    texts = [column, *(value for value in values.tolist() if isinstance(value, str))]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        text = next(text for text in sorted(texts) if not _is_utf8(text))
        raise UserError(
            where,
            f"column {column!r} holds {text!r}, which is not UTF-8",
            "save the file as UTF-8",
        ) from None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def has_text(cells: "pd.Series[Any]") -> bool:
    """Whether any cell of a column is text, as `"01"` is and 1 is not."""
    return any(isinstance(cell, str) for cell in distinct(cells))


def labelled_table(frame: object, where: str, *, lists: bool = False) -> pd.DataFrame:
    """A data frame as the table of labelled pictures that a file of it would give.

    Its column `path` may hold pictures. Text stays text, also where it looks like
    numbers. Cells may be `lists`, arrays and objects, which become their JSON.

    Raises UserError as `picture_table` and `typed`, if it has no row, and for lists
    where there may be none.
    """
    table = picture_table(frame, where)
    if table.empty:
        raise UserError(where, "has no rows")
    cells = table.drop(columns="path")
    flattened = flat(cells)
    usual = box_columns(map(str, cells))
    boxes = usual.names if usual else ()
    for name in cells if not lists else ():
        if not cells[name].equals(flattened[name]) and name not in boxes:
            what = f"column {name!r} holds lists or objects"
            raise UserError(where, what, "write one column of 0 and 1 per label")
    table = table.assign(**flattened)
    others = table.columns.drop("path")
    text = [
        name
        for name in others
        if not name.endswith(("_low", "_high")) and has_text(table[name])
    ]
    return typed(table, where, text)
