"""Which cells are in a JSON file of pandas, COCO, or one object per line?

[{"path": "a.jpg", "age": 31}, ...]                          records
{"path": {"0": "a.jpg"}, "age": {"0": 31}}                   columns
{"columns": ["path", "age"], "data": [["a.jpg", 31]]}        split
{"a.jpg": {"age": 31}}, {"a.jpg": "drama"}                   by picture
{"images": [...], "annotations": [...], "categories": [...]} COCO
"""

import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError, listed
from multitask.contracts.reading import ENDINGS
from multitask.tables.decisions import Decisions
from multitask.tables.formats.encodings import as_text

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
                    f"line {number} is {_short(row)}, must be an object",
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
        return _coco(content, path, file, decisions)
    if isinstance(content, dict) and "schema" in content and "data" in content:
        content = _without_index(content["data"])
    if isinstance(content, list):
        for number, row in enumerate(content):
            if not isinstance(row, dict):
                what = f"item {number} is {_short(row)}, must be an object"
                raise UserError(file, what, FORM)
        return record_cells(content), []
    if isinstance(content, dict):
        cells = _object(content, file)
        if cells is not None:
            return cells, []
    what = f"is not a table of labels, but {_short(content)}"
    raise UserError(file, what, FORM)


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
        raise UserError(file, f"is not valid JSON: {error}", FORM) from None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; ValueError for a key that is there twice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"an object has the key {twice[:60]!r} twice")
    return values


def _short(value: Any) -> str:
    if isinstance(value, dict):
        keys = listed(map(repr, [*value][:3]))
        more = len(value) - 3
        others = f" and {more:,} more" if more > 0 else ""
        noun = "key" if len(value) == 1 else "keys"
        return f"an object with the {noun} {keys}{others}" if value else "an object, {}"
    text = repr(value)
    return text if len(text) < 40 else f"{text[:36]} ..."


