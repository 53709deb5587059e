"""What is in each picture file: size, colours, pixels, or nothing readable?"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from multitask.images.damage import Damaged
from multitask.images.decode import PictureError, Pixels, decode, header
from multitask.images.near import (
    BLANK,
    NOTHING,
    Frequencies,
    frequencies,
    perceptual_hashes,
    spread,
)
from multitask.images.threads import in_order
from multitask.terminal.bar import track

TINY = 16  # pixels: a shorter side shows no face


class File(NamedTuple):
    """What one picture file holds; `reason` says why it can't be used, if so.

    `mode`, `width` and `height` (pixels) are those of the file. `side` is the shorter
    side of the part in the box, in pixels, and `spread` the standard deviation of its
    most varied colour. `digest` is equal only for equal pixels; `frequencies` (64,) are
    those of `near.frequencies`, by which similar pictures are found.
    """

    reason: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    side: int = 0
    spread: float = 0.0
    digest: bytes = b""
    frequencies: Frequencies = NOTHING


def inspect_files(table: pd.DataFrame, damaged: Damaged = "skip") -> pd.DataFrame:
    """Read every picture of a table once; returns one row per picture.

    The columns are the fields of `File`; `phash`, the 64-bit perceptual hash, in which
    similar pictures differ by few bits; and `blank` and `tiny` (bool) for pictures that
    show nothing. `damaged` is as in `decode`.
    """
    paths = table["path"].tolist()
    boxes = table["box"].tolist() if "box" in table else [None] * len(paths)
    results = in_order(
        lambda i: inspect_file(
            paths[i], None if pd.isna(boxes[i]) else str(boxes[i]), damaged
        ),
        len(paths),
    )
    progress = track(results, "reading pictures", len(paths))
    files = pd.DataFrame(list(progress), columns=File._fields, index=table.index)
    files["phash"] = perceptual_hashes(np.stack(files["frequencies"].tolist()))
    readable = files["reason"] == ""
    files["blank"] = readable & (files["spread"] < BLANK)
    files["tiny"] = readable & (files["side"] < TINY)
    return files


def inspect_file(path: str, box: str | None = None, damaged: Damaged = "skip") -> File:
    """Read the file at `path`, and measure the part of it in `box`."""
    try:
        data = _bytes(path)
        pixels = decode(data, box, damaged=damaged)
        mode, width, height = header(data)
    except PictureError as error:
        return File(reason=str(error))
    image = Image.fromarray(pixels)
    return File(
        mode=mode,
        width=width,
        height=height,
        side=min(image.size),
        spread=spread(image),
        digest=_digest(pixels),
        frequencies=frequencies(image),
    )


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        decode(path)  # raises the same error as every other command
        raise PictureError(f"can't be read: {error}") from None


def _digest(pixels: Pixels) -> bytes:
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(pixels.tobytes())
    return digest.digest()
