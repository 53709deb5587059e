"""Which pictures and labels does `--data NAME=FOLDER` mean?"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from multitask import plugins
from multitask.errors import UserError, nearest
from multitask.head import Head
from multitask.table import RESERVED, Reading, check, concat


def absolute(data: Sequence[str]) -> tuple[str, ...]:
    """The same data sets, to be found from any working folder."""
    found = []
    for text in data:
        name, equals, path = text.partition("=")
        full = f"{name}={Path(path).expanduser().resolve()}"
        if equals and not _is_text(full):
            raise UserError("--data", f"{full!r} is not UTF-8", "rename the folder")
        found.append(full if equals else text)
    return tuple(found)


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:  # a recipe could not name it
        return False


def read(data: Sequence[str], sample: Path | None = None) -> Reading:
    """Read data sets named as `NAME=FOLDER` and join their tables.

    `sample` is the folder for a data set named without one (only `sample`, which
    draws its pictures, can be). Raises UserError for an unknown name, a missing
    folder, nothing usable in it, or data sets that contradict each other.
    """
    readings = [_one(text, sample) for text in data]
    skipped = pd.concat([r.skipped for r in readings], ignore_index=True)
    notes = tuple(dict.fromkeys(note for r in readings for note in r.notes))
    table = concat([r.table for r in readings])
    return Reading(table=table, skipped=skipped, notes=notes)


def _one(text: str, sample: Path | None) -> Reading:
    name, equals, path = text.partition("=")
    reader = plugins.reader(name)
    if not equals:
        if name != "sample" or sample is None:
            raise UserError(
                "--data", f"{text!r} names no folder", f"write {name}=FOLDER"
            )
        return reader(sample)
    reading = reader(Path(path).expanduser())
    check(reading.table, text)
    return reading


def labelled(
    heads: Sequence[Head], table: pd.DataFrame, *, every: bool = True
) -> dict[str, int]:
    """How many rows each head has a label for.

    Raises UserError for a head without any (with `every=False` only if none has any),
    naming what the data holds labels for.
    """
    counts = {}
    for head in heads:
        weights = head.encode(table).weights
        counts[head.name] = int(weights.reshape(len(table), -1).any(axis=1).sum())
    bare = [head for head in heads if not counts[head.name]]
    if bare and (every or len(bare) == len(heads)):
        labels = table.drop(columns=list(RESERVED), errors="ignore")
        raise UserError(
            bare[0].where,
            f"the data holds no label for it in {', '.join(bare[0].columns[:5])}",
            nearest(bare[0].columns[0], labels.columns[labels.notna().any()]),
        )
    return counts
