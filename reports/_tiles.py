"""How are pictures laid out in a grid, with lines of text below each?"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from multitask.reports import _style
from PIL import Image, ImageOps

from multitask.contracts.table import column
from multitask.images.decode import PictureError, decode

COUNT = 12  # pictures of a grid
SIDE = 220  # pixels of a picture's side


class Line(NamedTuple):
    """A line of text below a picture, and its colour."""

    text: str
    color: str


class Tile(NamedTuple):
    """A picture (height, width, 3) uint8 and the lines below it."""

    pixels: npt.NDArray[np.uint8]
    lines: list[Line]


def evenly(table: pd.DataFrame, count: int = COUNT) -> list[Any]:
    """At most `count` index labels of a table, evenly spaced from first to last.

    >>> evenly(pd.DataFrame({"path": list("abcde")}), 3)
    [0, 2, 4]
    """
    places = np.linspace(0, len(table) - 1, min(count, len(table)))
    return [table.index[int(place)] for place in places.round()]


def read(table: pd.DataFrame, row: Any) -> npt.NDArray[np.uint8] | None:
    """A picture padded to a square (SIDE, SIDE, 3), None if it can't be read."""
    box = column(table, "box")[row]
    try:
        pixels = decode(
            str(table["path"][row]),
            None if pd.isna(box) else str(box),
            damaged="keep",
        )
    except PictureError:
        return None
    return padded(Image.fromarray(pixels))


def padded(image: Image.Image) -> npt.NDArray[np.uint8]:
    """A picture of any size as a square (SIDE, SIDE, 3), with white beside it."""
    return np.asarray(ImageOps.pad(image, (SIDE, SIDE), color="white"))


def framed(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A picture with a grey frame: a white one can't be seen on white."""
    inside = pixels[2:-2, 2:-2]
    return np.pad(inside, ((2, 2), (2, 2), (0, 0)), constant_values=180)


def draw(
    tiles: list[Tile],
    title: str = "",
    *,
    across: int = 4,
    size: tuple[float, float] = (2.4, 2.2),
) -> Figure | None:
    """Draw tiles in rows of `across`, each picture in `size` (width, height) inches.

    None without any tile.
    """
    if not tiles:
        return None
    across = min(across, len(tiles))
    down = -(-len(tiles) // across)
    below = 0.17 * max(len(tile.lines) for tile in tiles) + 0.12  # inches
    top = 0.45 if title else 0.05
    width, height = size[0] * across, (size[1] + below) * down + top
    figure = Figure(figsize=(max(width, 6.2) if title else width, height))
    figure.suptitle(_style.short(title, 90), fontsize=10, y=1 - 0.12 / height)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    figure.subplots_adjust(
        left=0.01, right=0.99, wspace=0.08, hspace=below / size[1],
        top=1 - top / height, bottom=below / height,
    )  # fmt: skip
    for axes in panels:
        axes.set_axis_off()
    for axes, tile in zip(panels, tiles, strict=False):
        axes.imshow(tile.pixels)
        _write_lines(axes, tile.lines)
    return figure


def _write_lines(axes: Axes, lines: list[Line]) -> None:
    for number, line in enumerate(lines):
        axes.annotate(
            line.text, (0, 0), (1, -4 - 12 * number), xycoords="axes fraction",
            textcoords="offset points", va="top", fontsize=8, color=line.color,
        )  # fmt: skip