def record_cells(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """One row per object; inner objects become columns `outer.inner`."""
    flat = [_flat(row) for row in rows]
    columns = dict.fromkeys(name for row in flat for name in row)
    cells = {name: [row.get(name) for row in flat] for name in columns}
    return pd.DataFrame(cells, index=range(len(flat)), dtype=object)


def _flat(row: dict[str, Any], start: str = "", depth: int = 0) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and depth < 3 and "bytes" not in value:
            cells |= _flat(value, f"{start}{key}.", depth + 1)
        else:
            cells[start + key] = _cell(value)
    return cells


def _cell(value: Any) -> Any:
    """A value as a cell: lists as their JSON, huge whole numbers as text."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        return str(value)
    return value


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
                    {"path": key, **_renamed(value, "label", ("path",))}
                    for key, value in content.items()
                ]
            )
        if same_keys and inner_rows and not by_row or (lengths and not by_row):
            index = dict.fromkeys(key for value in values for key in value)
            columns = {
                name: [_cell(column.get(row)) for row in index]
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
        columns = {name: [*map(_cell, value)] for name, value in content.items()}
        return pd.DataFrame(columns, dtype=object)
    if by_picture > len(content) / 2:
        rows = [{"path": key, "label": value} for key, value in content.items()]
        return record_cells(rows)
    return None


def _split(content: dict[str, Any], file: str) -> pd.DataFrame:
    columns, rows = content["columns"], content["data"]
    if not isinstance(rows, list):
        raise UserError(file, f"data is {_short(rows)}, must be a list of rows")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(columns):
            what = f"row {number} is {_short(row)}, must be a list of {len(columns)}"
            raise UserError(file, what)
    cells = [[*map(_cell, row)] for row in rows]
    return pd.DataFrame(cells, columns=[*map(str, columns)], dtype=object)


_NO_LABELS = {
    *("id", "image_id", "category_id", "bbox", "segmentation", "area", "iscrowd"),
    *("keypoints", "num_keypoints", "attributes"),
}
_OF_IMAGES = {
    *("id", "file_name", "width", "height", "license", "date_captured"),
    *("coco_url", "flickr_url"),
}
# Keys that are read, but make no column of their own.
_READ = {"id", "image_id", "category_id", "bbox", "attributes", "file_name", "name"}


def _coco(
    content: dict[str, Any], path: Path, file: str, decisions: Decisions
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """One row per annotation: its picture, box, category and attributes.

    Before them are the fields of its picture. Where no annotation has a box, there is
    one row per picture, whose categories are joined by `|`. Pictures without an
    annotation have empty labels.
    """
    for key in ("images", "annotations", "categories"):
        entries = content.get(key, [])
        if not isinstance(entries, list) or not all(
            isinstance(e, dict) for e in entries
        ):
            raise UserError(
                file, f"{key} is {_short(entries)}, must be a list of objects"
            )
    names = {_id(c.get("id")): c.get("name") for c in content.get("categories", [])}
    images = {_id(i.get("id")): i for i in content["images"]}
    files = {number: image.get("file_name") for number, image in images.items()}
    skipped: list[tuple[str, str]] = []
    rows: dict[Any, list[dict[str, Any]]] = {}
    for number, annotation in enumerate(content["annotations"]):
        image = _id(annotation.get("image_id"))
        row, fault = _annotated(annotation, files, names)
        if fault:
            skipped.append(
                (str(files.get(image) or path), f"annotation {number}: {fault}")
            )
        if row is not None:
            rows.setdefault(image, []).append(row)
    taken = {"path", "box", "category"}
    taken |= {name for several in rows.values() for row in several for name in row}
    has_boxes = any("box" in row for several in rows.values() for row in several)
    records = []
    for number, image in images.items():
        several = rows.get(number, [{}])
        if not has_boxes and len(several) > 1:
            several = [_united(several)]
        start = {"path": files[number]}
        fields = {k: v for k, v in image.items() if k not in _OF_IMAGES}
        start |= _renamed(fields, "image", taken)
        records += [{**start, **row} for row in several]
    if unread := _unread(content):
        decisions.remark("path", f"not read: {unread}")
    return record_cells(records), skipped


def _unread(content: dict[str, Any]) -> str:
    """The keys of which no column is made, for a remark."""
    known = {"images": _OF_IMAGES, "annotations": _NO_LABELS}
    texts = []
    for part in ("images", "annotations", "categories"):
        entries = content.get(part, [])
        keys = dict.fromkeys(key for entry in entries for key in entry)
        left = [k for k in keys if k in known.get(part, keys) and k not in _READ]
        texts += [f"{listed(left)} of {part}"] if left else []
    return "; ".join(texts)


def _id(value: Any) -> Any:
    """An id that a dict can have as a key, whatever it is."""
    return value if isinstance(value, int | str | None) else json.dumps(value)


def _annotated(
    annotation: dict[str, Any], files: dict[Any, Any], names: dict[Any, Any]
) -> tuple[dict[str, Any] | None, str]:
    """The labels of an annotation, and what is wrong with it; None if it has none."""
    image, category = (_id(annotation.get(k)) for k in ("image_id", "category_id"))
    if image not in files:
        return None, f"image_id is {_short(image)}, must be the id of an image"
    if annotation.get("iscrowd"):
        return None, "iscrowd: a group is no single thing"
    labels = {k: v for k, v in annotation.items() if k not in _NO_LABELS}
    row = _renamed(labels, "annotation", ("path", "category"))
    attributes = annotation.get("attributes")
    if isinstance(attributes, dict):
        row |= _renamed(attributes, "attributes", ("path", "category", *row))
    elif attributes:
        row["attributes"] = attributes
    fault = ""
    if category in names:
        row["category"] = names[category]
    elif category is not None:
        known = listed([*map(str, names)][:5])
        fault = f"category_id is {_short(category)}, must be one of {known}; left empty"
    box = annotation.get("bbox")
    if box:
        numbers = isinstance(box, list) and all(isinstance(n, int | float) for n in box)
        if not numbers or len(box) != 4 or min(box[2:]) <= 0:
            return None, f"bbox is {_short(box)}, must be [left, top, width, height]"
        left, top, width, height = box
        ends = (left, top, left + width, top + height)
        row["box"] = " ".join(f"{n:g}" for n in ends)
    return row, fault


def _renamed(
    labels: dict[str, Any], outer: str, taken: Collection[str]
) -> dict[str, Any]:
    """The labels, those whose names are taken as `outer.name`."""
    return {f"{outer}.{k}" if k in taken else k: v for k, v in labels.items()}


def _united(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The labels of one picture; several different ones are joined by `|`."""
    united: dict[str, Any] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if row.get(name) is not None]
        distinct = [*dict.fromkeys(map(str, values))]
        united[name] = values[0] if len(distinct) == 1 else "|".join(distinct)
    return united
