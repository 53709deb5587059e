"""How do publishers lay out their folders? Drawn faces as their data sets hold them.

Tests train and measure on such folders, and benchmarks do without a data set. Every
layout is a function of an empty folder, numbered truths, and the head whose classes
name `folders`. Labels are all there, and all true.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from multitask.datasets._drawing import SIZE, draw
from multitask.datasets._truth import CHOICES, COLUMNS, Truth, truth

Faces = Iterable[tuple[int, Truth]]

GENDERS = list(CHOICES["gender"])  # an index is UTKFace's code
RACES = list(CHOICES["race"])
SEVEN = {
    "white": "White",
    "black": "Black",
    "indian": "Indian",
    "east_asian": "East Asian",
    "southeast_asian": "Southeast Asian",
    "middle_eastern": "Middle Eastern",
    "latino_hispanic": "Latino_Hispanic",
}
DECADES = (
    (2, "0-2"),
    (9, "3-9"),
    *((low + 9, f"{low}-{low + 9}") for low in range(10, 70, 10)),
)


def write(
    folder: Path,
    layout: str,
    *,
    count: int = 500,
    seed: int = 0,
    head: str = "expression",
) -> None:
    """Draw faces into a new folder in one of `LAYOUTS`.

    Face i is that of a sample with this seed; `head` names `folders`.
    """
    faces = ((number, truth(seed, number)) for number in range(count))
    LAYOUTS[layout](folder, faces, head)


def _save(face: Truth, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(face).save(path, quality=95, subsampling=0)


def _utkface(folder: Path, faces: Faces, head: str) -> None:
    for number, face in faces:
        codes = f"{GENDERS.index(face.gender)}_{RACES.index(face.race)}"
        name = f"{face.age}_{codes}_{20170101000000000 + number}.jpg.chip.jpg"
        _save(face, folder / name)


def _celeba(folder: Path, faces: Faces, head: str) -> None:
    rows, people, parts = [], [], []
    for number, face in faces:
        name = f"{number + 1:06d}.jpg"
        _save(face, folder / "img_align_celeba" / name)
        signs = (f"{1 if yes else -1:2d}" for yes in face.attributes().values())
        rows.append(f"{name} {' '.join(signs)}")
        person = number // 4 + 1  # four pictures each, all of them in one part
        people.append(f"{name} {person}")
        parts.append(f"{name} {_part(person)}")
    names = " ".join(COLUMNS)  # the publishers' line ends in a space
    _lines(folder / "list_attr_celeba.txt", [str(len(rows)), f"{names} ", *rows])
    _lines(folder / "identity_CelebA.txt", people)
    _lines(folder / "list_eval_partition.txt", parts)


def _part(person: int) -> int:
    """Of ten people eight are for training (0), one each for validation and test."""
    return {0: 2, 9: 1}.get(person % 10, 0)


def _lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _imfdb(folder: Path, faces: Faces, head: str) -> None:
    """Actors of one gender in two films with 20 faces each, six actors at a time.

    With more faces per actor, near duplicates would link all actors and leave none for
    the test part.
    """
    counts = dict.fromkeys(GENDERS, 0)
    texts: dict[Path, list[str]] = {}
    for _, face in faces:
        turn = counts[face.gender]
        counts[face.gender] += 1
        number = turn // (6 * 20) * 6 + turn % 6 + 1
        actor = f"{face.gender.title()}Actor{number}"
        movie = f"Film{turn // 6 % 2 + 1}"
        lines = texts.setdefault(folder / actor / movie / f"{movie}.txt", [])
        crop = f"{actor}_{movie}_{len(lines) + 1}.jpg"
        _save(face, folder / actor / movie / "images" / crop)
        serial = len(lines) + 1
        start = [serial, f"frame{serial}.jpg", crop, 0, 0, SIZE, SIZE]
        labels = (
            getattr(face, name).upper()
            for name in (
                "gender",
                "expression",
                "occlusion",
                "illumination",
                "age_group",
                "pose",
                "makeup",
            )
        )
        lines.append("\t".join(map(str, (*start, movie, 2013, actor, *labels))))
    for path, lines in texts.items():
        _lines(path, lines)


def _fairface(folder: Path, faces: Faces, head: str) -> None:
    """Every fifth face is for validation; a part without a face has no file."""
    parts: dict[str, list[tuple[str, ...]]] = {}
    for number, face in faces:
        part = "val" if number % 5 == 4 else "train"
        rows = parts.setdefault(part, [])
        name = f"{part}/{len(rows) + 1}.jpg"
        _save(face, folder / name)
        service_test = str(number % 2 == 0).upper()
        labels = decade(face.age), face.gender.title(), SEVEN[face.race7]
        rows.append((name, *labels, service_test))
    for part, rows in parts.items():
        table = pd.DataFrame(
            rows, columns=["file", "age", "gender", "race", "service_test"]
        )
        table.to_csv(folder / f"fairface_label_{part}.csv", index=False)


def decade(age: int) -> str:
    """FairFace's class of an age."""
    return next((name for last, name in DECADES if age <= last), "more than 70")


def _folders(folder: Path, faces: Faces, head: str) -> None:
    for number, face in faces:
        _save(face, folder / str(getattr(face, head)) / f"{number:05d}.jpg")


LAYOUTS: dict[str, Callable[[Path, Faces, str], None]] = {
    "celeba": _celeba,
    "fairface": _fairface,
    "folders": _folders,
    "imfdb": _imfdb,
    "utkface": _utkface,
}
