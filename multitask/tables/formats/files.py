"""Which cells are in a file of labels, whatever its format?"""

import datetime
import re
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.paths import expand_user
from multitask.contracts.reading import PARTS, TABLES
from multitask.tables.decisions import Decisions
from multitask.tables.formats.annotations import LabelFile, annotations
from multitask.tables.formats.json_files import read_json, read_lines
from multitask.tables.formats.text_files import read_text, with_points
from multitask.tables.formats.thousands import without_dots

_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
# What openpyxl raises of a broken file.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, KeyError, SyntaxError, EOFError),
    *(AttributeError, TypeError, IndexError),
)
_PACKAGES = {".parquet": "pyarrow", ".xlsx": "openpyxl"}


def existing_file(file: Path, where: str) -> Path:
    """The path of a file of labels, or of a folder of pictures with `metadata.csv`.

    Raises UserError if there is none, or if its ending is unknown.
    """
    path = expand_user(file)
    ending = path.suffix.lower()
    if path.is_dir():
        files = metadata(path)
        if not files:
            what = f"'{path}' is a folder, not a file"
            raise UserError(where, what, f"{_files()}, or a folder with {_METADATA[0]}")
        return files[0] if files[0].parent == path else path
    if not path.exists():
        raise UserError(where, f"there is no file '{path}'", "check the path")
    if ending not in TABLES:
        raise UserError(where, f"'{path}' has an unknown ending", _files())
    return path


def metadata(folder: Path) -> list[Path]:
    """The label files of an image folder of Hugging Face: its own, or one per part."""
    files = [folder / name for name in _METADATA if (folder / name).is_file()]
    if files:
        return files[:1]
    parts = [part for part in sorted(folder.iterdir()) if part.name.lower() in PARTS]
    below = [
        next(iter(f for n in _METADATA if (f := p / n).is_file()), None) for p in parts
    ]
    return [file for file in below if file]


def _files() -> str:
    return f"give a file that ends in {', '.join(TABLES)}"


def load(
    path: Path,
    where: str,
    decisions: Decisions,
    text: tuple[str, ...] = (),
    header: str = "",
) -> LabelFile:
    """Read the cells of a file as its ending says.

    What is changed is added to `decisions`; columns named in `text` are text. `header`
    is the first line of a text file that has none. Raises UserError if it can't be
    read, or if that needs a package that is missing.
    """
    if path.is_dir():
        return _image_folder(path, where, decisions, text)
    ending = path.suffix.lower()
    try:
        if header and ending in (".csv", ".txt"):
            cells, _ = read_text(path, decisions, text, header)
            return LabelFile(root=path.parent, cells=cells)
        return _loaded(path, ending, where, decisions, text)
    except ImportError:
        package = _PACKAGES[ending]
        todo = f"pip install {package}"
        raise UserError(f"{where}: '{path}'", f"needs {package}", todo) from None
    except RecursionError:
        raise UserError(f"{where}: '{path}'", "is nested too deeply") from None
    except (ValueError, OSError) as error:  # ValueError: it can't be parsed
        raise UserError(f"{where}: '{path}'", *_why(error, path)) from error


def _why(error: Exception, path: Path) -> tuple[str, str]:
    """What is wrong with a file that can't be read, and what to do."""
    if isinstance(error, pd.errors.EmptyDataError):
        return "is empty", "begin it with a line of column names, one of them path"
    reason = " ".join(str(error).split())
    if opened := re.search(r"EOF inside string starting at row (\d+)", reason):
        what = f"a quote that is opened in line {int(opened[1]) + 1} is never closed"
        return what, "close it, or remove it"
    match = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", reason)
    if not match:
        return f"can't be read: {reason}", ""
    width, line, cells = match.groups()
    if width == "1":
        first = path.read_bytes().lstrip(b"\r\n").splitlines()[0][:60]
        text = first.decode("utf-8-sig", "replace")
        what = f"the first line, {text!r}, has one cell, but line {line} has {cells}"
        return what, "delete the lines above the one that names the columns"
    what = f"line {line} has {cells} cells, but the header has {width}"
    return what, "put cells that contain the separator in quotes"


def _loaded(
    path: Path, ending: str, where: str, decisions: Decisions, text: tuple[str, ...]
) -> LabelFile:
    skipped: list[tuple[str, str]] = []
    if ending == ".json":
        if _is_mmpretrain(path):
            return annotations(path, where, decisions)
        cells, skipped = read_json(path, where, decisions)
    elif ending == ".jsonl":
        cells = read_lines(path, where, decisions)
    elif ending == ".parquet":
        cells = _parquet(path)
    elif ending == ".xlsx":
        cells = _sheet(path, decisions)
    else:
        cells, has_commas = read_text(path, decisions, text)
        if has_commas:
            cells = without_dots(cells, path, decisions, text)
            cells = with_points(cells, decisions, text)
    return LabelFile(root=path.parent, cells=cells, skipped=skipped)


def _is_mmpretrain(path: Path) -> bool:
    data = path.read_bytes()
    return b'"data_list"' in data or b'"metainfo"' in data


def _parquet(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path, engine="pyarrow")
    return table if table.index.names == [None] else table.reset_index()


def _sheet(path: Path, decisions: Decisions) -> pd.DataFrame:
    """The cells of the first sheet of a workbook; days are text as in 2024-05-31."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of styles that it leaves out
            with pd.ExcelFile(path, engine="openpyxl") as book:
                sheets = [*map(str, book.sheet_names)]
                cells = pd.read_excel(
                    book, header=None, dtype=object, keep_default_na=False,
                    na_values=[""],
                )  # fmt: skip
    except _BROKEN as error:
        raise ValueError(f"it is not a workbook ({error})") from error
    if cells.empty:
        raise ValueError(f"sheet {sheets[0]!r} is empty")
    names = ["" if pd.isna(name) else str(name) for name in cells.iloc[0]]
    cells = cells.iloc[1:].set_axis(pd.Index(names, dtype=object), axis=1)
    cells = cells.dropna(how="all").reset_index(drop=True)
    if len(sheets) > 1:
        others = ", ".join(map(repr, sheets[1:4]))
        decisions.read_as("(file)", "first sheet")
        decisions.remark("(file)", f"only sheet {sheets[0]!r} is read, not {others}")
    return pd.DataFrame(
        {number: cells.iloc[:, number].map(_day) for number in range(cells.shape[1])}
    ).set_axis(cells.columns, axis=1)


def _day(cell: Any) -> Any:
    if isinstance(cell, datetime.datetime) and not pd.isna(cell):
        return str(cell.date() if cell.time() == datetime.time() else cell)
    return str(cell) if isinstance(cell, datetime.date | datetime.time) else cell


def _image_folder(
    folder: Path, where: str, decisions: Decisions, text: tuple[str, ...]
) -> LabelFile:
    """The cells of a folder's metadata; those of its parts with a column `split`."""
    parts, skipped = [], []
    for file in metadata(folder):
        labels = load(file, where, decisions, text)
        cells, part = labels.cells, file.parent.name
        if file.parent != folder:
            name = "file_name" if "file_name" in cells else "path"
            if name in cells:
                cells = cells.assign(**{name: f"{part}/" + cells[name].astype(str)})
            cells = cells.assign(split=PARTS[part.lower()])
        parts.append(cells)
        skipped += labels.skipped
    for cells in parts:
        twice = cells.columns[cells.columns.duplicated()]
        if len(twice):
            todo = "rename one of them"
            raise UserError(
                f"{where}: '{folder}'", f"has column {twice[0]!r} twice", todo
            )
    cells = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    return LabelFile(root=folder, cells=cells, skipped=skipped)
