"""How does every picture of a report look?"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
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

# Tried in this order for letters that the font before lacks.
_FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans", "Arial Unicode MS")


@contextmanager
def style() -> Iterator[None]:
    """Set the look for what is drawn and saved inside; nothing stays set after it."""
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
        # A box in place of a letter that no font has is no reason to stop.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        yield


def figure(width: float, height: float, title: str) -> Figure:
    """An empty figure (inches) with a title, free of pyplot's global state."""
    made = Figure(figsize=(width, height), layout="constrained")
    # Measuring a text without a canvas would make one anew for every single text.
    FigureCanvasAgg(made)
    made.suptitle(title)
    return made


def log_scale(axis: Axes) -> None:
    """Have an axis go by factors from left to right, with plain numbers below it."""
    axis.set_xscale("log")
    # The usual labels of a log scale are formulas, which are shown as they are.
    axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(ticker.NullFormatter())


def save(made: Figure | None, path: Path) -> None:
    """Write the figure; with None, remove what an earlier report left at `path`."""
    if made is None:
        path.unlink(missing_ok=True)
    else:
        # Square panels push their names out of the layout's room; nothing is cut off
        # when the picture is as large as what is drawn.
        made.savefig(
            path,
            dpi=DPI,
            bbox_inches="tight",
            pad_inches=0.12,
            # Larger by a tenth, and written in a third of the time.
            pil_kwargs={"compress_level": 3},
        )


def short(text: object, length: int) -> str:
    """Cut a text to a length in letters.

    >>> short("Mouth_Slightly_Open", 10)
    'Mouth_Sli…'
    """
    words = " ".join(str(text).split())
    return words if len(words) <= length else words[: length - 1] + "…"


def printable(text: str) -> str:
    """A text without the bytes of file names that are no UTF-8, which nothing draws.

    >>> printable("a" + chr(0xDCFF) + ".jpg")
    'a?.jpg'
    """
    return text.encode("utf-8", "replace").decode("utf-8")
