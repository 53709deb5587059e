"""Which labels does IMFDB have? Seven of each face in a film, and the actor.

`ACTOR/FILM/images/*` with one tab-separated text file beside each `images`. By Setty
et al., "Indian Movie Face Database: A Benchmark for Face Recognition Under Wide
Variations" (NCVPRIPG 2013); for research:
https://cvit.iiit.ac.in/projects/IMFDB/
"""

import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from multitask.datasets._listed import (
    Skipped,
    joined,
    label,
    lines,
    merged,
    reading,
)

from multitask.contracts.reading import pictures, texts
from multitask.contracts.table import Reading

ABOUT = {
    "title": "IMFDB",
    "address": "https://cvit.iiit.ac.in/projects/IMFDB/",
    "terms": "research",
    "labels": "expressions are acted, in films most of which are Indian; children are "
    "rare and girls absent",
}
WHERE = "--data imfdb"
# The last seven fields of a line in order: the publishers' spelling of each label, and
# that of the named head. NONE of occlusion is a class, no empty cell.
MEANINGS: dict[str, dict[str, str]] = {
    "gender": {"MALE": "male", "FEMALE": "female"},
    "expression": {
        "ANGER": "anger",
        "HAPPINESS": "happiness",
        "SADNESS": "sadness",
        "SURPRISE": "surprise",
        "FEAR": "fear",
        "DISGUST": "disgust",
        "NEUTRAL": "neutral",
    },
    "occlusion": {
        "GLASSES": "glasses",
        "BEARD": "beard",
        "ORNAMENTS": "ornaments",
        "HAIR": "hair",
        "HAND": "hand",
        "NONE": "none",
        "OTHERS": "others",
    },
    "illumination": {"BAD": "bad", "MEDIUM": "medium", "HIGH": "high"},
    "age_group": {
        "CHILD": "child",
        "YOUNG": "young",
        "MIDDLE": "middle",
        "MIDDDLE": "middle",
        "OLD": "old",
    },
    "pose": {
        "FRONTAL": "frontal",
        "LEFT": "left",
        "RIGHT": "right",
        "UP": "up",
        "DOWN": "down",
    },
    "makeup": {"PARTIAL": "partial", "OVER": "over"},
}
COLUMNS = list(MEANINGS)
FRAME, CROP, GENDER, FIELDS = 1, 2, 10, 17


def read(folder: Path) -> Reading:
    """Read IMFDB: its seven labels, and `identity`, the actor by the folder.

    Films without a text file, lines without a picture and pictures without a line are
    skipped. Words of another column in a cell are ignored; a cell with two labels of
    its own is left empty. Raises UserError if the folder, or all pictures that the
    texts name, are missing.
    """
    skipped: Skipped = []
    films: dict[str, dict[str, str]] = {}
    for path in pictures(folder, WHERE):
        films.setdefault(_film(path), {})[os.path.basename(path)] = path
    text_files: dict[str, list[str]] = {}
    for path in texts(folder, WHERE):
        text_files.setdefault(os.path.dirname(path), []).append(path)
    tables = []
    for film in sorted(films.keys() | text_files.keys()):
        text = _text(film, text_files.get(film, []))
        paths = films.get(film, {})
        if os.path.isfile(text):
            tables.append(_rows(Path(text), paths, film, skipped))
        else:
            skipped += [(path, text) for path in paths.values()]
    empty = pd.DataFrame(columns=["path", "film", *COLUMNS], dtype="str")
    rows = pd.concat([empty, *tables], ignore_index=True)
    table = merged(_labelled(rows, skipped), skipped)
    result: Reading = reading(table, skipped, source="imfdb", folder=folder)
    return result


def _film(path: str) -> str:
    """The folder of a picture's film: the parent of `images`, if that is there."""
    folder = os.path.dirname(path)
    is_images = os.path.basename(folder).casefold() == "images"
    return os.path.dirname(folder) if is_images else folder


