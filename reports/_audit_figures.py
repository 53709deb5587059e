"""How do the findings of an audit look?"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from multitask.reports import _frames, _grid, _style

from multitask.contracts.head import Head
from multitask.inspection import findings as quality
from multitask.inspection.findings import Findings

_TABLES = 6  # heat maps of two heads at most
_PANELS = 5  # histograms of a number by the classes of a head at most
_CLASSES = 12  # that a panel tells apart, the most frequent
_NAMED = 60  # labels up to which a correlation has names beside it
_PAIRS, _WIDE = 18, 3
_BINS = 24
_COLORS = "colorblind"

Drawn = dict[str, str]


def write(findings: Findings, pairs: list[dict[str, Any]], folder: Any) -> Drawn:
    """Write all pictures into `folder`; returns what each file's picture shows."""
    drawn = {}
    with _style.style():
        for name, title, made in _figures(findings, pairs):
            if made is not None:
                _style.save(made, folder / name)
                drawn[name] = title
    return drawn


def _figures(
    findings: Findings, pairs: list[dict[str, Any]]
) -> Iterator[tuple[str, str, Figure | None]]:
    table, files = findings.table, findings.files
    yield (
        "conflicts.png",
        "pairs whose labels contradict each other",
        sheet([pair for pair in pairs if pair["conflicts"]], findings),
    )
    yield (
        "leaks.png",
        "pairs in two parts of the split",
        sheet([pair for pair in pairs if "splits" in pair], findings),
    )
    yield (
        "duplicates.png",
        "pairs whose labels agree",
        sheet([pair for pair in pairs if not pair["conflicts"]], findings),
    )
    bad = table[files["blank"] | files["tiny"]]
    yield "blank.png", "blank and tiny pictures", _bad(bad, files)
    yield "classes.png", "classes", classes(findings)
    for head in findings.heads:
        if head.answer_type == "number":
            for name, made in number(head, findings):
                yield name, f"{head.name}: how often", made
        if head.answer_type == "labels":
            yield f"labels_{head.name}.png", f"{head.name}: yes", labels(head, findings)
            frame = quality.correlations(head, table)
            title = f"{head.name}: correlation"
            yield f"correlation_{head.name}.png", title, correlation(frame, title)
    found = quality.together(findings.heads, table)
    most = sorted(found, key=lambda names: -found[names].to_numpy().sum())[:_TABLES]
    for one, other in most:
        title = f"{one} and {other}"
        yield f"together_{one}_{other}.png", title, heat(found[one, other], title)
    yield "sizes.png", "sizes of the picture files", sizes(files)


# Pictures


