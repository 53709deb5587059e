"""How do designs of networks compare, in numbers, on a page, and in a few lines?"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from multitask.reports import _html, _style

from multitask.contracts.design_comparison import DesignComparison
from multitask.contracts.saving import reporting_write_errors

OF, ORDER = DesignComparison, 10
JSON, CSV, PAGE, PLOT = "compare.json", "compare.csv", "index.html", "compare.png"
_PARTS = ("train", "val", "test")
_COSTS = {
    "parameters": ("parameters, M", 1e6),
    "bytes": ("files, MB", 1e6),
    "train_seconds": ("training, s", 1),
    "pictures_trained": ("pictures trained, k", 1e3),
    "forward_ms_1": ("ms for 1 picture", 1),
    "forward_ms_32": ("ms for 32 pictures", 1),
    "peak_mb": ("peak memory, MB", 1),
}
_COLOURS = {"single": _style.GREY, "merged": _style.ORANGE, "multi": _style.BLUE}


def write(document: dict[str, Any], folder: Path) -> None:
    """Write `compare.json`, `compare.csv`, `compare.png` and `index.html`.

    Raises UserError if they can't be written.
    """
    with reporting_write_errors(folder):
        text = json.dumps(document, indent=1, allow_nan=False)
        (folder / JSON).write_text(text + "\n", encoding="utf-8")
        rows(document).to_csv(folder / CSV, index=False)
        with _style.style():
            _style.save(plot(document), folder / PLOT)
        page = _html.render(
            "comparison.html",
            title=document["title"],
            notes=document["notes"],
            quality=_html.cells(quality(document)),
            differences=_html.cells(differences(document)),
            costs=_html.cells(costs(document)),
            plot=PLOT,
            links=[JSON, CSV],
        )
        (folder / PAGE).write_text(page, encoding="utf-8")


def rows(document: dict[str, Any]) -> pd.DataFrame:
    """A row a cell and head: its scores, their interval and the cell's cost."""
    found = []
    for cell in document["cells"]:
        for head, scores in cell["heads"].items():
            low, high = scores["ci"]
            found.append(
                {
                    "design": cell["design"],
                    "trunk": cell["trunk"],
                    "seed": cell["seed"],
                    "head": head,
                    "metric": _metric(document, head),
                    **{part: scores.get(part) for part in _PARTS},
                    "ci_low": low,
                    "ci_high": high,
                    **cell["cost"],
                }
            )
    return pd.DataFrame(found)


def _metric(document: dict[str, Any], head: str) -> str:
    return str(document["metrics"].get(head, "accuracy"))  # that of merged heads


def quality(document: dict[str, Any]) -> pd.DataFrame:
    """Scores, means over seeds: a row a head and design, columns by trunk and part.

    Of the test part with its interval.
    """
    table, means = rows(document), _means(document)
    heads = list(dict.fromkeys(table["head"]))
    found = []
    for head in sorted(heads, key=lambda name: ("+" in name, heads.index(name))):
        for design in dict.fromkeys(table["design"]):
            of = table[(table["head"] == head) & (table["design"] == design)]
            if of.empty:
                continue
            line = {"head": f"{head}, {_metric(document, head)}", "design": design}
            digits = 2 if _metric(document, head) == "mae" else 3
            for trunk in dict.fromkeys(table["trunk"]):
                scores = of[of["trunk"] == trunk][list(_PARTS)].mean()
                for part in _PARTS:
                    known = not np.isnan(scores[part])
                    line[f"{trunk} {part}"] = f"{scores[part]:.{digits}f}" * known
                if (trunk, design, head) in means:
                    low, high = means[trunk, design, head]["ci"]
                    line[f"{trunk} test"] += f" ({low:.{digits}f} to {high:.{digits}f})"
            found.append(line)
    return pd.DataFrame(found)


