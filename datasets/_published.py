"""How is a published layout read, whose `datasets/NAME.toml` says what its files are?

    [[edition]]                      # the first of these whose files are there is read
    files = ["fold_?_data.txt"]      # the first that exists; both, of "a.csv,b.csv"
    header = "name expression"       # the first line, where the files have none
    columns = {age = "age"}          # what is read, and as what; all else is left out
    box = ["x", "y", "w", "h"]       # columns that are read as a box
    path = ["{user}/{name.stem}.jpg"]  # of these, the one that most pictures have
    split = "{file}"                 # a text with a word such as train, valid or test
    identity = '^(nm\\d+)_'           # the part of a picture's name that says who it is
    pixels = "fer2013.csv"           # a file with as many rows that has the pictures
    folders = "expression"           # no file, but a folder per class of this column

    [missing]                        # words for "not annotated", by the column's name
    gender = ["u"]
    [classes]                        # the class that each cell means
    expression = {1 = "surprise", 2 = "fear"}
    [votes]                          # as in the TOML beside a table
    expression = {columns = ["happiness", "sadness"], leave_out = ["unknown"]}
    [about]                          # for cards: title, address, terms, labels
    terms = "research"

`{file}` is the name of the file and `{part}` the word that `split` found. All later
steps are those of tables, `multitask/tables/read.py`.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from multitask.datasets._listed import divided
from multitask.datasets._published_files import (
    Files,
    Named,
    class_folders,
    find,
    rows_of,
)
from multitask.datasets._published_paths import texts

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.settings import checked
from multitask.contracts.table import RESERVED, Reading
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration, Votes
from multitask.tables.formats.annotations import LabelFile
from multitask.tables.missing import WORDS
from multitask.tables.read import reading_of
from multitask.tables.words import MOST_ODD, examples, key, meanings

_NO_LABELS = (*RESERVED, "pixels")
Fault = tuple[int, str]  # a row, counted from 0, and what is wrong in it


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What `datasets/NAME.toml` declares; `name` is NAME."""

    name: str
    edition: tuple[Files, ...]
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    classes: dict[str, dict[str, str]] = field(default_factory=dict)
    votes: dict[str, Votes] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)


def reader(layout: str) -> Callable[..., Reading]:
    """The function `read` of the layout that `datasets/LAYOUT.toml` declares."""
    declared = _declared(layout)

    def read(folder: Path, *, name: str = layout) -> Reading:
        """Read the folder of a published data set, or its file of labels.

        Lines without a picture and faulty labels are skipped, with their file and row.
        Raises UserError if its files are missing or have other columns, or if more
        than a tenth of the labels of a column are faulty.
        """
        return _read(folder, declared, name)

    return read


def about(layout: str) -> dict[str, str]:
    """What the publishers of a layout say of it: title, address, terms, labels."""
    return _declared(layout).about


def _declared(layout: str) -> Layout:
    text = (files("multitask.datasets") / f"{layout}.toml").read_text(encoding="utf-8")
    declared: Layout = checked(Layout, {"name": layout, **tomllib.loads(text)}, layout)
    return declared


def _read(folder: Path, layout: Layout, name: str) -> Reading:
    where, decisions = f"--data {name}", Decisions()
    edition, root, paths = find(folder, layout.edition, where, _folders(layout))
    votes = [c for vote in layout.votes.values() for c in vote.names()]
    if paths:
        rows = rows_of(edition, root, paths, votes, decisions, where)
    else:
        rows = class_folders(edition, root, where)
    try:
        faults = _name_classes(rows, layout, decisions, where)
        _drop_boxes(rows, edition)
        labels = LabelFile(
            root=root, cells=rows.cells, brings=_extended_heads(rows.cells, layout)
        )
        path = paths[0] if len(paths) == 1 else root
        own = {name: Column(several="") for name in _labels(rows.cells, edition)}
        declaration = Declaration(votes=layout.votes, column=own)
        reading = reading_of(labels, path, declaration, decisions, name=name)
    except UserError as error:
        what = str(error).removeprefix(f"{where}: ")
        raise UserError(where, rows.placed(what)) from None
    skipped = [(rows.picture(row), reason) for row, reason in faults]
    faulty = pd.DataFrame(skipped, columns=["path", "reason"], dtype=object)
    faulty = pd.concat([reading.skipped, faulty], ignore_index=True)
    faulty["reason"] = faulty["reason"].map(rows.placed)
    others = pd.DataFrame(rows.skipped, columns=["path", "reason"], dtype=object)
    table, notes = divided(reading.table, where)
    return replace(
        reading,
        table=table,
        notes=notes,
        skipped=pd.concat([others, faulty], ignore_index=True),
    )


