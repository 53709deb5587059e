"""How is text measured, wrapped and drawn so that it can be read on anything?"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageDraw, ImageFont

from multitask.contracts.errors import counted

Color = tuple[int, int, int]
Rectangle = tuple[int, int, int, int]  # left, top, right, bottom; both last excluded

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)
DARK: Color = (32, 32, 32)
# Colours that most colour-blind people can tell apart (Okabe and Ito 2008).
COLORS: tuple[Color, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
SMALLEST = 12  # pixels; smaller letters of the font run together
_CUT = "..."
_MISSING = "\U0010ffff"  # in no font
_NAMED = 5  # of the letters that no font has


def font(size: int, text: str = "") -> ImageFont.FreeTypeFont:
    """The font that Pillow ships, or a similar one that has the letters of a text.

    Pillow's has those of ASCII alone, DejaVu Sans, which Matplotlib ships, those of
    most alphabets. `size` is in pixels. Lines of both are equally high.

    Raises ImportError if this Pillow is built without FreeType, or for letters beyond
    ASCII without Matplotlib.
    """
    return _ascii_font(size) if text.isascii() else _wide_font(size)


@lru_cache(maxsize=64)
def _ascii_font(size: int) -> ImageFont.FreeTypeFont:
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise ImportError("drawing text needs a Pillow that is built with FreeType")
    return loaded


@lru_cache(maxsize=64)
def _wide_font(size: int) -> ImageFont.FreeTypeFont:
    spec = find_spec("matplotlib")  # which takes long to import
    if not spec or not spec.submodule_search_locations:
        raise ImportError("drawing letters beyond ASCII needs Matplotlib")
    folder = Path(spec.submodule_search_locations[0])
    # Its letters are wider and higher than those of the other one.
    smaller = round(0.9 * size)
    return ImageFont.truetype(folder / "mpl-data/fonts/ttf/DejaVuSans.ttf", smaller)


def readable(text: str) -> str:
    """A text with the letters that can't be drawn as Python's escapes.

    >>> readable("größe 年")
    'größe \\\\u5e74'
    """
    return "".join(map(_readable, text))


@lru_cache(maxsize=4096)
def _readable(letter: str) -> str:
    if letter.isascii() and letter.isprintable():
        return letter
    # Control characters, and bytes of a file name that are no letters.
    can_be_drawn = unicodedata.category(letter) not in ("Cc", "Cs")
    if can_be_drawn and _shape(letter) != _shape(_MISSING):
        return letter
    return letter.encode("unicode_escape", "surrogatepass").decode()


def _shape(letter: str) -> tuple[tuple[int, int], bytes]:
    mask = _wide_font(32).getmask(letter)
    return mask.size, bytes(mask)


def escaped_note(texts: Iterable[str]) -> str:
    """A line on the letters of texts that are drawn as escapes; empty without any."""
    letters = dict.fromkeys(letter for text in texts for letter in text)
    escapes = [escape for letter in letters if (escape := _readable(letter)) != letter]
    if not escapes:
        return ""
    others = ", ..." if len(escapes) > _NAMED else ""
    what = f"{counted(len(escapes), 'letter')} missing in the font"
    return f"{what}, drawn as code: {', '.join(escapes[:_NAMED])}{others}"


def line_height(size: int) -> int:
    """The height in pixels of a line of text of a font size."""
    return sum(font(size).getmetrics())


def width(text: str, size: int) -> int:
    """The width in pixels of a line of text."""
    text = readable(text)
    return round(font(size, text).getlength(text) + 0.5)


def draw_line(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    color: Color,
    size: int,
) -> None:
    """Draw a line of `readable` text, `place` being its left and top."""
    (left, top), text = place, readable(text)
    # On the same line, whichever font it is.
    base = top + font(size).getmetrics()[0]
    draw.text((left, base), text, color, font(size, text), anchor="ls")


def contrasting(color: Color) -> Color:
    """Black or white, whichever has more contrast to a colour (WCAG 2.1).

    >>> contrasting((240, 228, 66)), contrasting((0, 60, 120))
    ((0, 0, 0), (255, 255, 255))
    """
    light = _luminance(color) + 0.05
    return BLACK if light / 0.05 >= 1.05 / light else WHITE


def _luminance(color: Color) -> float:
    shares = [value / 255 for value in color]
    red, green, blue = (
        share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4
        for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def shortened(text: str, size: int, most: int) -> str:
    """The beginning of a text that is at most so many pixels wide.

    >>> shortened("a very long word", 10, 50)
    'a very lon...'
    """
    if width(text, size) <= most:
        return text
    for end in range(len(text) - 1, 0, -1):
        if width(short := text[:end].rstrip() + _CUT, size) <= most:
            return short
    return text[:1]


def wrapped(words: Sequence[str], size: int, most: int) -> list[str]:
    """Words in lines of at most so many pixels, but no less than a wide letter.

    Wider words are cut in pieces.

    >>> wrapped(["female .98,", "31 (25 to 38)"], 10, 70)
    ['female .98,', '31 (25 to 38)']
    """
    lines: list[str] = []
    for word in words:
        if lines and width(f"{lines[-1]} {word}", size) <= most:
            lines[-1] += f" {word}"
            continue
        lines += [""] if not lines or lines[-1] else []
        for letter in word:
            if lines[-1] and width(lines[-1] + letter, size) > most:
                lines.append("")
            lines[-1] += letter
    return lines


@dataclass(frozen=True, kw_only=True)
class Label:
    """Lines of text of one size in a solid rectangle, not yet anywhere."""

    lines: tuple[str, ...]
    size: int

    @property
    def padding(self) -> int:
        """Pixels between the text and the edge."""
        return max(2, self.size // 4)

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height in pixels."""
        wide = max(width(line, self.size) for line in self.lines)
        high = len(self.lines) * line_height(self.size)
        return wide + 2 * self.padding, high + self.padding

    def draw(self, draw: ImageDraw.ImageDraw, place: Rectangle, color: Color) -> None:
        """Draw it into a place of its extent."""
        left, top, right, bottom = place
        ink = contrasting(color)
        edge = max(1, self.size // 16)
        draw.rectangle((left, top, right - 1, bottom - 1), color, ink, edge)
        for number, line in enumerate(self.lines):
            down = top + self.padding // 2 + number * line_height(self.size)
            draw_line(draw, (left + self.padding, down), line, ink, self.size)
