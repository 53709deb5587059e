"""How does one quantity follow another? Curves and clouds of points as SVG."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup
from multitask.reports._charts.matrix import shaded
from multitask.reports._charts.svg import (
    LINE,
    Axes,
    axes,
    legend,
    legend_height,
    limits,
    text_width,
)

_DENSE = 600  # points from which on squares show how many there are
_SQUARES = 40  # of them, across
_SHARES = (0.0, 1.0)

COLOURS = ("blue", "orange", "green", "purple", "red", "brown", "teal", "pink")


def answers_over_labels(
    labels: npt.NDArray[np.float64],
    answers: npt.NDArray[np.float64],
    *,
    unit: str = "",
    within: float = 0.0,
) -> Markup:
    """Answers over labels (both rows,): dots, or squares if there are many.

    The line is where they are equal, the band around it where they are `within`.
    """
    finite = np.isfinite(labels) & np.isfinite(answers)
    labels, answers = labels[finite], answers[finite]
    ends = limits(labels, answers)
    suffix = f" ({unit})" if unit else ""
    drawn = axes(
        "Answers over labels", ends, ends,
        names=(f"label{suffix}", f"answer{suffix}"), height=330, top=LINE * 2,
    )  # fmt: skip
    low, high = ends
    entries = [("green", "answer = label")]
    if within:
        band = [
            (low, low), (low + within, low), (high, high - within), (high, high),
            (high - within, high), (low, low + within),
        ]  # fmt: skip
        drawn.chart.area([drawn.at(x, y) for x, y in band], "within")
        entries.append(("within", f"within {within:g} {unit}".rstrip()))
    if len(labels) < _DENSE:
        for x, y in drawn.points(labels.tolist(), answers.tolist()):
            drawn.chart.dot((x, y), "point", 3)
    else:
        _squares(drawn, labels, answers, ends)
    drawn.chart.path([drawn.at(low, low), drawn.at(high, high)], "green thin")
    legend(drawn.chart, 8, entries)
    return Markup(drawn.chart.markup())


def _squares(
    drawn: Axes,
    labels: npt.NDArray[np.float64],
    answers: npt.NDArray[np.float64],
    ends: tuple[float, float],
) -> None:
    counts, _, _ = np.histogram2d(labels, answers, _SQUARES, [ends, ends])
    shares = np.log1p(counts) / np.log1p(counts.max())  # few are seen beside many
    left, top = drawn.at(ends[0], ends[1])
    right, bottom = drawn.at(ends[1], ends[0])
    source = shaded(shares.T[::-1])
    drawn.chart.picture((left, top), (right - left, bottom - top), source)


def reliability(
    confidence: Sequence[float],
    accuracy: Sequence[float],
    counts: Sequence[int],
    title: str,
) -> Markup:
    """How often answers of a confidence were right; on the line, confidence holds.

    A dot's area grows with the number of its answers.
    """
    drawn = axes(
        title, _SHARES, _SHARES, names=("confidence", "share that was right"),
        forms=(".0%", ".0%"), height=300, top=LINE * 2,
    )  # fmt: skip
    legend(
        drawn.chart, 8, [("blue", "answers, by confidence"), ("green", "calibrated")]
    )
    drawn.chart.path([drawn.at(0, 0), drawn.at(1, 1)], "green thin")
    drawn.chart.path(drawn.points(confidence, accuracy), "blue")
    most = max(counts, default=1) or 1
    for x, y, n in zip(confidence, accuracy, counts, strict=True):
        if n and np.isfinite(x) and np.isfinite(y):
            hint = f"{n:,} answers of about {x:.0%}: {y:.0%} right"
            drawn.chart.dot(drawn.at(x, y), "blue", 3 + 5 * (n / most) ** 0.5, hint)
    return Markup(drawn.chart.markup())


Named = tuple[str, Sequence[float], Sequence[float]]  # text of the legend, x, y


def shares_over_shares(
    curves: Sequence[Named],
    title: str,
    names: tuple[str, str],
    *,
    diagonal: bool = False,
) -> Markup:
    """Curves of shares, such as ROC; with many, only their cloud and no legend."""
    many = len(curves) > len(COLOURS)
    top = 10 if many else legend_height([curve[0] for curve in curves])
    drawn = axes(
        title, _SHARES, _SHARES, names=names, forms=(".0%", ".0%"),
        height=260 + top, top=top,
    )  # fmt: skip
    if diagonal:
        drawn.chart.path([drawn.at(0, 0), drawn.at(1, 1)], "thin dashed")
    for place, (_, xs, ys) in enumerate(curves):
        colour = "blue faint" if many else COLOURS[place]
        drawn.chart.path(drawn.points(xs, ys), colour)
    if not many:
        entries = [(COLOURS[i], curve[0]) for i, curve in enumerate(curves)]
        legend(drawn.chart, 8, entries)
    return Markup(drawn.chart.markup())


def by_epoch(frame: pd.DataFrame, title: str) -> Markup:
    """A quantity by epoch: `part` (train, val), `epoch` and `value`."""
    parts = {"train": ("blue", "train"), "val": ("orange", "validation")}
    ends = limits(frame["value"], margin=0.08)
    epochs = limits(frame["epoch"], margin=0.03)
    drawn = axes(title, epochs, ends, names=("epoch", ""), height=210, top=LINE * 2)
    shown = []
    for part, (colour, text) in parts.items():
        line = frame[frame["part"] == part]
        if len(line):
            shown.append((colour, text))
            points = drawn.points(line["epoch"].tolist(), line["value"].tolist())
            drawn.chart.path(points, colour)
            for at in points if len(points) < 30 else ():
                drawn.chart.dot(at, colour, 2.5)
    legend(drawn.chart, 8, shown)
    return Markup(drawn.chart.markup())


def scores_by_epoch(
    curves: Sequence[tuple[Sequence[float], str]], title: str, name: str
) -> Markup:
    """One line per trial, (values by epoch, class), the last one on top."""
    longest = max((len(values) for values, _ in curves), default=1)
    ends = limits(*(values for values, _ in curves), margin=0.08)
    drawn = axes(
        title, limits([1, longest], margin=0.03), ends, names=("epoch", name),
        height=270, top=LINE * 2,
    )  # fmt: skip
    meaning = [("blue", "best"), ("grey", "others"), ("grey dotted", "given up")]
    for values, kind in curves:
        points = drawn.points(range(1, 1 + len(values)), values)
        drawn.chart.path(points, kind)
        for at in points if len(points) == 1 else ():
            drawn.chart.dot(at, kind, 3)
    legend(drawn.chart, 8, meaning[:2])
    return Markup(drawn.chart.markup())


def scores_by_setting(
    values: Sequence[Any],
    scores: Sequence[float],
    kinds: Sequence[str],
    title: str,
    *,
    log: bool = False,
) -> Markup:
    """One dot per trial: its score over a setting, a number or a text."""
    numeric = all(isinstance(v, int | float) for v in values)
    texts = list(dict.fromkeys(map(str, values)))
    places: list[float] = [
        float(v) if numeric else float(texts.index(str(v))) for v in values
    ]
    ends = limits(places, margin=0.1)
    if numeric and log and min(places) > 0:
        ends = (min(places) / 1.5, max(places) * 1.5)
    drawn = axes(
        title, ends if numeric else (-0.5, len(texts) - 0.5),
        limits(scores, margin=0.12), names=("", "score"), height=240,
        log=log and numeric,
        forms=("g" if numeric else "", "g"), ticks=numeric,
    )  # fmt: skip
    if not numeric:
        for place, text in enumerate(texts):
            drawn.chart.text(drawn.x(place), 240 - 30, text, "middle", "quiet")
    for x, y, kind in zip(places, scores, kinds, strict=True):
        drawn.chart.dot(drawn.at(x, y), kind, 4.5)
    return Markup(drawn.chart.markup())


def quality_over_time(
    points: Sequence[tuple[str, float, float, tuple[float, float], str]],
    title: str,
    names: tuple[str, str],
) -> Markup:
    """Scores with intervals over milliseconds: (name, x, y, interval of y, class)."""
    top = 10 + LINE * len(points)
    xs = [point[1] for point in points]
    ends = limits(*(point[3] for point in points), [point[2] for point in points])
    drawn = axes(
        title, (min(xs) / 1.4, max(xs) * 1.4), ends, names=names, height=210 + top,
        top=top, log=True,
    )  # fmt: skip
    for place, (name, x, y, (low, high), kind) in enumerate(points):
        drawn.chart.line(drawn.at(x, low), drawn.at(x, high), "whisker")
        drawn.chart.dot(drawn.at(x, y), kind, 5, name)
        drawn.chart.dot((5, 8 + LINE * place), kind, 5)
        drawn.chart.text(14, 8 + LINE * place, name)
        if text_width(name) > drawn.chart.width:
            drawn.chart.width = text_width(name) + 16
    return Markup(drawn.chart.markup())