def _text(film: str, files: list[str]) -> str:
    """The film's text file, or the reason why there is none."""
    if len(files) == 1:
        return files[0]
    name = _folded(os.path.basename(film))
    matches = [f for f in files if _folded(os.path.basename(f)[: -len(".txt")]) == name]
    if len(matches) == 1:
        return matches[0]
    if files:
        return f"{len(files)} text files lie in the film's folder, none has its name"
    return "no text file lies in the film's folder"


def _folded(name: str) -> str:
    """The part of a name that all spellings of an actor or a film share."""
    return re.sub(r"[\s_.]+", "", unicodedata.normalize("NFC", name).casefold())


def _rows(
    path: Path, paths: Mapping[str, str], film: str, skipped: Skipped
) -> pd.DataFrame:
    """One row per line of a text: the picture's `path`, and its labels as spelled."""
    rows = []
    for number, line in enumerate(lines(path, WHERE), 1):
        fields = [field.strip() for field in line.split("\t")]
        if not any(fields):
            continue
        labels = _labels(fields)
        if labels is None:
            reason = f"line {number} has {len(fields)} fields, must have {FIELDS}"
            skipped.append((str(path), reason))
        else:
            rows.append((_crop(fields, paths), *labels))
    table = pd.DataFrame(rows, columns=["name", *COLUMNS], dtype="str")
    images = Path(film, "images")
    existing: pd.DataFrame = joined(table, paths, path.name, images, skipped)
    return existing.assign(film=film)


def _crop(fields: list[str], paths: Mapping[str, str]) -> str:
    """The picture's name, one field earlier if a field before it is missing."""
    names = [re.split(r"[\\/]", field)[-1] for field in fields]
    shifted = len(fields) < FIELDS and names[CROP] not in paths
    return names[FRAME] if shifted and names[FRAME] in paths else names[CROP]


def _labels(fields: list[str]) -> list[str] | None:
    """The seven labels of a line, None if it is no line of a face.

    They are counted from the end, as a field before them may be missing. If gender is
    in its place, no such field is; then the last labels are missing, or two labels
    share a field.
    """
    while len(fields) > FIELDS and not fields[-1]:
        fields = fields[:-1]
    is_whole = len(fields) > GENDER and fields[GENDER].upper() in MEANINGS["gender"]
    if len(fields) < FIELDS and is_whole:
        labels = _split_field(fields[GENDER:])
        return labels + [""] * (len(COLUMNS) - len(labels))
    return fields[-len(COLUMNS) :] if len(fields) in (FIELDS - 1, FIELDS) else None


def _split_field(labels: list[str]) -> list[str]:
    """The labels, after splitting a field that holds its own and the next label."""
    for index, (text, column, next_column) in enumerate(
        zip(labels, COLUMNS, COLUMNS[1:], strict=False)
    ):
        words = text.upper().split()
        if (
            len(words) == 2
            and words[0] in MEANINGS[column]
            and words[1] in MEANINGS[next_column]
        ):
            return [*labels[:index], *words, *labels[index + 1 :]]
    return labels


def _labelled(rows: pd.DataFrame, skipped: Skipped) -> pd.DataFrame:
    labels = {"path": rows["path"], "identity": rows["film"].map(_actors(rows["film"]))}
    for column, meanings in MEANINGS.items():
        labels_of = {text: _known(text, meanings) for text in rows[column].unique()}
        values = rows[column].map(labels_of)
        labels[column] = label(column, values, meanings, rows["path"], skipped)
    return pd.DataFrame(labels)


def _actors(films: "pd.Series[str]") -> dict[str, str]:
    """The actor of each film's folder; similar spellings are one actor."""
    first: dict[str, str] = {}
    actors = {}
    for film in films.unique():
        name = os.path.basename(os.path.dirname(os.path.abspath(film)))
        actors[film] = first.setdefault(_folded(name), name)
    return actors


def _known(text: str, meanings: Mapping[str, str]) -> str:
    """The only word of a cell that is a label; else the whole cell."""
    known = {word for word in re.split(r"[\s,;/+&]+", text.upper()) if word in meanings}
    return known.pop() if len(known) == 1 else text
