"""What does a comparison of designs show in one table, and in one chart per head?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup
from multitask.reports._charts import lines
from multitask.reports._page.comparison_words import metric, score

from multitask.contracts.results.design_comparison import (
    Cell,
    DesignComparison,
    DesignMean,
    Difference,
)

_COSTS = {
    "forward_ms_1": ("ms for 1 picture", 1.0),
    "forward_ms_32": ("ms for 32 pictures", 1.0),
    "parameters": ("parameters, million", 1e6),
    "bytes": ("files, MB", 1e6),
    "train_seconds": ("training, s", 1.0),
    "peak_mb": ("peak memory, MB", 1.0),
}
_COLOURS = {"single": "grey", "merged": "orange", "multi": "blue"}


def overview(result: DesignComparison) -> pd.DataFrame:
    """Scores on the test part and costs as text: one row per trunk and each of them.

    There is a column per design, and two per difference to `single`: with its interval
    or, of costs, their ratio, and its verdict.
    """
    designs = list(dict.fromkeys(cell.design for cell in result.cells))
    rows = []
    for trunk in dict.fromkeys(cell.trunk for cell in result.cells):
        cells = {
            d: [c for c in result.cells if (c.trunk, c.design) == (trunk, d) and c.cost]
            for d in designs
        }
        heads = dict.fromkeys(m.head for m in result.means if m.trunk == trunk)
        for head in sorted(heads, key=lambda name: name in result.merged):
            rows.append(_score_row(result, trunk, head, designs))
        rows += [_cost_row(cells, name, trunk) for name in _COSTS]
    frame = pd.DataFrame(rows).fillna("")
    several = frame["trunk"].nunique() > 1
    return frame if several else frame.drop(columns="trunk")


def _score_row(
    result: DesignComparison, trunk: str, head: str, designs: Sequence[str]
) -> dict[str, str]:
    row = {"": f"{head}, {metric(result, head)}", "trunk": trunk}
    for mean in result.means:
        if (mean.trunk, mean.head) == (trunk, head):
            low, high = (score(result, head, end) for end in mean.ci)
            row[mean.design] = f"{score(result, head, mean.test)} ({low} to {high})"
    found = {
        d.design: d for d in result.differences if (d.trunk, d.head) == (trunk, head)
    }
    columns = {d: row.get(d, "") for d in designs}
    if result.constants:
        constant = result.constants.get(head, np.nan)
        columns["best constant"] = score(result, head, constant)
    changes = {}
    for design in designs:
        if design != "single":
            one = found.get(design)
            changes[_minus(design)] = _change(result, one) if one else ""
            changes[f"{design} is"] = one.verdict if one else ""
    return {"": row[""], "trunk": trunk} | columns | changes


def _minus(design: str) -> str:
    """The name of the column of differences."""
    return f"{design} beside single"


def _change(result: DesignComparison, one: Difference) -> str:
    digits = 2 if result.better_direction(one.head) == "lower" else 3
    low, high = (f"{end:+.{digits}f}" for end in one.ci)
    return f"{one.difference:+.{digits}f} ({low} to {high})"


def _cost_row(cells: dict[str, list[Cell]], name: str, trunk: str) -> dict[str, str]:
    title, unit = _COSTS[name]
    means = {}
    for design, each in cells.items():
        values = [getattr(cell.cost, name) for cell in each]
        known = [value for value in values if value is not None]
        means[design] = float(np.mean(known)) / unit if known else np.nan
    row = {"": title, "trunk": trunk}
    row |= {d: f"{v:,.4g}" if np.isfinite(v) else "" for d, v in means.items()}
    alone = means.get("single", np.nan)
    for design, value in means.items():
        if design != "single":
            # The peak depends on the networks that were trained before.
            both = np.isfinite(value) and alone > 0 and name != "peak_mb"
            row[_minus(design)] = f"× {value / alone:.2f}" if both else ""
    return row


def charts(result: DesignComparison) -> list[Markup]:
    """Quality against time: one chart per head, one point per design and trunk."""
    drawn = []
    for head in dict.fromkeys(mean.head for mean in result.means):
        if head in result.merged:
            continue
        points = [_point(result, mean) for mean in result.means if mean.head == head]
        less = "less" if result.better_direction(head) == "lower" else "more"
        title = f"{head}: {metric(result, head)}, {less} is better"
        names = ("ms for all answers on one picture", metric(result, head))
        drawn.append(lines.quality_over_time(points, title, names))
    return drawn


def _point(
    result: DesignComparison, mean: DesignMean
) -> tuple[str, float, float, tuple[float, float], str]:
    """A design of `lines.quality_over_time`."""
    several = len({cell.trunk for cell in result.cells}) > 1
    name = f"{mean.design}, {mean.trunk}" if several else mean.design
    time = _milliseconds(result, mean.trunk, mean.design)
    return name, time, mean.test, mean.ci, _COLOURS.get(mean.design, "green")


def _milliseconds(result: DesignComparison, trunk: str, design: str) -> float:
    return float(
        np.mean(
            [
                cell.cost.forward_ms_1
                for cell in result.cells
                if (cell.trunk, cell.design) == (trunk, design) and cell.cost
            ]
        )
    )
