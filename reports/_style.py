"""What style do all figures of a report share?"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import matplotlib
import seaborn as sns
from matplotlib import font_manager, ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE = "#3b6fb6", "#d9782d"
GREEN, RED, GREY = "#1a7f37", "#c62828", "#6b7280"
DPI = 110
_MONTHS = (  # whatever the locale
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)

# Tried in this order for characters that the previous font lacks.
_FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans", "Arial Unicode MS")


@contextmanager
def style() -> Iterator[None]:
    """Set the style for figures drawn and saved inside; it is reset afterwards."""
    installed = set(font_manager.get_font_names())
    settings = {
        **sns.axes_style("whitegrid"),
        "font.family": [font for font in _FONTS if font in installed],
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.titlesize": 12,
        "grid.color": "#e5e7eb",
        "text.parse_math": False,  # a class may be called "$5 to $10"
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # A missing character is drawn as a box, which is no reason to stop.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        yield


def figure(width: float, height: float, title: str) -> Figure:
    """An empty figure (inches) with a title, free of pyplot's global state."""
    empty = Figure(figsize=(width, height), layout="constrained")
    # Without a canvas, measuring a text would create one for every single text.
    FigureCanvasAgg(empty)
    empty.suptitle(title)
    return empty


def panels(
    count: int, title: str, *, size: tuple[float, float], extra: float
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels, three in a row.

    Each panel is `size` (width, height) inches; `extra` inches of height are for what
    all of them share.
    """
    across = min(count, 3)
    down = -(-count // across)
    whole = figure(max(size[0] * across, 5), size[1] * down + extra, title)
    axes = list(whole.subplots(down, across, squeeze=False).ravel())
    for unused in axes[count:]:
        unused.set_visible(False)
    return whole, axes[:count]


def log_scale(axis: Axes) -> None:
    """Give the x axis a logarithmic scale with plain numbers below it."""
    axis.set_xscale("log")
    # The default labels are formulas, which would be shown as their source.
    axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(ticker.NullFormatter())


def slant_columns(axes: Axes, slanted: bool) -> None:
    """Keep the names of rows horizontal, and slant those of columns to save room."""
    axes.tick_params(axis="y", rotation=0)
    axes.tick_params(axis="x", rotation=45 if slanted else 0)
    for text in axes.get_xticklabels() if slanted else ():
        text.set(ha="right", rotation_mode="anchor")


def save(figure: Figure | None, path: Path) -> None:
    """Write a figure; with None, remove what an earlier report left at `path`."""
    if figure is None:
        path.unlink(missing_ok=True)
    else:
        # Square panels push their names out of the layout; with a tight box the file
        # is as large as what is drawn, and nothing is cut off.
        figure.savefig(
            path,
            dpi=DPI,
            bbox_inches="tight",
            pad_inches=0.12,
            # A tenth larger, but written in a third of the time.
            pil_kwargs={"compress_level": 3},
        )


def short(text: object, length: int) -> str:
    """Cut a text to `length` characters.

    >>> short("Mouth_Slightly_Open", 10)
    'Mouth_Sli…'
    """
    words = " ".join(str(text).split())
    return words if len(words) <= length else words[: length - 1] + "…"


def with_unit(name: str, unit: str) -> str:
    """A quantity and its unit, if it has one.

    >>> with_unit("age", "years"), with_unit("age", "")
    ('age (years)', 'age')
    """
    return f"{name} ({unit})" if unit else name


def day(when: date | None = None) -> str:
    """A date, today by default.

    >>> day(date(2025, 3, 1))
    '1 March 2025'
    """
    when = when or date.today()
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def printable(text: str) -> str:
    """A text with `?` for bytes of file names that are not UTF-8.

    >>> printable("a" + chr(0xDCFF) + ".jpg")
    'a?.jpg'
    """
    return text.encode("utf-8", "replace").decode("utf-8")
