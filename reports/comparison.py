"""How do designs of networks compare, in numbers, on a page, and in a few lines?"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from multitask.reports import _html, _style
from multitask.reports._page import comparison_table, comparison_words

from multitask.contracts.head import Better
from multitask.contracts.recipe_texts import SPLITS
from multitask.contracts.results.design_comparison import DesignComparison, DesignMean
from multitask.contracts.run import PAGE

OF, ORDER = DesignComparison, 10
JSON, CSV, PLOT = "compare.json", "compare.csv", "compare.png"
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


def write(result: DesignComparison, folder: Path) -> None:
    """Write `compare.json`, `compare.csv`, `compare.png` and `index.html`."""
    document = json.dumps(result.to_json(), indent=1, allow_nan=False)
    (folder / JSON).write_text(document + "\n", encoding="utf-8")
    scores(result).to_csv(folder / CSV, index=False)
    with _style.style():
        _style.save(plot(result), folder / PLOT)
    page = _html.render(
        "comparison.html",
        title=result.title,
        day=_style.day(),
        verdict=comparison_words.verdict(result),
        overview=_html.cells(comparison_table.overview(result)),
        drawn=comparison_table.charts(result),
        method=result.notes,
        quality=_html.cells(quality(result)),
        links=[JSON, CSV],
    )
    (folder / PAGE).write_text(page, encoding="utf-8")


def text(result: DesignComparison) -> str:
    """What the command prints at its end: the verdict, then tables.

    Of a dry run it is the networks.
    """
    if not result.measured:
        return "\n".join(
            f"{cell.design:8} {cell.trunk}: {', '.join(cell.networks)}"
            for cell in result.cells
        )
    tables = [quality(result), differences(result), costs(result)]
    texts = [t.to_string(index=False, na_rep="") for t in tables if len(t)]
    return "\n\n".join(["\n".join(comparison_words.verdict(result)), *texts])


def notebook(result: DesignComparison) -> str:
    """The same as HTML for a notebook."""
    if not result.measured:
        return str(_html.notebook(text(result).splitlines()))
    tables = [quality(result), differences(result), costs(result)]
    verdict = comparison_words.verdict(result)
    return str(_html.notebook([result.title, *verdict, *result.notes], *tables))


def scores(result: DesignComparison) -> pd.DataFrame:
    """One row per cell and head: its scores, their interval and the cell's cost."""
    rows = []
    for cell in result.cells:
        for head, measured in cell.heads.items():
            low, high = measured.ci or (None, None)
            rows.append(
                {
                    "design": cell.design,
                    "trunk": cell.trunk,
                    "seed": cell.seed,
                    "head": head,
                    "metric": result.metric(head),
                    "train": measured.train,
                    "val": measured.val,
                    "test": measured.test,
                    "ci_low": low,
                    "ci_high": high,
                    **(asdict(cell.cost) if cell.cost else {}),
                }
            )
    return pd.DataFrame(rows)


def quality(result: DesignComparison) -> pd.DataFrame:
    """Scores, means over seeds: one row per head and design, columns by trunk and part.

    The test part's have their interval. Merged heads come last.
    """
    table, means = scores(result), _means(result)
    heads = list(dict.fromkeys(table["head"]))
    lines = []
    for head in sorted(
        heads, key=lambda name: (name in result.merged, heads.index(name))
    ):
        form = _score_form(result.better_direction(head))
        for design in dict.fromkeys(table["design"]):
            rows = table[(table["head"] == head) & (table["design"] == design)]
            if rows.empty:
                continue
            line = {"head": f"{head}, {result.metric(head)}", "design": design}
            for trunk in dict.fromkeys(table["trunk"]):
                parts = rows[rows["trunk"] == trunk][list(SPLITS)].mean()
                for part in SPLITS:
                    line[f"{trunk} {part}"] = form(parts[part])
                mean = means.get((trunk, design, head))
                if mean:
                    low, high = map(form, mean.ci)
                    line[f"{trunk} test"] += f" ({low} to {high})"
            lines.append(line)
        if head in result.constants:
            line = {"head": f"{head}, {result.metric(head)}", "design": "best constant"}
            for trunk in dict.fromkeys(table["trunk"]):
                line[f"{trunk} test"] = form(result.constants[head])
            lines.append(line)
    return pd.DataFrame(lines).fillna("")


