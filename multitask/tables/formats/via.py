"""Which cells are in a file of the VGG Image Annotator (VIA), in its version 1 or 2?"""

from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.tables.decisions import Decisions
from multitask.tables.formats.json_rows import record_cells, renamed

_PROJECT = "_via_img_metadata"
_KEYS = {"filename", "size", "regions"}


def is_via(content: dict[str, Any]) -> bool:
    """Whether an object is a project of VIA, or its pictures by name and size."""
    values = content.get(_PROJECT, content)
    return (
        isinstance(values, dict)
        and bool(values)
        and all(isinstance(v, dict) and v.keys() >= _KEYS for v in values.values())
    )


def via_cells(content: dict[str, Any], file: str, decisions: Decisions) -> pd.DataFrame:
    """One row per picture, with its attributes.

    Raises UserError if there are only those of regions, which are not read.
    """
    pictures = list(content.get(_PROJECT, content).values())
    rows = [
        {
            "path": picture["filename"],
            **renamed(picture.get("file_attributes") or {}, "attribute", ("path",)),
        }
        for picture in pictures
    ]
    if any(picture["regions"] for picture in pictures):
        if not any(len(row) > 1 for row in rows):
            what = "has labels of regions only, must have attributes of pictures"
            todo = "write one row per region into a .csv, with columns path, box and "
            raise UserError(file, what, f"{todo}one for each label")
        decisions.read_as("(file)", "VIA")
        decisions.remark("(file)", "regions are not read")
    return record_cells(rows)
