"""Which pictures of an audit show no face, or several, and what do they look like?"""

import os
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from multitask.reports import _style, _tiles
from PIL import Image, ImageDraw

from multitask.contracts.errors import counted
from multitask.images.decode import PictureError, Pixels, decode
from multitask.inspection.findings import Findings

_LINE = 110  # pixels of a picture's longer side for each of the width of a line


def plain(faces: pd.DataFrame) -> dict[str, Any] | None:
    """What audit.json holds of the `faces` of findings; None if none were searched."""
    if faces.empty:
        return None
    several = faces[faces["faces"] > 1]
    return {
        "searched": len(faces),
        "none": int((faces["faces"] == 0).sum()),
        "several": len(several),
        "alike": int(several["alike"].sum()),
        "none_files": faces["path"][faces["faces"] == 0].tolist(),
        "several_files": several.to_dict("records"),
    }


def facts(faces: pd.DataFrame) -> list[tuple[str, int, str]]:
    """Counts for the text: name, count, details."""
    counts = plain(faces)
    if counts is None:
        return []
    searched = f"of {counted(len(faces), 'picture')} that were searched"
    alike = f"in {counts['alike']:,} of them, none is much larger than the others"
    return [
        ("no face", counts["none"], searched),
        ("several faces", counts["several"], alike),
    ]


def rows(counts: dict[str, Any] | None) -> dict[str, list[dict[str, Any]]]:
    """The lists of the page, by their names; `counts` are those of `plain`."""
    if counts is None:
        return {}
    several = counts["several_files"]
    return {
        "without_face": [{"path": path} for path in counts["none_files"]],
        "several_faces": [row | {"boxes": ", ".join(row["boxes"])} for row in several],
    }


def without_face(findings: Findings) -> Figure | None:
    """Some of the pictures in which no face was found."""
    faces = findings.faces
    if faces.empty or not (faces["faces"] == 0).any():
        return None
    bad, tiles = faces[faces["faces"] == 0], []
    for row in _tiles.evenly(bad):
        pixels = _tiles.read(bad, row)
        if pixels is not None:
            tiles.append(_tiles.Tile(_tiles.framed(pixels), [_name(bad["path"][row])]))
    figure: Figure | None = _tiles.draw(tiles, "pictures without a face")
    return figure


def several_faces(findings: Findings) -> Figure | None:
    """Some of the pictures with several faces, if possible with several alike."""
    faces = findings.faces
    if faces.empty or not (faces["faces"] > 1).any():
        return None
    bad = faces[faces["faces"] > 1]
    tiles = []
    for row in _tiles.evenly(bad[bad["alike"]] if bad["alike"].any() else bad):
        path, boxes = str(bad["path"][row]), bad["boxes"][row]
        try:
            pixels = _boxed(decode(path, damaged="keep"), boxes)
        except PictureError:  # which was readable a moment ago
            continue
        alike = ", none much larger" if bad["alike"][row] else ""
        line = _tiles.Line(f"{len(boxes)} faces{alike}", _style.RED)
        shown = _tiles.framed(_tiles.padded(pixels))
        tiles.append(_tiles.Tile(shown, [_name(path), line]))
    figure: Figure | None = _tiles.draw(tiles, "pictures with several faces")
    return figure


def _name(path: Any) -> _tiles.Line:
    name = os.path.basename(_style.printable(str(path)))
    return _tiles.Line(_style.short(name, 36), _style.GREY)


def _boxed(pixels: Pixels, boxes: list[str]) -> Image.Image:
    """A picture with the boxes of its faces."""
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for box in boxes:
        left, top, right, bottom = map(int, box.split())
        width = max(1, round(max(image.size) / _LINE))
        draw.rectangle((left, top, right, bottom), outline=_style.RED, width=width)
    return image
