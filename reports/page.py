"""How good are the answers, on one page to read and to pass on?"""

from pathlib import Path
from typing import Any

import pandas as pd
from multitask.reports import _frames, _html, numbers, pictures

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.run import PAGE, REPORT_JSON

OF, ORDER = Evaluation, 90

_FILES = (REPORT_JSON, "classification_report.txt", "answers.csv")


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write `index.html`, which shows the other files that `folder` holds."""
    (folder / PAGE).write_text(html(evaluation, folder), encoding="utf-8")


def html(evaluation: Evaluation, folder: Path) -> str:
    """The page, with links relative to `folder`."""
    files = {path.name for path in folder.iterdir()}
    page: str = _html.render(
        "page.html",
        evaluation=evaluation,
        rows=len(evaluation.labels),
        summary=_cells(numbers.table(evaluation).dropna(axis="columns", how="all")),
        folds=_html.cells(numbers.folds_table(evaluation).reset_index())
        if evaluation.folds
        else None,
        within=numbers.within_legend(evaluation),
        sections=[_section(head, evaluation, files) for head in evaluation.heads],
        files=files,
        links=[name for name in _FILES if name in files],
    )
    return page


def _section(head: Head, evaluation: Evaluation, files: set[str]) -> dict[str, Any]:
    """What the page shows of a head: facts, a table and a figure."""
    summary = head.summary(evaluation.labels, evaluation.answers)
    picture = pictures.file(head)
    return {
        "name": head.name,
        "labelled": numbers.labelled(summary),
        "facts": facts(head, summary),
        "table": _cells(details(head, summary)),
        "picture": picture if picture in files else None,
    }


def facts(head: Head, summary: dict[str, Any]) -> list[tuple[str, str]]:
    """A head's most important scores as (name, value); none without a label."""
    if head.answer_type == "number":
        scores: list[tuple[str, str]] = numbers.number_facts(summary, head.unit)
        return scores
    names = {"accuracy": "accuracy", "macro_f1": "macro F1"}
    if "accuracy" not in summary:
        names = {"mean_accuracy": "mean accuracy", "macro_f1": "macro F1"}
    return [(n, f"{summary[key]:.3f}") for key, n in names.items() if key in summary]


def details(head: Head, summary: dict[str, Any]) -> pd.DataFrame:
    """Scores, one row per class, label or band, with its name in the first column."""
    if head.answer_type == "number" and "bands" in summary:
        bands = pd.DataFrame(summary["bands"]).T
        return bands.rename(columns={"mae": "MAE"}).rename_axis("from").reset_index()
    if "per_label" in summary:
        scores: pd.DataFrame = numbers.per_label(summary)
        scores = scores.rename(columns={"yes": "labelled yes", "f1": "F1"})
        return scores.rename_axis("label").reset_index()
    if "classification_report" in summary:
        rows = {
            name: values
            for name, values in summary["classification_report"].items()
            if isinstance(values, dict)  # the accuracy is one of the facts
        }
        table = pd.DataFrame(rows).T.rename(columns={"f1-score": "F1"})
        return table.rename_axis("class").reset_index()
    return pd.DataFrame()


def _cells(scores: pd.DataFrame) -> dict[str, Any]:
    """A table of scores as the macro `grid` of the template expects it."""
    cells: dict[str, Any] = _html.cells(_frames.formatted(scores))
    return cells
