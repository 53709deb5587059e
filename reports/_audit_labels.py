"""How are the labels of an audited table distributed? Bars, histograms, heat maps."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from multitask.reports import _frames, _style

from multitask.contracts.head import Head
from multitask.inspection.findings import (
    Findings,
    answer_counts,
    cooccurrences,
    label_correlations,
    labelled_intervals,
)

HEAT_MAPS = 6  # of two heads each, at most
_HISTOGRAMS = 5  # of a number by the classes of another head, at most
_CLASSES = 12  # in a histogram, the most frequent ones
_NAMED = 60  # labels up to which a correlation matrix has names
_BINS = 24
_COLORS = "colorblind"

Named = tuple[str, str, Figure | None]


def figures(findings: Findings) -> Iterator[Named]:
    """Every figure of labels: its file, what it shows, and the figure, if any."""
    yield "classes.png", "classes", classes(findings)
    for head in findings.heads:
        if head.answer_type == "number":
            for file, figure in histograms(head, findings):
                yield file, f"{head.name}: how often", figure
        if head.answer_type == "labels":
            file = f"labels_{head.name}.png"
            yield file, f"{head.name}: yes", yes_shares(head, findings)
            frame = label_correlations(head, findings.table)
            title = f"{head.name}: correlation"
            yield f"correlation_{head.name}.png", title, correlation(frame, title)
    counts = cooccurrences(findings.heads, findings.table)
    by_size = sorted(counts, key=lambda names: -counts[names].to_numpy().sum())
    for one, other in by_size[:HEAT_MAPS]:
        figure = heat_map(counts[one, other], one, other)
        yield f"together_{one}_{other}.png", f"{one} and {other}", figure


# Classes and yes/no labels


def classes(findings: Findings) -> Figure | None:
    """How often each class of each head occurs, one panel per head."""
    counts = {
        head.name: answer_counts(head, findings.table)["classes"]
        for head in findings.heads
        if head.answer_type == "class"
    }
    if not counts:
        return None
    most = min(max(map(len, counts.values())), 2 * _CLASSES)
    figure: Figure
    figure, panels = _style.panels(
        len(counts), "how often", size=(3.4, 0.26 * most + 0.7), extra=0.4
    )
    for axes, (name, by_class) in zip(panels, counts.items(), strict=True):
        _count_bars(axes, _most_frequent(by_class, 2 * _CLASSES), name)
        axes.set_ylim(most - 0.5, -0.5)  # bars are equally thick in every panel
    return figure


def _most_frequent(counts: dict[str, int], limit: int) -> dict[str, int]:
    names = sorted(counts, key=lambda name: -counts[name])[:limit]
    return {name: n for name, n in counts.items() if name in names}


def _count_bars(axes: Axes, counts: dict[str, int], title: str) -> None:
    places = np.arange(len(counts))
    axes.barh(places, list(counts.values()), color=_style.BLUE, height=0.7, zorder=2)
    axes.set_yticks(places, [_style.short(name, 22) for name in counts])
    total = sum(counts.values()) or 1
    for place, n in zip(places, counts.values(), strict=True):
        axes.annotate(f" {n:,} ({n / total:.0%})", (n, place), va="center", fontsize=7)
    axes.set(title=title)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.32)
    axes.tick_params(axis="x", labelsize=7)


def yes_shares(head: Head, findings: Findings) -> Figure | None:
    """The share of yes among the annotations of each label, in the head's order."""
    counts = answer_counts(head, findings.table)
    shares = {k: c["yes"] / c["n"] for k, c in counts.items() if c["n"]}
    if not shares:
        return None
    title = f"{head.name}: share of yes"
    figure: Figure = _style.figure(6.5, 0.19 * len(shares) + 1, title)
    axes = figure.subplots()
    places = np.arange(len(shares))
    axes.barh(places, list(shares.values()), color=_style.BLUE, height=0.7, zorder=2)
    axes.set_yticks(places, [_style.short(name, 30) for name in shares], fontsize=8)
    axes.set(xlim=(0, 1), ylim=(len(shares) - 0.4, -0.6))
    axes.axvline(0.5, color=_style.GREY, linewidth=1)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter("{x:.0%}")
    return figure


