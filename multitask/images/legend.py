"""What stands below a picture: the answers that found no room in it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from PIL import Image, ImageDraw

from multitask.images.lettering import (
    DARK,
    SMALLEST,
    WHITE,
    Color,
    Label,
    draw_line,
    line_height,
    wrapped,
)
from multitask.images.lettering import width as text_width

_NARROWEST = 10  # letters' sizes that a line of a legend is wide, at least


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Some words in a legend, after a number in its colour unless that is empty."""

    number: str
    color: Color
    words: tuple[str, ...]


def with_legend(image: Image.Image, entries: Sequence[Entry], size: int) -> Image.Image:
    """The image with a strip below it that has the entries, in columns if they fit.

    `size` is that of the letters in pixels; they get smaller if the strip would be
    higher than the image. The image is widened if it is narrower than a few words.
    Without entries it is returned as it is.
    """
    entries = [entry for entry in entries if entry.words or entry.number]
    if not entries:
        return image
    legend = _Legend(entries, image.width, size)
    while legend.height > image.height and legend.size > SMALLEST:
        legend = _Legend(entries, image.width, max(SMALLEST, legend.size * 5 // 6))
    wide = max(image.width, legend.width)
    canvas = Image.new("RGB", (wide, image.height + legend.height), DARK)
    canvas.paste(image)
    legend.draw(ImageDraw.Draw(canvas), image.height)
    return canvas


class _Legend:
    """Entries in as many columns of equal width as fit."""

    def __init__(self, entries: Sequence[Entry], width: int, size: int) -> None:
        self.size = size
        self._gap = max(4, size // 2)
        self._line = line_height(size) + self._gap // 2
        self._chip = max(_chip_width(entry, size) for entry in entries)
        self._most = max(width, _NARROWEST * size) - 2 * self._gap - self._chip
        self._entries = [
            (e, wrapped(e.words, size, self._most) or [""]) for e in entries
        ]
        widest = max(text_width(li, size) for _, lines in self._entries for li in lines)
        self._step = widest + self._chip + 2 * self._gap
        self._columns = self._fill(max(1, width // self._step))

    def _fill(self, columns: int) -> list[list[tuple[Entry, list[str]]]]:
        """The entries in at most so many columns of about the same height."""
        each = ceil(len(self._entries) / columns)
        starts = range(0, len(self._entries), each)
        return [self._entries[start : start + each] for start in starts]

    @property
    def width(self) -> int:
        """The width in pixels that it takes at least."""
        return self._step * len(self._columns)

    @property
    def height(self) -> int:
        """The height in pixels."""
        lines = (sum(len(lines) for _, lines in column) for column in self._columns)
        return max(lines) * self._line + self._gap

    def draw(self, draw: ImageDraw.ImageDraw, top: int) -> None:
        """Draw it below `top`."""
        for number, column in enumerate(self._columns):
            left, down = self._gap + number * self._step, top + self._gap // 2
            for entry, lines in column:
                if entry.number:
                    label = Label(lines=(entry.number,), size=self.size)
                    wide, high = label.extent
                    place = (left, down, left + wide, down + high)
                    label.draw(draw, place, entry.color)
                offset = Label(lines=("",), size=self.size).padding // 2
                for line in lines:
                    at = (left + self._chip, down + offset)
                    draw_line(draw, at, line, WHITE, self.size)
                    down += self._line


def _chip_width(entry: Entry, size: int) -> int:
    """The width that an entry's number takes, with the space after it."""
    if not entry.number:
        return 0
    return Label(lines=(entry.number,), size=size).extent[0] + size // 3
