"""How large is a score per label or band, and how certain? Bars as SVG."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup
from multitask.reports._charts.svg import (
    LINE,
    WIDTH,
    Chart,
    Scale,
    fitting,
    legend,
    limits,
    text_width,
)

_ROW = 18  # pixels of a bar with its room
_NAME = 150  # pixels for a name


class Bar(NamedTuple):
    """A named value, its 95% interval if it has one, and a mark to compare with."""

    name: str
    value: float
    note: str = ""  # beside the bar
    ci: tuple[float, float] | None = None
    mark: float | None = None
    is_small: bool = False


def bars(
    rows: Sequence[Bar],
    title: str,
    *,
    ends: tuple[float, float],
    form: str,
    meaning: Sequence[tuple[str, str]] = (),
    line: float | None = None,
) -> Markup:
    """Horizontal bars between the `ends` of the axis, one below the other.

    `form` is the format of the ticks, `meaning` the legend as (class, text), and `line`
    a value that all bars are compared with.
    """
    left = min(_NAME, max((text_width(row.name) for row in rows), default=0)) + 8
    beside = max((text_width(row.note) for row in rows), default=0)
    right = WIDTH - 12 - (beside + 8 if beside else 4)
    top = 4.0
    chart = Chart(WIDTH, 0, title)
    if meaning:
        top = legend(chart, 8, meaning) + 4
    bottom = top + _ROW * len(rows)
    scale = Scale(*ends, left, right)
    for tick in scale.ticks(4):
        chart.line((scale(tick), top), (scale(tick), bottom))
        chart.text(scale(tick), bottom + 12, format(tick, form), "middle", "quiet")
    for place, row in enumerate(rows):
        _bar(chart, scale, row, top + _ROW * (place + 0.5))
    if line is not None and ends[0] <= line <= ends[1]:
        chart.line((scale(line), top), (scale(line), bottom), "compared")
    chart.height = bottom + LINE + 8
    return Markup(chart.markup())


def _bar(chart: Chart, scale: Scale, row: Bar, middle: float) -> None:
    chart.text(scale.start - 6, middle, fitting(row.name, _NAME), "end")
    hint = f"{row.name}: {row.value:.3g} {row.note}".rstrip()
    if np.isfinite(row.value):
        zero = scale(min(max(0.0, scale.low), scale.high))
        end = scale(row.value)
        kind = "small" if row.is_small else "blue"
        start, width = min(zero, end), abs(end - zero)
        chart.rect((start, middle - 6), (width, 12), kind, hint=hint)
    if row.ci is not None and np.isfinite(row.ci).all():
        low, high = (scale(min(max(v, scale.low), scale.high)) for v in row.ci)
        chart.line((low, middle), (high, middle), "whisker")
        for end in (low, high):
            chart.line((end, middle - 4), (end, middle + 4), "whisker")
    if row.mark is not None and np.isfinite(row.mark):
        at = scale(row.mark)
        chart.area(
            [(at, middle - 5), (at + 5, middle), (at, middle + 5), (at - 5, middle)],
            "orange",
        )
    if row.note:
        chart.text(chart.width - 2, middle, row.note, "end", "quiet")


def label_bars(scores: pd.DataFrame) -> list[Markup]:
    """F1 and accuracy of yes/no labels, each beside a trivial answer's."""
    f1 = [
        Bar(str(name), float(row["f1"]), f"{row['f1']:.2f}", mark=float(row["share"]))
        for name, row in scores.iterrows()
    ]
    accuracy = [
        Bar(
            str(name), float(row["accuracy"]), f"{row['accuracy']:.0%}",
            mark=float(row["baseline"]),
        )
        for name, row in scores.iterrows()
    ]  # fmt: skip
    share = [("blue", "F1"), ("orange", "share labelled yes")]
    constant = [("blue", "accuracy"), ("orange", "always the more frequent answer")]
    return [
        bars(f1, f"F1: mean {scores['f1'].mean():.3f}", ends=(0, 1), form="g",
             meaning=share),
        bars(accuracy, f"Accuracy: mean {scores['accuracy'].mean():.1%}", ends=(0, 1),
             form=".0%", meaning=constant),
    ]  # fmt: skip


def intervals(rows: Sequence[Bar], title: str, *, form: str, zero: str = "") -> Markup:
    """Values as dots with their intervals, around a line at 0 if it has a meaning."""
    ends = [row.ci or (row.value, row.value) for row in rows]
    low, high = limits(*ends, [0.0] if zero else [])
    left = min(_NAME, max((text_width(row.name) for row in rows), default=0)) + 8
    beside = max((text_width(row.note) for row in rows), default=0)
    scale = Scale(low, high, left, WIDTH - 12 - beside)
    chart = Chart(WIDTH, 0, title)
    bottom = 4 + 24 * len(rows)
    for tick in scale.ticks(4):
        chart.line((scale(tick), 4), (scale(tick), bottom))
        chart.text(scale(tick), bottom + 12, format(tick, form), "middle", "quiet")
    if zero:
        chart.line((scale(0), 4), (scale(0), bottom), "compared")
        chart.text(scale(0), bottom + 28, zero, "middle", "quiet")
    for place, row in enumerate(rows):
        middle = 4 + 24 * (place + 0.5)
        chart.text(left - 6, middle, fitting(row.name, _NAME), "end")
        if row.ci is not None:
            low_end, high_end = map(scale, row.ci)
            chart.line((low_end, middle), (high_end, middle), "whisker")
        chart.dot((scale(row.value), middle), "small" if row.is_small else "blue", 5)
        if row.note:
            chart.text(WIDTH - 2, middle, row.note, "end", "quiet")
    chart.height = bottom + (LINE * 2 if zero else LINE) + 8
    return Markup(chart.markup())
