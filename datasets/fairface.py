"""Which labels does FairFace have? Age as a range of years, gender, and seven races.

`fairface_label_train.csv` and `fairface_label_val.csv` beside `train/` and `val/`, or
beside `fairface-img-margin025-trainval/` or `fairface-img-margin125-trainval/`, the
folders of the archives with a padding of 0.25 and 1.25, which hold these. By
Kärkkäinen and Joo, "FairFace: Face Attribute Dataset for Balanced Race, Gender, and
Age" (WACV 2021); CC BY 4.0: https://github.com/joojs/fairface
"""

import csv
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
from multitask.datasets._listed import (
    Skipped,
    columns_once,
    divided,
    joined,
    label,
    lines,
    merged,
    named,
    reading,
)

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.reading import existing, pictures
from multitask.contracts.table import Reading
from multitask.tables.dates import month
from multitask.tables.words import FIVE

ABOUT = {
    "title": "FairFace",
    "address": "https://github.com/joojs/fairface",
    "terms": "CC BY 4.0",
    "labels": "age (an interval), gender and race are impressions on which two of "
    "three crowd workers agreed",
}
WHERE = "--data fairface"
FILES = {part: f"fairface_label_{part}.csv" for part in ("train", "val")}
COLUMNS = ("file", "age", "gender", "race")
GENDERS = {"Male": "male", "Female": "female"}
SEVEN = {
    "White": "white",
    "Black": "black",
    "Indian": "indian",
    "East Asian": "east_asian",
    "Southeast Asian": "southeast_asian",
    "Middle Eastern": "middle_eastern",
    "Latino Hispanic": "latino_hispanic",
}
# What lies above the folder of a part, and the name from there on.
INNER = re.compile(r"(?s)(.*/)?((?:train|val)/.*)")
OLDEST = 116  # the highest age of the named head `age`
AGES = {
    "0-2": (0, 2),
    "3-9": (3, 9),
    **{f"{low}-{low + 9}": (low, low + 9) for low in range(10, 70, 10)},
    "more than 70": (70, OLDEST),
}
YEARS = {"2019": 19}  # what spreadsheets turn 19 into


def read(folder: Path) -> Reading:
    """Read FairFace: `age_low` and `age_high`, `gender`, `race` and `race7`, `split`.

    An age is an interval of years, both ends included. `race` maps `race7` to the five
    classes of UTKFace. The validation part stays `val`; one part alone is no split.
    Lines without a picture and pictures without a line are skipped. The files of labels
    may also lie in a folder above or below; of two sets of pictures the first is read.
    Raises UserError if the folder, both files of labels, the column `file` or all
    listed pictures are missing.
    """
    folder = existing(folder, WHERE)
    lists = _files(folder)
    if not lists:
        raise UserError(
            WHERE,
            f"'{folder}' contains neither {' nor '.join(FILES.values())}",
            "give the folder that contains one of them, beside train/ and val/",
        )
    skipped: Skipped = []
    parts = [_part(path, part, skipped) for part, path in lists.items()]
    start = len(os.path.join(folder, ""))
    paths, told = _one_set(
        {path[start:].replace(os.sep, "/"): path for path in pictures(folder, WHERE)}
    )
    names = " or ".join(path.name for path in lists.values())
    rows = joined(pd.concat(parts, ignore_index=True), paths, names, folder, skipped)
    table = merged(_labelled(rows, skipped), skipped)
    table, notes = divided(table, WHERE)
    result: Reading = reading(
        table, skipped, source="fairface", folder=folder, notes=(*told, *notes)
    )
    return result


def _files(folder: Path) -> dict[str, Path]:
    """The files of labels by part, in a folder, one above it, or one below.

    Those above the folder of a part are only its own.
    """
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    for place in (folder, *folder.resolve().parents[:2], *below):
        files = {part: named(place, name) for part, name in FILES.items()}
        lists = {part: path for part, path in files.items() if path is not None}
        if lists:
            own = lists.keys() & {folder.name} if place != folder else ()
            return {
                part: path for part, path in lists.items() if part in own or not own
            }
    return {}


