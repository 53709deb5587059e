"""Where are the pictures that the rows of a published layout name?

A template such as `faces/{user_id}/{face_id}.{original_image}` has the columns that
make the name; `{name.stem}` is a name without its ending.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.table import as_text
from multitask.tables.decisions import Decisions
from multitask.tables.formats.files import load
from multitask.tables.locate import pictures_below

_SEEN = 300  # rows by which the place of the pictures is found
_FIELD = re.compile(r"\{([^{}.]+)(\.stem)?\}")


def fields(templates: Sequence[str]) -> list[str]:
    """The columns that templates have."""
    return [match[1] for text in templates for match in _FIELD.finditer(text)]


def filled(template: str, cells: pd.DataFrame) -> "pd.Series[Any]":
    """The text (rows,) of a template, empty where a column is."""
    text: pd.Series[Any] = pd.Series("", cells.index, dtype=object)
    place = 0
    for match in _FIELD.finditer(template):
        value = texts(cells[match[1]])
        if match[2]:
            value = value.map(lambda v: os.path.splitext(v)[0], na_action="ignore")
        # As objects, since text of pandas can't be joined with nothing but empty cells.
        text = (text + template[place : match.start()]).astype(object) + value
        place = match.end()
    return text + template[place:]


def texts(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """The trimmed text (rows,) of each cell; of equal cells it is made once."""
    places, distinct = pd.factorize(cells.to_numpy(object))
    named = as_text(pd.Series(distinct, dtype=object)).tolist()
    trimmed = [name.strip() or np.nan for name in named]
    # Empty cells have the code -1, that of the text after all others.
    values = np.array([*trimmed, np.nan], dtype=object)[places]
    return pd.Series(values, cells.index, dtype=object)


def placed(
    templates: Sequence[str],
    root: Path,
    paths: Sequence[Path],
    files: Sequence[tuple[str, int]],
    cells: pd.DataFrame,
) -> "pd.Series[Any]":
    """The path (rows,) of each picture, relative to `root`.

    They may lie in `root`, beside the file of labels, or one folder above it: in the
    first place where half of some rows have their picture, or else in the best. If none
    has, later steps look for the names that are somewhere below `root`.
    """
    owner = np.repeat(np.arange(len(files)), [count for _, count in files])
    step = max(1, len(cells) // _SEEN)
    best, most = (templates[0], [""] * len(files)), 0
    for template in templates:
        some = filled(template, cells.iloc[::step]).tolist()
        for up in range(3):
            bases = [_base(path, root, up) for path in paths]
            hits = sum(
                isinstance(name, str)
                and os.path.isfile(os.path.join(root, bases[row], name))
                for row, name in zip(owner[::step], some, strict=True)
            )
            if hits > most and 2 * most < len(some):
                best, most = (template, bases), hits
    if not most and len(templates) > 1:
        best = (_called(templates, root, cells.iloc[::step]), best[1])
    template, bases = best
    starts = pd.Series([f"{base}/" if base else "" for base in bases], dtype=object)
    return starts[owner].set_axis(cells.index) + filled(template, cells)


def _called(templates: Sequence[str], root: Path, some: pd.DataFrame) -> str:
    """The template of most names that pictures in some folder have."""
    known = {name.rpartition("/")[2] for name, _ in pictures_below(root)}

    def count(template: str) -> int:
        names = filled(template, some).dropna()
        return sum(name.rpartition("/")[2] in known for name in names)

    return max(templates, key=count)


def _base(path: Path, root: Path, up: int) -> str:
    """A folder `up` levels above a file, relative to `root`; `root` itself for 0."""
    base = os.path.relpath(path.parents[up - 1], root) if up else "."
    return "" if base == "." else base.replace(os.sep, "/")


def add_pixels(
    table: pd.DataFrame, pixels: str, root: Path, paths: Sequence[Path], where: str
) -> None:
    """Put the pictures of another file in place of names, if it has as many rows."""
    beside = paths[0].parent / pixels if pixels else None
    if beside is None or not beside.is_file():
        return
    some = table["path"].dropna().iloc[:: max(1, len(table) // _SEEN)]
    names = {name.rpartition("/")[2] for name in some}
    if any(names.intersection(files) for _, _, files in os.walk(root)):
        return  # the pictures are files already
    cells = load(beside, where, Decisions()).cells
    cells = cells.set_axis([str(name).strip() for name in cells], axis=1)
    if "pixels" not in cells or len(cells) != len(table):
        what = f"'{beside}' has {len(cells):,} rows, must have {len(table):,}"
        raise UserError(where, f"{what}, and the pictures in a column 'pixels'")
    del table["path"]
    table["pixels"] = cells["pixels"]
