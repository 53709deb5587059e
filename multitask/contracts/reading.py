"""What does a reader of a data set share: files, types of columns, meanings of labels?

Data frames go through the same functions as tables in files, whatever they are for.
"""

import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, counted, nearest
from multitask.contracts.table import RESERVED, check_path, headed

ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".avif"),
)
TABLES = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".parquet", ".json", ".jsonl")
# Spellings of the parts of a split; folders of these names are no classes.
PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def existing(folder: str | Path, where: str) -> Path:
    """The folder with a leading `~` expanded; `where` is how errors name its use.

    Raises UserError if there is no such folder or it is a file.

    >>> existing("/nowhere", "--data utkface")
    Traceback (most recent call last):
    multitask.UserError: --data utkface: there is no folder '/nowhere'; check the path
    """
    path = Path(os.path.expanduser(folder))
    if path.is_dir():
        return path
    if path.exists():
        raise UserError(
            where, f"'{path}' is a file, not a folder", "unpack it if it is an archive"
        )
    raise UserError(where, f"there is no folder '{path}'", "check the path")


def pictures(folder: str | Path, where: str) -> list[str]:
    """Every picture in `folder` and the folders in it, sorted, by its ending.

    Hidden files and folders are left out; no file is opened. Raises UserError if
    `folder` does not exist, is a file, can't be read or holds no picture.
    """
    return pictures_and_others(folder, where)[0]


def pictures_and_others(folder: str | Path, where: str) -> tuple[list[str], list[str]]:
    """The paths of `pictures`, and those of all other files that are not hidden.

    Raises UserError as `pictures` does.
    """
    path = existing(folder, where)
    paths, others = _walk(path, where)
    if not paths:
        _refuse(path, others, where)
    return sorted(paths), sorted(others)


def _walk(folder: Path, where: str) -> tuple[list[str], list[str]]:
    """Paths of the pictures, and of all other files."""

    def unreadable(error: OSError) -> NoReturn:
        raise UserError(
            where, f"'{error.filename}' can't be read ({error.strerror})"
        ) from error

    paths: list[str] = []
    others: list[str] = []
    seen: set[str] = set()  # a link to a folder above would never end
    for root, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        # Sorted, so that which of two links to one folder wins is no accident.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith("."):
                is_picture = name.lower().endswith(ENDINGS)
                (paths if is_picture else others).append(os.path.join(root, name))
    return paths, others


def _refuse(folder: Path, others: list[str], where: str) -> NoReturn:
    holds = "is empty"
    if others:
        name = os.path.relpath(min(others), folder)
        holds = f"holds {counted(len(others), 'file')} such as '{name}' but no picture"
    raise UserError(
        where, f"'{folder}' {holds}", f"pictures end in {', '.join(ENDINGS)}"
    )


def texts(folder: str | Path, where: str) -> list[str]:
    """Every file in `folder` and the folders in it that ends in .txt, sorted.

    Hidden ones are left out. Raises UserError as `pictures` does, except if there is
    none.
    """
    others = _walk(existing(folder, where), where)[1]
    return sorted(path for path in others if path.lower().endswith(".txt"))


def translate(
    labels: "pd.Series[Any]", meanings: Mapping[str, object]
) -> "tuple[pd.Series[Any], pd.Series[str]]":
    """Turn labels (rows,) from a publisher's spelling into that of the heads.

    `meanings` is the mapping that a reader declares: spelling to label, or to NaN where
    a spelling says that nobody annotated it. Case and blanks around do not count.

    Returns the labels, empty where a cell was empty, blank or not known; and for the
    cells that are not known (only these, by their index) a reason that names the
    nearest spelling.

    >>> labels, reasons = translate(pd.Series([" MALE", "Femal", None]), {"male": "m"})
    >>> labels.tolist()
    ['m', nan, nan]
    >>> reasons.tolist()
    ["is 'Femal', left empty; did you mean 'male'? Known: male"]
    """
    known = {_key(spelling): label for spelling, label in meanings.items()}
    distinct = labels.dropna().unique()
    translated = {label: known.get(_key(label), np.nan) for label in distinct}
    unknown = {
        label: f"is {str(label)!r}, left empty; {nearest(label, meanings)}"
        for label in distinct
        if _key(label) and _key(label) not in known
    }
    is_unknown = labels.isin(list(unknown)) if unknown else [False] * len(labels)
    reasons = labels[is_unknown].map(unknown)
    return labels.map(translated), reasons


def _key(spelling: object) -> str:
    return str(spelling).strip().casefold()


# From a data frame to a table


def picture_table(frame: object, where: str) -> pd.DataFrame:
    """A data frame of pictures with text as names of columns, and a fresh index.

    Levels of its index become columns if they are called as one of every table, such as
    `path`. A leading `~` of a path is expanded, and a box is text or empty.

    Raises UserError if it is no data frame or has no column `path`.
    """
    if not isinstance(frame, pd.DataFrame):
        kind = type(frame).__name__
        raise UserError(where, f"is of type {kind}, must be a pandas.DataFrame")
    table = headed(frame.reset_index(drop=True), where)
    for level, name in enumerate(frame.index.names):
        if name in RESERVED and name not in table:
            table = table.assign(**{str(name): frame.index.get_level_values(level)})
    check_path(table, where)
    convert = {"path": _file_name, "box": box_text}
    columns = {
        # As objects: names of files that are not UTF-8 fit no other type of text.
        name: pd.Series([*map(convert[name], table[name])], table.index, dtype=object)
        for name in convert
        if name in table
    }
    return table.assign(**columns)


def _file_name(picture: Any) -> Any:
    """A path with a leading `~` expanded; a picture as it is."""
    if isinstance(picture, str | PathLike):
        return os.path.expanduser(os.fspath(picture))
    return picture


def box_text(box: Any) -> str | None:
    """A box as the text that `decode` takes, which tells a wrong one.

    >>> box_text((4, 0, 20.5, 16)), box_text(float("nan"))
    ('4 0 20.5 16', None)
    """
    if isinstance(box, tuple | list | np.ndarray | pd.Series):
        return " ".join(map(str, box))
    return None if pd.isna(box) else str(box).strip() or None
