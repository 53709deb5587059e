"""Which labels does CelebA have? Forty attributes, identity and part of each face.

The publishers' folder (`list_attr_celeba.txt` and others beside `img_align_celeba/`,
or sorted into `Anno/`, `Eval/` and `Img/`) and the CSV edition of it. By Liu, Luo, Wang
and Tang, "Deep Learning Face Attributes in the Wild" (ICCV 2015); for non-commercial
research: https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html
"""

import io
import os
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
from multitask.datasets._listed import (
    Skipped,
    divided,
    joined,
    label,
    lines,
    merged,
    named,
    reading,
)

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.reading import existing, pictures
from multitask.contracts.table import Reading
from multitask.tables.decisions import Decisions

ABOUT = {
    "title": "CelebA",
    "address": "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    "terms": "non-commercial research",
    "labels": "attributes are impressions of annotators about whom nothing is "
    "published; some are opinions",
}
WHERE = "--data celeba"
ATTRIBUTES = "list_attr_celeba"
PARTITION = "list_eval_partition"
IDENTITY = "identity_CelebA"
IMAGES = ("img_align_celeba", "img_align_celeba_png")
PLACES = ("", "Anno", "Eval", "Img")  # the publishers' own folders
SIGNS = {"1": 1.0, "-1": 0.0}
NO_SIGNS = {"1": 1.0, "0": 0.0}  # in an edition whose -1 were all replaced by 0
GENDERS = {1.0: "male", 0.0: "female"}
PARTS = {"0": "train", "1": "val", "2": "test"}


def read(folder: Path) -> Reading:
    """Read CelebA: the attributes (1 or 0), `gender`, `identity` and `split`.

    Lines without a picture, pictures without a line and malformed lines are skipped.
    `identity` and `split` need their files; a partition with only one part is ignored.
    Raises UserError if the folder or a readable file of attributes is missing, or all
    pictures that it names.
    """
    folder = existing(folder, WHERE)
    path = _file(folder, ATTRIBUTES)
    if path is None:
        raise UserError(
            WHERE,
            f"'{folder}' contains no {ATTRIBUTES}.txt or .csv",
            f"give the folder that contains it, beside {IMAGES[0]}/",
        )
    skipped: Skipped = []
    images = _images(folder)
    paths = _pictures(images, skipped)
    attributes = _attributes(path, paths, skipped)
    rows = joined(attributes, paths, path.name, images, skipped)
    signs = _signs(attributes)
    table = _labelled(rows, signs, skipped)
    identity, partition = _file(folder, IDENTITY), _file(folder, PARTITION)
    if identity:
        table["identity"] = _values(rows["name"], identity, "identity", skipped)
    if partition:
        parts = _values(rows["name"], partition, "split", skipped)
        table["split"] = label("split", parts, PARTS, table["path"], skipped)
    table, notes = divided(merged(table, skipped), WHERE)
    result: Reading = reading(
        table, skipped, source="celeba", folder=folder, notes=notes
    )
    decisions = Decisions()
    if signs is NO_SIGNS:
        decisions.remark(path.name, "0 is no, as the list holds no -1")
    return replace(result, decisions=decisions.table())


def _file(folder: Path, stem: str) -> Path | None:
    for place in PLACES:
        for ending in (".txt", ".csv"):
            path: Path | None = named(folder / place, stem + ending)
            if path is not None:
                return path
    return None


def _images(folder: Path) -> Path:
    places = (folder / place / name for name in IMAGES for place in PLACES)
    return next((place for place in places if place.is_dir()), folder)


def _pictures(images: Path, skipped: Skipped) -> dict[str, str]:
    """Paths by name; the CSV edition has another folder of the same name inside."""
    paths: dict[str, str] = {}
    for path in pictures(images, WHERE):
        first = paths.setdefault(path.rpartition(os.sep)[2], path)
        if first != path:
            skipped.append((path, f"'{first}' has the same name"))
    return paths


def _attributes(path: Path, paths: dict[str, str], skipped: Skipped) -> pd.DataFrame:
    """One row per line: `name`, and one column per attribute with the file's values.

    The file begins with the number of its lines (except in the CSV edition) and the
    names of the attributes. Pictures without a well-formed line leave `paths`.
    """
    where = f"{WHERE}: '{path}'"
    text = [(n, line) for n, line in enumerate(lines(path, WHERE), 1) if line.strip()]
    count = int(text.pop(0)[1]) if text and text[0][1].isdecimal() else None
    if not text:
        raise UserError(where, "is empty, must name attributes and pictures")
    header = text.pop(0)[1]
    separator = next((mark for mark in ",;" if mark in header), None)
    columns = _columns(header, separator, where)
    valid, faulty = _valid(text, separator, len(columns), path)
    frame = _parsed(valid, separator).set_axis(columns, axis="columns")
    with_line = set(frame["name"]) if faulty else set()
    for name, reason in faulty:
        picture = None if name in with_line else paths.pop(name, None)
        skipped.append(
            (picture, f"{path.name}: {reason}") if picture else (str(path), reason)
        )
    if count not in (None, len(text)):
        reason = f"the first line promises {count} pictures, {len(text)} lines follow"
        skipped.append((str(path), reason))
    unknown = [name for name in columns[1:] if name not in _attribute_names().values()]
    if unknown:
        reason = f"{', '.join(unknown)}: no attribute of CelebA, left out"
        skipped.append((str(path), reason))
    return frame.drop(columns=unknown)


