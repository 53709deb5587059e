"""What does a page show of one head?"""

import math
from typing import Any

import pandas as pd
from markupsafe import Markup
from multitask.reports import _frames, _html, numbers
from multitask.reports._charts import bars, lines, matrix
from multitask.reports._page import calibration, groups, thumbnails, uses, words

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.metrics.results import SMALL, HeadAssessment, Score

_BY_CLASS = ("per_label", "classification_report", "bands")  # scores within a summary


def section(
    head: Head, evaluation: Evaluation, assessed: HeadAssessment
) -> dict[str, Any]:
    """Texts, tables and charts of a head, by their names in the template."""
    summary = assessed.summary
    labelled = numbers.labelled(summary)
    shown: dict[str, Any] = {
        "name": head.name,
        "labelled": labelled,
        "sentence": assessed.sentence,
        "kind": kind(assessed),
        "scores": None,
        "uses": uses.uses(head, evaluation, assessed),
    }
    if not labelled:
        return shown
    return shown | {
        "scores": _html.cells(scores(head, assessed)),
        "charts": charts(head, evaluation, assessed),
        "table": _html.cells(by_class(head, assessed)),
        "mixed_up": _mixed_up(head, evaluation),
        "heat": groups.heat_map(assessed, head.unit),
        "groups": groups.table(assessed.subgroups, head),
        "gaps": _html.cells(groups.gaps(assessed.gaps, assessed.main, head.unit)),
        "calibration": calibration.calibration(assessed.calibration, head),
        "thresholds": _html.cells(calibration.thresholds(assessed.thresholds)),
        "curves": calibration.curve_charts(assessed.curves),
        "areas": _html.cells(calibration.curve_table(assessed.curves)),
        "errors": thumbnails.mistakes(head, evaluation),
    }


def kind(assessed: HeadAssessment) -> str:
    """The class of a head's sentence: a warning if its answers are useless."""
    if assessed.is_useful is None:
        return "unknown"
    return "useful" if assessed.is_useful else "useless"


def scores(head: Head, assessed: HeadAssessment) -> pd.DataFrame:
    """One row per score: value with its interval, and the score of a constant answer.

    So few columns fit a phone.
    """
    rows = []
    for score in assessed.scores.values():
        if "/" in score.name or score.name == "within":
            continue
        value, interval, baseline = words.parts(score, head.unit)
        if value:
            rows.append(
                {
                    "score": _title(score, head, assessed),
                    "value (95% interval)": f"{value} ({interval})"
                    if interval
                    else value,
                    _constant(assessed): baseline,
                    "labels": f"{score.n:,}",
                }
            )
    frame = pd.DataFrame(rows)
    if len(frame) and frame["labels"].nunique() == 1:  # which stands in the heading
        frame = frame.drop(columns="labels")
    return frame.loc[:, (frame != "").any()] if len(frame) else frame


def _constant(assessed: HeadAssessment) -> str:
    """How the column of the baseline is called."""
    if assessed.baseline is None or not assessed.baseline.answer:
        return "always the more frequent answer"
    return f"always {assessed.baseline.answer} ({assessed.baseline.rule})"


def _title(score: Score, head: Head, assessed: HeadAssessment) -> str:
    """The name of a score; the constant of squared errors is another one, the mean."""
    title: str = words.title(score, head)
    first, last = assessed.baselines[:1], assessed.baselines[-1:]
    if score.name != "rmse" or first == last:
        return title
    return f"{title} (constant: {last[0].answer}, the {last[0].rule})"


# One row per class, label or band


def by_class(head: Head, assessed: HeadAssessment) -> pd.DataFrame:
    """Scores of every class, label or band, with the interval of the main one."""
    for part in _BY_CLASS:
        if part in assessed.summary:
            return _rows(part, head, assessed)
    return pd.DataFrame()


