"""Which pictures, and which part of each, are meant by what `predict` is given?"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import box_columns, picture_table, with_boxes
from multitask.images.decode import Picture
from multitask.images.paths import check_usable, expand


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Pictures with the box of each, None for the whole picture.

    `index` (pictures,) becomes that of the answers.
    """

    pictures: list[Picture]
    boxes: list[str | None]
    index: pd.Index

    def __getitem__(self, part: slice) -> "Inputs":
        return Inputs(
            pictures=self.pictures[part],
            boxes=self.boxes[part],
            index=self.index[part],
        )

    def __len__(self) -> int:
        return len(self.pictures)

    def parts(self, start: int, size: int) -> Iterator["Inputs"]:
        """Yield `size` pictures at a time, from `start`; one part if there are none."""
        for first in range(start, max(1, len(self)), size):
            yield self[first : first + size]


_FORMS = ("", "xyxy", "xywh")


def read_inputs(pictures: Any, box: str = "", trained: str = "") -> Inputs:
    """The pictures that are meant, in their order.

    A DataFrame gives those of its column `path`, cropped to its boxes if it has
    any; a column of paths or an array one each. In a single text or a list, a folder
    or a glob stands for its pictures, as on the command line.

    `box` says what the boxes in one column are: `xyxy` (left, top, right, bottom) or
    `xywh` (left, top, width, height). `trained` is what the network's tables had; if it
    is `xywh`, `box` must be given, as the same column may be either.

    Raises UserError for another `box`, a DataFrame without `path`, a folder or glob
    without a picture, for what holds no pictures, and if none of them exists or has a
    type that can be read.
    """
    if box not in _FORMS:
        raise UserError("box", f"is {box!r}, must be 'xyxy' or 'xywh'")
    if isinstance(pictures, pd.DataFrame):
        return _from_table(pictures, box, trained)
    items = _as_list(pictures)
    check_usable(items)
    return Inputs(
        pictures=items, boxes=[None] * len(items), index=pd.RangeIndex(len(items))
    )


def check_searchable(inputs: Inputs, faces: str) -> None:
    """Raise UserError for boxes in which faces would be searched."""
    if faces == "detect" and any(inputs.boxes):
        what = "the pictures come with boxes already"
        raise UserError("--faces detect", what, "leave out one of them")


def check_many(pictures: Any) -> None:
    """Raise UserError unless this is an iterable of pictures, rather than one."""
    single = isinstance(pictures, (str, bytes, os.PathLike)) or (
        hasattr(pictures, "convert")
        or (isinstance(pictures, np.ndarray) and pictures.ndim < 4)
    )
    if single or isinstance(pictures, (pd.DataFrame, dict)):
        what = f"is of type {type(pictures).__name__}, must be an iterable of pictures"
        raise UserError("pictures", what, "give it to `predict`")
    if not isinstance(pictures, Iterable):
        what = f"is of type {type(pictures).__name__}, must be an iterable of pictures"
        raise UserError("pictures", what)


def _from_table(table: pd.DataFrame, box: str, trained: str) -> Inputs:
    named = picture_table(table, "pictures")
    columns = box_columns(map(str, named))
    if trained == "xywh" and not box and columns and len(columns.names) == 1:
        what = f"boxes in column {columns.names[0]!r} may be left, top, right and "
        what += "bottom, or left, top, width and height, as the network was trained on"
        raise UserError("pictures", what, "say which: box='xyxy' or box='xywh'")
    named = with_boxes(named, sized=box == "xywh")
    pictures = [_cell(picture) for picture in named["path"]]
    check_usable(pictures)
    boxes = named["box"].tolist() if "box" in named else [None] * len(named)
    return Inputs(pictures=pictures, boxes=boxes, index=table.index)


def _cell(picture: Any) -> Any:
    """A picture of a table; an empty cell as an empty path."""
    is_empty = pd.api.types.is_scalar(picture) and pd.isna(picture)
    return "" if is_empty else picture


def _as_list(pictures: Any) -> list[Picture]:
    """Pictures as a list, a single one as a list of one."""
    if isinstance(pictures, pd.Series):
        return list(map(_cell, pictures))
    if isinstance(pictures, np.ndarray):
        many = pictures.ndim == 4 or pictures.dtype.kind in "OUS"  # paths of a table
        return list(map(_cell, pictures)) if many and pictures.ndim else [pictures]
    single = (str, bytes, os.PathLike)
    if isinstance(pictures, single) or hasattr(pictures, "convert"):
        pictures = [pictures]
    if isinstance(pictures, dict) or not isinstance(pictures, Iterable):
        raise UserError(
            "pictures",
            f"is of type {type(pictures).__name__}, must be a path, folder, glob, "
            "bytes, PIL image or uint8 array, a list of these, or a DataFrame",
        )
    return [part for picture in pictures for part in _expanded(picture)]


def _expanded(picture: Picture) -> list[Any]:
    """The files of a folder or glob; any other picture as it is."""
    if not isinstance(picture, (str, os.PathLike)) or not str(picture):
        return [picture]
    paths = expand([os.fspath(picture)])
    return [picture] if paths == [str(Path(picture))] else paths
