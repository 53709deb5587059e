"""Which cells are in a JSON file of pandas, COCO, or one object per line?

[{"path": "a.jpg", "age": 31}, ...]                          records
{"path": {"0": "a.jpg"}, "age": {"0": 31}}                   columns
{"columns": ["path", "age"], "data": [["a.jpg", 31]]}        split
{"a.jpg": {"age": 31}}, {"a.jpg": "drama"}                   by picture
{"a": {"filename": "a.jpg"}, "b": {"filename": "b.jpg"}}     by key
{"data": [{"path": "a.jpg", "age": 31}, ...], ...}           the only list
{"images": [...], "annotations": [...], "categories": [...]} COCO
{"a.jpg9": {"filename": "a.jpg", "size": 9, "regions": []}}  VIA
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError, listed
from multitask.contracts.reading import ENDINGS
from multitask.tables.decisions import Decisions
from multitask.tables.formats.coco import coco_cells
from multitask.tables.formats.encodings import as_text
from multitask.tables.formats.json_rows import cell, record_cells, renamed, short
from multitask.tables.formats.via import is_via, via_cells

FORM = (
    "write a list of objects, one per picture, or another form that docs/data.md shows "
    "for .json"
)


def read_lines(path: Path, where: str, decisions: Decisions) -> pd.DataFrame:
    """The cells of a file with one JSON object per line."""
    rows = []
    for number, line in enumerate(_text(path, where, decisions).split("\n"), 1):
        if line.strip():
            row = _parsed(line, f"{where}: '{path}', line {number}")
            if not isinstance(row, dict):
                raise UserError(
                    f"{where}: '{path}'",
                    f"line {number} is {short(row)}, must be an object",
                    'such as {"path": "a.jpg", "age": 31}',
                )
            rows.append(row)
    return record_cells(rows)


def read_json(
    path: Path, where: str, decisions: Decisions
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The cells of a JSON file, and what was set aside with the reasons.

    Raises UserError if it is not valid JSON or has none of the known forms.
    """
    file = f"{where}: '{path}'"
    content = _parsed(_text(path, where, decisions), file)
    if isinstance(content, dict) and {"images", "annotations"} <= set(content):
        return coco_cells(content, path, file, decisions)
    if isinstance(content, dict) and is_via(content):
        return via_cells(content, file, decisions), []
    if isinstance(content, dict) and "schema" in content and "data" in content:
        content = _without_index(content["data"])
    elif isinstance(content, dict):
        content = _only_list(content, file, decisions)
    if isinstance(content, list):
        for number, row in enumerate(content):
            if not isinstance(row, dict):
                what = f"item {number} is {short(row)}, must be an object"
                raise UserError(file, what, FORM)
        return record_cells(content), []
    if isinstance(content, dict):
        cells = _object(content, file)
        if cells is not None:
            return cells, []
    what = f"is not a table of labels, but {short(content)}"
    raise UserError(file, what, FORM)


def _only_list(
    content: dict[str, Any], file: str, decisions: Decisions
) -> dict[str, Any] | list[Any]:
    """The only list of objects in an object; the object if it has none.

    Raises UserError if it has several, which may be parts, or of different things.
    """
    lists = [key for key, value in content.items() if _are_objects(value)]
    if not lists or any(key.lower().endswith(ENDINGS) for key in content):
        return content
    count = len(content[lists[0]])
    others = [v for key, v in content.items() if key not in lists]
    if any(isinstance(value, list) and len(value) == count for value in others):
        return content  # a column of objects beside others
    if len(lists) > 1:
        names = listed(map(repr, lists))
        what = f"has the lists of objects {names}, must have one"
        raise UserError(file, what, "write them as one list, at the top of the file")
    left = [repr(key) for key in content if key != lists[0]]
    decisions.read_as("(file)", "JSON")
    unread = f", not {listed(left)}" if left else ""
    decisions.remark("(file)", f"the list {lists[0]!r} is read{unread}")
    rows: list[Any] = content[lists[0]]
    return rows


def _are_objects(value: Any) -> bool:
    is_list = isinstance(value, list) and bool(value)
    return is_list and all(isinstance(item, dict) for item in value)


