"""Which rows do the files of a published layout have?"""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd
from multitask.datasets._listed import columns_once
from multitask.datasets._published_paths import add_pixels, fields, filled, placed

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.reading import ENDINGS, PARTS, existing, pictures_and_others
from multitask.tables.decisions import Decisions
from multitask.tables.formats.files import existing_file, load
from multitask.tables.words import key

_DEPTH = 4  # of folders that are searched for files of labels
_ROW = re.compile(r"\brow (\d+)(: folder)?\b")


@dataclass(frozen=True, kw_only=True)
class Files:
    """One edition of a layout, see `_published.py`."""

    files: tuple[str, ...] = ()
    header: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    box: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    split: str = ""
    identity: str = ""
    pixels: str = ""
    folders: str = ""


@dataclass(kw_only=True)
class Named:
    """The cells of an edition's files, under the names that tables have.

    `raw` has the names that columns have in the files, and `files` the number of rows
    of each; rows of class folders have no file.
    """

    cells: pd.DataFrame
    raw: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, int]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    root: Path = Path()

    def placed(self, text: str) -> str:
        """A text with the file, and the row in it, in place of a row of the cells."""

        def in_file(match: "re.Match[str]") -> str:
            row = int(match[1])
            for name, count in self.files:
                if row <= count:
                    return f"'{name}' row {row}{match[2] or ''}"
                row -= count
            return "folder" if match[2] else match[0]

        return _ROW.sub(in_file, text)

    def picture(self, row: int) -> str:
        """The path of a row's picture."""
        path = self.cells["path"].get(row) if "path" in self.cells else None
        if not isinstance(path, str):
            return str(self.root)
        return str(self.root / path)


def find(
    path: Path, editions: Sequence[Files], where: str, classes: Collection[str]
) -> tuple[Files, Path, list[Path]]:
    """The edition that a folder or file is of, its folder, and its files of labels.

    Without a file it is one of class folders, at least one of which is called as one
    of the `classes`. Raises UserError if it is of no edition.
    """
    path = Path(os.path.abspath(os.path.expanduser(path)))
    if path.is_file():
        existing_file(path, where)  # refuses other endings
        for edition in editions:
            if any(_matches(path.name, patterns) for patterns in edition.files):
                return edition, path.parent, [path]
        edition = next((one for one in editions if one.files), editions[0])
        return edition, path.parent, [path]
    folder = existing(path, where)
    try:
        levels = list(_levels(folder))
    except OSError as error:
        what = f"'{error.filename}' can't be read ({error.strerror})"
        raise UserError(where, what) from error
    for edition in editions:
        for patterns in edition.files:
            for level in levels:
                matches = [file for file in level if _matches(file.name, patterns)]
                if matches:
                    return edition, folder, sorted(matches)
    known = ", ".join(text for one in editions for text in one.files)
    what = f"'{folder}' holds none of the files {known}"
    for edition in editions:
        if edition.folders:
            if any(key(name) in classes for name in _folders(folder)):
                return edition, folder, []
            what += " and no folders of classes"
    raise UserError(where, what, "give the folder that contains them")


def _matches(name: str, patterns: str) -> bool:
    known = patterns.casefold().split(",")
    return any(fnmatch(name.casefold(), pattern) for pattern in known)


def _levels(folder: Path) -> Iterable[list[Path]]:
    """The files in a folder, then those one level below, ..., without pictures."""
    level = [folder]
    for _ in range(_DEPTH):
        others, deeper = [], []
        for one in level:
            with os.scandir(one) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        deeper.append(Path(entry.path))
                    elif not entry.name.lower().endswith(ENDINGS):
                        others.append(Path(entry.path))
        yield others
        level = deeper


def _folders(folder: Path) -> Iterable[str]:
    for _, names, _ in os.walk(folder):
        yield from names