def _one_set(paths: dict[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The pictures of one archive, and a note if there are those of another, too.

    The same faces with more margin have the same names.
    """
    inner: dict[str, str] = {}  # where the first picture of each name lies
    kept, others = {}, {}
    for name in sorted(paths):
        match = INNER.fullmatch(name)
        above = match[1] or "" if match else ""
        first = inner.setdefault(match[2] if match else name, above)
        if above == first:
            kept[name] = paths[name]
        else:
            others[above.rstrip("/")] = first.rstrip("/") or "."
    notes = (
        f"{WHERE}: '{other}' has pictures that '{first}' has, too: these are read. "
        "Give the folder to read the others."
        for other, first in others.items()
    )
    return kept, tuple(notes)


def _part(path: Path, part: str, skipped: Skipped) -> pd.DataFrame:
    """One row per line: `name` of the picture, and the file's own columns."""
    text = [(n, line) for n, line in enumerate(lines(path, WHERE), 1) if line.strip()]
    header = text[0][1] if text else ""
    separator = next((mark for mark in ",;\t" if mark in header), ",")
    split = (_cells(line, separator) for _, line in text)
    columns = [name.strip().casefold() for name in next(split, [])]
    where = f"{WHERE}: '{path}'"
    if "file" not in columns:
        raise UserError(
            where,
            f"has no column 'file', only {', '.join(columns) or 'none'}",
            nearest("file", COLUMNS),
        )
    rows = []
    for (number, _), row in zip(text[1:], split, strict=True):
        if len(row) == len(columns):
            rows.append(row)
        else:
            reason = f"line {number} has {len(row)} fields, must have {len(columns)}"
            skipped.append((str(path), reason))
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        reason = f"has no column {', '.join(missing)}: these labels stay empty"
        skipped.append((str(path), reason))
    cells = pd.DataFrame(rows, columns=columns, dtype="str")
    table: pd.DataFrame = columns_once(cells, COLUMNS, where)
    table = table.reindex(columns=list(COLUMNS)).astype("str")
    names = table["file"].str.strip().str.replace("\\", "/")
    with_folder = names.str.contains("/")
    return table.assign(name=names.where(with_folder, f"{part}/" + names), split=part)


def _cells(line: str, separator: str) -> list[str]:
    """The fields of a line alone: a stray quote would swallow all up to the next."""
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # such as a field of more than 128 KB
        return line.split(separator)


def _labelled(rows: pd.DataFrame, skipped: Skipped) -> pd.DataFrame:
    paths = rows["path"]
    ages = rows["age"].map({age: _age(age) for age in rows["age"].dropna().unique()})
    classes = label("age", ages, {age: age for age in AGES}, paths, skipped)
    genders = label("gender", rows["gender"], GENDERS, paths, skipped)
    races = rows["race"].str.replace("_", " ")
    seven = label("race", races, SEVEN, paths, skipped)
    return pd.DataFrame(
        {
            "path": paths,
            "age_low": classes.map({age: low for age, (low, _) in AGES.items()}),
            "age_high": classes.map({age: high for age, (_, high) in AGES.items()}),
            "gender": genders,
            "race": seven.map(FIVE),
            "race7": seven,
            "split": rows["split"],
        }
    ).astype({"age_low": np.float64, "age_high": np.float64})


def _age(text: str) -> str:
    """The class of an age in any spelling, also if a spreadsheet made it a date.

    >>> [_age(text) for text in ("03-Sep", "9-Mar", "Oct-19", "2019-10-01", "70+")]
    ['3-9', '3-9', '10-19', '10-19', 'more than 70']
    """
    words = re.findall(r"\d+|[^\W\d_]+", text.casefold())
    numbers = {YEARS.get(word, month(word)) for word in words} - {0}
    numbers |= {int(word) for word in words if word.isdecimal()}
    matches = [
        age
        for age in AGES
        if {int(number) for number in re.findall(r"\d+", age)} <= numbers
    ]
    return matches[0] if len(matches) == 1 else text
