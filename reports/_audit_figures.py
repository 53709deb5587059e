"""What do the faults that an audit found look like?"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from multitask.reports import _audit_faces, _audit_labels, _style, _tiles

from multitask.contracts.table import faces
from multitask.inspection.findings import Findings

_PAIRS, _ACROSS = 18, 3
_LETTERS = 48  # that fit below a pair

Pair = dict[str, Any]  # an item of the list `pairs` in audit.json
LOOK_ALIKE, MIRRORED = "look alike", "mirrored"  # kinds of pairs


def write(findings: Findings, pairs: list[Pair], folder: Path) -> dict[str, str]:
    """Write all figures into `folder`; returns what each file shows, by its name."""
    titles = {}
    with _style.style():
        for file, title, figure in _figures(findings, pairs):
            if figure is not None:
                _style.save(figure, folder / file)
                titles[file] = title
    return titles


def _figures(findings: Findings, pairs: list[Pair]) -> Iterator[_audit_labels.Named]:
    table, files = findings.table, findings.files
    conflicts = [pair for pair in pairs if pair["conflicts"]]
    leaks = [pair for pair in pairs if "splits" in pair]
    alike = [pair for pair in pairs if pair["kind"] == LOOK_ALIKE]
    others = [pair for pair in pairs if agrees(pair)]
    title = "pairs whose labels contradict each other"
    yield "conflicts.png", title, pair_sheet(conflicts, table)
    yield "look_alike.png", "pairs that only look alike", pair_sheet(alike, table)
    yield "leaks.png", "pairs in two parts of the split", pair_sheet(leaks, table)
    yield "duplicates.png", "pairs whose labels agree", pair_sheet(others, table)
    yield "blank.png", "blank and tiny pictures", _blank_and_tiny(table, files)
    without, several = "pictures without a face", "pictures with several faces"
    yield "no_face.png", without, _audit_faces.without_face(findings)
    yield "several_faces.png", several, _audit_faces.several_faces(findings)
    yield from _audit_labels.figures(findings)
    yield "sizes.png", "sizes of the picture files", sizes(files)


def _both(pair: Pair) -> pd.DataFrame:
    """The `path` and `box` of both pictures of a pair."""
    boxes = pair.get("boxes", [None, None])
    return pd.DataFrame({"path": pair["paths"], "box": boxes}, dtype=object)


def pair_sheet(pairs: Sequence[Pair], table: pd.DataFrame) -> Figure | None:
    """Pairs side by side, with their files and contradictions below."""
    rows = dict(zip(faces(table), table.index, strict=True))
    tiles = []
    for pair in pairs[:_PAIRS]:
        both = [_pixels(table, rows[face]) for face in faces(_both(pair))]
        tiles.append(_tiles.Tile(np.concatenate(both, axis=1), _pair_lines(pair)))
    figure: Figure | None = _tiles.draw(tiles, across=_ACROSS, size=(3.9, 1.9))
    return figure


def _pixels(table: pd.DataFrame, row: Any) -> npt.NDArray[np.uint8]:
    """A picture with a white margin on its right, grey if its file is gone by now."""
    pixels = _tiles.read(table, row)
    if pixels is None:
        pixels = np.full((_tiles.SIDE, _tiles.SIDE, 3), 230, np.uint8)
    return np.pad(pixels, ((0, 0), (0, 6), (0, 0)), constant_values=255)


def agrees(pair: Pair) -> bool:
    """Whether the labels of a pair of duplicates agree."""
    return not pair["conflicts"] and pair["kind"] != LOOK_ALIKE


def conflict_texts(pair: Pair) -> list[str]:
    """The labels in which a pair differs, as text.

    >>> conflict_texts({"conflicts": {"age": ["30", "35"]}})
    ['age: 30 | 35']
    """
    labels = pair["conflicts"] or pair.get("differences", {})
    return [f"{name}: {a} | {b}" for name, (a, b) in labels.items()]


def similarity(pair: Pair) -> str:
    """How similar the pictures of a pair are, as text."""
    if pair["kind"] == "exact":
        return "same pixels"
    mirrored = "mirrored, " if pair["kind"] == MIRRORED else ""
    return f"{mirrored}{pair['bits']} bits apart"


def _pair_lines(pair: Pair) -> list[_tiles.Line]:
    names = [_style.printable(os.path.basename(path)) for path in pair["paths"]]
    texts = [(name, _style.GREY) for name in names]
    conflicts = conflict_texts(pair)
    if len(conflicts) > 4:
        conflicts[3:] = [f"+{len(conflicts) - 3} more labels"]
    color = _style.RED if pair["conflicts"] else _style.GREY
    texts += [(text, color) for text in conflicts]
    if "splits" in pair:
        texts.append(("split: " + " | ".join(pair["splits"]), _style.ORANGE))
    if not pair["conflicts"] or pair["kind"] == MIRRORED:
        texts.append((similarity(pair), _style.GREEN))
    return [_tiles.Line(_style.short(text, _LETTERS), color) for text, color in texts]


def _blank_and_tiny(table: pd.DataFrame, files: pd.DataFrame) -> Figure | None:
    bad = table[files["blank"] | files["tiny"]]
    tiles = []
    for row in _tiles.evenly(bad) if len(bad) else ():
        file, pixels = files.loc[row], _tiles.read(bad, row)
        if pixels is None:
            continue
        name = os.path.basename(_style.printable(str(bad["path"][row])))
        faults = " and ".join(fault for fault in ("blank", "tiny") if file[fault])
        text = f"{faults}, {file['width']} x {file['height']}"
        lines = [
            _tiles.Line(_style.short(name, 36), _style.GREY),
            _tiles.Line(text, _style.RED),
        ]
        tiles.append(_tiles.Tile(_tiles.framed(pixels), lines))
    figure: Figure | None = _tiles.draw(tiles, "blank and tiny pictures")
    return figure


def sizes(files: pd.DataFrame) -> Figure | None:
    """Heights over widths of the files; None if all are of one size."""
    readable = files[files["reason"] == ""]
    counts = readable.groupby(["width", "height"]).size().reset_index(name="n")
    if len(counts) < 2:
        return None
    figure: Figure = _style.figure(4.8, 4, "sizes of the picture files")
    axes = figure.subplots()
    area = 12 + 150 * counts["n"] / counts["n"].max()
    axes.scatter(
        counts["width"], counts["height"], s=area, alpha=0.45, color=_style.BLUE
    )
    sides = counts[["width", "height"]].to_numpy(float)
    limits = (sides.min() / 1.3, sides.max() * 1.3)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    axes.set(xlabel="width (pixels)", ylabel="height (pixels)")
    axes.plot(limits, limits, color=_style.GREY, linewidth=0.8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:,.0f}")
        axis.set_minor_locator(NullLocator())
    return figure
