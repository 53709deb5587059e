"""What does a reader of a data set share: files, types of columns, meanings of labels?

Data frames go through the same functions as tables in files, whatever they are for.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError, counted, nearest
from multitask.contracts.paths import expand_user
from multitask.contracts.table import RESERVED, as_text, check_path, headed

ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".avif"),
)
TABLES = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".parquet", ".json", ".jsonl")
# Spellings of the parts of a split; folders of these names are no classes.
PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def existing(folder: str | Path, where: str) -> Path:
    """The folder with a leading `~` expanded; `where` is how errors name its use.

    Raises UserError if there is no such folder or it is a file.

    >>> existing("/nowhere", "--data utkface")
    Traceback (most recent call last):
    multitask.UserError: --data utkface: there is no folder '/nowhere'; check the path
    """
    path = expand_user(folder)
    if path.is_dir():
        return path
    if path.exists():
        what = f"'{path}' is a file, not a folder"
        raise UserError(where, what, "unpack it if it is an archive")
    raise UserError(where, f"there is no folder '{path}'", "check the path")


def pictures(folder: str | Path, where: str) -> list[str]:
    """Every picture in `folder` and the folders in it, sorted, by its ending.

    Hidden files and folders are left out; no file is opened. Raises UserError if
    `folder` does not exist, is a file, can't be read or holds no picture.
    """
    return pictures_and_others(folder, where)[0]


def pictures_and_others(folder: str | Path, where: str) -> tuple[list[str], list[str]]:
    """The paths of `pictures`, and those of all other files that are not hidden.

    Raises UserError as `pictures` does.
    """
    path = existing(folder, where)
    paths, others = _walk(path, where)
    if not paths:
        _refuse(path, others, where)
    return sorted(paths), sorted(others)


def _walk(folder: Path, where: str) -> tuple[list[str], list[str]]:
    """Paths of the pictures, and of all other files."""

    def unreadable(error: OSError) -> NoReturn:
        raise UserError(
            where, f"'{error.filename}' can't be read ({error.strerror})"
        ) from error

    paths: list[str] = []
    others: list[str] = []
    seen: set[str] = set()  # a link to a folder above would never end
    for root, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        # Sorted, so that which of two links to one folder wins is no accident.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith("."):
                is_picture = name.lower().endswith(ENDINGS)
                (paths if is_picture else others).append(os.path.join(root, name))
    return paths, others


def _refuse(folder: Path, others: list[str], where: str) -> NoReturn:
    holds = "is empty"
    if others:
        name = os.path.relpath(min(others), folder)
        holds = f"holds {counted(len(others), 'file')} such as '{name}' but no picture"
    todo = f"pictures end in {', '.join(ENDINGS)}"
    what = holds if where == str(folder) else f"'{folder}' {holds}"  # named once
    raise UserError(where, what, todo)


def texts(folder: str | Path, where: str) -> list[str]:
    """Every file in `folder` and the folders in it that ends in .txt, sorted.

    Hidden ones are left out. Raises UserError as `pictures` does, except if there is
    none.
    """
    others = _walk(existing(folder, where), where)[1]
    return sorted(path for path in others if path.lower().endswith(".txt"))


def translate(
    labels: "pd.Series[Any]", meanings: Mapping[str, object]
) -> "tuple[pd.Series[Any], pd.Series[str]]":
    """Turn labels (rows,) from a publisher's spelling into that of the heads.

    `meanings` is the mapping that a reader declares: spelling to label, or to NaN where
    a spelling says that nobody annotated it. Case and blanks around do not count.

    Returns the labels, empty where a cell was empty, blank or not known; and for the
    cells that are not known (only these, by their index) a reason that names the
    nearest spelling.

    >>> labels, reasons = translate(pd.Series([" MALE", "Femal", None]), {"male": "m"})
    >>> labels.tolist()
    ['m', nan, nan]
    >>> reasons.tolist()
    ["is 'Femal', left empty; did you mean 'male'? Known: male"]
    """
    known = {_key(spelling): label for spelling, label in meanings.items()}
    distinct = labels.dropna().unique()
    translated = {label: known.get(_key(label), np.nan) for label in distinct}
    unknown = {
        label: f"is {str(label)!r}, left empty; {nearest(label, meanings)}"
        for label in distinct
        if _key(label) and _key(label) not in known
    }
    is_unknown = labels.isin(list(unknown)) if unknown else [False] * len(labels)
    reasons = labels[is_unknown].map(unknown)
    return labels.map(translated), reasons


def _key(spelling: object) -> str:
    return str(spelling).strip().casefold()


# Boxes: parts of pictures

_BOX = ("box", "bbox", "boundingbox", "facebox", "facebbox")
_CORNERS = (  # left, top, right, bottom
    ("left", "top", "right", "bottom"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("minx", "miny", "maxx", "maxy"),
    ("x1", "y1", "x2", "y2"),
    ("x0", "y0", "x1", "y1"),
)
_STARTS = (("x", "y"), ("left", "top"), ("xmin", "ymin"), ("x1", "y1"), ("x0", "y0"))
_SIZES = (("w", "h"), ("width", "height"), ("dx", "dy"))
_BEFORE = ("", *_BOX, "bb", "face", "facerect", "facialarea", "rect", "roi", "crop")
_AS_BLANKS = str.maketrans("[](){},;", " " * 8)


@dataclass(frozen=True, kw_only=True)
class BoxColumns:
    """Columns that hold boxes: one, or four in this order.

    `sized` boxes are left, top, width and height, others left, top, right and bottom.
    """

    names: tuple[str, ...]
    sized: bool = False

    @property
    def meaning(self) -> str:
        """What the numbers of a box are."""
        return "left top width height" if self.sized else "left top right bottom"


def box_columns(names: Iterable[str], *, sized: bool = False) -> BoxColumns | None:
    """The columns that hold boxes by their usual names; None if there are none.

    One column comes before four; `sized` says what its numbers are. Case, blanks and
    punctuation do not count, and four columns may begin with a word such as `face`.

    >>> box_columns(["path", "face_x", "face_y", "face_width", "face_height"])
    BoxColumns(names=('face_x', 'face_y', 'face_width', 'face_height'), sized=True)
    """
    plain = {re.sub(r"[^a-z0-9]", "", name.casefold()): name for name in names}
    for one in _BOX:
        if one in plain:
            return BoxColumns(names=(plain[one],), sized=sized)
    sizes = tuple((*start, *size) for start in _STARTS for size in _SIZES)
    for before in _BEFORE:
        for known in (*_CORNERS, *sizes):
            keys = [before + end for end in known]
            if all(key in plain for key in keys):
                own = tuple(plain[key] for key in keys)
                return BoxColumns(names=own, sized=known in sizes)
    return None


def box_texts(
    table: pd.DataFrame, columns: BoxColumns
) -> "tuple[pd.Series[Any], pd.Series[Any]]":
    """Boxes (rows,) as `left top right bottom`, and a reason for those that are wrong.

    Empty cells make no box. A box is wrong if it is not four numbers in pixels, or has
    no width or height; its text is then empty, too.
    """
    cells = table[list(columns.names)]
    parts = _split_boxes(cells.iloc[:, 0]) if len(columns.names) == 1 else cells
    numbers = [_numbers(parts.iloc[:, end]) for end in range(4)]
    box = pd.DataFrame(dict(enumerate(numbers)), index=cells.index)
    odd = box.isna().any(axis=1) & parts.notna().any(axis=1)
    filled = parts.notna().any(axis=1)
    filled[odd] = parts[odd].map(_says_something).any(axis=1)
    if columns.sized:
        box[2], box[3] = (box[0] + box[2]).round(3), (box[1] + box[3]).round(3)
    right = (
        pd.Series(np.isfinite(box.to_numpy()).all(axis=1), box.index)
        & (box[2] > box[0])
        & (box[3] > box[1])
    )
    right &= box[[2, 3]].max(axis=1) > 1  # else they are shares of a side
    written = _written(box[0])
    for end in (1, 2, 3):
        written = written + " " + _written(box[end])
    wrong = np.flatnonzero(filled & ~right)
    reasons = [_box_fault(cells.iloc[row], int(row), columns) for row in wrong]
    faults = pd.Series(reasons, index=cells.index[wrong], dtype=object)
    return written.where(right & filled).astype(object), faults


def _split_boxes(cells: "pd.Series[Any]") -> pd.DataFrame:
    """The parts (rows, 4) of boxes in one column; question marks if there are not 4."""
    filled = cells[cells.notna()]
    try:  # at once, which is several times faster than one by one
        lines = "\0".join(filled).translate(_AS_BLANKS).split("\0")
        parts = [line.split() for line in lines[: len(filled)]]
    except TypeError:  # not all of them are text
        parts = [(box_text(cell) or "").split() for cell in filled]
    none, odd = [None] * 4, ["?"] * 4
    return pd.DataFrame(
        [part if len(part) == 4 else odd if part else none for part in parts],
        index=filled.index,
        columns=range(4),
        dtype=object,
    ).reindex(cells.index)


def _numbers(cells: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    """The numbers (rows,) of a column: NaN for none, infinite if too large."""
    places, distinct = pd.factorize(cells.astype(object), use_na_sentinel=False)
    texts = [str(value) if isinstance(value, int) else value for value in distinct]
    return np.asarray(pd.to_numeric(texts, errors="coerce"), float)[places]


def _written(numbers: "pd.Series[Any]") -> "pd.Series[Any]":
    places, distinct = pd.factorize(numbers, use_na_sentinel=False)
    texts = as_text(pd.Series(distinct)).to_numpy(object)
    return pd.Series(texts[places], index=numbers.index, dtype=object)


def _box_fault(cells: "pd.Series[Any]", row: int, columns: BoxColumns) -> str:
    says = ", ".join(c if _says_something(c) else "" for c in as_text(cells))
    must = "right greater than left, bottom greater than top"
    if columns.sized:
        must = "width and height above 0"
    return (
        f"row {row + 1}: {', '.join(columns.names)} is '{says}', must be "
        f"{columns.meaning} in pixels, {must}"
    )


def _says_something(cell: Any) -> bool:
    is_missing = pd.api.types.is_scalar(cell) and pd.isna(cell)
    return not is_missing and bool(str(cell).strip())


def with_boxes(table: pd.DataFrame, *, sized: bool = False) -> pd.DataFrame:
    """The table of a data frame with its boxes, however they are given, as `box`.

    `sized` is as in `box_columns`. A wrong box stays, so that decoding the picture
    tells it.
    """
    columns = box_columns(map(str, table), sized=sized)
    if columns is None or columns == BoxColumns(names=("box",)):
        return table
    texts, faults = box_texts(table, columns)
    texts = texts.astype(object).where(texts.notna(), None)
    for row in faults.index:
        texts[row] = " ".join(map(str, table.loc[row, [*columns.names]]))
    return table.drop(columns=[*columns.names]).assign(box=texts)


# From a data frame to a table


def picture_table(frame: object, where: str) -> pd.DataFrame:
    """A data frame of pictures with text as names of columns, and a fresh index.

    Levels of its index become columns if they are called as one of every table, such as
    `path`. A leading `~` of a path is expanded, and a box is text or empty.

    Raises UserError if it is no data frame or has no column `path`.
    """
    if not isinstance(frame, pd.DataFrame):
        kind = type(frame).__name__
        raise UserError(where, f"is of type {kind}, must be a pandas.DataFrame")
    table = headed(frame.reset_index(drop=True), where)
    for level, name in enumerate(frame.index.names):
        if name in RESERVED and name not in table:
            table = table.assign(**{str(name): frame.index.get_level_values(level)})
    check_path(table, where)
    convert = {"path": _file_name, "box": box_text}
    columns = {
        # As objects: names of files that are not UTF-8 fit no other type of text.
        name: pd.Series([*map(convert[name], table[name])], table.index, dtype=object)
        for name in convert
        if name in table
    }
    return table.assign(**columns)


def _file_name(picture: Any) -> Any:
    """A path with a leading `~` expanded; a picture as it is."""
    if isinstance(picture, str | PathLike):
        return os.path.expanduser(os.fspath(picture))
    return picture


def box_text(box: Any) -> str | None:
    """A box as the text that `decode` takes, which tells a wrong one.

    >>> box_text((4, 0, 20.5, 16)), box_text("[1, 2, 3, 4]"), box_text(float("nan"))
    ('4 0 20.5 16', '1 2 3 4', None)
    """
    if isinstance(box, tuple | list | np.ndarray | pd.Series):
        return " ".join(map(str, box)) or None
    if pd.isna(box):
        return None
    return " ".join(str(box).translate(_AS_BLANKS).split()) or None
