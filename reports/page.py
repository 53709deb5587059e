"""What came out, on one page to look at and to hand on?"""

from pathlib import Path
from typing import Any

import pandas as pd
from multitask.reports import _html, numbers, pictures

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head

OF, ORDER = Evaluation, 90

_FILES = ("report.json", "classification_report.txt", "answers.csv")
_WHOLE = ("rows", "n", "yes", "support", "labelled yes")


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write `index.html`, which shows those of the other files that are in `folder`."""
    (folder / "index.html").write_text(html(evaluation, folder), encoding="utf-8")


def html(evaluation: Evaluation, folder: Path) -> str:
    """The page; it links the files of `folder` by their names alone."""
    there = {path.name for path in folder.iterdir()}
    page: str = _html.render(
        "page.html",
        evaluation=evaluation,
        rows=len(evaluation.labels),
        summary=_cells(numbers.table(evaluation).dropna(axis="columns", how="all")),
        folds=_cells(numbers.folds_table(evaluation).reset_index())
        if evaluation.folds
        else None,
        within=numbers.within(evaluation),
        sections=[_section(head, evaluation, there) for head in evaluation.heads],
        there=there,
        links=[name for name in _FILES if name in there],
    )
    return page


def _section(head: Head, evaluation: Evaluation, there: set[str]) -> dict[str, Any]:
    """What the page shows of a head: facts, a table and its picture."""
    summary = head.summary(evaluation.labels, evaluation.answers)
    picture = pictures.file(head)
    return {
        "name": head.name,
        "labelled": numbers.labelled(summary),
        "facts": facts(head, summary),
        "table": _cells(details(head, summary)),
        "picture": picture if picture in there else None,
    }


def facts(head: Head, summary: dict[str, Any]) -> list[tuple[str, str]]:
    """A head's few most telling numbers as (name, value); none without label."""
    if head.answer_type == "number":
        measured: list[tuple[str, str]] = numbers.number_facts(summary, head.unit)
        return measured
    names = {
        "accuracy": "accuracy",
        "mean_accuracy": "mean accuracy",
        "macro_f1": "macro F1",
    }
    if "accuracy" in summary:
        del names["mean_accuracy"]
    return [(n, f"{summary[key]:.3f}") for key, n in names.items() if key in summary]


def details(head: Head, summary: dict[str, Any]) -> pd.DataFrame:
    """A row a class, label or band, with its name in the first column."""
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
            if isinstance(values, dict)  # the accuracy stands among the facts
        }
        made = pd.DataFrame(rows).T.rename(columns={"f1-score": "F1"})
        return made.rename_axis("class").reset_index()
    return pd.DataFrame()


def _cells(frame: pd.DataFrame) -> dict[str, Any]:
    """A table as text: its header, and a list of rows of cells."""
    return {
        "header": [str(name) for name in frame.columns],
        "rows": [
            [_cell(name, value) for name, value in zip(frame, values, strict=True)]
            for values in frame.itertuples(index=False)
        ],
    }


def _cell(name: object, value: Any) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    if name in _WHOLE:
        return f"{value:,.0f}"
    return f"{value:.2f}" if name in ("MAE", "bias") else f"{value:.3f}"
