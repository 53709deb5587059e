"""How fast is a table of labels read, beside pandas alone?"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from multitask.datasets import table

from benchmarks.sides import Row, Setting, Target, seconds, take_turns
from multitask.data.sources import read_all

_FOLDER = 200  # pictures in each of many folders


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Seconds for a CSV of ten columns, and for `read_csv` and `scandir` alone.

    Both sides learn which cells there are, and which pictures exist. The last row is
    all that a command does before it prints what it read.
    """
    count = setting.table_rows
    one = _write(temporary / "one", [f"{n:06d}.jpg" for n in range(count)])
    many = _write(
        temporary / "many", [f"{n // _FOLDER:04d}/{n}.jpg" for n in range(count)]
    )
    sides = (
        ("read, in one folder", one, lambda: table.read(one, name="mine"), 1.5),
        (f"read, {_FOLDER} a folder", many, lambda: table.read(many, name="mine"), 1.5),
        ("read_all, in one folder", one, lambda: read_all([f"mine=table:{one}"]), None),
    )
    return [
        _row(setting, f"a table of {count:,} rows: {what}", file, read, bound)
        for what, file, read, bound in sides
    ]


def _row(
    setting: Setting,
    what: str,
    file: Path,
    read: Callable[[], object],
    bound: float | None,
) -> Row:
    own, other = take_turns(
        setting.rounds,
        lambda: seconds(read),
        lambda: seconds(lambda: (pd.read_csv(file), _listed(file.parent / "pictures"))),
    )
    target = Target("<=", bound) if bound else None
    return Row(what=what, unit="s", ours=own, theirs=other, target=target)


def _listed(folder: Path) -> set[str]:
    """The names of all files in a folder, or in those below it."""
    with os.scandir(folder) as entries:
        names = {entry.name for entry in entries}
    if any(name.endswith(".jpg") for name in names):
        return names
    return {f"{name}/{inner}" for name in names for inner in _listed(folder / name)}


def _write(folder: Path, pictures: list[str]) -> Path:
    """A table of ten columns and its pictures, which are empty: none is opened."""
    for inner in {os.path.dirname(name) for name in pictures}:
        (folder / "pictures" / inner).mkdir(parents=True, exist_ok=True)
    for name in pictures:
        (folder / "pictures" / name).touch()
    rng, count = np.random.default_rng(0), len(pictures)
    ages = rng.integers(1, 90, count).astype(str).astype(object)
    ages[rng.random(count) < 0.02] = ""
    ages[rng.random(count) < 0.01] = "unknown"
    labels = {
        "path": [f"pictures/{name}" for name in pictures],
        "identity": [f"person {n}" for n in rng.integers(0, count // 10, count)],
        "split": rng.choice(["train", "val", "test"], count, p=[0.8, 0.1, 0.1]),
        "age": ages,
        "gender": rng.choice(["Male", "Female", "m", "f", ""], count),
        "race": rng.choice(["White", "Black", "Asian", "Indian", "others"], count),
        "expression": rng.choice(["happy", "sad", "Neutral", "surprise"], count),
        "hat": rng.integers(0, 2, count),
        "beard": rng.integers(0, 2, count),
        "score": rng.random(count).round(4),
    }
    pd.DataFrame(labels).to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"
