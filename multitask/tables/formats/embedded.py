"""How do pictures that are in the cells of a table become files?

As numbers of pixels (`pixels` of fer2013.csv), or as the bytes of a file, also in
base64. They are written once, into `FILE.pictures` beside the table.
"""

import base64
import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from multitask.contracts.errors import UserError
from multitask.contracts.saving import replacing
from multitask.terminal.bar import track

_LEAST = 64  # pixels of a picture
_PIXELS = re.compile(r"\s*\[?\s*\d{1,3}([\s,]+\d{1,3}){15,}\s*,?\s*\]?\s*")
_ONE_PIXEL = re.compile(r"(?:pixel|px|p)[_ ]?\d+", re.IGNORECASE)
_BASE64 = re.compile(r"(data:image/[\w.+-]+;base64,)?[A-Za-z0-9+/\s_-]{20,}={0,2}\s*")
_SIGNATURES = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"RIFF": ".webp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}
_TRIED = 20  # cells that tell what is in a column


def joined_pixels(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with one column `pixels` in place of one column per pixel."""
    names = [name for name in map(str, cells) if _ONE_PIXEL.fullmatch(name)]
    if len(names) < _LEAST or "pixels" in cells or not _size(len(names)):
        return cells
    # In the order of the table: some count from 0, some from 1.
    rows = cells[names].astype(str).to_numpy(object)
    pixels = pd.Series([" ".join(row) for row in rows], cells.index, dtype=object)
    return cells.drop(columns=names).assign(pixels=pixels)


def picture_cells(cells: pd.DataFrame) -> str | None:
    """The column whose cells are pictures; None if there is none."""
    for number, name in enumerate(cells.columns):
        column = cells.iloc[:, number]
        if not pd.api.types.is_numeric_dtype(column):
            tried = column.dropna().head(_TRIED).tolist()
            if sum(_is_picture(cell) for cell in tried) > len(tried) / 2:
                return str(name)
    return None


def make_pictures(
    cells: "pd.Series[Any]", folder: Path, where: str
) -> "tuple[pd.Series[Any], pd.Series[Any], str]":
    """Write the pictures in cells into `folder`, those that aren't there.

    Returns their files, a reason for each cell that is no picture, and what the
    pictures are. Raises UserError if `folder` can't be written.
    """
    column = cells.name
    kinds = [_kind(cell) for cell in cells.tolist()]
    counts = Counter(_count(cell) for cell in cells.head(1000) if isinstance(cell, str))
    size = counts.most_common(1)[0][0] if counts else 0
    files: dict[Any, str] = {}
    reasons: dict[Any, str] = {}
    rows = zip(cells.index, cells.tolist(), kinds, strict=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        existing = {os.path.splitext(name)[0]: name for name in os.listdir(folder)}
        tracked = track(rows, "writing pictures", len(cells))
        for number, (row, cell, kind) in enumerate(tracked, 1):
            name = f"{number:06d}-{_digest(cell)}"
            try:
                if name not in existing:
                    existing[name] = _write(folder / name, cell, kind, size)
                files[row] = str(folder / existing[name])
            except ValueError as error:
                files[row] = ""
                reasons[row] = f"row {number}: column {column!r} {error}"
    except OSError as error:
        raise UserError(
            where,
            f"the pictures of column {column!r} can't be written into '{folder}' "
            f"({error.strerror})",
            "name another folder with the option ,root=FOLDER",
        ) from error
    shape = _size(size)
    what = f" of {shape[1]}x{shape[0]} pixels" if shape and _of_numbers in kinds else ""
    made = len(files) - len(reasons)
    remark = f"{made:,} pictures{what} are files in '{folder}'"
    index = cells.index
    return (
        pd.Series(files, index, dtype=object),
        pd.Series(
            reasons.values(), pd.Index([*reasons], dtype=index.dtype), dtype=object
        ),
        remark,
    )


def _digest(cell: Any) -> str:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    data = data if isinstance(data, bytes) else str(data).encode("utf-8", "replace")
    return hashlib.sha256(data).hexdigest()[:8]


def _write(path: Path, cell: Any, kind: "_Maker | None", size: int) -> str:
    """Write a cell's picture; returns its file's name. ValueError if it is none."""
    if kind is None:
        raise ValueError(_fault(cell))
    content, ending = kind(cell, size)
    name = f"{path.name}{ending}"
    with replacing(path.with_name(name), flushed=False) as part:
        part.write_bytes(content)
    return name


_Maker = Callable[[Any, int], tuple[bytes, str]]


def _kind(cell: Any) -> _Maker | None:
    """How the picture in a cell is made; None if it holds none."""
    if isinstance(cell, dict) and isinstance(cell.get("bytes"), bytes):
        return _of_bytes
    if isinstance(cell, bytes | bytearray):
        return _of_bytes
    if not isinstance(cell, str):
        return None
    if _PIXELS.fullmatch(cell):
        return _of_numbers
    if _BASE64.fullmatch(cell) and _ending(_bytes_of(cell[:200])):
        return _of_base64
    return None


def _is_picture(cell: Any) -> bool:
    kind = _kind(cell)
    if kind is not _of_numbers:
        return kind is not None
    return _count(cell) >= _LEAST and _size(_count(cell)) != ()


def _fault(cell: Any) -> str:
    text = "is empty" if not isinstance(cell, str) else f"says {cell[:30]!r}"
    return f"{text}, must be the pixels or the base64 text of a picture"


def _count(cell: str) -> int:
    return len(re.findall(r"\d+", cell)) if _PIXELS.fullmatch(cell) else 0


def _of_numbers(cell: str, size: int) -> tuple[bytes, str]:
    numbers = [int(number) for number in re.findall(r"\d+", cell)]
    if len(numbers) != size or not _size(size):
        raise ValueError(f"has {len(numbers)} numbers, must have {size} as others do")
    if max(numbers) > 255:
        raise ValueError(f"has the number {max(numbers)}, must have 0 to 255")
    pixels = np.array(numbers, np.uint8).reshape(_size(size))
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue(), ".png"


def _size(count: int) -> tuple[int, ...]:
    """Height, width and colours of a square picture of so many numbers; () if none."""
    side = math.isqrt(count)
    if side * side == count:
        return side, side
    side = math.isqrt(count // 3)
    return (side, side, 3) if side * side * 3 == count else ()


def _of_base64(cell: str, size: int) -> tuple[bytes, str]:
    content = _bytes_of(cell)
    if not _ending(content):
        raise ValueError("is no base64 text")
    return content, _ending(content)


def _of_bytes(cell: Any, size: int) -> tuple[bytes, str]:
    content = bytes(cell["bytes"] if isinstance(cell, dict) else cell)
    return content, _ending(content) or ".jpg"


def _bytes_of(text: str) -> bytes:
    """The bytes of base64, also if its end is missing."""
    text = re.sub(r"\s", "", text.partition(",")[2] or text)
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    text = text[: len(text) - 1] if len(text) % 4 == 1 else text
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""


def _ending(content: bytes) -> str:
    ends = (e for start, e in _SIGNATURES.items() if content.startswith(start))
    return next(ends, ".avif" if content[4:12] == b"ftypavif" else "")
