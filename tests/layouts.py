"""How do the publishers of faces lay out their folders? As the sample is written here.

Every layout is a function of an empty folder, numbered truths, and the head that names
class folders. Labels are the truth, all of them filled in.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from multitask.datasets._drawing import SIZE, draw
from multitask.datasets._truth import CHOICES, COLUMNS, Truth

Faces = Iterable[tuple[int, Truth]]

GENDERS = list(CHOICES["gender"])  # their places are UTKFace's codes
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


def _save(truth: Truth, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(truth).save(path, quality=95, subsampling=0)


def _utkface(folder: Path, faces: Faces, head: str) -> None:
    for number, truth in faces:
        codes = f"{GENDERS.index(truth.gender)}_{RACES.index(truth.race)}"
        name = f"{truth.age}_{codes}_{20170101000000000 + number}.jpg.chip.jpg"
        _save(truth, folder / name)


def _celeba(folder: Path, faces: Faces, head: str) -> None:
    rows, people, parts = [], [], []
    for number, truth in faces:
        name = f"{number + 1:06d}.jpg"
        _save(truth, folder / "img_align_celeba" / name)
        signs = (f"{1 if so else -1:2d}" for so in truth.attributes().values())
        rows.append(f"{name} {' '.join(signs)}")
        person = number // 4 + 1  # four pictures each, all of them in one part
        people.append(f"{name} {person}")
        parts.append(f"{name} {_part(person)}")
    names = " ".join(COLUMNS)  # the publishers' line ends in a space
    _lines(folder / "list_attr_celeba.txt", [str(len(rows)), f"{names} ", *rows])
    _lines(folder / "identity_CelebA.txt", people)
    _lines(folder / "list_eval_partition.txt", parts)


def _part(person: int) -> int:
    """Of ten people eight are for training (0), one for validation, one for testing."""
    return {0: 2, 9: 1}.get(person % 10, 0)


def _lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _imfdb(folder: Path, faces: Faces, head: str) -> None:
    """Actors of one gender in two films, with 20 faces each, six actors at a time.

    With more faces each, drawings that are nearly alike would link all actors, and
    leave none for the test part.
    """
    counts = dict.fromkeys(GENDERS, 0)
    texts: dict[Path, list[str]] = {}
    for _, truth in faces:
        turn = counts[truth.gender]
        counts[truth.gender] += 1
        number = turn // (6 * 20) * 6 + turn % 6 + 1
        actor = f"{truth.gender.title()}Actor{number}"
        movie = f"Film{turn // 6 % 2 + 1}"
        lines = texts.setdefault(folder / actor / movie / f"{movie}.txt", [])
        crop = f"{actor}_{movie}_{len(lines) + 1}.jpg"
        _save(truth, folder / actor / movie / "images" / crop)
        serial = len(lines) + 1
        about = [serial, f"frame{serial}.jpg", crop, 0, 0, SIZE, SIZE]
        said = (
            getattr(truth, name).upper()
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
        lines.append("\t".join(map(str, (*about, movie, 2013, actor, *said))))
    for path, lines in texts.items():
        _lines(path, lines)


def _fairface(folder: Path, faces: Faces, head: str) -> None:
    """Every fifth face is for validation; a part without a face has no file."""
    parts: dict[str, list[tuple[str, ...]]] = {}
    for number, truth in faces:
        part = "val" if number % 5 == 4 else "train"
        rows = parts.setdefault(part, [])
        name = f"{part}/{len(rows) + 1}.jpg"
        _save(truth, folder / name)
        test = str(number % 2 == 0).upper()
        about = decade(truth.age), truth.gender.title(), SEVEN[truth.race7]
        rows.append((name, *about, test))
    for part, rows in parts.items():
        table = pd.DataFrame(
            rows, columns=["file", "age", "gender", "race", "service_test"]
        )
        table.to_csv(folder / f"fairface_label_{part}.csv", index=False)


def decade(age: int) -> str:
    """FairFace's class of an age.

    >>> decade(2), decade(3), decade(69), decade(70)
    ('0-2', '3-9', '60-69', 'more than 70')
    """
    return next((name for last, name in DECADES if age <= last), "more than 70")


def _folders(folder: Path, faces: Faces, head: str) -> None:
    for number, truth in faces:
        _save(truth, folder / str(getattr(truth, head)) / f"{number:05d}.jpg")


LAYOUTS: dict[str, Callable[[Path, Faces, str], None]] = {
    "celeba": _celeba,
    "fairface": _fairface,
    "folders": _folders,
    "imfdb": _imfdb,
    "utkface": _utkface,
}
