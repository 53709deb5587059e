"""What can be tried without any data? Drawn faces that every named head can learn from.

They are drawings made by this program and tell nothing about people. Reading the data
set draws it first; `python -m multitask.datasets.sample FOLDER --count N` draws another
number of faces.
"""

import os
import random
from pathlib import Path

import pandas as pd
from multitask.datasets._drawing import draw
from multitask.datasets._truth import CHOICES, COLUMNS, OLDEST, truth

from multitask.contracts.errors import Parser, UserError, command
from multitask.contracts.reading import existing
from multitask.contracts.saving import replacing, reporting_write_errors
from multitask.contracts.table import Reading
from multitask.terminal.bar import track

ABOUT = {
    "title": "Drawn faces",
    "terms": "drawn by multitask, free of any terms",
    "labels": "they say what was drawn, and nothing about people",
}
WHERE = "--data sample"
NOISE = 0.02  # share of labels that are replaced by a wrong one
EMPTY = 0.05  # share of labels that are left out
NOTE = (
    "The sample's faces are drawings made by this program and tell nothing about "
    f"people; {NOISE:.0%} of their labels are wrong and {EMPTY:.0%} are left out, "
    "both on purpose."
)
LABELS = ("age", *CHOICES, *COLUMNS)

Label = str | float | None


def read(folder: Path, *, count: int = 600, seed: int = 0) -> Reading:
    """Read the sample in `folder`, after drawing `count` faces if it holds none yet.

    Face i depends only on `seed` and i, so that a larger sample begins with a smaller
    one. A finished sample is read as it is, whatever `count` and `seed` are.

    Raises UserError if `folder` is a file or holds something else, if `count` is below
    1, or if `labels.csv` is not as this program wrote it.
    """
    path = Path(os.path.expanduser(folder))
    if not (path / "labels.csv").is_file():
        _draw(path, count, seed)
    return _read_back(path)


def _draw(path: Path, count: int, seed: int) -> None:
    """Draw a sample; `labels.csv` is written last, as a sign that it is finished."""
    if count < 1:
        raise UserError(WHERE, f"count is {count}, must be at least 1")
    if path.exists():
        existing(path, WHERE)  # refuses a file
    readme = path / "README.txt"
    interrupted = _begins(readme, NOTE)
    if path.is_dir() and any(path.iterdir()) and not interrupted:
        raise UserError(
            WHERE,
            f"'{path}' contains other files",
            "give an empty or a new folder",
        )
    # Files are written directly: an interrupted drawing is simply drawn again.
    with reporting_write_errors(path):
        (path / "faces").mkdir(parents=True, exist_ok=True)
        text = f"{NOTE}\n\ncount = {count}\nseed = {seed}\n"
        readme.write_text(text, encoding="utf-8")
        rows = _draw_faces(path, count, seed)
        with replacing(path / "labels.csv") as part:
            pd.DataFrame(rows).to_csv(part, index=False)


def _begins(file: Path, text: str) -> bool:
    """Whether a file exists and begins with a text."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(len(text)) == text
    except OSError:
        return False


def _draw_faces(path: Path, count: int, seed: int) -> list[dict[str, Label]]:
    """Draw the pictures; returns their rows of the table."""
    rows: list[dict[str, Label]] = []
    for number in track(range(count), "drawing faces", count):
        face = truth(seed, number)
        name = f"faces/{number:05d}.png"
        draw(face).save(path / name, compress_level=1)
        rows.append({"path": name, **noisy(face.labels(), seed, number)})
    return rows


def noisy(labels: dict[str, str | float], seed: int, number: int) -> dict[str, Label]:
    """The labels as by a careless annotator: some wrong, some missing (None)."""
    rng = random.Random(f"labels {seed} {number}")
    noisy_labels: dict[str, Label] = {}
    for name, label in labels.items():
        is_empty, is_wrong = rng.random() < EMPTY, rng.random() < NOISE
        other = _other(rng, name, label)  # always, so that no cell depends on another
        noisy_labels[name] = None if is_empty else other if is_wrong else label
    return noisy_labels


def _other(rng: random.Random, name: str, label: str | float) -> str | float:
    if name == "age":
        return float(rng.choice([age for age in range(OLDEST + 1) if age != label]))
    if name in CHOICES:
        others: list[str] = [other for other in CHOICES[name] if other != label]
        return rng.choice(others)
    return 1.0 - float(label)


def _read_back(path: Path) -> Reading:
    table = _labels(path / "labels.csv")
    table["path"] = [str(path / name) for name in table["path"]]
    table.insert(1, "source", "sample")
    exists = table["path"].map(os.path.isfile).to_numpy(bool)
    if not exists.any():
        raise UserError(
            WHERE, f"none of the pictures of '{path}' exist", "delete the folder"
        )
    missing = table.loc[~exists, ["path"]].assign(reason="the picture no longer exists")
    return Reading(
        table=table[exists].reset_index(drop=True),
        skipped=missing.reset_index(drop=True).astype(str),
        notes=(NOTE,),
    )


def _labels(path: Path) -> pd.DataFrame:
    types = {name: str if name in CHOICES else float for name in LABELS}
    where, todo = f"{WHERE}: '{path}'", "delete the folder to draw new faces"
    try:
        table = pd.read_csv(
            path,
            dtype={"path": str, **types},
            keep_default_na=False,  # an occlusion may be none
            na_values=[""],
        )
    except ValueError as error:  # also what pandas can't parse
        raise UserError(where, str(error), todo) from error
    missing = [name for name in ("path", *LABELS) if name not in table]
    if missing:
        raise UserError(where, f"has no column {missing[0]!r}", todo)
    return table


@command
def main(argv: list[str] | None = None) -> int:
    """Draw sample faces into a new folder, with labels."""
    parser = Parser(
        prog="python -m multitask.datasets.sample", description=main.__doc__
    )
    add = parser.add_argument
    add("folder", type=Path, help="an empty or new folder")
    add("--count", type=int, default=600, help="how many faces (default 600)")
    add(
        "--seed", type=int, default=0, help="another seed draws other faces (default 0)"
    )
    arguments = parser.parse_args(argv)
    read(arguments.folder, count=arguments.count, seed=arguments.seed)
    print(arguments.folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
