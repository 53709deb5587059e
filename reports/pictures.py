"""What do the answers look like beside the labels?

One figure per head, the training curves, and two grids of pictures with their answers.
A figure without content is not written.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from multitask.reports import _frames, _grid, _style

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head

OF, ORDER = Evaluation, 20

_FILES = {
    "class": "confusion",
    "labels": "labels",
    "number": "true_against_predicted",
}
_NUMBERED = 32  # classes up to which a confusion matrix has numbers in its cells
_DENSE = 3000  # points from which on a scatter plot no longer shows their density


def file(head: Head) -> str:
    """The file name of a head's figure."""
    return f"{_FILES[head.answer_type]}_{head.name}.png"


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write all figures into `folder`, and remove stale ones of an earlier report."""
    with _style.style():
        for name, figure in _figures(evaluation):
            _style.save(figure, folder / name)


def _figures(evaluation: Evaluation) -> Iterator[tuple[str, Figure | None]]:
    for head in evaluation.heads:
        yield file(head), _head(head, evaluation)
    yield "curves.png", curves(evaluation)
    yield "grid.png", _grid.grid(evaluation)
    yield "errors.png", _grid.errors(evaluation)
    yield "augmentation.png", _grid.varied(evaluation)


def _head(head: Head, evaluation: Evaluation) -> Figure | None:
    labels, answers = evaluation.labels, evaluation.answers
    summary = head.summary(labels, answers)
    if not summary["n"]:
        return None
    title = f"{head.name}: {summary['n']:,} labelled, {evaluation.split}"
    if head.answer_type == "class":
        return confusion(_frames.confusion(head, labels, answers), title)
    if head.answer_type == "labels":
        if "per_label" not in summary:
            return None
        return label_bars(_frames.label_scores(summary), title)
    return numbers(head, _frames.pairs(head, labels, answers), summary, title)


# A class


def confusion(counts: pd.DataFrame, title: str) -> Figure:
    """Draw a confusion matrix: counts, and the share of each row as text and colour.

    With many classes there are colours only, and as many names as there is room for.
    """
    classes = len(counts)
    numbered = classes <= _NUMBERED
    cell = float(np.clip(7 / classes, 0.5, 1.1)) if numbered else 18 / classes
    side = max(cell * classes, 2.4)
    names = [_style.short(name, 24) for name in counts]
    room = 0.075 * max(map(len, names))  # inches for the names
    figure: Figure = _style.figure(side + room + 2, side + 0.75 * room + 0.9, title)
    axes = figure.subplots()
    shares = _frames.shares(counts)
    totals = zip(names, counts.sum(axis=1), strict=True)
    sns.heatmap(
        shares,
        ax=axes,
        vmin=0,
        vmax=1,
        cmap="Blues",
        annot=_cells(counts, shares) if numbered else False,
        fmt="",
        annot_kws={"fontsize": 10 if cell > 0.8 else 7},
        square=True,
        linewidths=0.5 if numbered else 0,
        linecolor="#e5e7eb",
        cbar_kws={"format": PercentFormatter(1), "label": "share of the label's rows",
                  "shrink": min(0.9, 4 / side), "fraction": 0.4 / side, "aspect": 18},
        yticklabels=[f"{n} ({sum_:,})" for n, sum_ in totals] if numbered else "auto",
        xticklabels=names if numbered else "auto",
    )  # fmt: skip
    axes.set(xlabel="answer", ylabel="label (its rows)" if numbered else "label")
    _style.slant_columns(axes, classes > 3)
    return figure


def _cells(counts: pd.DataFrame, shares: pd.DataFrame) -> Any:
    """The text of every cell; none for 0, so that the others stand out."""
    cells = [
        [
            f"{n:,}\n" + (f"{share:.0%}" if share >= 0.005 else "<1%") if n else ""
            for n, share in zip(*rows, strict=True)
        ]
        for rows in zip(counts.to_numpy(), shares.to_numpy(), strict=True)
    ]
    return np.array(cells, dtype=object)


# Yes/no labels


def label_bars(scores: pd.DataFrame, title: str) -> Figure:
    """Draw F1 and accuracy of every label as bars, beside trivial baselines."""
    figure: Figure = _style.figure(10, 1.7 + 0.24 * len(scores), title)
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(scores))
    for axes, key, beside, meaning in (
        (left, "f1", "share", "share labelled yes"),
        (right, "accuracy", "baseline", "always the more frequent answer"),
    ):
        mean = scores[key].mean()
        axes.barh(places, scores[key], color=_style.BLUE, height=0.72, zorder=2)
        axes.scatter(
            scores[beside], places, marker="D", s=18, zorder=3, label=meaning,
            color=_style.ORANGE, edgecolor="white", linewidth=0.6,
        )  # fmt: skip
        axes.set(xlim=(0, 1), title=f"{'F1' if key == 'f1' else key}: mean {mean:.3f}")
        axes.xaxis.set_major_formatter(PercentFormatter(1) if key != "f1" else "{x:g}")
        axes.grid(visible=False, axis="y")
        figure.legend(
            *axes.get_legend_handles_labels(),
            loc="outside lower left" if axes is left else "outside lower right",
            frameon=False,
        )
    left.set_yticks(places, [_style.short(name, 28) for name in scores.index])
    left.set_ylim(len(scores) - 0.4, -0.6)  # the best on top
    return figure


# A number


def numbers(
    head: Head, pairs: pd.DataFrame, summary: dict[str, Any], title: str
) -> Figure:
    """Draw answers over labels, and the mean absolute error of every band."""
    bands = pd.DataFrame(summary.get("bands", {})).T
    figure: Figure = _style.figure(11 if len(bands) > 1 else 6, 5.2, title)
    panels = figure.subplots(1, 2 if len(bands) > 1 else 1, squeeze=False)[0]
    _answers_over_labels(panels[0], head, pairs)
    if len(bands) > 1:
        _bands(panels[1], bands, summary["mae"], head)
    return figure


def _answers_over_labels(axes: Axes, head: Head, pairs: pd.DataFrame) -> None:
    label, answer = pairs["label"].to_numpy(), pairs["answer"].to_numpy()
    both = np.concatenate([label, answer])
    margin = max(float(np.ptp(both)) * 0.03, 0.5)
    limits = (float(both.min()) - margin, float(both.max()) + margin)
    line = np.array(limits)
    if head.within:
        axes.fill_between(
            line, line - head.within, line + head.within, alpha=0.12, linewidth=0,
            color=_style.GREEN, label=f"within {head.within:g} {head.unit}".rstrip(),
        )  # fmt: skip
    axes.plot(line, line, color=_style.GREEN, linewidth=1, label="answer = label")
    if len(pairs) < _DENSE:
        axes.scatter(label, answer, s=14, alpha=0.35, color=_style.BLUE, linewidth=0)
    else:
        hexes = axes.hexbin(
            label, answer, gridsize=45, bins="log", mincnt=1, cmap="Blues",
            extent=(*limits, *limits),
        )  # fmt: skip
        axes.figure.colorbar(hexes, ax=axes, label="pictures", shrink=0.8,
                             format="{x:,.0f}")  # fmt: skip
    axes.set(xlim=limits, ylim=limits, aspect="equal", title="answer over label")
    axes.set(
        xlabel=_style.with_unit("label", head.unit),
        ylabel=_style.with_unit("answer", head.unit),
    )
    axes.legend(loc="upper left", framealpha=0.9)


def _bands(axes: Axes, bands: pd.DataFrame, mean: float, head: Head) -> None:
    places = np.arange(len(bands))
    axes.bar(places, bands["mae"], color=_style.BLUE, width=0.72, zorder=2)
    axes.axhline(mean, color=_style.ORANGE, linestyle="--", zorder=3,
                 label=f"all: {mean:.2f}")  # fmt: skip
    for place, (_, band) in zip(places, bands.iterrows(), strict=True):
        axes.annotate(f"{band['mae']:.1f}", (place, band["mae"]), (0, 3), ha="center",
                      textcoords="offset points")  # fmt: skip
    axes.set_xticks(places, [f"{b}\n{int(n):,}" for b, n in bands["n"].items()])
    axes.set(title="mean absolute error by band of the label")
    below = f"{_style.with_unit('label', head.unit)}, and its number of pictures"
    axes.set(xlabel=below, ylabel=_style.with_unit("MAE", head.unit))
    axes.tick_params(axis="x", labelsize=8 if len(bands) < 12 else 6)
    axes.margins(y=0.12)
    axes.grid(visible=False, axis="x")
    axes.legend(loc="best", framealpha=0.9)


# The training


def curves(evaluation: Evaluation) -> Figure | None:
    """Draw each quantity of the history in its own panel; None without any."""
    if evaluation.history is None:
        return None
    lines = _frames.curves(evaluation.history, evaluation.heads)
    quantities = list(lines["quantity"].unique())
    if not quantities:
        return None
    figure: Figure
    figure, panels = _style.panels(
        len(quantities), "training", size=(3.6, 2.3), extra=0.9
    )
    for axes, quantity in zip(panels, quantities, strict=True):
        _curve(axes, lines[lines["quantity"] == quantity], quantity)
    legend = _legend(panels)
    figure.legend(*legend, loc="outside upper right", ncols=2, frameon=False)
    return figure


def _curve(axes: Axes, lines: pd.DataFrame, quantity: str) -> None:
    for part, color in (("train", _style.BLUE), ("val", _style.ORANGE)):
        line = lines[lines["part"] == part]
        if len(line):
            marker = "o" if len(line) < 30 else ""
            label = "validation" if part == "val" else part
            axes.plot(line["epoch"], line["value"], color=color, marker=marker,
                      markersize=3, label=label)  # fmt: skip
    axes.set(title=quantity, xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _legend(panels: list[Axes]) -> tuple[list[Any], list[str]]:
    """Handles and labels of all panels, as the first one may lack a part."""
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return list(handles.values()), list(handles)
