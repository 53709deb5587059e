"""Which cells are in a file of COCO: images, annotations and categories?"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError, listed
from multitask.tables.decisions import Decisions
from multitask.tables.formats.json_rows import record_cells, renamed, short

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


def coco_cells(
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
                file, f"{key} is {short(entries)}, must be a list of objects"
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
        start |= renamed(fields, "image", taken)
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
        return None, f"image_id is {short(image)}, must be the id of an image"
    if annotation.get("iscrowd"):
        return None, "iscrowd: a group is no single thing"
    labels = {k: v for k, v in annotation.items() if k not in _NO_LABELS}
    row = renamed(labels, "annotation", ("path", "category"))
    attributes = annotation.get("attributes")
    if isinstance(attributes, dict):
        row |= renamed(attributes, "attributes", ("path", "category", *row))
    elif attributes:
        row["attributes"] = attributes
    fault = ""
    if category in names:
        row["category"] = names[category]
    elif category is not None:
        known = listed([*map(str, names)][:5])
        fault = f"category_id is {short(category)}, must be one of {known}; left empty"
    box = annotation.get("bbox")
    if box:
        numbers = isinstance(box, list) and all(isinstance(n, int | float) for n in box)
        if not numbers or len(box) != 4 or min(box[2:]) <= 0:
            return None, f"bbox is {short(box)}, must be [left, top, width, height]"
        left, top, width, height = box
        ends = (left, top, left + width, top + height)
        row["box"] = " ".join(f"{n:g}" for n in ends)
    return row, fault


def _united(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The labels of one picture; several different ones are joined by `|`."""
    united: dict[str, Any] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if row.get(name) is not None]
        distinct = [*dict.fromkeys(map(str, values))]
        united[name] = values[0] if len(distinct) == 1 else "|".join(distinct)
    return united
