"""How are the lines of a publisher's text files matched with their pictures?

Things that can't be used are appended to a list of (path, reason) for
`Reading.skipped`.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import translate
from multitask.contracts.table import Reading
from multitask.tables.formats.encodings import as_utf8
from multitask.tables.merge import merge
from multitask.tables.similar import located

Skipped = list[tuple[str, str]]


def named(folder: Path, name: str) -> Path | None:
    """The file of that name in `folder` in any case; None if there is none."""
    if not folder.is_dir():
        return None
    files = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    matches = [file for file in files if file.casefold() == name.casefold()]
    return folder / (name if name in matches else matches[0]) if matches else None


def lines(path: Path, where: str) -> list[str]:
    """The lines of a text file, stripped of byte order marks and surrounding blanks.

    Bytes that are not UTF-8 become surrogates, as in names of files. Raises UserError
    if the file can't be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(where, f"'{path}' can't be read ({error.strerror})") from error
    try:
        data, _ = as_utf8(data)
    except ValueError as error:
        raise UserError(where, f"'{path}' can't be read: {error}") from error
    text = data.decode("utf-8", "surrogateescape").replace("\ufeff", "")
    return [line.strip(" ") for line in re.split(r"\r*\n|\r", text)]


def columns_once(table: pd.DataFrame, names: Iterable[str], where: str) -> pd.DataFrame:
    """The table without a second column of any name, whatever its case.

    Raises UserError if a column of `names`, which is read, is there twice.
    """
    folded = pd.Index([str(name).casefold() for name in table])
    is_second = folded.duplicated()
    read_twice = set(folded[is_second]) & {name.casefold() for name in names}
    if read_twice:
        raise UserError(
            where, f"has column {min(read_twice)!r} twice", "rename one of them"
        )
    return table.loc[:, ~is_second]


def joined(
    rows: pd.DataFrame,
    pictures: Mapping[str, str],
    text: str,
    folder: Path,
    skipped: Skipped,
) -> pd.DataFrame:
    """The rows whose picture, called `name`, exists, with its `path`.

    `text` names the file of the rows in reasons, and `folder` is where their pictures
    should be. Rows without a picture and pictures without a row are skipped.
    """
    rows = rows.assign(path=pd.Series(located(list(rows["name"]), pictures), dtype=str))
    missing = rows.loc[rows["path"].isna(), "name"]
    reason = f"{text} lists it, there is no such picture"
    skipped += [(os.path.join(folder, name), reason) for name in missing]
    rows = rows.dropna(subset="path").reset_index(drop=True)
    listed = set(rows["path"])
    unlisted = (path for path in pictures.values() if path not in listed)
    skipped += [(path, f"{text} does not list it") for path in unlisted]
    return rows


def label(
    column: str,
    values: "pd.Series[Any]",
    meanings: Mapping[str, object],
    paths: "pd.Series[str]",
    skipped: Skipped,
) -> "pd.Series[Any]":
    """The labels (rows,) of a column in the heads' spelling; unknown ones are skipped.

    `meanings` maps the publisher's spellings to the heads'.
    """
    labels, reasons = translate(values, meanings)
    named_reasons = (f"{column} {reason}" for reason in reasons)
    skipped += zip(paths[reasons.index], named_reasons, strict=True)
    return labels


def merged(table: pd.DataFrame, skipped: Skipped) -> pd.DataFrame:
    """The table with one row per path; labels in which its rows differ are skipped."""
    result = merge(table)
    reasons = result.conflicts[["path", "reason"]]
    skipped += reasons.itertuples(index=False, name=None)
    return result.table.reset_index(drop=True)


def divided(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table without its `split` if all rows are in one part, and a note about it.

    Such a split would leave no picture to select the best epoch by, or to measure.
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
    """The result of a reader. Raises UserError if no picture is left."""
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
