"""Which column of a table has the pictures?

`path`, or the one that holds names of picture files, or pictures themselves.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError, listed
from multitask.contracts.reading import ENDINGS
from multitask.contracts.table import as_text
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Declaration, column_section
from multitask.tables.formats.embedded import (
    joined_pixels,
    make_pictures,
    picture_cells,
)
from multitask.tables.formats.headers import NO_NAME, check_header
from multitask.tables.locate import pictures_below
from multitask.tables.similar import stem
from multitask.tables.types import parsed

_FILE_NAME = re.compile(r"file|path|image|img|picture|photo|name|id", re.IGNORECASE)
_TRIED = 20  # cells that tell what is in a column


def with_path(
    cells: pd.DataFrame,
    file: Path,
    root: Path,
    declaration: Declaration,
    decisions: Decisions,
    where: str,
) -> "tuple[pd.DataFrame, pd.Series[Any]]":
    """The cells with the column of pictures as `path`, and reasons of rows without one.

    Pictures in cells are written into `FILE.pictures` in `root`. Columns without a name
    are left out. Raises UserError if several columns may be the one, if a declared one
    is missing, or if the first line names no columns.
    """
    cells = cells.set_axis(_names(cells), axis=1)
    if not any(name in cells for name in declaration.column):
        check_header(cells, file, f"{where}: '{file}'")
    declaration.check_columns(cells.columns, f"{where}: '{file}'")
    faults = pd.Series(dtype=object)
    if any(column.role == "path" for column in declaration.column.values()):
        return _named(cells, decisions), faults  # it is renamed as declared
    name: str | None = "path"
    made: str | None = None
    if name not in cells:
        cells = joined_pixels(cells)
        name, made = _picture_column(cells, root, f"{where}: '{file}'")
    if made is not None:
        folder = root / f"{file.name}.pictures"
        files, faults, remark = make_pictures(cells[made], folder.absolute(), where)
        cells = cells.drop(columns=made)
        cells.insert(0, "path", files)
        decisions.remark("path", f"column {made!r}: {remark}")
    elif name is not None and name != "path":
        cells = cells.rename(columns={name: "path"})
        decisions.rename(name, "path")
        decisions.remark("path", f"is column {name!r}")
    return _named(cells, decisions), faults


def _names(cells: pd.DataFrame) -> "pd.Index[Any]":
    """The names of columns as text; those without one are numbered."""
    names = [str(name).strip() for name in cells.columns]
    numbered = [name or f"Unnamed: {number}" for number, name in enumerate(names)]
    return pd.Index(numbered, dtype=object)


def _named(cells: pd.DataFrame, decisions: Decisions) -> pd.DataFrame:
    """The columns with a name; the others are reported, unless they are empty."""
    left = [bool(NO_NAME.fullmatch(name)) for name in cells.columns]
    reported = []
    for number, is_left in enumerate(left):
        name = cells.columns[number]
        if not is_left:
            reported.append(name)
        elif len(filled := cells.iloc[:, number].dropna()):
            reported.append(name)
            decisions.read_as(name, "left out")
            numbers = parsed(filled)
            if (numbers.diff().dropna() == 1).all() and numbers.notna().all():
                decisions.remark(name, "row numbers")
            else:
                example = repr(str(filled.iloc[0])[:30])
                decisions.remark(name, f"has no name; holds {example}; name it")
    decisions.order(reported)
    return cells.loc[:, [not is_left for is_left in left]]


def _picture_column(
    cells: pd.DataFrame, root: Path, file: str
) -> tuple[str | None, str | None]:
    """The column of names of pictures, or else the one of pictures themselves.

    Names of files that are there come first, then those without endings and links to
    them, then names of other files, and other links last.
    """
    tried = _tried(cells)
    exist = [
        name for name, some in tried.items() if any(_is_file(root, s) for s in some)
    ]
    if exist:
        return _one(exist, lambda name: _is_file(root, name), file), None
    stems = {stem(name) for name, _ in pictures_below(root)}
    files = [name for name, some in tried.items() if _ends_as_pictures(some)]
    links = [name for name in files if any(map(is_link, tried[name]))]
    files = [name for name in files if name not in links]

    def are_here(names: list[str]) -> list[str]:
        return [name for name in names if any(stem(s) in stems for s in tried[name])]

    made = None if are_here(files) else picture_cells(cells)
    if made is not None:
        return None, made
    likely = are_here(files) or _by_stem(tried, stems) or are_here(links)
    likely = likely or files or links

    def is_here(name: str) -> bool:
        return stem(f"{name}.jpg") in stems

    return (_one(likely, is_here, file) if likely else None), None


def _one(names: list[str], is_picture: Callable[[str], bool], file: str) -> str:
    """The only column of pictures; UserError if it is the first picture's line."""
    if len(names) > 1:
        lower = [name for name in names if name.lower() == "path"]
        if len(lower) == 1:
            return lower[0]
        what = f"columns {listed(map(repr, names[:5]))} hold names of pictures"
        todo = (
            "rename the one to use to 'path', or write role = \"path\" under "
            f"{column_section(names[0])} into the TOML beside the table"
        )
        raise UserError(file, what, todo)
    if is_picture(names[0]):
        what = f"the first line has the picture {names[0]!r}, not the names of columns"
        raise UserError(file, what, "write a line above it, such as path,label")
    return names[0]


def _by_stem(tried: dict[str, list[str]], stems: set[str]) -> list[str]:
    """The column whose cells are names of pictures without their endings."""
    columns = [
        name
        for name, some in tried.items()
        if len(some) > 1
        and sum(stem(f"{s}.jpg") in stems for s in some) > 0.8 * len(some)
    ]
    likely = [name for name in columns if _FILE_NAME.search(name)]
    is_headless = [name for name in columns if stem(f"{name}.jpg") in stems]
    return is_headless[:1] or (likely if len(likely) == 1 else [])


def _tried(cells: pd.DataFrame) -> dict[str, list[str]]:
    """Some different texts of each column that is no repeated one."""
    tried = {}
    for name in cells.columns[~cells.columns.duplicated(keep=False)]:
        filled = cells[name].dropna()
        values = filled.iloc[:: max(1, len(filled) // 500)].map(_hashable).unique()
        step = max(1, len(values) // _TRIED)
        texts = as_text(pd.Series(list(values[::step][:_TRIED]), dtype=object))
        tried[name] = [text for text in texts if isinstance(text, str) and text]
    return tried


def _hashable(cell: Any) -> Any:
    """A cell, or nothing for one that is an object of Parquet."""
    return cell if isinstance(cell, str | int | float) else ""


def _is_file(root: Path, text: str) -> bool:
    return len(text) < 1000 and os.path.isfile(
        os.path.join(root, os.path.expanduser(text.strip()))
    )


def is_link(text: str) -> bool:
    """Whether a text is an address on the web or in a cloud, not a local file."""
    return re.match(r"\s*(https?|s3|gs)://", text, re.IGNORECASE) is not None


def _ends_as_pictures(texts: list[str]) -> bool:
    matches = sum(text.strip().lower().endswith(ENDINGS) for text in texts)
    return matches > 0 and matches >= len(texts) / 2