def _without_index(rows: Any) -> Any:
    """The rows of a pandas table, whose row numbers are called `index`."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return rows
    return [
        {"Unnamed: 0" if key == "index" else key: value for key, value in row.items()}
        for row in rows
    ]


def _text(path: Path, where: str, decisions: Decisions) -> str:
    try:
        text, remark = as_text(path.read_bytes())
    except (ValueError, OSError) as error:
        raise UserError(
            f"{where}: '{path}'", f"is not valid JSON: {error}", FORM
        ) from error
    if remark:
        decisions.read_as("(file)", "JSON")
        decisions.remark("(file)", remark)
    return text


def _parsed(text: str, file: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=unique)
    except RecursionError:
        raise UserError(file, "is nested too deeply", FORM) from None
    except ValueError as error:
        todo = (
            "it has one object per line: let its name end in .jsonl"
            if _begins_lines(text)
            else FORM
        )
        raise UserError(file, f"is not valid JSON: {error}", todo) from None


def _begins_lines(text: str) -> bool:
    """Whether the first of several lines is an object."""
    first, _, others = text.strip().partition("\n")
    try:
        return bool(others) and isinstance(json.loads(first), dict)
    except ValueError:
        return False


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; ValueError for a key that is there twice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"an object has the key {twice[:60]!r} twice")
    return values


def _object(content: dict[str, Any], file: str) -> pd.DataFrame | None:
    """The cells of an object by columns, split, or pictures; None if it is none."""
    values = list(content.values())
    if isinstance(content.get("columns"), list) and "data" in content:
        return _split(content, file)
    if not values:
        return None
    by_picture = sum(key.lower().endswith(ENDINGS) for key in content)
    if all(isinstance(value, dict) for value in values):
        lengths = {len(value) for value in values}
        same_keys = len({tuple(value) for value in values}) == 1
        by_row = all(key.isdecimal() for key in content)
        inner_rows = all(key.isdecimal() for value in values for key in value)
        if by_picture > len(content) / 2:
            return record_cells(
                [
                    {"path": key, **renamed(value, "label", ("path",))}
                    for key, value in content.items()
                ]
            )
        if not inner_rows and _names_pictures(values):
            return record_cells(values)
        if same_keys and inner_rows and not by_row or (lengths and not by_row):
            index = dict.fromkeys(key for value in values for key in value)
            columns = {
                name: [cell(column.get(row)) for row in index]
                for name, column in content.items()
            }
            cells = pd.DataFrame(columns, dtype=object)
            return cells if inner_rows else cells.assign(**{"Unnamed: 0": [*index]})
        return record_cells(values)
    if all(isinstance(value, list) for value in values) and not by_picture:
        lengths = {len(value) for value in values}
        if len(lengths) > 1:
            names = {len(value): name for name, value in content.items()}
            what = " and ".join(f"{name!r} has {n}" for n, name in [*names.items()][:2])
            raise UserError(file, f"column {what} cells, all must have as many")
        columns = {name: [*map(cell, value)] for name, value in content.items()}
        return pd.DataFrame(columns, dtype=object)
    if by_picture > len(content) / 2:
        rows = [{"path": key, "label": value} for key, value in content.items()]
        return record_cells(rows)
    return None


def _names_pictures(values: list[dict[str, Any]]) -> bool:
    """Whether each object names its picture, under the same key."""
    keys = set.intersection(*(set(value) for value in values))
    return any(
        all(str(value[key]).lower().endswith(ENDINGS) for value in values)
        for key in keys
    )


def _split(content: dict[str, Any], file: str) -> pd.DataFrame:
    columns, rows = content["columns"], content["data"]
    if not isinstance(rows, list):
        raise UserError(file, f"data is {short(rows)}, must be a list of rows")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(columns):
            what = f"row {number} is {short(row)}, must be a list of {len(columns)}"
            raise UserError(file, what)
    cells = [[*map(cell, row)] for row in rows]
    return pd.DataFrame(cells, columns=[*map(str, columns)], dtype=object)
