"""How do the answers look beside the labels?

A picture a head, the curves of the training, and two grids of pictures with their
answers. A picture that has nothing to show is not written.
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
_NUMBERED = 32  # up to so many classes a confusion has its numbers written in
_DENSE = 3000  # from so many points on a cloud of them shows no density any more


def file(head: Head) -> str:
    """The name of a head's picture."""
    return f"{_FILES[head.answer_type]}_{head.name}.png"


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write all pictures into `folder`; remove those of an earlier report there that
    this one has nothing to show for."""
    with _style.style():
        for name, made in _figures(evaluation):
            _style.save(made, folder / name)


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
        return label_bars(_frames.label_scores(summary), title)
    return numbers(head, _frames.pairs(head, labels, answers), summary, title)


# A head of one class


def confusion(counts: pd.DataFrame, title: str) -> Figure:
    """Draw a confusion: counts, and the share of each row as text and colour.

    With many classes it is the colours alone, and as many names as have room.
    """
    classes = len(counts)
    numbered = classes <= _NUMBERED
    cell = float(np.clip(7 / classes, 0.5, 1.1)) if numbered else 18 / classes
    side = max(cell * classes, 2.4)
    names = [_style.short(name, 24) for name in counts]
    room = 0.075 * max(map(len, names))  # inches that the names take
    made: Figure = _style.figure(side + room + 2, side + 0.75 * room + 0.9, title)
    axes = made.subplots()
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
    _turn(axes, classes > 3)
    return made


def _turn(axes: Axes, slanted: bool) -> None:
    """Names of rows lie flat; those of columns slant where many must have room."""
    axes.tick_params(axis="y", rotation=0)
    axes.tick_params(axis="x", rotation=45 if slanted else 0)
    for text in axes.get_xticklabels() if slanted else ():
        text.set(ha="right", rotation_mode="anchor")


def _cells(counts: pd.DataFrame, shares: pd.DataFrame) -> Any:
    """The text of every cell; nothing for 0, so that what there is stands out."""
    cells = [
        [
            f"{n:,}\n" + (f"{share:.0%}" if share >= 0.005 else "<1%") if n else ""
            for n, share in zip(*rows, strict=True)
        ]
        for rows in zip(counts.to_numpy(), shares.to_numpy(), strict=True)
    ]
    return np.array(cells, dtype=object)


# A head of many labels


def label_bars(scores: pd.DataFrame, title: str) -> Figure:
    """Draw F1 and accuracy of every label as bars, over what costs no skill."""
    made: Figure = _style.figure(10, 1.7 + 0.24 * len(scores), title)
    left, right = made.subplots(1, 2, sharey=True)
    places = np.arange(len(scores))
    for axes, key, beside, meaning in (
        (left, "f1", "share", "share labelled yes"),
        (right, "accuracy", "commoner", "always the commoner answer"),
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
        made.legend(
            *axes.get_legend_handles_labels(),
            loc="outside lower left" if axes is left else "outside lower right",
            frameon=False,
        )
    left.set_yticks(places, [_style.short(name, 28) for name in scores.index])
    left.set_ylim(len(scores) - 0.4, -0.6)  # the best on top
    return made


# A head of a number


def numbers(
    head: Head, found: pd.DataFrame, summary: dict[str, Any], title: str
) -> Figure:
    """Draw answers over labels, and the mean absolute error of every band."""
    bands = pd.DataFrame(summary["bands"]).T
    made: Figure = _style.figure(11 if len(bands) > 1 else 6, 5.2, title)
    panels = made.subplots(1, 2 if len(bands) > 1 else 1, squeeze=False)[0]
    _cloud(panels[0], head, found)
    if len(bands) > 1:
        _bands(panels[1], bands, summary["mae"], head)
    return made


def _cloud(axes: Axes, head: Head, found: pd.DataFrame) -> None:
    ends = found[["truth", "said"]].to_numpy()
    margin = max(float(np.ptp(ends)) * 0.03, 0.5)
    limits = (float(ends.min()) - margin, float(ends.max()) + margin)
    near = head.within
    line = np.array(limits)
    if near:
        axes.fill_between(
            line, line - near, line + near, color=_style.GREEN, alpha=0.12,
            linewidth=0, label=f"within {near:g} {head.unit}".rstrip(),
        )  # fmt: skip
    axes.plot(line, line, color=_style.GREEN, linewidth=1, label="answer = label")
    if len(found) < _DENSE:
        axes.scatter(
            found["truth"], found["said"], s=14, alpha=0.35, color=_style.BLUE,
            linewidth=0,
        )  # fmt: skip
    else:
        hexes = axes.hexbin(
            found["truth"], found["said"], gridsize=45, bins="log", mincnt=1,
            cmap="Blues", extent=(*limits, *limits),
        )  # fmt: skip
        axes.figure.colorbar(hexes, ax=axes, label="pictures", shrink=0.8,
                             format="{x:,.0f}")  # fmt: skip
    axes.set(xlim=limits, ylim=limits, aspect="equal", title="answer over label")
    axes.set(xlabel=_with_unit("label", head), ylabel=_with_unit("answer", head))
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
    below = f"{_with_unit('label', head)}, and how many have it"
    axes.set(xlabel=below, ylabel=_with_unit("MAE", head))
    axes.tick_params(axis="x", labelsize=8 if len(bands) < 12 else 6)
    axes.margins(y=0.12)
    axes.grid(visible=False, axis="x")
    axes.legend(loc="best", framealpha=0.9)


def _with_unit(name: str, head: Head) -> str:
    unit = head.unit
    return f"{name} ({unit})" if unit else name


# The training


def curves(evaluation: Evaluation) -> Figure | None:
    """Draw each quantity of the history in a panel of its own, None without any."""
    if evaluation.history is None:
        return None
    drawn = _frames.curves(evaluation.history, evaluation.heads)
    quantities = list(drawn["quantity"].unique())
    if not quantities:
        return None
    wide = min(len(quantities), 3)
    high = -(-len(quantities) // wide)
    made: Figure = _style.figure(max(3.6 * wide, 5), 2.3 * high + 0.9, "training")
    panels = made.subplots(high, wide, squeeze=False).ravel()
    for axes, quantity in zip(panels, quantities, strict=False):
        _curve(axes, drawn[drawn["quantity"] == quantity], quantity)
    for axes in panels[len(quantities) :]:
        axes.set_visible(False)
    made.legend(*_all_parts(panels), loc="outside upper right", ncols=2, frameon=False)
    return made


def _curve(axes: Axes, drawn: pd.DataFrame, quantity: str) -> None:
    for part, color in (("train", _style.BLUE), ("val", _style.ORANGE)):
        line = drawn[drawn["part"] == part]
        if len(line):
            marker = "o" if len(line) < 30 else ""
            shown = "validation" if part == "val" else part
            axes.plot(line["epoch"], line["value"], color=color, marker=marker,
                      markersize=3, label=shown)  # fmt: skip
    axes.set(title=quantity, xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _all_parts(panels: Any) -> tuple[list[Any], list[str]]:
    """A legend for all panels: the first one may lack a part that another has."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
