"""How does a data frame become a table of labels on disk, which a recipe can name?

A run that learned from a data frame can be resumed, measured and repeated without it:
the frame is written as `NAME.csv`, and pictures in memory beside it, without loss.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Hashable, Iterator
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from multitask.contracts.errors import Say, UserError
from multitask.contracts.reading import ENDINGS
from multitask.contracts.saving import replacing, reporting_write_errors
from multitask.contracts.table import RESERVED, as_text
from multitask.images.decode import PictureError, decode, in_order

_NAMES = ("path", "file", "filename", "filepath", "image", "imagepath", "imagefile",
          "img", "imgpath", "picture", "photo", "url")  # fmt: skip
_SHOWN = 20  # columns that an error lists
_SIGNATURES = {
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"RIFF": ".webp",
}


def write(
    frame: pd.DataFrame, name: str, folder: Path, written: list[Path], say: Say
) -> Path:
    """Write a data frame as the table `name` in `folder`; returns the file's path.

    Its column `path` holds paths, relative to the working folder, or pictures: PIL
    images, uint8 arrays or the bytes of a file. New files are added to `written`. `say`
    is told of pictures that are written.

    Raises UserError if the frame is no table, holds what is no picture, or if the
    folder holds another one of this name.
    """
    where = f"data {name}"
    table = _with_index(frame)
    _check(table, where)
    folder = folder.absolute()
    pictures = folder / name
    paths = _located(table["path"], pictures, where, written, say)
    # As objects: names of files that are not UTF-8 fit no other type of text.
    table = table.assign(path=pd.Series(paths, index=table.index, dtype=object))
    for column in table.columns.drop("path"):
        table[column] = _cells(table[column], str(column) in RESERVED)
    file = folder / f"{name}.csv"
    text = table.to_csv(index=False, lineterminator="\n")
    _keep(file, text.encode("utf-8", "surrogateescape"), written)
    return file


def remove(written: list[Path], folder: Path) -> None:
    """Remove files that were written in `folder`, and folders that become empty."""
    for path in written:
        path.unlink(missing_ok=True)
    parents = {parent for path in written for parent in path.parents}
    for parent in sorted(parents, key=lambda path: -len(path.parts)):
        inside = parent == folder.absolute() or folder.absolute() in parent.parents
        if inside and not any(parent.iterdir()):
            parent.rmdir()


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the named levels of its index as columns, and a fresh index."""
    unnamed: list[Hashable] = [
        level
        for level, name in enumerate(frame.index.names)
        if name is None or name in frame
    ]
    if len(unnamed) == frame.index.nlevels:
        return frame.reset_index(drop=True)
    return frame.droplevel(unnamed).reset_index() if unnamed else frame.reset_index()


def _check(table: pd.DataFrame, where: str) -> None:
    """Raise UserError unless the frame has a row, columns of its own, and `path`."""
    columns = list(map(str, table.columns))
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise UserError(where, f"has column {twice!r} twice", "rename one of them")
    if table.empty:
        raise UserError(where, "is a DataFrame without a row, must have one or more")
    if "path" in table:
        return
    listed = ", ".join(columns[:_SHOWN]) + ", ..." * (len(columns) > _SHOWN)
    meant = _picture_column(table)
    todo = "give it a column 'path' with pictures or their files"
    if meant is not None:
        rename = f"frame.rename(columns={{{meant!r}: 'path'}})"
        todo = f"did you mean {meant!r}? Give {rename}"
    raise UserError(where, f"has no column 'path', only {listed or 'none'}", todo)


def _picture_column(table: pd.DataFrame) -> Any:
    """The column that holds pictures, by its name or its first value; else None."""
    for column in table:
        if str(column).casefold().replace("_", "").replace(" ", "") in _NAMES:
            return column
    for column in table:
        values = table[column].dropna()
        first = values.iloc[0] if len(values) else None
        is_file = isinstance(first, str) and first.lower().endswith(ENDINGS)
        if is_file or isinstance(first, PathLike | bytes | np.ndarray | Image.Image):
            return column
    return None


