"""Which pictures got which answers? Pictures in a grid, lines of answers below."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from multitask.reports import _frames, _style
from PIL import Image, ImageOps

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.table import column, label_columns
from multitask.images.decode import PictureError, decode

COUNT, _WIDE = 12, 4
_LINES = 6
_PIXELS = 220  # a picture's side
_TRIES = 10 * COUNT  # a folder that went missing is not looked for row by row
_LETTERS = 36  # that fit below a picture


class Line(NamedTuple):
    """One answer in words, and whether it is right; None where nobody labelled it."""

    text: str
    right: bool | None


class Tile(NamedTuple):
    """One picture of a grid with what stands below it."""

    pixels: Any  # (_PIXELS, _PIXELS, 3) uint8
    lines: list[Line]


def grid(evaluation: Evaluation) -> Figure | None:
    """Pictures evenly picked from the table with the answers of all heads."""
    tiles = []
    for row in picked(evaluation.labels):
        pixels = _read(evaluation.labels, row)
        if pixels is not None:
            tiles.append(Tile(pixels, caption(evaluation, row)))
    title = "pictures and answers (green: as labelled, red: not, grey: not labelled)"
    return _draw(tiles, title)


def errors(evaluation: Evaluation) -> Figure | None:
    """The most confident mistakes, each head's in turn; numbers by their error."""
    tiles: list[Tile] = []
    for tries, (row, line) in enumerate(_mistakes(evaluation)):
        if len(tiles) == COUNT or tries == _TRIES:
            break
        pixels = _read(evaluation.labels, row)
        if pixels is not None:
            tiles.append(Tile(pixels, [line]))
    return _draw(tiles, "the most confident mistakes, each head's in turn")


def varied(evaluation: Evaluation) -> Figure | None:
    """Training pictures in columns: as they are, and below as training varied them."""
    if evaluation.varied is None or not len(evaluation.varied):
        return None
    pictures = np.swapaxes(evaluation.varied, 0, 1)  # (ways, pictures, ...)
    ways, count = pictures.shape[:2]
    made = Figure(figsize=(1.25 * count + 0.9, 1.25 * ways + 0.4))
    made.suptitle(
        f"{count} training pictures, and ways that training saw them", fontsize=10
    )
    panels = made.subplots(ways, count, squeeze=False)
    for row, images in zip(panels, pictures, strict=True):
        for axes, image in zip(row, images, strict=True):
            axes.imshow(image)
            axes.set(xticks=[], yticks=[])
            axes.set_frame_on(False)
    panels[0, 0].set_ylabel("as they are", fontsize=8)
    for number, row in enumerate(panels[1:], 1):
        row[0].set_ylabel(f"way {number}", fontsize=8)
    return made


def _mistakes(evaluation: Evaluation) -> Iterator[tuple[Any, Line]]:
    heads, labels, answers = evaluation.heads, evaluation.labels, evaluation.answers
    frames = [_frames.mistakes(head, labels, answers).head(_TRIES) for head in heads]
    for number, wrong in _frames.interleave(frames):
        head = heads[number]
        if head.answer_type == "labels":
            name, said = wrong.column, "yes" if wrong.said else "no"
            truth = "yes" if wrong.truth else "no"
            yield wrong.Index, _wrong(name, f"{said} {wrong.score:.0%}", truth)
        else:
            yield wrong.Index, _lines(head, labels, answers, wrong.Index)[0]


def picked(labels: pd.DataFrame, count: int = COUNT) -> list[Any]:
    """At most `count` of the table's index, evenly spaced from first to last.

    >>> picked(pd.DataFrame({"path": list("abcde")}), 3)
    [0, 2, 4]
    """
    places = np.linspace(0, len(labels) - 1, min(count, len(labels)))
    return [labels.index[int(place)] for place in places.round()]


def _read(labels: pd.DataFrame, row: Any) -> Any:
    """A picture as a square (_PIXELS, _PIXELS, 3), None if it can't be read."""
    box = column(labels, "box")[row]
    try:
        pixels = decode(str(labels["path"][row]), None if pd.isna(box) else str(box))
    except PictureError:
        return None
    size = (_PIXELS, _PIXELS)
    return np.asarray(ImageOps.pad(Image.fromarray(pixels), size, color="white"))


# Words


def caption(evaluation: Evaluation, row: Any) -> list[Line]:
    """At most six lines on one row (of the tables' index), the last one `+N more`."""
    labels, answers = evaluation.labels, evaluation.answers
    lines: list[Line] = []
    for number, head in enumerate(evaluation.heads):
        more = _lines(head, labels, answers, row)
        last = number == len(evaluation.heads) - 1
        if len(lines) + len(more) > _LINES - (not last):
            return [*lines, Line(f"+{len(evaluation.heads) - number} more", None)]
        lines += more
    return lines