def _means(document: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Over seeds, by trunk, design and head."""
    return {
        (one["trunk"], one["design"], one["head"]): one for one in document["means"]
    }


def differences(document: dict[str, Any]) -> pd.DataFrame:
    """What each design scores more than `single`."""
    return pd.DataFrame(
        {
            "head": one["head"],
            "trunk": one["trunk"],
            "design": one["design"],
            "more than single": f"{one['difference']:+.3f}",
            "95%": f"{one['ci'][0]:+.3f} to {one['ci'][1]:+.3f}",
            "": one["verdict"],
        }
        for one in document["differences"]
    )


def costs(document: dict[str, Any]) -> pd.DataFrame:
    """What all answers cost: a row a trunk and design, means over seeds.

    And a row of ratios to `single`, but for peaks of memory.
    """
    table = rows(document).drop_duplicates(["design", "trunk", "seed"])
    names = {key: name for key, (name, _) in _COSTS.items()}
    found: list[dict[str, str]] = []
    for trunk, of in table.groupby("trunk", sort=False):
        # Of a training that was stopped, the peak is not known.
        known = of[list(_COSTS)].astype(float)
        means = known.groupby(of["design"], sort=False).mean()
        for design, costs in means.iterrows():
            found.append({"trunk": str(trunk), "design": str(design)} | _costs(costs))
        if "single" not in means.index:
            continue
        for design, costs in (means / means.loc["single"]).drop("single").iterrows():
            line = {"trunk": str(trunk), "design": f"{design} / single"}
            costs["peak_mb"] = np.nan  # hangs on the networks that were trained before
            found.append(line | {n: _number(costs[k], ".2f") for k, n in names.items()})
    return pd.DataFrame(found)


def _costs(means: "pd.Series[float]") -> dict[str, str]:
    return {
        name: _number(means[key] / unit, ",.4g") for key, (name, unit) in _COSTS.items()
    }


def _number(value: float, form: str) -> str:
    return "" if np.isnan(value) else format(value, form)


def plot(document: dict[str, Any]) -> Any:
    """Quality against cost: a panel a head, a point a design and trunk."""
    table, means = rows(document), _means(document)
    heads = [name for name in dict.fromkeys(table["head"]) if "+" not in name]
    across = min(3, len(heads))
    down = -(-len(heads) // across)
    made = _style.figure(3.6 * across + 1.2, 2.9 * down + 0.4, "Quality against time")
    axes = made.subplots(down, across, squeeze=False, sharex=True).ravel()
    marks = dict(zip(dict.fromkeys(table["trunk"]), "osD^vP*X", strict=False))
    for place, (axis, head) in enumerate(zip(axes, heads, strict=False)):
        of = table[table["head"] == head]
        for (design, trunk), cells in of.groupby(["design", "trunk"], sort=False):
            mean = means[trunk, design, head]
            value, (low, high) = mean["test"], mean["ci"]
            axis.errorbar(
                cells["forward_ms_1"].mean(),
                value,
                yerr=[[max(0.0, value - low)], [max(0.0, high - value)]],
                fmt=marks.get(trunk, "o"),
                color=_COLOURS.get(str(design), _style.GREEN),
                capsize=3,
                label=f"{design}, {trunk}",
            )
        metric = _metric(document, head)
        axis.set_title(head)
        axis.set_ylabel(f"{metric} ({'less' if metric == 'mae' else 'more'} is better)")
        _style.log_scale(axis)
        axis.margins(x=0.2)
        if place + across >= len(heads):  # no panel below it
            axis.set_xlabel("ms for all answers on one picture")
            axis.tick_params(labelbottom=True)
    for axis in axes[len(heads) :]:
        axis.set_visible(False)
    made.legend(
        *axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False
    )
    return made


def text(document: dict[str, Any]) -> str:
    """What the command prints at its end."""
    tables = [quality(document), differences(document), costs(document)]
    return "\n\n".join(
        table.to_string(index=False, na_rep="") for table in tables if len(table)
    )
