"""Are boxes shares of a picture's sides, or around a centre, instead of pixels?"""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import BoxColumns, box_text
from multitask.tables.declaration import Declaration, column_section
from multitask.tables.types import numbers

_MOST = 0.1  # share of boxes that may be others
_CENTRE = re.compile(
    "(box|bbox|boundingbox|bb|face|facebox|facebbox|roi|crop)?"
    "(?:c(?:ent(?:er|re))?(?P<a>[xy])|(?P<b>[xy])c(?:ent(?:er|re))?"
    "|(?P<c>w|h)(?:idth|eight)?)"
)
_TO_PIXELS = (
    "multiply those from left to right by the picture's width, those from top to "
    "bottom by its height"
)


def check_pixels(boxes: pd.DataFrame, columns: BoxColumns, where: str) -> None:
    """Raise UserError if nearly all of these wrong boxes lie between 0 and 1."""
    if len(columns.names) == 1:
        texts = boxes.iloc[:, 0].map(lambda cell: (box_text(cell) or "").split())
        boxes = pd.DataFrame([text for text in texts if len(text) == 4], dtype=object)
    sides = _sides(boxes)
    if not len(sides) or not _most(((sides >= 0) & (sides <= 1)).all(axis=1)):
        return
    raise UserError(
        where,
        f"the boxes in {', '.join(columns.names)} seem to be normalized (0 to 1), such "
        f"as {_example(sides)}, must be {columns.meaning} in pixels",
        _TO_PIXELS,
    )


def check_centres(cells: pd.DataFrame, declaration: Declaration, where: str) -> None:
    """Raise UserError for columns of centres and sizes of boxes, as YOLO has them.

    They are called so, have no declared role, and no box begins left of its picture.
    """
    roles = {name: one.role for name, one in declaration.column.items()}
    names = _centred([name for name in map(str, cells) if not roles.get(name)])
    if not names:
        return
    sides = _sides(cells[names])
    corners = sides[:, :2] - sides[:, 2:] / 2
    if not len(sides) or not _most((corners > -0.01 * sides.max()).all(axis=1)):
        return
    todo = "give left (the centre minus half of the width), top, width and height"
    seem = ""
    if _most((sides <= 1).all(axis=1)):
        seem = ", normalized (0 to 1)"
        todo = f"{_TO_PIXELS}, and {todo}"
    raise UserError(
        where,
        f"{', '.join(names)} seem to be the centre and the size of a box{seem}, such "
        f"as {_example(sides)}, must be left top width height in pixels",
        f'{todo}, or declare role = "label" or "none" under '
        f"{column_section(names[0])} and the others",
    )


def _centred(columns: list[str]) -> list[str]:
    """The four columns of a centre and a size, in this order."""
    found: dict[tuple[str, str], str] = {}
    for name in columns:
        match = _CENTRE.fullmatch(re.sub(r"[^a-z0-9]", "", name.casefold()))
        if match:
            end = match["a"] or match["b"] or match["c"]
            found.setdefault((match[1] or "", end), name)
    for before in dict.fromkeys(before for before, _ in found):
        if all((before, end) in found for end in "xywh"):
            return [found[before, end] for end in "xywh"]
    return []


def _sides(boxes: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The numbers (boxes, 4) of boxes that have four; none if a cell is no number."""
    columns = [numbers(boxes.iloc[:, end]) for end in range(boxes.shape[1])]
    if len(columns) != 4 or any(column is None for column in columns):
        return np.empty((0, 4))
    sides = np.column_stack([np.asarray(column, float) for column in columns])
    whole: npt.NDArray[np.float64] = sides[np.isfinite(sides).all(axis=1)]
    return whole


def _most(are: Any) -> bool:
    return bool(np.mean(are) >= 1 - _MOST)


def _example(sides: npt.NDArray[np.float64]) -> str:
    return repr(", ".join(f"{number:g}" for number in sides[0]))