def _attribute_names() -> dict[str, str]:
    """The attributes of the named head by their names in lower case."""
    names = catalog.named()["attributes"]["columns"]
    return {name.casefold(): name for name in names}


def _valid(
    text: list[tuple[int, str]],
    separator: str | None,
    width: int,
    path: Path,
) -> tuple[list[str], Skipped]:
    """The lines with as many fields as there are names; name and reason of others."""
    valid, faulty = [], []
    for number, line in text:
        fields = line.split(separator)
        if len(fields) == width:
            valid.append(line.replace('"', ""))
        else:
            reason = f"line {number} has {len(fields)} fields, must have {width}"
            faulty.append((fields[0].strip(' "'), reason))
    if not valid:
        what = f"none of its {len(text)} lines has {width} fields, one per name"
        raise UserError(f"{WHERE}: '{path}'", what)
    return valid, faulty


def _columns(header: str, separator: str | None, where: str) -> list[str]:
    """`name` and the attributes; only the CSV edition names the first column."""
    known = _attribute_names()
    names = [name.strip(' "') for name in header.split(separator)]
    names = [known.get(name.casefold(), name) for name in names]
    if not set(names) & set(known.values()):
        raise UserError(
            where,
            f"line {header[:40]!r} contains no attribute of CelebA",
            "the line above the pictures must list the attributes",
        )
    columns = ["name", *(names if names[0] in known.values() else names[1:])]
    if len(set(columns)) < len(columns):
        raise UserError(where, "lists an attribute twice")
    return columns


def _parsed(rows: list[str], separator: str | None) -> pd.DataFrame:
    text, width = "\n".join(rows), len(rows[0].split(separator))
    # Millions of cells hold two spellings; as categories each is translated once, but
    # no category may hold bytes that are not UTF-8.
    is_utf8 = text.isascii() or not re.search("[\ud800-\udfff]", text)
    kind = "category" if is_utf8 else "str"
    frame: pd.DataFrame = pd.read_csv(
        io.StringIO(text),
        sep=separator or r"\s+",
        header=None,
        index_col=False,
        dtype={0: "str"} | dict.fromkeys(range(1, width), kind),
        keep_default_na=False,
        encoding_errors="surrogateescape",
    )
    return frame


def _signs(attributes: pd.DataFrame) -> dict[str, float]:
    """What the signs of a list mean: 0 is no if it stands for every -1."""
    columns = attributes.drop(columns="name")
    used = {str(sign) for column in columns for sign in columns[column].unique()}
    return NO_SIGNS if "0" in used and "-1" not in used else SIGNS


def _labelled(
    rows: pd.DataFrame, signs: dict[str, float], skipped: Skipped
) -> pd.DataFrame:
    """The attributes as numbers, and `gender` from one of them."""
    labels = {"path": rows["path"]}
    for name in rows.columns.difference(["path", "name"], sort=False):
        values = label(name, rows[name], signs, rows["path"], skipped)
        labels[name] = values.astype(float)
    if "Male" in labels:
        labels["gender"] = labels["Male"].map(GENDERS)
    return pd.DataFrame(labels)


def _beside(path: Path, skipped: Skipped) -> "pd.Series[str]":
    """The values in a file with two fields per line, by the name of the picture."""
    text = [(n, line) for n, line in enumerate(lines(path, WHERE), 1) if line.strip()]
    if text and not text[0][1].strip(' "')[-1].isdecimal():
        del text[0]  # the heading of the CSV edition
    blank = str.maketrans(',;"', "   ")
    values: dict[str, str] = {}
    for number, line in text:
        fields = line.translate(blank).split()
        if len(fields) != 2:
            reason = f"line {number} has {len(fields)} fields, must have 2"
            skipped.append((str(path), reason))
        elif values.setdefault(fields[0], fields[1]) != fields[1]:
            reason = f"line {number} contradicts an earlier one about {fields[0]}"
            skipped.append((str(path), f"{reason}, left out"))
    return pd.Series(values, dtype="str")


def _values(
    names: "pd.Series[str]", path: Path, column: str, skipped: Skipped
) -> "pd.Series[str]":
    """The values of the pictures of these names; one reason counts those without."""
    values = names.map(_beside(path, skipped))
    lacking = names[values.isna()]
    if len(lacking):
        first = f"{len(lacking)} of {len(names)} pictures, first {lacking.iloc[0]!r}"
        reason = f"lacks {first}: their {column} stays empty"
        skipped.append((str(path), reason))
    return values
