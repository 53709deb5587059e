"""What does IMFDB say of the faces in its films? Seven labels each, and the actor.

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

WHERE = "--data imfdb"
# The last seven fields of a line, in their order: the publishers' spelling of a label
# to that of the named head. NONE of occlusion is an answer, no empty cell.
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
    """Read IMFDB: its seven labels, and `identity`, the actor as the folder names it.

    Films without a text file, lines without a picture and pictures without a line are
    set aside. A cell with one label and another column's keeps the one; a label is
    empty where two are said. Raises UserError if there is no such folder or no picture
    that a text names.
    """
    skipped: Skipped = []
    films: dict[str, dict[str, str]] = {}
    for path in pictures(folder, WHERE):
        films.setdefault(_film(path), {})[os.path.basename(path)] = path
    beside: dict[str, list[str]] = {}
    for path in texts(folder, WHERE):
        beside.setdefault(os.path.dirname(path), []).append(path)
    tables = []
    for film in sorted(films.keys() | beside.keys()):
        text = _text(film, beside.get(film, []))
        found = films.get(film, {})
        if os.path.isfile(text):
            tables.append(_rows(Path(text), found, film, skipped))
        else:
            skipped += [(path, text) for path in found.values()]
    empty = pd.DataFrame(columns=["path", "film", *COLUMNS], dtype="str")
    rows = pd.concat([empty, *tables], ignore_index=True)
    table = merged(_labelled(rows, skipped), skipped)
    result: Reading = reading(table, skipped, source="imfdb", folder=folder)
    return result


def _film(path: str) -> str:
    """The film's folder, in which the pictures have a folder of their own."""
    folder = os.path.dirname(path)
    own = os.path.basename(folder).casefold() == "images"
    return os.path.dirname(folder) if own else folder


def _text(film: str, found: list[str]) -> str:
    """The film's text file, or why there is none."""
    if len(found) == 1:
        return found[0]
    name = _folded(os.path.basename(film))
    alike = [t for t in found if _folded(os.path.basename(t)[: -len(".txt")]) == name]
    if len(alike) == 1:
        return alike[0]
    if found:
        return f"{len(found)} text files lie in the film's folder, none has its name"
    return "no text file lies in the film's folder"


def _folded(name: str) -> str:
    """What the spellings of an actor or a film have in common."""
    return re.sub(r"[\s_.]+", "", unicodedata.normalize("NFC", name).casefold())


def _rows(
    path: Path, found: Mapping[str, str], film: str, skipped: Skipped
) -> pd.DataFrame:
    """A row a line of a text: the picture's `path`, and the labels as they are said."""
    rows = []
    for number, line in enumerate(lines(path, WHERE), 1):
        fields = [field.strip() for field in line.split("\t")]
        if not any(fields):
            continue
        said = _said(fields)
        if said is None:
            reason = f"line {number} has {len(fields)} fields, must have {FIELDS}"
            skipped.append((str(path), reason))
        else:
            rows.append((_crop(fields, found), *said))
    table = pd.DataFrame(rows, columns=["name", *COLUMNS], dtype="str")
    images = Path(film, "images")
    there: pd.DataFrame = joined(table, found, path.name, images, skipped)
    return there.assign(film=film)


def _crop(fields: list[str], found: Mapping[str, str]) -> str:
    """The picture's name: a place earlier where a field before it is missing."""
    names = [re.split(r"[\\/]", field)[-1] for field in fields]
    shifted = len(fields) < FIELDS and names[CROP] not in found
    return names[FRAME] if shifted and names[FRAME] in found else names[CROP]


def _said(fields: list[str]) -> list[str] | None:
    """The seven labels of a line, None if it is no line of a face.

    They are counted from the end, as a field before them may be missing. Where gender
    is in its place none is: then the end may be, or two labels are in one field.
    """
    while len(fields) > FIELDS and not fields[-1]:
        fields = fields[:-1]
    is_whole = len(fields) > GENDER and fields[GENDER].upper() in MEANINGS["gender"]
    if len(fields) < FIELDS and is_whole:
        said = _parted(fields[GENDER:])
        return said + [""] * (len(COLUMNS) - len(said))
    return fields[-len(COLUMNS) :] if len(fields) in (FIELDS - 1, FIELDS) else None


def _parted(said: list[str]) -> list[str]:
    """The labels with the field parted that holds its own and the next column's."""
    for place, (text, column, following) in enumerate(
        zip(said, COLUMNS, COLUMNS[1:], strict=False)
    ):
        words = text.upper().split()
        if (
            len(words) == 2
            and words[0] in MEANINGS[column]
            and words[1] in MEANINGS[following]
        ):
            return [*said[:place], *words, *said[place + 1 :]]
    return said


def _labelled(rows: pd.DataFrame, skipped: Skipped) -> pd.DataFrame:
    labels = {"path": rows["path"], "identity": rows["film"].map(_actors(rows["film"]))}
    for column, meanings in MEANINGS.items():
        one = {text: _one(text, meanings) for text in rows[column].unique()}
        said = rows[column].map(one)
        labels[column] = label(column, said, meanings, rows["path"], skipped)
    return pd.DataFrame(labels)


def _actors(films: "pd.Series[str]") -> dict[str, str]:
    """The actor of each film's folder; folders that spell one alike name one actor."""
    first: dict[str, str] = {}
    actors = {}
    for film in films.unique():
        name = os.path.basename(os.path.dirname(os.path.abspath(film)))
        actors[film] = first.setdefault(_folded(name), name)
    return actors


def _one(text: str, meanings: Mapping[str, str]) -> str:
    """Of several words the one that is a label, if only one is."""
    known = {word for word in re.split(r"[\s,;/+&]+", text.upper()) if word in meanings}
    return known.pop() if len(known) == 1 else text
