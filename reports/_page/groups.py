"""For whom is a head better or worse? A heat map, and tables of groups and gaps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from multitask.reports import _html
from multitask.reports._page import words

from multitask.contracts.head import Head
from multitask.metrics.results import ALPHA, Gap, HeadAssessment, Subgroup
from multitask.metrics.rounding import p_value_text

_OPAQUE = 0.65  # of the colour of the group that is farthest off
_PALE = 0.15  # at most, of a group that was not shown to differ from the others
_PAIRS = 8  # columns of two groups up to which all are shown
_LEAST = 0.02  # deviations from the whole up to which colours stay pale, relative


def heat_map(assessed: HeadAssessment, unit: str) -> list[dict[str, Any]]:
    """The groups of each column as cells; small ones have no colour.

    Colours show how far a group's score is from that of all pictures; they are pale
    where it was not shown to differ from the others. Of many columns with two groups,
    those that show no difference are `folded`.
    """
    groups = assessed.subgroups
    if not groups:
        return []
    whole = assessed.scores[assessed.main].value
    known = [g.score.value - whole for g in groups if not g.is_small]
    largest = max([abs(d) for d in known if np.isfinite(d)], default=0.0)
    largest = max(largest, _LEAST * abs(whole), 1e-9)
    columns: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        deviation = group.score.value - whole
        shade = min(1.0, abs(deviation) / largest) * _OPAQUE
        if group.is_small or not np.isfinite(shade):
            shade = 0.0
        elif not group.differs:
            shade = min(shade, _PALE)
        better = deviation > 0 if group.score.better == "higher" else deviation < 0
        columns.setdefault(group.column, []).append(
            {
                "name": group.group,
                "value": words.parts(group.score, unit)[0] or "-",
                "n": f"{group.n:,}",
                "kind": "small" if group.is_small else "above" if better else "below",
                "share": round(shade, 2),
            }
        )  # fmt: skip
    different = {g.column for g in groups if g.p_value < ALPHA}
    pairs = [name for name, cells in columns.items() if len(cells) == 2]
    folded = set(pairs) - different if len(pairs) > _PAIRS else set()
    return [
        {"column": name, "cells": cells, "folded": name in folded}
        for name, cells in columns.items()
        if len(cells) > 1  # one group is like all pictures
    ]


def table(groups: Sequence[Subgroup], head: Head) -> dict[str, Any]:
    """One row per group with its score, interval and difference to all others."""
    if not groups:
        return {"header": [], "rows": [], "marks": []}
    name = words.title(groups[0].score, head)
    rows, marks = [], []
    for group in groups:
        score, interval, _ = words.parts(group.score, head.unit)
        rows.append(
            [
                _by(group.column), group.group, f"{group.n:,}", score, interval,
                _difference(group), p_value_text(group.p_value),
            ]
        )  # fmt: skip
        marks.append(_mark(group))
    header = ["by", "group", "pictures", name, "95% interval", "to the others", "p"]
    return {**_html.cells(pd.DataFrame(rows, columns=header)), "marks": marks}


def _mark(group: Subgroup) -> str:
    if group.is_small:
        return "small"
    return "strong" if group.differs else ""


def _by(column: str) -> str:
    """The name of a column, or of a product of two, which may break at the sign."""
    return column.replace("*", " × ")


def _difference(group: Subgroup) -> str:
    if not np.isfinite(group.difference):
        return ""
    if words.is_share(group.score.name):
        return f"{100 * group.difference:+.0f} points"
    return f"{group.difference:+.2f}"


def gaps(found: Sequence[Gap], main: str, unit: str) -> pd.DataFrame:
    """One row per column: how far apart its groups are, as fairlearn defines it."""
    rows = []
    for gap in found:
        row = {
            "by": _by(gap.column),
            "worst": gap.worst,
            "best": gap.best,
            "difference": _apart(main, gap.difference, unit),
            "ratio": f"{gap.ratio:.2f}" if np.isfinite(gap.ratio) else "",
        }
        parity = gap.demographic_parity
        odds = gap.equalized_odds
        row["demographic parity"] = "" if parity is None else f"{parity:.2f}"
        row["equalized odds"] = "" if odds is None else f"{odds:.2f}"
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame.loc[:, (frame != "").any()] if len(frame) else frame


def _apart(main: str, difference: float, unit: str) -> str:
    if words.is_share(main):
        return f"{100 * difference:.0f} points" if np.isfinite(difference) else ""
    return str(words.text(main, difference, 2, unit))