def _rows(part: str, head: Head, assessed: HeadAssessment) -> pd.DataFrame:
    first = {"bands": "from", "per_label": "label"}.get(part, "class")
    rows = []
    for name, values in assessed.summary[part].items():
        if not isinstance(values, dict):  # the accuracy, which stands above
            continue
        row = {first: str(name)}
        for key, value in values.items():
            score = assessed.scores.get(f"{part}/{name}/{key}")
            row |= _cells(key, value, score, head.unit)
        rows.append(row)
    frame = pd.DataFrame(rows).fillna("")
    return frame.loc[:, (frame != "").any()] if len(frame) else frame


def _cells(key: str, value: Any, score: Score | None, unit: str) -> dict[str, str]:
    if key in ("n", "support", "positive"):
        title = {"n": "labels", "support": "labels", "positive": "labelled yes"}[key]
        return {title: f"{value:,.0f}"}
    title = words.full_name(key)
    if score is None:
        places = 1 if words.is_share(key) else 2
        return {title: words.text(key, _finite(value), places, unit)}
    text, interval, _ = words.parts(score, unit)
    return {title: text + (f" ({interval})" if interval else "")}


def _finite(value: Any) -> float | None:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _mixed_up(head: Head, evaluation: Evaluation) -> dict[str, Any] | None:
    """The most frequent mistakes, for a matrix whose cells have no numbers."""
    if head.answer_type != "class":
        return None
    counts = _frames.confusion(head, evaluation.labels, evaluation.answers)
    frame = matrix.mixed_up(counts)
    if len(counts) <= matrix.NUMBERED or frame.empty:
        return None
    frame["n"] = frame["n"].map("{:,}".format)
    frame["share"] = frame["share"].map("{:.0%}".format)
    cells: dict[str, Any] = _html.cells(
        frame.rename(columns={"n": "pictures", "share": "of the label's"})
    )
    return cells


# Charts


def charts(
    head: Head, evaluation: Evaluation, assessed: HeadAssessment
) -> list[Markup]:
    """The charts of answers beside labels."""
    if not assessed.summary["n"]:
        return []
    labels, answers = evaluation.labels, evaluation.answers
    if head.answer_type == "class":
        counts = _frames.confusion(head, labels, answers)
        title = "Confusion matrix: the share of each label's pictures"
        return [matrix.confusion(counts, title)]
    if head.answer_type == "labels":
        if "per_label" not in assessed.summary:
            return []
        drawn: list[Markup] = bars.label_bars(_frames.label_scores(assessed.summary))
        return drawn
    pairs = _frames.pairs(head, labels, answers)
    cloud = lines.answers_over_labels(
        pairs["label"].to_numpy(float), pairs["answer"].to_numpy(float),
        unit=head.unit, within=head.within,
    )  # fmt: skip
    bands = _bands(head, assessed)
    return [cloud, *([bands] if bands else [])]


def _bands(head: Head, assessed: HeadAssessment) -> Markup | None:
    """The mean absolute error by band of the label.

    A band with an answer that is no number has no bar.
    """
    rows = []
    for name, band in assessed.summary.get("bands", {}).items():
        score = assessed.scores.get(f"bands/{name}/mae")
        if math.isfinite(band["mae"]):
            rows.append(
                bars.Bar(
                    str(name), band["mae"], f"{band['mae']:.1f}, n {band['n']:,}",
                    ci=score.ci if score else None, is_small=band["n"] < SMALL,
                )
            )  # fmt: skip
    if len(rows) < 2:
        return None
    highest = max(max(row.ci[1] if row.ci else row.value, row.value) for row in rows)
    unit = f", {head.unit}" if head.unit else ""
    title = f"Mean absolute error by band of the label{unit}"
    mean = assessed.summary["mae"]
    if math.isfinite(mean):
        title += f"; all: {mean:.1f}"
    drawn: Markup = bars.bars(
        rows, title, ends=(0.0, highest * 1.05 or 1.0), form="g",
        line=mean if math.isfinite(mean) else None,
        meaning=[("blue", f"{SMALL} pictures or more"), ("small", "fewer")],
    )  # fmt: skip
    return drawn
