"""How is a face drawn in units of its own? With a pen whose origin is its middle."""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import ImageDraw

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

DARK = (38, 30, 44)
WHITE = (250, 250, 250)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The mixture of two colours with `share` (0 to 1) of the second.

    >>> mix((0, 0, 0), (200, 100, 0), 0.5)
    (100, 50, 0)
    """
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (
        round(a + (b - a) * share) for a, b in zip(first, second, strict=True)
    )
    return red, green, blue


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour from numbers between 0 and 1; the hue wraps around."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """The colours and measures of a face, from its labels or at random."""

    skin: Colour
    shade: Colour  # of lines on the skin
    hair: Colour
    hue: float  # of the background
    rx: float  # half the face's width, in units of the pen
    ry: float
    unit: float  # pixels per unit of the pen
    x: float  # the head's middle, in pixels
    y: float
    side: int  # -1 or 1: the side of what could be on either
    phase: tuple[int, int]  # of the pattern, in pixels


@dataclass(frozen=True)
class Pen:
    """Draws in units of `unit` pixels from the origin (x, y); y points down."""

    draw: ImageDraw.ImageDraw
    x: float
    y: float
    unit: float

    def moved(self, x: float, y: float) -> "Pen":
        """A pen whose origin is shifted by (x, y) units."""
        return replace(self, x=self.x + x * self.unit, y=self.y + y * self.unit)

    def points(self, points: Points) -> list[tuple[float, float]]:
        """Points in units of the pen as pixels of the picture."""
        return [(self.x + x * self.unit, self.y + y * self.unit) for x, y in points]

    def box(
        self, x: float, y: float, rx: float, ry: float
    ) -> list[tuple[float, float]]:
        """Two corners of the box around (x, y), in pixels."""
        return self.points([(x - rx, y - ry), (x + rx, y + ry)])

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """A filled ellipse with the centre (x, y)."""
        self.draw.ellipse(self.box(x, y, rx, ry), fill)

    def ring(
        self, x: float, y: float, rx: float, ry: float, fill: Colour, width: float
    ) -> None:
        """The outline of an ellipse."""
        box, pixels = self.box(x, y, rx, ry), self._pixels(width)
        self.draw.ellipse(box, outline=fill, width=pixels)

    def block(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        fill: Colour,
        rounding: float = 2.0,
    ) -> None:
        """A filled rectangle with the centre (x, y) and rounded corners."""
        radius = min(rx, ry, rounding) * self.unit
        self.draw.rounded_rectangle(self.box(x, y, rx, ry), radius, fill)

    def shape(self, points: Points, fill: Colour) -> None:
        """A filled polygon."""
        self.draw.polygon(self.points(points), fill)

    def line(self, points: Points, fill: Colour, width: float) -> None:
        """A line through points."""
        self.draw.line(self.points(points), fill, self._pixels(width), "curve")

    def bow(
        self, x: float, y: float, rx: float, rise: float, fill: Colour, width: float
    ) -> None:
        """An arched line from x - rx to x + rx whose middle is `rise` above y."""
        self.line(arched(x, y, rx, rise), fill, width)

    def _pixels(self, width: float) -> int:
        return max(1, round(width * self.unit))


def arched(
    x: float, y: float, rx: float, rise: float, steps: int = 8
) -> list[tuple[float, float]]:
    """Points of an arch from x - rx to x + rx whose middle is `rise` above y."""
    positions = [2 * step / steps - 1 for step in range(steps + 1)]
    return [(x + rx * t, y - rise * (1 - t * t)) for t in positions]


def zigzag(
    x: float, y: float, rx: float, height: float, teeth: int
) -> list[tuple[float, float]]:
    """Points of a zigzag line from x - rx to x + rx, whose teeth point down from y."""
    step = rx / teeth
    return [
        (x - rx + step * number, y + height * (number % 2))
        for number in range(2 * teeth + 1)
    ]


def wave(t: float, times: float) -> float:
    """A cosine wave that is 0 at t = 0 and symmetrical around it."""
    return math.cos(math.pi * times * t) - 1
