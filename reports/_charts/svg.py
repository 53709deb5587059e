"""How is a chart drawn as SVG that follows the page's colours, legible on a phone?

A chart has the size of its own pixels and is never scaled, so that its text has 12 of
them everywhere. The colours are those of the page's style: a shape has a class, such as
`blue`, and what has none follows the colour of the text.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup, escape
from matplotlib.ticker import LogLocator, MaxNLocator

WIDTH = 340  # pixels that a phone of 390 shows beside its margins
LINE = 15  # pixels from one line of text to the next
_LETTER, _WIDE = 7.3, 12.5  # pixels of a letter

Point = tuple[float, float]


def text_width(text: str) -> float:
    """About how many pixels a text needs.

    >>> text_width("male"), text_width("男")
    (29.2, 12.5)
    """
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return round(_LETTER * (len(text) - wide) + _WIDE * wide, 1)


def fitting(text: object, width: float) -> str:
    """A text cut to `width` pixels.

    >>> fitting("Mouth_Slightly_Open", 60)
    'Mouth_S…'
    """
    words = " ".join(str(text).split())
    if text_width(words) <= width:
        return words
    while words and text_width(words + "…") > width:
        words = words[:-1]
    return words + "…"


class Chart:
    """Shapes and texts on `width` times `height` pixels, from the top left corner."""

    def __init__(self, width: float, height: float, description: str) -> None:
        self.width, self.height = width, height
        self.description = description
        self._parts: list[Markup] = []

    def text(
        self, x: float, y: float, text: object, anchor: str = "start", kind: str = ""
    ) -> None:
        """A line of text whose middle is at the height `y`."""
        self._add(
            "text", text, x=x, y=y + 4, **_named(kind),
            **({} if anchor == "start" else {"text-anchor": anchor}),
        )  # fmt: skip

    def rising(self, x: float, y: float, text: object) -> None:
        """A text that begins at (x, y) and rises to the right at 45 degrees."""
        turn = f"rotate(-45 {_short(x)} {_short(y)})"
        self._add("text", text, x=x, y=y, transform=turn)

    def upright(self, x: float, y: float, text: object) -> None:
        """A text with its middle at (x, y), from bottom to top."""
        self._add(
            "text", text, x=x, y=y, transform=f"rotate(-90 {_short(x)} {_short(y)})",
            **{"text-anchor": "middle", "class": "quiet"},
        )  # fmt: skip

    def rect(
        self,
        at: Point,
        size: Point,
        kind: str = "",
        *,
        opacity: float | None = None,
        hint: str = "",
    ) -> None:
        """A rectangle; `hint` is shown where the pointer rests."""
        shade = {} if opacity is None else {"fill-opacity": f"{opacity:.2f}"}
        self._add(
            "rect", hint, x=at[0], y=at[1], width=max(0.0, size[0]),
            height=max(0.0, size[1]), **_named(kind), **shade,
        )  # fmt: skip

    def line(self, start: Point, end: Point, kind: str = "grid") -> None:
        """A line from one point to another."""
        self._add(
            "line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], **_named(kind)
        )

    def path(self, points: Iterable[Point], kind: str) -> None:
        """A line through points."""
        places = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self._add("polyline", points=places, **_named(f"path {kind}"))

    def area(self, points: Iterable[Point], kind: str) -> None:
        """A filled area within points."""
        places = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self._add("polygon", points=places, **_named(kind))

    def dot(self, at: Point, kind: str, radius: float = 4, hint: str = "") -> None:
        """A filled circle."""
        self._add("circle", hint, cx=at[0], cy=at[1], r=radius, **_named(kind))

    def picture(self, at: Point, size: Point, source: str) -> None:
        """Pixels that stay sharp, from a data URI."""
        self._add(
            "image", x=at[0], y=at[1], width=size[0], height=size[1], href=source,
            preserveAspectRatio="none", **{"class": "pixels"},
        )  # fmt: skip

    def markup(self) -> Markup:
        """The chart as a figure of a page, with its description above it."""
        width, height = _short(self.width), _short(self.height)
        return Markup(
            "<figure><figcaption>{}</figcaption><div class=\"scroll\" tabindex=\"0\">"
            '<svg width="{}" height="{}" viewBox="0 0 {} {}" role="img" '
            'aria-label="{}">'
            "{}</svg></div></figure>"
        ).format(
            self.description, width, height, width, height, self.description,
            Markup("").join(self._parts),
        )  # fmt: skip

    def _add(self, tag: str, content: object = "", /, **attributes: Any) -> None:
        texts = Markup("").join(
            Markup(' {}="{}"').format(name, _short(value))
            for name, value in attributes.items()
        )
        inside = escape(str(content))
        if tag == "text" and not inside:
            return
        if tag != "text" and content:
            inside = Markup("<title>{}</title>").format(inside)
        self._parts.append(
            Markup("<{}{}>{}</{}>").format(Markup(tag), texts, inside, Markup(tag))
        )


def _named(kind: str) -> dict[str, str]:
    return {"class": kind} if kind else {}


def _short(value: object) -> object:
    """A number with one digit at most, as more can't be seen."""
    if isinstance(value, float | np.floating):
        return f"{value:.1f}".removesuffix(".0")
    return value


