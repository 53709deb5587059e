"""How often was which answer given to which label? A confusion matrix as SVG."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup
from multitask.reports import _frames
from multitask.reports._charts.svg import LINE, WIDTH, Chart, fitting, text_width
from PIL import Image

NUMBERED = 12  # classes up to which each cell has its numbers
_NAMED = 40  # classes up to which rows and columns have names
_CELL, _SMALL, _TINY = 48, 18, 5  # pixels of a cell, by how many there are
_BLUE = (47, 111, 191)  # that can be seen on white and on black
_NAME = 110  # pixels for a name
_DARK = 0.72  # shares from which on the text needs another colour


def confusion(counts: pd.DataFrame, title: str) -> Markup:
    """Counts (classes, classes) with the share of each label's rows as colour.

    With many classes there are colours only, with very many no names: the table of the
    most frequent mistakes has those that matter.
    """
    classes = len(counts)
    shares = _frames.shares(counts).to_numpy(float)
    if classes > _NAMED:
        return _dense(shares, title)
    names = [fitting(name, _NAME) for name in counts]
    numbered = classes <= NUMBERED
    longest = max(map(text_width, names))
    left = longest + 8
    cell = _SMALL
    if numbered:
        room = (WIDTH - left) / classes
        cell = round(min(_CELL * 1.6, max(_CELL, room)))
    slanted = any(text_width(name) > cell - 4 for name in names)
    top = 24 + (0.75 * longest if slanted else LINE)
    beside = 0.75 * text_width(names[-1]) if slanted else 4  # of the last name
    width = left + cell * classes + beside
    chart = Chart(width, top + cell * classes + 4, title)
    chart.text(left, 6, "answer", kind="quiet")
    chart.text(0, top - 8, "label", kind="quiet")
    for place, name in enumerate(names):
        middle = cell * (place + 0.5)
        chart.text(left - 6, top + middle, name, "end")
        if slanted:
            chart.rising(left + middle, top - 6, name)
        else:
            chart.text(left + middle, top - 9, name, "middle")
    _cells(chart, counts, shares, (left, top), cell, numbered)
    return Markup(chart.markup())


def _cells(
    chart: Chart,
    counts: pd.DataFrame,
    shares: npt.NDArray[np.float64],
    corner: tuple[float, float],
    cell: float,
    numbered: bool,
) -> None:
    names, values = list(counts), counts.to_numpy()
    for row, column in np.ndindex(shares.shape):
        n, share = int(values[row, column]), shares[row, column]
        x, y = corner[0] + cell * column, corner[1] + cell * row
        hint = f"{names[row]}: {n:,} times {names[column]}, {share:.0%}"
        size = (cell - 1, cell - 1)
        chart.rect((x, y), size, "empty", hint="" if n else hint)
        if n:
            chart.rect((x, y), size, "blue", opacity=0.08 + 0.92 * share, hint=hint)
        if n and numbered:
            kind = "on-blue" if share > _DARK else ""
            percent = f"{share:.0%}" if share >= 0.005 else "<1%"
            chart.text(x + cell / 2, y + cell / 2 - 8, f"{n:,}", "middle", kind)
            chart.text(x + cell / 2, y + cell / 2 + 8, percent, "middle", kind)


def _dense(shares: npt.NDArray[np.float64], title: str) -> Markup:
    """One small square per cell, as a picture: forty thousand shapes are too many."""
    side = float(max(_TINY * len(shares), WIDTH - 20))
    chart = Chart(side + 20, side + 30, title)
    chart.text(20, 8, "answer", kind="quiet")
    chart.upright(12, 24 + side / 2, "label")
    chart.rect((20, 22), (side, side), "empty")
    chart.picture((20, 22), (side, side), shaded(shares))
    return Markup(chart.markup())


def shaded(shares: npt.NDArray[np.float64]) -> str:
    """A data URI of a picture with a blue pixel per share, opaque at 1."""
    alpha = np.where(shares > 0, 0.15 + 0.85 * shares, 0.0) * 255
    blue = np.broadcast_to(np.array(_BLUE, np.uint8), (*shares.shape, 3))
    pixels = np.concatenate([blue, alpha[..., None].astype(np.uint8)], axis=-1)
    file = BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(file.getvalue()).decode("ascii")


def mixed_up(counts: pd.DataFrame, most: int = 15) -> pd.DataFrame:
    """The most frequent mistakes: label, answer, n, and the share of the label's rows.

    >>> mixed_up(pd.DataFrame([[8, 2], [0, 5]], ["a", "b"], ["a", "b"])).values.tolist()
    [['a', 'b', 2, 0.2]]
    """
    values = counts.to_numpy().copy()
    np.fill_diagonal(values, 0)
    shares = _frames.shares(counts).to_numpy()
    order = np.argsort(-values, axis=None, kind="stable")[:most]
    rows: list[dict[str, Any]] = []
    for place in order:
        row, column = np.unravel_index(place, values.shape)
        if values[row, column]:
            rows.append(
                {
                    "label": counts.index[row],
                    "answer": counts.columns[column],
                    "n": int(values[row, column]),
                    "share": float(shares[row, column]),
                }
            )
    return pd.DataFrame(rows, columns=["label", "answer", "n", "share"])
