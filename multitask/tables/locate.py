"""Which files are the pictures that a table lists?"""

import os
from pathlib import Path
from typing import Any

import pandas as pd


def locate(
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
