"""Which pictures got which answers? A grid of pictures, with the answers below."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from multitask.reports import _frames, _style, _tiles

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.table import label_columns

_LINES = 6
_TRIES = 10 * _tiles.COUNT  # if a folder is gone, not every row is tried
_LETTERS = 36  # that fit below a picture
_COLORS = {True: _style.GREEN, False: _style.RED, None: _style.GREY}


class Line(NamedTuple):
    """An answer as text, and whether it is right; None if nobody labelled it."""

    text: str
    right: bool | None


def grid(evaluation: Evaluation) -> Figure | None:
    """Evenly spaced pictures of the table with the answers of all heads."""
    tiles = []
    for row in _tiles.evenly(evaluation.labels):
        pixels = _tiles.read(evaluation.labels, row)
        if pixels is not None:
            tiles.append(_tile(pixels, caption(evaluation, row)))
    title = "pictures and answers (green: right, red: wrong, grey: no label)"
    figure: Figure | None = _tiles.draw(tiles, title)
    return figure


def errors(evaluation: Evaluation) -> Figure | None:
    """The most confident mistakes (numbers: the largest errors), each head in turn."""
    tiles: list[_tiles.Tile] = []
    for tries, (row, line) in enumerate(_mistakes(evaluation)):
        if len(tiles) == _tiles.COUNT or tries == _TRIES:
            break
        pixels = _tiles.read(evaluation.labels, row)
        if pixels is not None:
            tiles.append(_tile(pixels, [line]))
    title = "the most confident mistakes, each head in turn"
    figure: Figure | None = _tiles.draw(tiles, title)
    return figure


def varied(evaluation: Evaluation) -> Figure | None:
    """Training pictures in columns: the original, and augmented versions below it."""
    if evaluation.varied is None or not len(evaluation.varied):
        return None
    pictures = np.swapaxes(evaluation.varied, 0, 1)  # (versions, pictures, ...)
    versions, count = pictures.shape[:2]
    figure = Figure(figsize=(1.25 * count + 0.9, 1.25 * versions + 0.4))
    figure.suptitle(
        f"{count} training pictures, and augmented versions of them", fontsize=10
    )
    panels = figure.subplots(versions, count, squeeze=False)
    for row, images in zip(panels, pictures, strict=True):
        for axes, image in zip(row, images, strict=True):
            axes.imshow(image)
            axes.set(xticks=[], yticks=[])
            axes.set_frame_on(False)
    panels[0, 0].set_ylabel("original", fontsize=8)
    for number, row in enumerate(panels[1:], 1):
        row[0].set_ylabel(f"version {number}", fontsize=8)
    return figure


def _tile(pixels: Any, lines: list[Line]) -> _tiles.Tile:
    return _tiles.Tile(
        pixels, [_tiles.Line(line.text, _COLORS[line.right]) for line in lines]
    )


def _mistakes(evaluation: Evaluation) -> Iterator[tuple[Any, Line]]:
    heads, labels, answers = evaluation.heads, evaluation.labels, evaluation.answers
    frames = [_frames.mistakes(head, labels, answers).head(_TRIES) for head in heads]
    for number, mistake in _frames.interleave(frames):
        head = heads[number]
        if head.answer_type == "labels":
            label = "yes" if mistake.label else "no"
            answer = "yes" if mistake.answer else "no"
            text = f"{answer} {mistake.score:.0%}"
            yield mistake.Index, _wrong(mistake.column, text, label)
        else:
            yield mistake.Index, _lines(head, labels, answers, mistake.Index)[0]


# Text


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
    """The answers of one head on one row."""
    label, answer = labels.loc[[row]], answers.loc[[row]]
    pairs = _frames.pairs(head, label, answer)
    if head.answer_type == "labels":
        return _yes_lines(head, pairs, answer.iloc[0])
    if head.answer_type == "number":
        return [_number_line(head, label.iloc[0], answer.iloc[0])]
    name = head.columns[0]
    text = f"{answer[name].iloc[0]} {answer[f'{name}_confidence'].iloc[0]:.0%}"
    if pairs.empty:
        return [_line(head.name, text, None)]
    if pairs["label"].iloc[0] == pairs["answer"].iloc[0]:
        return [_line(head.name, text, True)]
    return [_wrong(head.name, text, pairs["label"].iloc[0])]


def _number_line(head: Head, label: "pd.Series[Any]", answer: "pd.Series[Any]") -> Line:
    name = head.columns[0]
    value = float(answer[name])
    exact, low, high = (float(label.get(key, np.nan)) for key in label_columns([name]))
    if not np.isnan(exact):
        right, text = abs(value - exact) <= head.within, _digits(exact)
    elif not np.isnan(low):
        right = low - head.slack <= value <= high + head.slack
        text = f"{_digits(low)} to {_digits(high)}"
    else:
        return _line(head.name, _digits(value), None)
    return Line(f"{_style.short(head.name, 12)}: {_digits(value)}, is {text}", right)


def _yes_lines(head: Head, pairs: pd.DataFrame, answer: "pd.Series[Any]") -> list[Line]:
    """The number of yes answers and of mistakes; then the most confident yes labels."""
    names = [name for name in head.columns if answer[name] == 1]
    names.sort(key=lambda name: -answer[f"{name}_confidence"])
    wrong = int((pairs["label"] != pairs["answer"]).sum())
    right = None if pairs.empty else not wrong
    text = f"{_style.short(head.name, 16)}: {len(names)} yes"
    first = Line(text + (f", {wrong} wrong" if wrong else ""), right)
    shown = [_style.short(name, 14) for name in names]
    while len(shown) > 1 and len(_listed(shown, len(names))) > _LETTERS:
        shown.pop()
    return [first, Line(_listed(shown, len(names)), right)] if names else [first]


def _listed(shown: list[str], count: int) -> str:
    more = f" +{count - len(shown)}" if count > len(shown) else ""
    return ", ".join(shown) + more


def _digits(number: float) -> str:
    """A number with three digits and without an exponent."""
    if not np.isfinite(number):
        return "no number"
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _line(name: str, answer: str, right: bool | None) -> Line:
    return Line(_style.short(f"{_style.short(name, 16)}: {answer}", _LETTERS), right)


def _wrong(name: str, answer: str, label: object) -> Line:
    text, percent = answer.rsplit(" ", 1)
    text = f"{_style.short(text, 10)} {percent}, is {_style.short(label, 10)}"
    return Line(f"{_style.short(name, _LETTERS - len(text) - 2)}: {text}", False)
