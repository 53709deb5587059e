"""How do the lines of a publisher's text files come to their pictures?

What can't be used is appended to a list of (path, reason), as `Reading.skipped` has it.
"""

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import translate
from multitask.contracts.table import Reading

Skipped = list[tuple[str, str]]


def named(folder: Path, name: str) -> Path | None:
    """The file of that name in `folder`, whatever the case of its letters."""
    if not folder.is_dir():
        return None
    found = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    alike = [other for other in found if other.casefold() == name.casefold()]
    return folder / (name if name in alike else alike[0]) if alike else None


def lines(path: Path, where: str) -> list[str]:
    """Lines of a text file without byte order marks and blanks around.

    Bytes that are not UTF-8 are kept as the names of files keep them. Raises UserError
    if the file can't be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(where, f"'{path}' can't be read ({error.strerror})") from error
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")  # some editors save as UTF-16
    code, errors = ("utf-16", "replace") if wide else ("utf-8", "surrogateescape")
    text = data.decode(code, errors).replace("\ufeff", "")
    return [line.strip(" \r") for line in text.split("\n")]


def located(names: Sequence[str], pictures: Mapping[str, str]) -> list[str | None]:
    """The path of each name, None where no picture matches.

    `pictures` maps names to paths. A name that is not there as it is spelt may differ
    from a picture's, that no other name has, in the case of letters, in how Unicode
    composes them, or in the ending.
    """
    found = [pictures.get(name) for name in names]
    if None not in found:
        return found
    taken = set(found)
    free = {name: path for name, path in pictures.items() if path not in taken}
    alike = _unambiguous((_key(name), path) for name, path in free.items())
    stems = _unambiguous((_stem(name), path) for name, path in free.items())
    return [
        path or alike.get(_key(name)) or stems.get(_stem(name))
        for name, path in zip(names, found, strict=True)
    ]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    return os.path.splitext(_key(name))[0]


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    twice = set()
    for key, path in pairs:
        if found.setdefault(key, path) != path:
            twice.add(key)
    return {key: path for key, path in found.items() if key not in twice}


def joined(
    rows: pd.DataFrame,
    pictures: Mapping[str, str],
    text: str,
    folder: Path,
    skipped: Skipped,
) -> pd.DataFrame:
    """The rows whose `name` (of the picture) is there, with its `path`.

    `text` is how reasons name the file that the rows are from, `folder` is where their
    pictures should be. Rows without a picture and pictures without a row are told.
    """
    rows = rows.assign(path=pd.Series(located(list(rows["name"]), pictures), dtype=str))
    absent = rows.loc[rows["path"].isna(), "name"]
    reason = f"{text} lists it, there is no such picture"
    skipped += [(os.path.join(folder, name), reason) for name in absent]
    rows = rows.dropna(subset="path").reset_index(drop=True)
    listed = set(rows["path"])
    bare = (path for path in pictures.values() if path not in listed)
    skipped += [(path, f"{text} does not list it") for path in bare]
    return rows


def label(
    column: str,
    said: "pd.Series[Any]",
    meanings: Mapping[str, object],
    paths: "pd.Series[str]",
    skipped: Skipped,
) -> "pd.Series[Any]":
    """The labels of a column (rows,) in the heads' spelling; unknown ones are told."""
    labels, reasons = translate(said, meanings)
    told = (f"{column} {reason}" for reason in reasons)
    skipped += zip(paths[reasons.index], told, strict=True)
    return labels


def merged(table: pd.DataFrame, skipped: Skipped) -> pd.DataFrame:
    """The table with one row a path; where rows of one path differ, its label is empty.

    An empty cell differs from nothing.
    """
    repeated = table["path"].duplicated(keep=False)
    if not repeated.any():
        return table
    groups = table[repeated].groupby("path", sort=False)
    differ = groups.nunique() > 1
    one = groups.first().mask(differ).reset_index()
    for column in differ:
        reason = f"{column} differs between its lines, left empty"
        skipped += [(path, reason) for path in differ.index[differ[column]]]
    kept = table[~table["path"].duplicated()].set_index("path")
    kept.loc[one["path"]] = one.set_index("path")
    return kept.reset_index()


def divided(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table without its `split` if all rows are in one part, and a note of that.

    Kept, it would leave no picture to choose the best epoch by or to measure on.
    """
    if "split" not in table:
        return table, ()
    parts = table["split"].dropna().unique()
    if len(parts) > 1:
        return table, ()
    notes = tuple(
        f"{where}: every picture is in part {part!r}, so the split is left to chance."
        for part in parts
    )
    return table.drop(columns="split"), notes


def reading(
    table: pd.DataFrame,
    skipped: Skipped,
    *,
    source: str,
    folder: Path,
    notes: tuple[str, ...] = (),
) -> Reading:
    """What a reader gives. Raises UserError if no picture is left."""
    if table.empty:
        path, reason = skipped[0]
        raise UserError(
            f"--data {source}",
            f"no picture in '{folder}' can be used; {len(skipped)} things were set "
            f"aside, the first '{os.path.relpath(path, folder)}': {reason}",
        )
    return Reading(
        table=table.assign(source=source).reset_index(drop=True),
        skipped=pd.DataFrame(skipped, columns=["path", "reason"], dtype=str),
        notes=notes,
    )
