"""Where in a picture is what an answer rests on?

`why_HEAD.png` shows a few right and wrong answers of each head as heat on the picture.
"""

from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from multitask.reports import _style, _tiles
from PIL import Image

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.results.explained import Explanation
from multitask.contracts.table import interval

OF, ORDER = Evaluation, 25
TEXT = (
    "Heat is where the network saw what raises its answer (Grad-CAM, Selvaraju et al. "
    "2017): the class or label that it gave, or a higher number. It is as coarse as "
    "the last feature map. It shows where, not what: neither which feature counts, nor "
    "that the answer would change without it. A map that looks sensible proves "
    "nothing, as some such maps look alike for networks with random weights (Adebayo "
    "et al. 2018). Use it to find answers that rest on the background, not to trust "
    "the others."
)
_SIZE = (1.8, 1.8)  # inches of a picture: two in a row fit a phone as they are
_LETTERS = 29  # that fit below one
_MOST = 0.65  # opacity of the heat where it is 1


def file(head: Head) -> str:
    """The file name of a head's figure."""
    return f"why_{head.name}.png"


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write a figure per head, and remove stale ones of an earlier report."""
    with _style.style():
        for head in evaluation.heads:
            _style.save(figure(evaluation, head), folder / file(head))


def figure(evaluation: Evaluation, head: Head) -> Figure | None:
    """The explained answers of a head, right ones first; None without any."""
    tiles = [
        _tiles.Tile(overlay(one), lines(evaluation, head, one))
        for one in evaluation.explanations.get(head.name, ())
    ]
    drawn: Figure | None = _tiles.draw(tiles, across=2, size=_SIZE)
    return drawn


def overlay(one: Explanation) -> npt.NDArray[np.uint8]:
    """The picture (SIDE, SIDE, 3) with the heat on it, warmer where it is higher."""
    size = (_tiles.SIDE, _tiles.SIDE)
    picture = np.asarray(Image.fromarray(one.pixels).resize(size), float)
    heat = np.asarray(Image.fromarray(one.heat).resize(size, Image.Resampling.BILINEAR))
    colors = 255 * matplotlib.colormaps["inferno"](heat)[..., :3]
    opacity = _MOST * np.clip(heat, 0, 1)[..., None]
    return np.asarray(opacity * colors + (1 - opacity) * picture, np.uint8)


def lines(evaluation: Evaluation, head: Head, one: Explanation) -> list[_tiles.Line]:
    """What was answered, and what the label is."""
    labels, answers = evaluation.labels.loc[one.row], evaluation.answers.loc[one.row]
    color = _style.GREEN if one.is_right else _style.RED
    if head.answer_type == "number":
        text = f"{answers[one.column]:.3g}, is {_label(evaluation, one)}"
    else:
        answer = answers[one.column] if head.answer_type == "class" else one.column
        text = f"{answer} {answers[f'{one.column}_confidence']:.0%}"
        if not one.is_right:
            is_class = head.answer_type == "class"
            text += f", is {labels[one.column]}" if is_class else ", is not"
    first = _tiles.Line(_style.short(text, _LETTERS), color)
    if one.heat.any():
        return [first]
    return [first, _tiles.Line("nothing raises it: no heat", _style.GREY)]


def _label(evaluation: Evaluation, one: Explanation) -> str:
    """A number's label as text; of an interval both ends."""
    low, high = interval(evaluation.labels.loc[[one.row]], one.column).iloc[0]
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