# Axes


class Scale(NamedTuple):
    """Which pixel shows a value: `low` is at the pixel `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    whole: bool = False  # whether ticks are whole numbers

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = np.log10([low, high, value])
        share = (value - low) / ((high - low) or 1)
        return float(self.start + share * (self.end - self.start))

    def ticks(self, count: int = 5) -> list[float]:
        """Round values within the ends, about `count`."""
        if self.log:
            subs = (1.0,) if self.high > 100 * self.low else (1.0, 2.0, 5.0)
            places = LogLocator(subs=subs).tick_values(self.low, self.high)
        else:
            locator = MaxNLocator(count, integer=self.whole)
            places = locator.tick_values(self.low, self.high)
        slack = 1e-9 * abs(self.high - self.low)
        inside = [p for p in places if self.low - slack <= p <= self.high + slack]
        return [float(p) for p in inside[:: max(1, round(len(inside) / (count + 2)))]]


class Axes(NamedTuple):
    """A chart with a horizontal and a vertical scale."""

    chart: Chart
    x: Scale
    y: Scale

    def at(self, x: float, y: float) -> Point:
        """The pixels of a point."""
        return self.x(x), self.y(y)

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> list[Point]:
        """The pixels of points; those that are not finite are left out."""
        both = zip(xs, ys, strict=True)
        return [self.at(x, y) for x, y in both if np.isfinite(x) and np.isfinite(y)]


def axes(
    title: str,
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    names: tuple[str, str],
    forms: tuple[str, str] = ("g", "g"),
    height: float = 250,
    log: bool = False,
    ticks: bool = True,
    top: float = 10,
) -> Axes:
    """A chart of the width of a phone with ticks, and the `names` of its axes.

    `x` and `y` are the ends of the axes, `forms` the formats of their ticks; `top` are
    the pixels above the panel. Without `ticks`, the horizontal axis has none.
    """
    chart = Chart(WIDTH, height, title)
    vertical = Scale(*y, height - 42, top)
    labels = [format(tick, forms[1]) for tick in vertical.ticks()]
    left = 24 + max(map(text_width, labels), default=10)
    right = WIDTH - 20  # half of the last tick is beside the panel
    horizontal = Scale(*x, left, right, log, names[0] == "epoch")
    for tick, label in zip(vertical.ticks(), labels, strict=True):
        chart.line((left, vertical(tick)), (right, vertical(tick)))
        chart.text(left - 6, vertical(tick), label, "end", "quiet")
    for tick in horizontal.ticks() if ticks else ():
        chart.line((horizontal(tick), top), (horizontal(tick), height - 42))
        label = format(tick, forms[0])
        chart.text(horizontal(tick), height - 30, label, "middle", "quiet")
    chart.text((left + right) / 2, height - 10, names[0], "middle", "quiet")
    chart.upright(10, (top + height - 42) / 2, names[1])
    return Axes(chart, horizontal, vertical)


def limits(*values: Iterable[float], margin: float = 0.05) -> tuple[float, float]:
    """The ends of an axis that shows all finite values.

    >>> limits([0, 10], margin=0.1)
    (-1.0, 11.0)
    """
    finite = [float(v) for each in values for v in each if np.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    room = margin * (high - low) or 0.5
    return low - room, high + room


def legend(chart: Chart, y: float, entries: Sequence[tuple[str, str]]) -> float:
    """Marks with their meaning, (class, text), in lines; returns the height below.

    >>> legend(Chart(340, 100, ""), 10, [("blue", "train"), ("orange", "validation")])
    25
    """
    places = _places([text for _, text in entries], chart.width)
    for (kind, text), (x, line) in zip(entries, places, strict=True):
        chart.rect((x, y + LINE * line - 5), (10, 10), kind)
        chart.text(x + 14, y + LINE * line, fitting(text, chart.width - 16))
    return y + LINE * _lines(places)


def legend_height(texts: Sequence[str]) -> int:
    """The pixels of a legend above a panel."""
    return LINE * (1 + _lines(_places(texts, WIDTH)))


def _lines(places: Sequence[tuple[float, int]]) -> int:
    return 1 + places[-1][1] if places else 0


def _places(texts: Sequence[str], width: float) -> list[tuple[float, int]]:
    """Where each entry of a legend stands: its pixel, and its line from 0."""
    places, x, line = [], 0.0, 0
    for text in texts:
        needed = 16 + text_width(text)
        if x and x + needed > width:
            x, line = 0.0, line + 1
        places.append((x, line))
        x += needed + 12
    return places