def _score_form(better: Better) -> Callable[[float], str]:
    """How scores are written: errors with fewer digits than shares; NaN as nothing."""
    return lambda score: _number(score, ".2f" if better == "lower" else ".3f")


def _means(result: DesignComparison) -> dict[tuple[str, str, str], DesignMean]:
    """Means over seeds by trunk, design and head."""
    return {(mean.trunk, mean.design, mean.head): mean for mean in result.means}


def differences(result: DesignComparison) -> pd.DataFrame:
    """One row per difference to `single`, with its interval and verdict."""
    return pd.DataFrame(
        {
            "head": one.head,
            "trunk": one.trunk,
            "design": one.design,
            "more than single": f"{one.difference:+.3f}",
            "95%": f"{one.ci[0]:+.3f} to {one.ci[1]:+.3f}",
            "": one.verdict,
        }
        for one in result.differences
    )


def costs(result: DesignComparison) -> pd.DataFrame:
    """What all answers cost, means over seeds: one row per trunk and design.

    Below them rows of ratios to `single`, which peaks of memory do not have.
    """
    table = scores(result).drop_duplicates(["design", "trunk", "seed"])
    lines: list[dict[str, str]] = []
    for trunk, cells in table.groupby("trunk", sort=False):
        # The peak of a training that was stopped is unknown.
        known = cells[list(_COSTS)].astype(float)
        means = known.groupby(cells["design"], sort=False).mean()
        lines += [_cost_line(str(trunk), str(d), row) for d, row in means.iterrows()]
        if "single" not in means.index:
            continue
        ratios = (means / means.loc["single"]).drop("single")
        ratios["peak_mb"] = np.nan  # depends on the networks that were trained before
        for design, row in ratios.iterrows():
            line = {"trunk": str(trunk), "design": f"{design} / single"}
            shown = {
                name: _number(row[key], ".2f") for key, (name, _) in _COSTS.items()
            }
            lines.append(line | shown)
    return pd.DataFrame(lines)


def _cost_line(trunk: str, design: str, means: "pd.Series[float]") -> dict[str, str]:
    return {"trunk": trunk, "design": design} | {
        name: _number(means[key] / unit, ",.4g") for key, (name, unit) in _COSTS.items()
    }


def _number(value: float, form: str) -> str:
    """A number as text, empty for NaN."""
    return "" if np.isnan(value) else format(value, form)


def plot(result: DesignComparison) -> Figure:
    """Quality against time: one panel per head, one point per design and trunk."""
    table = scores(result)
    heads = [name for name in dict.fromkeys(table["head"]) if name not in result.merged]
    figure: Figure
    figure, axes = _style.panels(
        len(heads), "Quality against time", size=(4.0, 2.9), extra=0.4
    )
    for axis, head in zip(axes, heads, strict=True):
        _panel(axis, result, table, head)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False
    )
    return figure


def _panel(
    axis: Axes, result: DesignComparison, table: pd.DataFrame, head: str
) -> None:
    """Draw one head's points, with their intervals."""
    means = _means(result)
    markers = dict(zip(dict.fromkeys(table["trunk"]), "osD^vP*X", strict=False))
    rows = table[table["head"] == head]
    for (design, trunk), cells in rows.groupby(["design", "trunk"], sort=False):
        mean = means.get((str(trunk), str(design), head))
        if mean is None:  # the network gives no numbers
            continue
        low, high = mean.ci
        axis.errorbar(
            cells["forward_ms_1"].mean(),
            mean.test,
            yerr=[[max(0.0, mean.test - low)], [max(0.0, high - mean.test)]],
            fmt=markers.get(str(trunk), "o"),
            color=_COLOURS.get(str(design), _style.GREEN),
            capsize=3,
            label=f"{design}, {trunk}",
        )
    axis.set_title(head)
    less_or_more = "less" if result.better_direction(head) == "lower" else "more"
    axis.set_ylabel(f"{result.metric(head)} ({less_or_more} is better)")
    _style.log_scale(axis)
    axis.margins(x=0.2)
    axis.set_xlabel("ms for all answers on one picture")
