"""Which pictures does a page hold within itself, and with which words?"""

from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from multitask.reports import _frames, _grid, _style, _tiles
from PIL import Image

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.table import column
from multitask.images.decode import PictureError, decode

_SIDE = 176  # pixels of a thumbnail's side
_SHEET = 1100  # pixels of the longer side of a sheet of pictures
_MOST = 160  # thumbnails of mistakes on a page, over all heads
_OF_A_HEAD = 8
_COUNT = 12  # pictures with the answers of all heads
_QUALITY = 82


class Thumbnail(NamedTuple):
    """A picture as a data URI, and lines with the class that colours each."""

    source: str
    name: str
    lines: tuple[tuple[str, str], ...]


def data_uri(image: Image.Image) -> str:
    """A picture as JPEG within the page."""
    file = BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + b64encode(file.getvalue()).decode("ascii")


def sheet(path: Path) -> str | None:
    """A figure of the report's folder as a data URI; None if there is none."""
    if not path.exists():
        return None
    with Image.open(path) as image:
        image.thumbnail((_SHEET, 4 * _SHEET))
        return data_uri(image)


def answered(evaluation: Evaluation) -> list[Thumbnail]:
    """Evenly spaced pictures with the answers of all heads."""
    kinds = {True: "right", False: "wrong", None: "quiet"}
    thumbnails: list[Thumbnail] = []
    for row in _tiles.evenly(evaluation.labels, _COUNT):
        lines = _grid.caption(evaluation, row)
        shown = tuple((line.text, kinds[line.right]) for line in lines)
        thumbnails += _thumbnail(evaluation, row, shown)
    return thumbnails


def mistakes(head: Head, evaluation: Evaluation) -> list[Thumbnail]:
    """The most confident mistakes of a head, of a number its largest errors."""
    most = max(1, min(_OF_A_HEAD, _MOST // max(1, len(evaluation.heads))))
    frame = _frames.mistakes(head, evaluation.labels, evaluation.answers)
    thumbnails: list[Thumbnail] = []
    for mistake in frame.head(4 * most).itertuples():
        if len(thumbnails) == most:
            break
        thumbnails += _thumbnail(evaluation, mistake.Index, _words(head, mistake))
    return thumbnails


def _words(head: Head, mistake: Any) -> tuple[tuple[str, str], ...]:
    """What was answered, and what the label is."""
    if head.answer_type == "number":
        answer, label = f"{mistake.answer:.0f}", f"{mistake.label:g}"
        return (f"{answer} {head.unit}".rstrip(), "wrong"), (f"label {label}", "quiet")
    answer, label = str(mistake.answer), str(mistake.label)
    if head.answer_type == "labels":
        answer = f"{mistake.column}: {'yes' if mistake.answer else 'no'}"
        label = "yes" if mistake.label else "no"
    percent = f" {mistake.score:.0%}" if np.isfinite(mistake.score) else ""
    return (answer + percent, "wrong"), (f"label {label}", "quiet")


def _thumbnail(
    evaluation: Evaluation, row: Any, lines: tuple[tuple[str, str], ...]
) -> Iterator[Thumbnail]:
    """One thumbnail; none of a picture that can't be read."""
    path = str(evaluation.labels["path"][row])
    box = column(evaluation.labels, "box")[row]
    try:
        text = None if pd.isna(box) else str(box)
        image = Image.fromarray(decode(path, text, damaged="keep"))
    except PictureError:
        return
    image.thumbnail((_SIDE, _SIDE))
    yield Thumbnail(data_uri(image), Path(_style.printable(path)).name, lines)