def _located(
    values: "pd.Series[Any]", folder: Path, where: str, written: list[Path], say: Say
) -> list[str]:
    """The path (rows,) of each picture; those in memory are written into `folder`."""
    start, paths = os.getcwd(), list[str]()
    in_memory: dict[int, Any] = {}
    for row, value in enumerate(values.tolist()):
        if isinstance(value, str | PathLike):
            path = os.path.expanduser(os.fspath(value))
            paths.append(os.path.join(start, path) if path else "")
        elif isinstance(value, bytes | np.ndarray | Image.Image):
            in_memory[row] = value
            paths.append("")
        elif pd.isna(value):
            paths.append("")  # the reader sets the row aside
        else:
            raise UserError(
                where,
                f"row {row} of 'path' is of type {type(value).__name__}, must be a "
                "path or a picture: a PIL image, a uint8 array or the bytes of a file",
            )
    if in_memory:
        for row, file in _save(in_memory, folder, where, written):
            paths[row] = str(file)
        say(f"{len(in_memory):,} pictures in memory are kept in {folder}")
    return paths


def _save(
    pictures: dict[int, Any], folder: Path, where: str, written: list[Path]
) -> Iterator[tuple[int, Path]]:
    """Write the pictures of rows into `folder`; yields each row and its file.

    Files are named by what they hold: a report recognizes the pictures of a training by
    their names, and the first pictures of two frames are not the same.
    """
    rows, names = list(pictures), Counter[str]()

    def encoded(number: int) -> bytes:
        row = rows[number]
        return _encoded(pictures[row], f"{where}, row {row}")

    for row, content in zip(rows, in_order(encoded, len(rows)), strict=True):
        name = hashlib.sha256(content).hexdigest()[:16]
        names[name] += 1
        again = f"-{names[name]}" if names[name] > 1 else ""
        path = folder / f"{name}{again}{_ending(pictures[row])}"
        _keep(path, content, written, flush=False)
        yield row, path


def _ending(picture: object) -> str:
    if not isinstance(picture, bytes):
        return ".png"
    ends = (
        ending for start, ending in _SIGNATURES.items() if picture.startswith(start)
    )
    return next(ends, ".jpg")


def _encoded(picture: Any, where: str) -> bytes:
    """A picture as a file: the bytes of one as they are, all others as PNG."""
    if isinstance(picture, bytes):
        return picture
    try:
        pixels = decode(picture)
    except PictureError as error:
        raise UserError(where, str(error)) from None
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _cells(values: "pd.Series[Any]", is_reserved: bool) -> "pd.Series[Any]":
    """A column as the reader of tables would read it: yes and no as 1 and 0."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if pd.api.types.is_bool_dtype(values):
        return values.astype("Int64")
    if values.dtype != object:
        return as_text(values) if is_reserved else values
    if {type(value) for value in values.dropna()} <= {bool, np.bool_}:
        return values.astype("boolean").astype("Int64")
    return as_text(values.map(_box) if values.name == "box" else values)


def _box(value: Any) -> Any:
    """A box of four numbers as text."""
    if isinstance(value, list | tuple | np.ndarray):
        return " ".join(str(number) for number in value)
    return value


def _keep(
    path: Path, content: bytes, written: list[Path], *, flush: bool = True
) -> None:
    """Write a file, unless it is there; UserError if another one is."""
    if path.exists():
        if path.read_bytes() != content:
            todo = "choose another folder with --out, or delete the file"
            raise UserError(path, "is there already, with other data", todo)
        return
    with reporting_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        written.append(path)
        if flush:
            with replacing(path) as part:
                part.write_bytes(content)
        else:  # to have thousands of pictures on the disk at once takes minutes
            part = path.with_name(f".part-{path.name}")
            part.write_bytes(content)
            os.replace(part, path)
