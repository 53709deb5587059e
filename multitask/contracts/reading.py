"""What does a reader of a data set share: files of a folder, meanings of labels?"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, nearest

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


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
    path = existing(folder, where)
    paths, others = _walk(path, where)
    if not paths:
        _refuse(path, others, where)
    return sorted(paths)


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
        holds = f"holds {len(others)} files such as '{name}' but no picture"
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
    reasons = labels[labels.isin(list(unknown))].map(unknown)
    return labels.map(translated), reasons


def _key(spelling: object) -> str:
    return str(spelling).strip().casefold()
