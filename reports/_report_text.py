"""What do the terminal and `classification_report.txt` say of each head?"""

import math
from collections.abc import Iterable, Sequence

import pandas as pd
from multitask.reports._page import words

from multitask.metrics.assessment import (
    Assessment,
    HeadAssessment,
    Score,
    Subgroup,
)
from multitask.metrics.rounding import decimals, p_value_text, rounded, with_interval

_NOT_IN_TERMINAL = ("rmse", "width_80", "log_loss", "brier")


def sentences(assessment: Assessment) -> list[str]:
    """The sentence of each head."""
    return [head.sentence for head in assessment.heads.values()]


def legend(assessment: Assessment) -> str:
    """What the intervals are."""
    what = "pictures" if assessment.unit == "pictures" else "persons"
    return f"in brackets: 95% intervals, from resampled {what}"


def main_table(assessment: Assessment) -> pd.DataFrame:
    """The most important scores of all heads, one row per score, as text.

    The columns are `head` and `rows`, only in the first row of a head, `score`, `value`
    with its interval, and `constant`, the score of the best constant answer.
    """
    rows = []
    for name, head in assessment.heads.items():
        count = f"{head.summary['n'] + head.summary.get('interval_n', 0):,}"
        first = {"head": name, "rows": count}
        shown = [s for s in _top(head) if s.name not in _NOT_IN_TERMINAL]
        for score in shown:
            rows.append({**first, **_row(score, head)})
            first = {"head": "", "rows": ""}
        if not shown:
            rows.append({**first, "score": "", "value": "", "constant": ""})
    return pd.DataFrame(rows, columns=["head", "rows", "score", "value", "constant"])


def score_table(head: HeadAssessment) -> pd.DataFrame:
    """All scores over all rows of a head, one row per score, as text."""
    columns = ["score", "value", "constant"]
    return pd.DataFrame([_row(score, head) for score in _top(head)], columns=columns)


def constants(head: HeadAssessment) -> str:
    """Which constants the scores are compared with; "" without any."""
    if not head.baselines:
        return ""
    rules: dict[str, list[str]] = {}
    for one in head.baselines:
        rules.setdefault(one.answer, []).append(f"the {one.rule}")
    shown = " or ".join(
        f"{answer} ({' and '.join(names)})" if answer else "the more frequent answer"
        for answer, names in rules.items()
    )
    return f"constant: always {shown}"


def _top(head: HeadAssessment) -> list[Score]:
    """The scores over all rows; those of two classes, which it has twice, once."""
    scores = [score for name, score in head.scores.items() if "/" not in name]
    both = {"accuracy", "mean_accuracy"} <= {score.name for score in scores}
    return [s for s in scores if not (both and s.name == "mean_accuracy")]


def _row(score: Score, head: HeadAssessment) -> dict[str, str]:
    name = words.short_name(score.name)
    if score.name == "within_share":
        name = f"within {head.summary['within']:g} {head.unit}".rstrip()
    elif words.has_unit(score.name) and head.unit:
        name = f"{name}, {head.unit}"
    return {"score": name, "value": value(score), "constant": _constant(score)}


def value(score: Score) -> str:
    """A score with its interval, as text."""
    return with_interval(
        score.value, score.ci, sign=score.name == "bias", least=least(score)
    )


def _constant(score: Score) -> str:
    """The score of the constant, with the digits of the head's own; "" without."""
    if score.baseline is None or not math.isfinite(score.baseline):
        return ""
    return f"{score.baseline:.{decimals(score.value, score.ci, least(score))}f}"


def least(score: Score) -> int:
    """The decimals that a score has in any case: a share has two."""
    is_share = score.better == "higher" or score.name == "coverage_80"
    return 2 if is_share else 0


def inner_table(
    head: HeadAssessment, table: str, columns: Sequence[str], counts: Sequence[str]
) -> pd.DataFrame:
    """The scores of a table in the summary, one row per class, label or band, as text.

    `columns` are the names of its scores, `counts` the keys of its counts.
    """
    rows = {}
    for name, cells in head.summary[table].items():
        if not isinstance(cells, dict):
            continue
        scores = {
            words.short_name(key): value(score)
            for key in columns
            if (score := head.scores.get(f"{table}/{name}/{key}"))
        }
        numbers = {key: f"{cells[key]:,.0f}" for key in counts if key in cells}
        rows[name] = {**scores, **numbers}
    return pd.DataFrame.from_dict(rows, orient="index")