def _lines(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame, row: Any
) -> list[Line]:
    """What one head says of one row."""
    here, said = labels.loc[[row]], answers.loc[[row]]
    found = _frames.pairs(head, here, said)
    if head.answer_type == "labels":
        return _yes(head, found, said.iloc[0])
    if head.answer_type == "number":
        return [_number(head, here.iloc[0], said.iloc[0])]
    name = head.columns[0]
    text = f"{said[name].iloc[0]} {said[f'{name}_confidence'].iloc[0]:.0%}"
    if found.empty:
        return [_right(head.name, text, None)]
    if found["truth"].iloc[0] == found["said"].iloc[0]:
        return [_right(head.name, text, True)]
    return [_wrong(head.name, text, found["truth"].iloc[0])]


def _number(head: Head, label: "pd.Series[Any]", said: "pd.Series[Any]") -> Line:
    name = head.columns[0]
    value = float(said[name])
    truth, low, high = (float(label.get(key, np.nan)) for key in label_columns([name]))
    if not np.isnan(truth):
        near = head.within
        right, shown = abs(value - truth) <= near, _value(truth)
    elif not np.isnan(low):
        slack = head.slack
        right = low - slack <= value <= high + slack
        shown = f"{_value(low)} to {_value(high)}"
    else:
        return _right(head.name, _value(value), None)
    return Line(f"{_style.short(head.name, 12)}: {_value(value)}, is {shown}", right)


def _yes(head: Head, found: pd.DataFrame, said: "pd.Series[Any]") -> list[Line]:
    """How many labels are answered yes and how many answers err; below, the surest."""
    names = [name for name in head.columns if said[name] == 1]
    names.sort(key=lambda name: -said[f"{name}_confidence"])
    wrong = int((found["truth"] != found["said"]).sum())
    right = None if found.empty else not wrong
    text = f"{_style.short(head.name, 16)}: {len(names)} yes"
    first = Line(text + (f", {wrong} wrong" if wrong else ""), right)
    shown = [_style.short(name, 14) for name in names]
    while len(shown) > 1 and len(_listed(shown, len(names))) > _LETTERS:
        shown.pop()
    return [first, Line(_listed(shown, len(names)), right)] if names else [first]


def _listed(shown: list[str], count: int) -> str:
    more = f" +{count - len(shown)}" if count > len(shown) else ""
    return ", ".join(shown) + more


def _value(number: float) -> str:
    """A number with three digits, written out."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _right(name: str, said: str, right: bool | None) -> Line:
    return Line(_style.short(f"{_style.short(name, 16)}: {said}", _LETTERS), right)


def _wrong(name: str, said: str, truth: object) -> Line:
    answer, percent = said.rsplit(" ", 1)
    text = f"{_style.short(answer, 10)} {percent}, is {_style.short(truth, 10)}"
    return Line(f"{_style.short(name, _LETTERS - len(text) - 2)}: {text}", False)


# Drawing


def _draw(tiles: list[Tile], title: str) -> Figure | None:
    if not tiles:
        return None
    wide = min(_WIDE, len(tiles))
    high = -(-len(tiles) // wide)
    lines = max(len(tile.lines) for tile in tiles)
    below = 0.17 * lines + 0.12  # inches
    width, height = 2.4 * wide, (2.2 + below) * high
    made = Figure(figsize=(max(width, 6.2), height + 0.5))
    made.suptitle(_style.short(title, 90), fontsize=10, y=1 - 0.12 / (height + 0.5))
    panels = made.subplots(high, wide, squeeze=False).ravel()
    made.subplots_adjust(
        left=0.01, right=0.99, wspace=0.08, hspace=below / 2.2,
        top=1 - 0.45 / (height + 0.5), bottom=below / (height + 0.5),
    )  # fmt: skip
    for axes in panels:
        axes.set_axis_off()
    for axes, tile in zip(panels, tiles, strict=False):
        axes.imshow(tile.pixels)
        _write_lines(axes, tile.lines)
    return made


def _write_lines(axes: Any, lines: Iterable[Line]) -> None:
    colors = {True: _style.GREEN, False: _style.RED, None: _style.GREY}
    for number, line in enumerate(lines):
        axes.annotate(
            line.text, (0, 0), (1, -4 - 12 * number), xycoords="axes fraction",
            textcoords="offset points", va="top", fontsize=8, color=colors[line.right],
        )  # fmt: skip
