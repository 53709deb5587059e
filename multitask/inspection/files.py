"""What is in the file of each picture: size, colours, pixels, or nothing readable?"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from PIL import Image, ImageStat
from tqdm import tqdm

from multitask.images.decode import PictureError, Pixels, decode, header, in_order
from multitask.images.near import phash

BLANK = 2.0  # standard deviation of a colour, of 255 levels: less is one even surface
TINY = 16  # pixels: a side below holds no face


class File(NamedTuple):
    """What one picture's file holds; `reason` says why it can't be used, if so.

    `mode`, `width` and `height` are those of the file; `side` is the shorter side of
    the part that is meant and `spread` the standard deviation of its most varied
    colour. `digest` is equal for equal pixels only, `phash` near for similar ones.
    """

    reason: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    side: int = 0
    spread: float = 0.0
    digest: bytes = b""
    phash: int = 0


def inspect_files(table: pd.DataFrame) -> pd.DataFrame:
    """Read every picture of a table once: a row each, with the columns of `File`.

    Beside them `blank` and `tiny` tell of pictures that show nothing.
    """
    paths = table["path"].tolist()
    boxes = table["box"].tolist() if "box" in table else [None] * len(paths)
    found = in_order(
        lambda i: inspect_file(paths[i], None if pd.isna(boxes[i]) else str(boxes[i])),
        len(paths),
    )
    shown = tqdm(
        found, "reading", len(paths), unit=" pictures", leave=False, disable=None
    )
    # Columns one by one: 64 bits of a hash must not pass through a float.
    columns = dict(zip(File._fields, zip(*shown, strict=True), strict=True))
    files = pd.DataFrame({name: list(column) for name, column in columns.items()})
    files = files.astype({"phash": "uint64"}).set_index(table.index)
    readable = files["reason"] == ""
    files["blank"] = readable & (files["spread"] < BLANK)
    files["tiny"] = readable & (files["side"] < TINY)
    return files


def inspect_file(path: str, box: str | None = None) -> File:
    """What the file at `path` holds, and of it the part in `box`."""
    try:
        data = _bytes(path)
        pixels = decode(data, box)
        mode, width, height = header(data)
    except PictureError as error:
        return File(reason=str(error))
    image = Image.fromarray(pixels)
    return File(
        mode=mode,
        width=width,
        height=height,
        side=min(image.size),
        spread=max(ImageStat.Stat(image).stddev),
        digest=_digest(pixels),
        phash=phash(image),
    )


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        decode(path)  # says it in the words of every other command
        raise PictureError(f"can't be read: {error}") from None


def _digest(pixels: Pixels) -> bytes:
    made = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    made.update(pixels.tobytes())
    return made.digest()
