"""What can be tried without any data? Drawn faces, on which every named head can learn.

They are drawings made by this program and tell nothing about people. Reading the data
set draws it first; `python -m multitask.datasets.sample FOLDER --layout NAME` writes
the same faces as another data set would hold them, to try its reader on.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from multitask.datasets import _layouts
from multitask.datasets._drawing import draw
from multitask.datasets._truth import CHOICES, COLUMNS, OLDEST, Truth, truth
from tqdm import tqdm

from multitask.contracts.errors import Parser, UserError, command, nearest
from multitask.contracts.reading import DRAWN, README, begins, existing
from multitask.contracts.table import Reading

WHERE = "--data sample"
NOISE = 0.02  # of the labels that are there, so many are replaced by another answer
EMPTY = 0.05  # of all labels, so many are left out
NOTE = (
    "The sample's faces are drawings made by this program and tell nothing about "
    f"people; {NOISE:.0%} of their labels are wrong and {EMPTY:.0%} are left out, "
    "both on purpose."
)
LABELS = ("age", *CHOICES, *COLUMNS)

Label = str | float | None


def read(folder: Path, *, count: int = 600, seed: int = 0) -> Reading:
    """Read the sample in `folder`, drawing `count` faces there if it holds none yet.

    Face i depends on `seed` and i only, so that a larger sample begins with a smaller
    one. A finished sample is read as it is, whatever its `count` and `seed` were.
    Raises UserError if `folder` is a file or holds something else, if `count` is not
    at least 1, or if `labels.csv` is not as this program wrote it.
    """
    path = Path(os.path.expanduser(folder))
    if not (path / "labels.csv").is_file():
        _draw(path, count, seed)
    return _read_back(path)


def write(
    folder: Path,
    layout: str,
    *,
    count: int = 500,
    seed: int = 0,
    head: str = "expression",
) -> None:
    """Write the faces in the layout of another data set, with all labels and all true.

    `layout` is one of utkface, celeba, imfdb, fairface and folders; `head` names the
    question whose answers become the names of `folders`. Raises UserError for another
    layout or head, if `folder` holds something, or if `count` is not at least 1.

    >>> write(Path("faces"), "utkfaces")
    Traceback (most recent call last):
    multitask.UserError: --layout: no layout 'utkfaces'; did you mean 'utkface'?
    Known: celeba, fairface, folders, imfdb, utkface
    """
    if layout not in _layouts.LAYOUTS:
        raise UserError(
            "--layout", f"no layout {layout!r}", nearest(layout, _layouts.LAYOUTS)
        )
    if head not in CHOICES:
        raise UserError(
            "--head", f"{head!r} has no classes of the sample", nearest(head, CHOICES)
        )
    path = Path(os.path.expanduser(folder))
    _check(path, count)
    if path.is_dir() and any(path.iterdir()):
        raise UserError(
            f"--layout {layout}", f"'{path}' holds files, must be empty or new"
        )
    _make(path)
    _describe(path / README, DRAWN, count, seed)
    _layouts.LAYOUTS[layout](path, _progress(count, seed), head)


def _progress(count: int, seed: int) -> Iterator[tuple[int, Truth]]:
    numbers = tqdm(range(count), "Drawing sample faces", disable=None, leave=False)
    return ((number, truth(seed, number)) for number in numbers)


def _check(path: Path, count: int) -> None:
    if count < 1:
        raise UserError(WHERE, f"count is {count}, must be at least 1")
    if path.exists():
        existing(path, WHERE)  # refuses a file


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(WHERE, f"'{path}' can't be made: {error.strerror}") from error


def _draw(path: Path, count: int, seed: int) -> None:
    """Draw a sample; `labels.csv` comes last, so that its presence says *finished*."""
    _check(path, count)
    # A drawing that was interrupted may go on.
    begun = begins(path / "README.txt", NOTE)
    if path.is_dir() and any(path.iterdir()) and not begun:
        raise UserError(
            WHERE,
            f"'{path}' holds files that are no sample",
            "name an empty or a new folder",
        )
    _make(path / "faces")
    _describe(path / "README.txt", NOTE, count, seed)
    rows: list[dict[str, Label]] = []
    for number, face in _progress(count, seed):
        name = f"faces/{number:05d}.png"
        draw(face).save(path / name, compress_level=1)
        rows.append({"path": name, **noisy(face.labels(), seed, number)})
    unfinished = path / "labels.csv.part"
    pd.DataFrame(rows).to_csv(unfinished, index=False)
    unfinished.replace(path / "labels.csv")


def _describe(file: Path, note: str, count: int, seed: int) -> None:
    text = f"{note}\n\ncount = {count}\nseed = {seed}\n"
    file.write_text(text, encoding="utf-8")


def noisy(labels: dict[str, str | float], seed: int, number: int) -> dict[str, Label]:
    """The labels as a careless annotator gives them: some wrong, some None."""
    rng = random.Random(f"labels {seed} {number}")
    given: dict[str, Label] = {}
    for name, label in labels.items():
        is_empty, is_wrong = rng.random() < EMPTY, rng.random() < NOISE
        other = _other(rng, name, label)  # always, so that no cell depends on another
        given[name] = None if is_empty else other if is_wrong else label
    return given


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
    there = table["path"].map(os.path.isfile).to_numpy(bool)
    if not there.any():
        raise UserError(
            WHERE, f"none of the pictures of '{path}' is there", "delete the folder"
        )
    gone = table.loc[~there, ["path"]].assign(reason="the picture is no longer there")
    return Reading(
        table=table[there].reset_index(drop=True),
        skipped=gone.reset_index(drop=True).astype(str),
        notes=(NOTE,),
    )


def _labels(path: Path) -> pd.DataFrame:
    types = {name: str if name in CHOICES else float for name in LABELS}
    where, todo = f"{WHERE}: '{path}'", "delete the folder to draw anew"
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
    """Write sample faces: as a sample, or in the layout of another data set."""
    parser = Parser(
        prog="python -m multitask.datasets.sample", description=main.__doc__
    )
    add = parser.add_argument
    add("folder", type=Path, help="an empty or new folder")
    known = ", ".join(("sample", *_layouts.LAYOUTS))
    add("--layout", default="sample", help=f"one of {known} (default: sample)")
    add("--count", type=int, default=500, help="how many faces (default: 500)")
    add("--seed", type=int, default=0, help="another seed draws other faces")
    add("--head", default="expression", help="the question of the layout folders")
    asked = parser.parse_args(argv)
    options = {"count": asked.count, "seed": asked.seed}
    if asked.layout == "sample":
        read(asked.folder, **options)
    else:
        write(asked.folder, asked.layout, head=asked.head, **options)
    print(asked.folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