def subgroup_table(groups: Iterable[Subgroup]) -> pd.DataFrame:
    """The groups of all columns, one row per group, as text.

    The p-values are corrected; a group `small` has fewer than 30 pictures.
    """
    rows = [
        {
            "group": group.title,
            "n": f"{group.n:,}",
            "score": value(group.score),
            "constant": _constant(group.score),
            "difference": rounded(group.difference, group.score.ci, sign=True, least=2),
            "p": p_value_text(group.p_value),
            "": "small" if group.is_small else "",
        }
        for group in groups
    ]
    return pd.DataFrame(rows)


def gap_table(head: HeadAssessment) -> pd.DataFrame:
    """The gaps between the groups of each column, one row per column, as text."""
    rows = []
    for gap in head.gaps:
        row = {
            "column": gap.column,
            "worst": gap.worst,
            "best": gap.best,
            "difference": f"{gap.difference:.3g}",
            "ratio": rounded(gap.ratio, None),
        }
        for name in ("demographic_parity", "equalized_odds"):
            number = getattr(gap, name)
            if number is not None:
                row[name.replace("_", " ")] = rounded(number, None)
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def aligned(table: pd.DataFrame, left: Sequence[str] = ()) -> str:
    """A table of texts in columns; those named in `left` start at the left."""
    texts = table.astype(str)
    columns = []
    for name in texts.columns:
        cells = [str(name), *texts[name]]
        width = max(map(len, cells))
        align = str.ljust if name in left else str.rjust
        columns.append([align(cell, width) for cell in cells])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def section(assessed: HeadAssessment) -> str:
    """What `classification_report.txt` says of a head with labels."""
    parts = [
        assessed.sentence,
        constants(assessed),
        aligned(score_table(assessed), left=["score"]),
        *_inner(assessed),
        *_groups(assessed),
    ]
    return "\n\n".join(part for part in parts if part)


def _inner(head: HeadAssessment) -> list[str]:
    """The table by class, label or band."""
    summary = head.summary
    if "bands" in summary:
        shown = inner_table(head, "bands", ["mae"], ["n"])
        return [_with_first("from", shown)]
    if "per_label" in summary:
        columns = ["accuracy", "precision", "recall", "f1"]
        shown = inner_table(head, "per_label", columns, ["n", "positive"])
        return [_with_first("label", shown.rename(columns={"positive": "yes"}))]
    if "classification_report" in summary:
        columns = ["precision", "recall", "f1-score"]
        shown = inner_table(head, "classification_report", columns, ["support"])
        return [_with_first("class", shown), _note_on_average(head)]
    return []


def _with_first(name: str, table: pd.DataFrame) -> str:
    return aligned(table.rename_axis(name).reset_index(), left=[name])


def _note_on_average(head: HeadAssessment) -> str:
    """How macro avg treats classes without label; empty if every class has one."""
    report = head.summary["classification_report"]
    rows = [row for row in report.values() if isinstance(row, dict)]
    if all(row["support"] for row in rows):
        return ""
    return (
        "The row macro avg counts a class without label as 0; without such "
        f"classes, macro F1 is {head.summary['macro_f1']:.3f}."
    )


def _groups(head: HeadAssessment) -> list[str]:
    if not head.subgroups:
        return []
    name = words.short_name(head.main)
    small = any(group.is_small for group in head.subgroups)
    columns = len({group.column for group in head.subgroups})
    title = (
        f"{name} by group, and its difference to all others in the column "
        f"(p corrected for {len(head.subgroups)} groups"
        + (f" of {columns} columns" if columns > 1 else "")
        + ")"
        + ("; small: fewer than 30" if small else "")
    )
    parts = [
        f"{title}\n\n{aligned(subgroup_table(head.subgroups), left=['group', ''])}"
    ]
    if head.gaps:
        table = aligned(gap_table(head), left=["column", "worst", "best"])
        parts.append(f"gaps between groups of 30 or more\n\n{table}")
    return parts