def sheet(pairs: Sequence[dict[str, Any]], findings: Findings) -> Figure | None:
    """Pairs side by side, each with its files and what they disagree about below."""
    row = {path: i for i, path in enumerate(findings.table["path"])}
    tiles = []
    for pair in pairs[:_PAIRS]:
        both = [_pixels(findings.table, row[path]) for path in pair["paths"]]
        tiles.append((np.concatenate(both, axis=1), _said(pair)))
    if not tiles:
        return None
    wide = min(_WIDE, len(tiles))
    high = -(-len(tiles) // wide)
    lines = max(len(text) for _, text in tiles)
    below = 0.155 * lines + 0.15  # inches
    made = Figure(figsize=(3.9 * wide, (1.9 + below) * high))
    panels = made.subplots(high, wide, squeeze=False).ravel()
    made.subplots_adjust(
        left=0.01, right=0.99, top=0.99, wspace=0.06, hspace=below / 1.9,
        bottom=below / ((1.9 + below) * high),
    )  # fmt: skip
    for axes in panels:
        axes.set_axis_off()
    for axes, (pixels, text) in zip(panels, tiles, strict=False):
        axes.imshow(pixels)
        for number, (said, color) in enumerate(text):
            axes.annotate(
                said, (0, 0), (1, -4 - 11 * number), xycoords="axes fraction",
                textcoords="offset points", va="top", fontsize=7.5, color=color,
            )  # fmt: skip
    return made


def _pixels(table: pd.DataFrame, row: int) -> Any:
    """A picture as a square with a white rim, empty if it is gone by now."""
    pixels = _grid._read(table, table.index[row])
    if pixels is None:
        pixels = np.full((_grid._PIXELS, _grid._PIXELS, 3), 230, np.uint8)
    return np.pad(pixels, ((0, 0), (0, 6), (0, 0)), constant_values=255)


def _said(pair: dict[str, Any]) -> list[tuple[str, str]]:
    names = [_style.printable(os.path.basename(path)) for path in pair["paths"]]
    lines = [(_style.short(name, 48), _style.GREY) for name in names]
    said = [f"{name}: {a} | {b}" for name, (a, b) in pair["conflicts"].items()]
    more = [f"+{len(said) - 3} more labels"] if len(said) > 4 else said[3:]
    lines += [(_style.short(text, 48), _style.RED) for text in said[:3] + more]
    if "splits" in pair:
        lines.append(("split: " + " | ".join(pair["splits"]), _style.ORANGE))
    if not pair["conflicts"]:
        kind = "same pixels" if pair["kind"] == "exact" else f"{pair['bits']} bits"
        lines.append((kind, _style.GREEN))
    return lines


def _bad(bad: pd.DataFrame, files: pd.DataFrame) -> Figure | None:
    tiles = []
    for row in _grid.picked(bad) if len(bad) else ():
        file, pixels = files.loc[row], _grid._read(bad, row)
        if pixels is not None:
            name = os.path.basename(_style.printable(str(bad["path"][row])))
            size = f"{file['width']} x {file['height']}"
            what = " and ".join(w for w in ("blank", "tiny") if file[w])
            tiles.append(
                _grid.Tile(
                    _framed(pixels),
                    [
                        _grid.Line(_style.short(name, 36), None),
                        _grid.Line(f"{what}, {size}", False),
                    ],
                )  # fmt: skip
            )
    made: Figure | None = _grid._draw(tiles, "blank and tiny pictures")
    return made


def _framed(pixels: Any) -> Any:
    """With a grey rim: a white picture is not to be seen on white."""
    inside = pixels[2:-2, 2:-2]
    return np.pad(inside, ((2, 2), (2, 2), (0, 0)), constant_values=180)


# Labels


def classes(findings: Findings) -> Figure | None:
    """How often each class of each head occurs, a panel a head."""
    counted = {
        head.name: quality.counts(head, findings.table)["classes"]
        for head in findings.heads
        if head.answer_type == "class"
    }
    if not counted:
        return None
    wide = min(len(counted), 3)
    high = -(-len(counted) // wide)
    most = min(max(map(len, counted.values())), 2 * _CLASSES)
    made: Figure = _style.figure(
        max(3.4 * wide, 5), (0.26 * most + 0.7) * high + 0.4, "how often"
    )
    panels = made.subplots(high, wide, squeeze=False).ravel()
    for axes in panels[len(counted) :]:
        axes.set_visible(False)
    for axes, (name, found) in zip(panels, counted.items(), strict=False):
        _bars(axes, _most(found, 2 * _CLASSES), name)
        axes.set_ylim(most - 0.5, -0.5)  # a bar is as thick in every panel
    return made


def _most(found: dict[str, int], count: int) -> dict[str, int]:
    kept = sorted(found, key=lambda name: -found[name])[:count]
    return {name: found[name] for name in found if name in kept}


def _bars(axes: Axes, found: dict[str, int], title: str) -> None:
    names = [_style.short(name, 22) for name in found]
    places = np.arange(len(found))
    axes.barh(places, list(found.values()), color=_style.BLUE, height=0.7, zorder=2)
    axes.set_yticks(places, names)
    total = sum(found.values()) or 1
    for place, n in zip(places, found.values(), strict=True):
        axes.annotate(f" {n:,} ({n / total:.0%})", (n, place), va="center", fontsize=7)
    axes.set(title=title)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.32)
    axes.tick_params(axis="x", labelsize=7)


def labels(head: Head, findings: Findings) -> Figure | None:
    """The share of yes of each label that is known anywhere, in the head's order."""
    counted = quality.counts(head, findings.table)
    shares = {k: c["yes"] / c["n"] for k, c in counted.items() if c["n"]}
    if not shares:
        return None
    title = f"{head.name}: share of yes"
    made: Figure = _style.figure(6.5, 0.19 * len(shares) + 1, title)
    axes = made.subplots()
    places = np.arange(len(shares))
    axes.barh(places, list(shares.values()), color=_style.BLUE, height=0.7, zorder=2)
    axes.set_yticks(places, [_style.short(name, 30) for name in shares], fontsize=8)
    axes.set(xlim=(0, 1), ylim=(len(shares) - 0.4, -0.6))
    axes.axvline(0.5, color=_style.GREY, linewidth=1)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter("{x:.0%}")
    return made


def correlation(frame: pd.DataFrame, title: str) -> Figure | None:
    """Heat map of correlations of labels (labels, labels)."""
    seen = frame.dropna(how="all").index
    frame = frame.loc[seen, seen]
    if len(frame) < 2:
        return None
    named = len(frame) <= _NAMED
    side = min(max(0.2 * len(frame), 2.4), 11)
    made: Figure = _style.figure(side + 2.6, side + 1.8, title)
    axes = made.subplots()
    frame = frame.rename(index=_name, columns=_name)
    sns.heatmap(
        frame, ax=axes, vmin=-1, vmax=1, cmap="vlag", square=True,
        annot=len(frame) <= 10, fmt=".2f", annot_kws={"fontsize": 7},
        xticklabels=named, yticklabels=named,
        cbar_kws={"shrink": 0.6, "label": "correlation"},
    )  # fmt: skip
    axes.tick_params(labelsize=7)
    axes.set(xlabel="", ylabel="")
    return made


def _name(text: object) -> str:
    return str(_style.short(text, 22))


def heat(counts: pd.DataFrame, title: str) -> Figure:
    """Counts of two heads' classes together, coloured by the share of the row."""
    rows, columns = counts.shape
    numbered = max(rows, columns) <= 24
    cell = 0.75 if max(rows, columns) <= 12 else 0.45
    made: Figure = _style.figure(
        min(cell * columns, 12) + 3, min(0.6 * cell * rows, 8) + 1.5, title
    )
    axes = made.subplots()
    texts = counts.map(lambda n: f"{n:,}" if n else "")
    sns.heatmap(
        _frames.shares(counts).rename(index=_name, columns=_name), ax=axes,
        vmin=0, cmap="Blues", annot=texts if numbered else False, fmt="",
        annot_kws={"fontsize": 8}, linewidths=0.5, linecolor="#e5e7eb",
        cbar_kws={"label": "share of the row", "format": "{x:.0%}"},
    )  # fmt: skip
    one, other = title.split(" and ")
    axes.set(xlabel=other, ylabel=one)
    axes.tick_params(axis="y", rotation=0)
    if columns > 5:
        for text in axes.get_xticklabels():
            text.set(rotation=45, ha="right", rotation_mode="anchor")
    return made


def number(head: Head, findings: Findings) -> Iterator[tuple[str, Figure | None]]:
    """Histograms of a number, of all and by the classes of each other head."""
    table = findings.table
    ends = quality.intervals(head, table)
    if ends.empty:
        return
    yield f"number_{head.name}.png", _histogram(head, ends, None, "")
    by_class = [other for other in findings.heads if other.answer_type == "class"]
    shown = 0
    for other in by_class:
        strata = other.strata(table).loc[ends.index]
        if shown < _PANELS and strata.any(axis=None):
            shown += 1
            made = _histogram(head, ends, strata, other.name)
            yield f"number_{head.name}_{other.name}.png", made


def _histogram(
    head: Head, ends: pd.DataFrame, strata: pd.DataFrame | None, by: str
) -> Figure:
    edges = _edges(ends)
    title = f"{head.name} by {by}" if by else head.name
    made: Figure = _style.figure(6.5, 3.2, title)
    axes = made.subplots()
    if strata is None:
        axes.stairs(_spread(ends, edges), edges, fill=True, color=_style.BLUE)
    else:
        counts = strata.sum().nlargest(_CLASSES)
        palette = sns.color_palette(_COLORS, len(counts))
        for color, name in zip(palette, counts[counts > 0].index, strict=False):
            axes.stairs(
                _spread(ends[strata[name]], edges), edges, color=color, linewidth=1.6,
                label=f"{_style.short(name, 24)} ({counts[name]:,})",
            )  # fmt: skip
        axes.legend(frameon=False)
    unit = head.unit
    axes.set(xlabel=f"{head.name} ({unit})" if unit else head.name, ylabel="pictures")
    axes.set_xlim(edges[0], edges[-1])
    if (ends["low"] < ends["high"]).any():
        axes.set_title("an interval counts evenly over all its values", fontsize=8,
                       fontweight="normal", color=_style.GREY)  # fmt: skip
    return made


def _edges(ends: pd.DataFrame) -> Any:
    """Ends of bins; of whole numbers, each bin holds equally many."""
    low, high = float(ends["low"].min()), float(ends["high"].max())
    if (ends % 1 == 0).all(axis=None):
        step = max(1, int(np.ceil((high - low + 1) / _BINS)))
        return np.arange(low - low % step, high + step + 1, step)
    return np.linspace(low, high, _BINS + 1)


def _spread(ends: pd.DataFrame, edges: Any) -> Any:
    """Counts (bins,), an interval's one picture shared out evenly over its extent."""
    exact = ends["low"] == ends["high"]
    counts = np.histogram(ends["low"][exact], edges)[0].astype(float)
    whole = float((ends % 1 == 0).all(axis=None))  # 20 to 29 holds ten whole numbers
    several = ends[~exact].groupby(["low", "high"]).size().reset_index(name="n")
    for low, high, n in several.to_numpy(float):
        inside = np.minimum(edges[1:], high + whole) - np.maximum(edges[:-1], low)
        counts += n * np.clip(inside, 0, None) / (high + whole - low)
    return counts


# Files


def sizes(files: pd.DataFrame) -> Figure | None:
    """Widths over heights as in the files; None if all are of one size."""
    there = files[files["reason"] == ""]
    each = there.groupby(["width", "height"]).size().reset_index(name="n")
    if len(each) < 2:
        return None
    made: Figure = _style.figure(4.8, 4, "sizes of the picture files")
    axes = made.subplots()
    area = 12 + 150 * each["n"] / each["n"].max()
    axes.scatter(each["width"], each["height"], s=area, alpha=0.45, color=_style.BLUE)
    top = float(each[["width", "height"]].max().max())
    axes.set(xscale="log", yscale="log", xlabel="width (pixels)")
    axes.set(ylabel="height (pixels)")
    axes.plot([1, top * 1.3], [1, top * 1.3], color=_style.GREY, linewidth=0.8)
    low = float(each[["width", "height"]].min().min())
    axes.set(xlim=(low / 1.3, top * 1.3), ylim=(low / 1.3, top * 1.3))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:,.0f}")
        axis.set_minor_locator(NullLocator())
    return made
