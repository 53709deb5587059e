"""Which part of each picture does a table mean, and in which columns does it say so?"""

from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import BoxColumns, box_columns, box_texts
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration
from multitask.tables.missing import WORDS
from multitask.tables.normalized import check_centres, check_pixels
from multitask.tables.values import uncoded

SIZED = "box xywh"  # the role of one column of boxes with width and height
_MOST = 0.1  # share of boxes that may be wrong: more is a mistake about the column


def boxed(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions, where: str
) -> "tuple[pd.DataFrame, pd.Series[Any]]":
    """The cells with their boxes in the column `box`, and a reason for wrong ones.

    Boxes are in one column or in four under their usual names, which are left out of
    the result, or where `declaration` says so. A row with no box means the whole
    picture. Raises UserError if more than a tenth of the boxes are wrong.
    """
    columns = _declared(declaration, where) or _usual(cells, declaration)
    if columns is None:
        check_centres(cells, declaration, where)
        return cells, pd.Series(dtype=object)
    boxes = _emptied(uncoded(cells[[*columns.names]]), declaration)
    texts, faults = box_texts(boxes, columns)
    count = int(texts.notna().sum())
    if len(faults) > _MOST * (count + len(faults)):
        check_pixels(boxes.loc[faults.index], columns, where)
        raise UserError(where, faults.iloc[0], _other_meaning(columns))
    for column in columns.names:
        is_sized = columns.sized and len(columns.names) == 1
        decisions.read_as(column, SIZED if is_sized else "box")
    decisions.remark(columns.names[0], f"{count:,} boxes, {columns.meaning}")
    place = cells.columns.get_loc(columns.names[0])
    before = cells.columns[:place].difference([*columns.names, "box"])
    others = cells.drop(columns=[*columns.names, "box"], errors="ignore")
    others.insert(len(before), "box", texts.astype(object))
    return others, faults


def _emptied(cells: pd.DataFrame, declaration: Declaration) -> pd.DataFrame:
    """The cells of boxes, empty where a word says that there is none."""
    changed: dict[str, pd.Series[Any]] = {}
    for name in map(str, cells):
        own = declaration.column.get(name, Column()).missing
        missing = {w.strip().casefold() for w in (*WORDS, *declaration.missing, *own)}
        texts = {cell for cell in cells[name].tolist() if isinstance(cell, str)}
        words = {text for text in texts if text.strip().casefold() in missing}
        if words:
            is_word = [isinstance(c, str) and c in words for c in cells[name].tolist()]
            changed[name] = (
                cells[name].astype(object).mask(pd.Series(is_word, cells.index))
            )
    return cells.assign(**changed)


def _usual(cells: pd.DataFrame, declaration: Declaration) -> BoxColumns | None:
    """The columns of boxes by their names, without those that have another role."""
    roles = {name: column.role for name, column in declaration.column.items()}
    names = [name for name in map(str, cells) if not roles.get(name)]
    return box_columns(names, sized=declaration.box == "xywh")


def _declared(declaration: Declaration, where: str) -> BoxColumns | None:
    """The columns whose role is declared as `box`, one or four of them."""
    names = tuple(n for n, one in declaration.column.items() if one.role == "box")
    if len(names) not in (0, 1, 4):
        what = f"{len(names)} columns are declared as box, {', '.join(names)}"
        raise UserError(where, what, "declare one, or four in their order")
    usual = box_columns(names, sized=declaration.box == "xywh")
    own = BoxColumns(names=names, sized=declaration.box == "xywh")
    return (usual or own) if names else None


def _other_meaning(columns: BoxColumns) -> str:
    if columns.sized or len(columns.names) > 1:
        return ""
    return "if its numbers are left, top, width and height, add ,box=xywh to --data"
