"""Does the first line of a table name its columns?"""

import re
import statistics
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import ENDINGS
from multitask.tables.types import parsed

NO_NAME = re.compile(r"(Unnamed: \d+)?")
SEPARATED = "separate columns by commas, semicolons, tabs or bars"
TEXTS = (".csv", ".tsv", ".tab", ".txt")
_SEPARATOR = re.compile(r"[,;\t|]")
_TRIED = 20  # rows
_EXAMPLE = "such as path,label"


def check_header(cells: pd.DataFrame, file: Path, where: str) -> None:
    """Raise UserError if the first line of a text or workbook names no columns.

    It is a picture's, has only numbers, or is a title; or blanks separate the columns.
    """
    is_text = file.suffix.lower() in TEXTS
    if not is_text and file.suffix.lower() != ".xlsx":
        return
    line = "line" if is_text else "row"
    names = [name for name in map(str, cells) if not NO_NAME.fullmatch(name)]
    first = f"the first {line}, {_short(', '.join(names))},"
    if is_text and len(cells.columns) == 1:
        _check_one(names, _filled(cells.iloc[:, 0]), first, where)
    pictures = [
        name
        for number, name in enumerate(map(str, cells))
        if _is_picture(name) and _are_pictures(_filled(cells.iloc[:, number]))
    ]
    if pictures:
        what = f"{first} holds the picture {pictures[0]!r}, not the names of columns"
        raise UserError(where, what, f"write a {line} above it, {_EXAMPLE}")
    numbers = parsed(pd.Series(names, dtype=object))
    if names and np.isfinite(numbers).all():
        what = f"{first} holds numbers, not the names of columns"
        raise UserError(where, what, f"write a {line} above it, {_EXAMPLE}")
    is_alone = len(names) == 1 and names[0].lower() != "path"
    if is_alone and (len(cells.columns) > 2 or _are_named_below(cells)):
        _refuse_title(first, line, where)


def _are_named_below(cells: pd.DataFrame) -> bool:
    """Whether the first row of two columns names them: it has text above pictures."""
    if len(cells.columns) != 2 or len(cells) < 2:
        return False
    row = [cell.strip() if isinstance(cell, str) else "" for cell in cells.iloc[0]]
    return all(row) and any(
        not _is_picture(name)
        and (_are_pictures(_filled(cells.iloc[1:, number])) or name.lower() == "path")
        for number, name in enumerate(row)
    )


def _check_one(names: list[str], below: list[str], first: str, where: str) -> None:
    """Raise UserError for a single column that holds several with other separators."""
    if not names or len(below) < 1:
        return
    widths = [len(_SEPARATOR.split(cell)) for cell in below]
    if _most([width > 1 for width in widths]) and not _SEPARATOR.search(names[0]):
        _refuse_title(first, "line", where)
    rows = [cell.split() for cell in below]
    width = statistics.mode(len(row) for row in rows)
    are_alike = width > 1 and _most([len(row) == width for row in rows])
    ends = [_is_picture(row[-1]) and not _is_picture(row[0]) for row in rows]
    if not are_alike or _most(ends):
        return  # a column of texts, or of names of files with blanks
    parts = names[0].split()
    is_header = len(parts) > 1 and len(parts) == width
    if is_header and not any(_is_picture(p) or _is_number(p) for p in parts):
        raise UserError(where, f"{first} has only blanks between names", SEPARATED)
    raise UserError(
        where,
        f"{first} does not name the columns, and blanks separate them",
        f"separate them by commas or tabs, below a line with their names, {_EXAMPLE}",
    )


def _refuse_title(first: str, line: str, where: str) -> NoReturn:
    what = f"{first} is a title, not the names of columns"
    raise UserError(where, what, f"delete the {line}s above the one that names them")


def _filled(cells: "pd.Series[Any]") -> list[str]:
    texts = [str(cell).strip() for cell in cells.dropna().head(_TRIED)]
    return [text for text in texts if text]


def _is_picture(text: str) -> bool:
    return text.strip().lower().endswith(ENDINGS)


def _are_pictures(texts: list[str]) -> bool:
    return bool(texts) and _most([_is_picture(text) for text in texts])


def _is_number(text: str) -> bool:
    return bool(np.isfinite(parsed(pd.Series([text], dtype=object))).all())


def _most(are: list[bool]) -> bool:
    return bool(are) and sum(are) > 0.8 * len(are)


def _short(text: str) -> str:
    return repr(text if len(text) < 60 else f"{text[:56]} ...")
