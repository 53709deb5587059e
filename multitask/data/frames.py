"""How does a data frame become a table of labels on disk, which a recipe can name?

A run that learned from a data frame can be resumed, measured and repeated without it:
the frame is written as `NAME.csv`, and pictures in memory beside it, without loss.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from multitask.contracts.errors import Say, UserError, counted
from multitask.contracts.saving import replacing, reporting_write_errors
from multitask.contracts.table import (
    check_intervals,
    check_splits,
    faces,
    read_csv,
    write_csv,
)
from multitask.images.decode import PictureError, decode
from multitask.images.threads import in_order
from multitask.tables.boxes import boxed
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import declared, text_declaration
from multitask.tables.types import labelled_table

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
    where, folder = f"the DataFrame {name!r}", folder.absolute()
    table = labelled_table(frame, where, lists=True)
    check_splits(table, where)
    check_intervals(table, where)
    paths = _located(table["path"], folder / name, where, written, say)
    _check_any_exists(table["path"], paths, where)
    # As objects: names of files that are not UTF-8 fit no other type of text.
    table = table.assign(path=pd.Series(paths, index=table.index, dtype=object))
    file = folder / f"{name}.csv"
    content = BytesIO()
    write_csv(table, content)
    declaration, text = text_declaration(table, file)
    if text or declaration.exists():
        _keep(declaration, text.encode(), written)
    _keep(file, content.getvalue(), written)
    return file


def about(line: str, name: str, file: Path) -> str:
    """The line of an error on the data set `name`, which is a data frame.

    It does not name the `file` of `write`, which is then removed; advice on what to
    declare beside it says that this needs a file of one's own.

    >>> about("--data m: '/d/m.csv': has no rows", "m", Path("/d/m.csv"))
    '--data m: has no rows'
    """
    start = f"--data {name}: "
    if not line.startswith(start):
        return line
    line = line.replace(f"{start}'{file}': ", start).replace(f"'{file}'", "the table")
    saved = f'(save it, and give data={{"{name}": "{name}.csv"}})'
    for end in ("table", "file"):
        advice = f"the TOML beside the {end}"
        line = line.replace(advice, f"the TOML beside the table {saved}")
    four = "give them in four columns x, y, w, h"
    return line.replace("add ,box=xywh to --data", four)


def shown_faces(file: str | Path) -> list[str]:
    """What each row of a table of `write` shows: `faces` of what the reader gives."""
    where, file = f"'{file}'", Path(file)
    cells = read_csv(file)
    table, _ = boxed(cells, declared(file, where), Decisions(), where)
    real = cache(os.path.realpath)
    ends = map(os.path.split, table["path"].fillna("").tolist())
    paths = [os.path.join(real(folder), name) for folder, name in ends]
    return faces(table.assign(path=pd.Series(paths, table.index, object))).tolist()


def remove(written: list[Path], folder: Path) -> None:
    """Remove files that were written in `folder`, and folders that become empty."""
    for path in written:
        path.unlink(missing_ok=True)
    parents = {parent for path in written for parent in path.parents}
    for parent in sorted(parents, key=lambda path: -len(path.parts)):
        inside = parent == folder.absolute() or folder.absolute() in parent.parents
        if inside:
            with suppress(OSError):  # not empty
                parent.rmdir()


def _located(
    values: "pd.Series[Any]", folder: Path, where: str, written: list[Path], say: Say
) -> list[str]:
    """The path (rows,) of each picture; those in memory are written into `folder`."""
    start, paths = os.getcwd(), list[str]()
    in_memory: dict[int, Any] = {}
    for row, value in enumerate(values.tolist()):
        if isinstance(value, str | PathLike):
            path = os.fspath(value)
            paths.append(os.path.join(start, path) if path else "")
        elif isinstance(value, bytes | np.ndarray | Image.Image):
            in_memory[row] = value
            paths.append("")
        elif pd.api.types.is_scalar(value) and pd.isna(value):
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
        say(f"wrote {counted(len(in_memory), 'picture')} from memory to {folder}")
    return paths


def _check_any_exists(values: "pd.Series[Any]", paths: list[str], where: str) -> None:
    """Raise UserError if no picture exists; the reader sets a few such rows aside."""
    if any(map(os.path.isfile, paths)):
        return
    row = next((row for row, path in enumerate(paths) if path), 0)
    what = f"there is no file '{values.iloc[row]}'" if paths[row] else "has no path"
    what += ", nor a picture in any other row" if len(paths) > 1 else ""
    todo = f"relative paths are looked for in '{os.getcwd()}'"
    raise UserError(f"{where}, row {row}", what, todo)


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
        # To have thousands of pictures on the disk at once takes minutes.
        _keep(path, content, written, flushed=False)
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


def _keep(
    path: Path, content: bytes, written: list[Path], *, flushed: bool = True
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
    with replacing(path, flushed=flushed) as part:
        part.write_bytes(content)
