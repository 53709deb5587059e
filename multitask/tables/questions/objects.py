"""Which cells hold objects, as JSON and Python write them?

attributes                          attributes.mood  attributes.age
{"mood": "happy", "age": 31}   ->   happy            31
{}
"""

import ast
import json
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import listed
from multitask.contracts.reading import box_columns
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration
from multitask.tables.formats.json_rows import record_cells
from multitask.tables.values import texts
from multitask.tables.words import are_few


def with_inner_columns(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions
) -> tuple[pd.DataFrame, list[tuple[Any, str]]]:
    """The cells with a column `outer.inner` for each key of objects in a column.

    A column with a declared role stays as it is.
    Also rows and reasons of the few cells that are no objects in such a column.
    """
    faults: list[tuple[Any, str]] = []
    for name in map(str, cells.columns):
        is_free = name != "path" and not declaration.column.get(name, Column()).role
        if not is_free or not _has_any(cells[name]):
            continue
        objects = _objects(cells[name])
        if objects is None:
            lists = _choices(cells[name])
            cells = cells if lists is None else cells.assign(**{name: lists})
            continue
        inner = record_cells([{name: one or {}} for one in objects])
        inner = _with_box(inner.set_axis(cells.index), name, set(map(str, cells)))
        keys = [column for column in map(str, inner) if column != name]
        new = [column for column in keys if column not in cells]
        decisions.read_as(name, "objects" if new else "left out")
        decisions.labels_in(name, [])
        if new or not keys:
            text = f"become columns {listed(new)}" if new else "empty objects"
            decisions.remark(name, text)
        if clash := [column for column in keys if column not in new]:
            text = (
                f"{listed(clash)} not read from it, as there is a column of this name"
            )
            decisions.remark(name, text)
        for column in new:
            decisions.read_as(column, "label")
        must = "left empty; must be an object"
        is_odd = np.array([one is None for one in objects]) & cells[name].notna()
        faults += [
            (row, f"{name} is {cell!r} in row {int(str(row)) + 1}, {must}")
            for row, cell in cells[name][is_odd].items()
        ]
        place = list(cells.columns).index(name)
        before, after = cells.iloc[:, :place], cells.iloc[:, place + 1 :]
        cells = pd.concat([before, inner[new], after], axis="columns")
    return cells, faults


def _with_box(inner: pd.DataFrame, outer: str, taken: set[str]) -> pd.DataFrame:
    """The inner columns, the sides of a box with names that are known for it."""
    names = {str(column): str(column).removeprefix(f"{outer}.") for column in inner}
    box = box_columns(names.values())
    sides = set() if box is None or taken & set(box.names) else set(box.names)
    return inner.rename(
        columns={old: new for old, new in names.items() if new in sides}
    )


def _choices(cells: "pd.Series[Any]") -> "pd.Series[Any] | None":
    """The cells as lists, if they are texts beside objects of one list of texts.

    Label Studio writes `happy`, and `{"choices": ["happy", "sad"]}` for two.
    """
    parsed = {cell: _parsed(cell) for cell in cells.dropna().unique()}
    objects = [one for one in parsed.values() if one is not None]
    inner = [[*one.values()] for one in objects]
    if not inner or not all(len(v) == 1 and isinstance(v[0], list) for v in inner):
        return None
    texts = {c: [c] if o is None else next(iter(o.values())) for c, o in parsed.items()}
    lists = {c: json.dumps(v, ensure_ascii=False) for c, v in texts.items()}
    return cells.map(lists, na_action="ignore").astype(object)


def _objects(cells: "pd.Series[Any]") -> list[dict[str, Any] | None] | None:
    """The object in each cell, None where there is none; None if they are few."""
    filled = cells.dropna()
    parsed = {cell: _parsed(cell) for cell in filled.unique()}
    objects = [parsed.get(cell) for cell in cells]
    known = sum(one is not None for one in objects)
    return objects if known and are_few(len(filled) - known, len(filled)) else None


def _has_any(cells: "pd.Series[Any]") -> bool:
    """Whether any cell is an object."""
    # Most columns have no brace at all, which their joined text tells much faster.
    values = texts(cells)
    return "{" in "".join(values) and any(v.lstrip().startswith("{") for v in values)


def _parsed(cell: Any) -> dict[str, Any] | None:
    if not isinstance(cell, str) or not cell.lstrip().startswith("{"):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            one = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(one, dict):
            return {str(key): value for key, value in one.items()}
    return None