def rows_of(
    edition: Files,
    root: Path,
    paths: Sequence[Path],
    votes: Sequence[str],
    decisions: Decisions,
    where: str,
) -> Named:
    """The rows of files of labels, with the paths of their pictures.

    Columns that are not declared are left out. Raises UserError if a file can't be
    read, or lacks a column that names pictures or holds votes.
    """
    rows = Named(cells=pd.DataFrame(), root=root)
    tables = []
    for path in paths:
        cells = load(path, where, decisions, header=edition.header).cells
        cells = _spelled(cells, edition, votes, rows.skipped, path, where)
        rows.files.append((os.path.relpath(path, root), len(cells)))
        tables.append(cells.assign(file=path.name))
    cells = pd.concat(tables, ignore_index=True)
    table = pd.DataFrame(index=cells.index)
    if edition.split:
        names = filled(edition.split, cells)
        words = names.map({name: _part(name) for name in names.unique()})
        cells["part"], table["split"] = words, words.map(PARTS).astype(object)
    if edition.path:
        table["path"] = placed(edition.path, root, paths, rows.files, cells)
        add_pixels(table, edition.pixels, root, paths, where)
    if edition.identity:
        names = table["path"].astype(object).str.replace(r"(?s).*/", "", regex=True)
        table["identity"] = names.str.extract(edition.identity, expand=False)
    used = [*fields([*edition.path, edition.split]), "file", "part"]
    for raw in map(str, cells):
        name = edition.columns.get(raw, raw if raw in (*edition.box, *votes) else "")
        if name:
            table[name] = cells[raw]
            rows.raw[name] = raw
            if name != raw:
                decisions.remark(name, f"is column {raw!r}")
        elif raw not in used:
            decisions.read_as(raw, "left out")
    rows.cells = table
    return rows


def _spelled(
    cells: pd.DataFrame,
    edition: Files,
    votes: Sequence[str],
    skipped: list[tuple[str, str]],
    path: Path,
    where: str,
) -> pd.DataFrame:
    """The cells with columns as they are declared, whatever their case."""
    cells = cells.set_axis([str(name).strip() for name in cells], axis=1)
    must = fields([*edition.path, edition.split])
    must = [name for name in must if name not in ("file", "part")]
    read = dict.fromkeys([*must, *votes, *edition.columns, *edition.box])
    cells = columns_once(cells, read, f"{where}: '{path}'")
    known = {str(name).casefold(): str(name) for name in cells}
    names = {}
    for name in read:
        column = known.get(name.casefold())
        if column is not None:
            names[column] = name
        elif name in must or name in votes:
            todo = nearest(name, cells)
            raise UserError(f"{where}: '{path}'", f"has no column {name!r}", todo)
        elif name in edition.columns:
            label = edition.columns[name]
            reason = f"has no column {name!r}: {label} stays empty"
            skipped.append((str(path), reason))
    return cells.rename(columns=names)


def _part(text: object) -> str | float:
    """The word of a text that names a part of a split."""
    words = re.findall("[a-z]+", str(text).casefold())
    return next((word for word in words if word in PARTS), np.nan)


def class_folders(edition: Files, root: Path, where: str) -> Named:
    """One row per picture, with the name of its folder as the class.

    The parts of a split are folders above those of the classes. Pictures elsewhere,
    and other files in class folders, are skipped.
    """
    paths, others = pictures_and_others(root, where)
    rows, skipped = [], []
    for path in paths:
        *folders, _ = Path(os.path.relpath(path, root)).parts
        names = [_bare(name) for name in folders]
        classes = [f for f, n in zip(folders, names, strict=True) if n not in PARTS]
        parts = [PARTS[name] for name in names if name in PARTS]
        if classes:
            part = parts[-1] if parts else np.nan
            rows.append((os.path.relpath(path, root), classes[-1], part))
        else:
            skipped.append((path, "lies in no class folder"))
    cells = pd.DataFrame(rows, columns=["path", edition.folders, "split"])
    filled = {os.path.dirname(path) for path in cells["path"]}
    for path in others:
        if os.path.dirname(os.path.relpath(path, root)) in filled:
            reason = f"is no picture; pictures end in {', '.join(ENDINGS)}"
            skipped.append((path, reason))
    cells = cells.astype(object).dropna(axis=1, how="all")
    raw = {edition.folders: "folder"}
    return Named(cells=cells, raw=raw, skipped=skipped, root=root)


def _bare(folder: str) -> str:
    """The name of a folder as that of a part: `train_set` is `train`."""
    return folder.casefold().removesuffix("set").rstrip("_- ")