def _folders(layout: Layout) -> set[str]:
    """The names of folders of classes, as `key` gives them."""
    names = set()
    for column, classes in layout.classes.items():
        names |= set(map(key, _known(column, classes)))
    return names


def _known(column: str, classes: dict[str, str]) -> dict[str, str]:
    """The class by what a cell may say: its number, or a spelling of the named head."""
    named = meanings(column) if "classes" in catalog.named().get(column, {}) else {}
    return {**named, **{name: name for name in classes.values()}, **classes}


def _name_classes(
    rows: Named, layout: Layout, decisions: Decisions, where: str
) -> list[Fault]:
    """Put classes in place of numbers, and nothing where nobody annotated this."""
    faults: list[Fault] = []
    for column in {**layout.missing, **layout.classes}:
        if column in rows.cells:
            _empty(rows.cells, column, layout, decisions)
    for column, classes in layout.classes.items():
        if column in rows.cells:
            faults += _name_column(rows, column, classes, decisions, where)
    return faults


def _empty(
    cells: pd.DataFrame, column: str, layout: Layout, decisions: Decisions
) -> None:
    labels = texts(cells[column])
    words = {*layout.missing.get(column, ()), *WORDS} - {
        *layout.classes.get(column, ())
    }
    is_missing = labels.isin([t for t in labels.unique() if str(t).casefold() in words])
    is_missing &= labels.notna()
    counts = labels[is_missing].value_counts(sort=False)
    if len(counts):
        words_counted = [f"{count:,} {word!r}" for word, count in counts.items()]
        decisions.remark(column, f"not annotated: {', '.join(words_counted)}")
        cells[column] = cells[column].mask(is_missing)


def _name_column(
    rows: Named, column: str, classes: dict[str, str], decisions: Decisions, where: str
) -> list[Fault]:
    known = {key(cell): name for cell, name in _known(column, classes).items()}
    known = {cell: name for cell, name in known.items() if not cell.isdecimal()}
    labels = texts(rows.cells[column])
    distinct = {
        text: classes.get(text.removesuffix(".0"), known.get(key(text)))
        for text in labels.dropna().unique()
    }
    changes = {t: name for t, name in distinct.items() if name not in (t, None)}
    if changes:
        decisions.remark(column, examples(changes))
    rows.cells[column] = labels.map(distinct).astype(object)
    odd = labels[labels.isin([text for text, name in distinct.items() if name is None])]
    *most, last = (f"{cell} ({name})" for cell, name in classes.items())
    must = f"must be {', '.join(most)} or {last}"
    raw = rows.raw.get(column, column)
    empty = "left empty" if raw == column else f"{column} is left empty"
    numbers = odd.index.to_list()
    cells = zip(numbers, odd, strict=True)
    reasons = [f"row {row + 1}: {raw} is {text!r}" for row, text in cells]
    if len(odd) > max(1, MOST_ODD * labels.notna().sum()):
        many = f" (and {len(odd) - 1:,} others are wrong, too)"
        raise UserError(where, f"{reasons[0]}, {must}{many}")
    pairs = zip(numbers, reasons, strict=True)
    return [(row, f"{reason}, {empty}; {must}") for row, reason in pairs]


def _labels(cells: pd.DataFrame, edition: Files) -> list[str]:
    labels = edition.columns.values()
    return [name for name in labels if name in cells and name not in _NO_LABELS]


def _drop_boxes(rows: Named, edition: Files) -> None:
    """Leave out the boxes of rows without a label, which may be of no face."""
    box = [name for name in edition.box if name in rows.cells]
    labels = _labels(rows.cells, edition)
    if box and labels:
        empty = rows.cells[labels].isna().all(axis=1)
        rows.cells[box] = rows.cells[box].mask(empty)


def _extended_heads(cells: pd.DataFrame, layout: Layout) -> dict[str, dict[str, Any]]:
    """Named heads with the classes that the data has beside theirs."""
    heads = {}
    for column, classes in layout.classes.items():
        config = catalog.named().get(column, {})
        own = config.get("classes", classes.values())
        present = set(cells[column].dropna()) if column in cells else set()
        extra = [c for c in classes.values() if c not in own and c in present]
        if extra:
            heads[column] = {**config, "classes": [*own, *extra]}
    return heads
