"""How fast is a table of labels read, beside pandas alone?"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from multitask.datasets import table

from benchmarks.sides import Row, Setting, Target, seconds, take_turns


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Seconds for a CSV of ten columns, and for `read_csv` and `scandir` alone.

    Both sides learn which cells there are, and which pictures exist.
    """
    folder = temporary / "table"
    file = _write(folder, setting.table_rows)

    def ours() -> float:
        return seconds(lambda: table.read(file, name="mine"))

    def theirs() -> float:
        return seconds(lambda: (pd.read_csv(file), _listed(folder / "pictures")))

    own, other = take_turns(setting.rounds, ours, theirs)
    return [
        Row(
            what=f"a table of {setting.table_rows:,} rows: read, or pandas + scandir",
            unit="s",
            ours=own,
            theirs=other,
            target=Target("<=", 1.5),
        )
    ]


def _listed(folder: Path) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file()}


def _write(folder: Path, count: int) -> Path:
    """A table of ten columns and its pictures, which are empty: none is opened."""
    (folder / "pictures").mkdir(parents=True)
    names = [f"pictures/{number:06d}.jpg" for number in range(count)]
    for name in names:
        (folder / name).touch()
    rng = np.random.default_rng(0)
    labels = {
        "path": names,
        "split": rng.choice(["train", "val", "test"], count),
        "gender": rng.choice(["male", "female", ""], count),
        "genre": rng.choice(["drama", "comedy", "unknown"], count),
        "year": rng.integers(1900, 2000, count),
        "score": rng.random(count).round(3),
        **{f"answer{number}": rng.integers(0, 2, count) for number in range(4)},
    }
    pd.DataFrame(labels).to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"