def correlation(frame: pd.DataFrame, title: str) -> Figure | None:
    """Heat map of the correlations of labels (labels, labels)."""
    defined = frame.dropna(how="all").index
    frame = frame.loc[defined, defined]
    if len(frame) < 2:
        return None
    named = len(frame) <= _NAMED
    side = min(max(0.2 * len(frame), 2.4), 11)
    figure: Figure = _style.figure(side + 2.6, side + 1.8, title)
    axes = figure.subplots()
    sns.heatmap(
        frame.rename(index=_name, columns=_name), ax=axes, vmin=-1, vmax=1,
        cmap="vlag", square=True, annot=len(frame) <= 10, fmt=".2f",
        annot_kws={"fontsize": 7}, xticklabels=named, yticklabels=named,
        cbar_kws={"shrink": 0.6, "label": "correlation"},
    )  # fmt: skip
    axes.tick_params(labelsize=7)
    axes.set(xlabel="", ylabel="")
    return figure


def heat_map(counts: pd.DataFrame, one: str, other: str) -> Figure:
    """Counts of two heads' classes, coloured by the share of the row."""
    rows, columns = counts.shape
    numbered = max(rows, columns) <= 24
    cell = 0.75 if max(rows, columns) <= 12 else 0.45
    figure: Figure = _style.figure(
        min(cell * columns, 12) + 3,
        min(0.6 * cell * rows, 8) + 1.5,
        f"{one} and {other}",
    )
    axes = figure.subplots()
    texts = counts.map(lambda n: f"{n:,}" if n else "")
    sns.heatmap(
        _frames.shares(counts).rename(index=_name, columns=_name), ax=axes,
        vmin=0, cmap="Blues", annot=texts if numbered else False, fmt="",
        annot_kws={"fontsize": 8}, linewidths=0.5, linecolor="#e5e7eb",
        cbar_kws={"label": "share of the row", "format": "{x:.0%}"},
    )  # fmt: skip
    axes.set(xlabel=other, ylabel=one)
    _style.slant_columns(axes, columns > 5)
    return figure


def _name(text: object) -> str:
    return str(_style.short(text, 22))


# Numbers


def histograms(head: Head, findings: Findings) -> Iterator[tuple[str, Figure]]:
    """Histograms of a number: of all rows, and by the classes of every other head."""
    table = findings.table
    ends = labelled_intervals(head, table)
    if ends.empty:
        return
    yield f"number_{head.name}.png", _histogram(head, ends)
    count = 0
    for other in findings.heads:
        if other.answer_type != "class" or count == _HISTOGRAMS:
            continue
        strata = other.strata(table).loc[ends.index]
        if strata.any(axis=None):
            count += 1
            figure = _histogram(head, ends, strata, f" by {other.name}")
            yield f"number_{head.name}_{other.name}.png", figure


def _histogram(
    head: Head,
    ends: pd.DataFrame,
    strata: pd.DataFrame | None = None,
    suffix: str = "",
) -> Figure:
    edges = _edges(ends)
    figure: Figure = _style.figure(6.5, 3.2, head.name + suffix)
    axes = figure.subplots()
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
    axes.set(xlabel=_style.with_unit(head.name, head.unit), ylabel="pictures")
    axes.set_xlim(edges[0], edges[-1])
    if (ends["low"] < ends["high"]).any():
        axes.set_title("an interval is spread evenly over its values", fontsize=8,
                       fontweight="normal", color=_style.GREY)  # fmt: skip
    return figure


def _edges(ends: pd.DataFrame) -> npt.NDArray[Any]:
    """Edges of the bins; for whole numbers, each bin holds equally many of them."""
    low, high = float(ends["low"].min()), float(ends["high"].max())
    if (ends % 1 == 0).all(axis=None):
        step = max(1, int(np.ceil((high - low + 1) / _BINS)))
        return np.arange(low - low % step, high + step + 1, step)
    return np.linspace(low, high, _BINS + 1)


def _spread(ends: pd.DataFrame, edges: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Counts (bins,), with the picture of an interval spread evenly over it."""
    exact = ends["low"] == ends["high"]
    counts = np.histogram(ends["low"][exact], edges)[0].astype(float)
    whole = float((ends % 1 == 0).all(axis=None))  # 20 to 29 holds ten whole numbers
    several = ends[~exact].groupby(["low", "high"]).size().reset_index(name="n")
    for low, high, n in several.to_numpy(float):
        inside = np.minimum(edges[1:], high + whole) - np.maximum(edges[:-1], low)
        counts += n * np.clip(inside, 0, None) / (high + whole - low)
    return counts
