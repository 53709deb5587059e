"""Which labels does a file with a table have? `--data mine=table:labels.csv`.

CSV, TSV and Parquet have the columns of `multitask/contracts/table.py`: `path`, and a
column per label. JSON is the annotation file of mmpretrain's multi-task training
(`datasets/_annotations.py`).
"""

import os
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
from multitask.datasets._annotations import LabelFile, annotations

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.reading import TABLES, has_text, text_declared, typed
from multitask.contracts.table import Reading, check_path, headed

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def read(file: Path, *, name: str) -> Reading:
    """Read the labels in a file, of named heads and of heads that it brings.

    Relative paths are relative to the file's folder. Only an empty cell means *no
    label*; a column is numeric if all of its filled cells are numbers, unless they are
    text in a Parquet file or a TOML beside the file says so, `text = ["code"]`. Rows
    without a picture, or with one that an earlier row lists, are skipped.

    Raises UserError if the file is missing, can't be read as its ending says, lacks the
    column `path`, has a column twice, or if none of its pictures exists.
    """
    where = f"--data {name}"
    path = _existing(file, where)
    labels = _load(path, where)
    cells = _headed(labels.cells, path, where)
    table = typed(cells, where, _text_columns(cells, path, where))
    table["path"], missing = _located(table["path"], labels.root)
    reasons = pd.concat([missing, _repeated(table.drop(index=missing.index))])
    faulty_rows = zip(table["path"][reasons.index], reasons, strict=True)
    skipped = [*labels.skipped, *faulty_rows]
    table = table.drop(index=reasons.index).reset_index(drop=True)
    if table.empty:
        _refuse(path, labels.root, skipped, where)
    return Reading(
        table=table if "source" in table else table.assign(source=name),
        skipped=pd.DataFrame(skipped, columns=["path", "reason"], dtype=object),
        heads=labels.heads(table),
    )


def _existing(file: Path, where: str) -> Path:
    path = Path(os.path.expanduser(file))
    ending = path.suffix.lower()
    if path.is_dir():
        raise UserError(where, f"'{path}' is a folder, not a file", _files())
    if not path.exists():
        raise UserError(where, f"there is no file '{path}'", "check the path")
    if ending not in TABLES:
        raise UserError(where, f"'{path}' has an unknown ending", _files())
    return path


def _files() -> str:
    return f"give a file that ends in {', '.join(TABLES)}"


# From the file to a table


def _load(path: Path, where: str) -> LabelFile:
    ending = path.suffix.lower()
    if ending == ".json":
        return annotations(path, where)
    try:
        cells = _parquet(path) if ending == ".parquet" else _csv(path)
    except ImportError:
        raise UserError(
            f"{where}: '{path}'", "needs pyarrow", "pip install pyarrow"
        ) from None
    except (ValueError, OSError) as error:  # ValueError: it can't be parsed
        raise UserError(f"{where}: '{path}'", f"can't be read: {error}") from error
    return LabelFile(root=path.parent, cells=cells)


def _csv(path: Path) -> pd.DataFrame:
    """All cells as text; as a heading, pandas would rename repeated columns."""
    cells = pd.read_csv(
        path,
        sep=SEPARATORS[path.suffix.lower()],
        header=None,
        dtype=object,
        keep_default_na=False,  # an occlusion may be none
        na_values=[""],
        encoding="utf-8-sig",
        encoding_errors="surrogateescape",  # as in names of files
    )
    names = ["" if pd.isna(name) else name for name in cells.iloc[0]]
    header = pd.Index(names, dtype=object)
    return cells.iloc[1:].set_axis(header, axis=1).reset_index(drop=True)


def _parquet(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path, engine="pyarrow")
    return table if table.index.names == [None] else table.reset_index()


def _headed(cells: pd.DataFrame, path: Path, where: str) -> pd.DataFrame:
    """The columns with a name; UserError if they are not those of a table."""
    file = f"{where}: '{path}'"
    cells = headed(cells, file)
    separators = "separate columns by commas, in .tsv files by tabs"
    check_path(cells, file, separators if len(cells.columns) < 2 else "")
    if cells.empty:
        raise UserError(file, "has no rows")
    return cells


def _text_columns(cells: pd.DataFrame, path: Path, where: str) -> list[str]:
    """The columns that hold text even if it looks like numbers."""
    text = list(text_declared(path, where))
    for name in text:
        if name not in cells:
            what = f"has no column {name!r}, which the TOML beside it declares as text"
            raise UserError(f"{where}: '{path}'", what, nearest(name, cells))
    if path.suffix.lower() == ".parquet":  # which has types
        text += [name for name in map(str, cells) if has_text(cells[name])]
    return text


# From the table to the pictures


def _located(
    names: "pd.Series[Any]", root: Path
) -> "tuple[pd.Series[Any], pd.Series[Any]]":
    """The pictures' files, and a reason for those that don't exist.

    Each folder is listed once, which is much faster than checking each file.
    """
    listed: dict[str, tuple[str, set[str]]] = {}
    files, reasons = {}, {}
    for number, (row, name) in enumerate(names.items(), 1):
        if not isinstance(name, str) or not name:
            files[row], reasons[row] = "", f"row {number} has no path"
            continue
        folder, base = os.path.split(os.path.join(root, os.path.expanduser(name)))
        if folder not in listed:
            listed[folder] = os.path.realpath(folder), _files_in(folder)
        # The real folder: elsewhere, another spelling would be another picture.
        real, names_in_folder = listed[folder]
        files[row] = os.path.join(real, base)
        if os.path.normcase(base) not in names_in_folder:
            reasons[row] = "no such file"
    return pd.Series(files, dtype=object), pd.Series(reasons, dtype=object)


def _files_in(folder: str) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {os.path.normcase(e.name) for e in entries if _is_file(e)}
    except (OSError, ValueError):  # ValueError: a name that no folder can have
        return set()


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _repeated(table: pd.DataFrame) -> "pd.Series[Any]":
    """A reason for each row whose picture an earlier row lists."""
    first: dict[str, int] = {}
    rows, first_rows = [], []
    for row, path in enumerate(table["path"]):
        first_row = first.setdefault(path, row)
        if first_row != row:
            rows.append(row)
            first_rows.append(first_row)
    repeated = table.iloc[rows]
    originals = table.iloc[first_rows].set_index(repeated.index)
    columns = repeated.columns.drop("path")
    labels, first_labels = repeated[columns], originals[columns]
    differs = (labels != first_labels) & ~(labels.isna() & first_labels.isna())
    return pd.Series(
        [
            f"is listed before with another {', '.join(columns[row])}; the first counts"
            if row.any()
            else "is listed before, with the same labels"
            for row in differs.to_numpy(bool)
        ],
        index=repeated.index,
        dtype=object,
    )


def _refuse(
    path: Path, root: Path, skipped: list[tuple[Any, Any]], where: str
) -> NoReturn:
    first, reason = skipped[0]
    raise UserError(
        where,
        f"none of the {len(skipped)} pictures of '{path}' can be used, for example "
        f"'{first}': {reason}",
        f"paths are relative to '{root}'",
    )
