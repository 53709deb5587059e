"""How good are the answers, in numbers?

`write` makes `report.json`, `classification_report.txt` and `answers.csv`; the commands
end by printing `text`.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from multitask.reports import _frames, _html, _report_json, _report_text

from multitask.contracts.errors import counted
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.run import REPORT_JSON
from multitask.contracts.table import as_text, column, write_csv
from multitask.metrics.assessment import Assessment, assess

OF, ORDER = Evaluation, 10


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write the three files into `folder`, over those of an earlier report."""
    document = json.dumps(
        report(evaluation), indent=2, ensure_ascii=False, allow_nan=False
    )
    (folder / REPORT_JSON).write_text(document + "\n", encoding="utf-8")
    text = classification(evaluation)
    (folder / "classification_report.txt").write_text(text, encoding="utf-8")
    write_csv(answers(evaluation), folder / "answers.csv")


def report(evaluation: Evaluation) -> dict[str, Any]:
    """What `report.json` holds, with None for numbers that are not finite.

    `report.schema.json` beside this module describes it.
    """
    over_folds = folds(evaluation) if evaluation.folds else {}
    document: dict[str, Any] = _report_json.document(evaluation, over_folds)
    return document


def folds(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """By head and score: `mean`, `sd` (of a sample) and `values` over the folds."""
    summaries = [fold.summaries() for fold in evaluation.folds]
    statistics: dict[str, dict[str, Any]] = {}
    for head in evaluation.heads:
        scores = pd.DataFrame([summary[head.name] for summary in summaries])
        statistics[head.name] = {
            str(name): {
                "mean": float(values.mean()),
                "sd": float(values.std()),
                "values": values.tolist(),
            }
            for name, values in scores.select_dtypes("number").items()
            if name not in ("n", "interval_n", "within")
        }
    return statistics


def folds_table(evaluation: Evaluation) -> pd.DataFrame:
    """The scores of `table` as text: mean ± standard deviation over the folds."""
    tables = [table(fold).set_index("head") for fold in evaluation.folds]
    stacked = pd.concat(tables, keys=range(len(tables))).drop(columns="rows")
    groups = stacked.groupby(level="head", sort=False)
    mean, spread = groups.mean(), groups.std()
    texts = pd.DataFrame(index=mean.index)
    for name in mean.columns[mean.notna().any()]:
        digits = 2 if name in ("MAE", "bias") else 3
        texts[name] = [
            "" if pd.isna(m) else f"{m:.{digits}f} ± {s:.{digits}f}"
            for m, s in zip(mean[name], spread[name], strict=True)
        ]
    return texts


def answers(evaluation: Evaluation) -> pd.DataFrame:
    """Labels beside answers, one row per picture.

    The columns are `path`, `box` if a picture has one, `split`, and for every label
    column `c` the label `c_label` (for a number with intervals also `c_label_low` and
    `c_label_high`), the answer `c`, and `c_confidence`, or `c_low` and `c_high` for a
    number. The last columns are the probabilities of the classes. Missing values are
    empty.
    """
    labels, answers = evaluation.labels, evaluation.answers
    split = column(labels, "split") if evaluation.split == "all" else evaluation.split
    parts: dict[str, Any] = {"path": labels["path"]}
    if "box" in labels and labels["box"].notna().any():
        parts["box"] = labels["box"]
    parts["split"] = split
    for head in evaluation.heads:
        suffixes = _frames.answer_suffixes(head)
        for name in head.columns:
            label = column(labels, name)
            parts[f"{name}_label"] = (
                as_text(label) if head.answer_type == "class" else label
            )
            if head.answer_type == "number" and f"{name}_low" in labels:
                for suffix in suffixes:
                    parts[f"{name}_label_{suffix}"] = labels[f"{name}_{suffix}"]
            parts[name] = column(answers, name)
            for suffix in suffixes:
                parts[f"{name}_{suffix}"] = column(answers, f"{name}_{suffix}")
    others = answers.drop(columns=list(parts), errors="ignore")
    table = pd.DataFrame(parts, index=labels.index)
    return pd.concat([table, others], axis="columns")


# The table at the end of a command


def table(evaluation: Evaluation) -> pd.DataFrame:
    """The most important scores, one row per head, NaN where one does not apply.

    Columns: `head`; `rows`, the number of labelled rows; `accuracy` (its mean for a
    head with many labels) and `macro F1`, 0 to 1; `MAE` and `bias` (answer minus label)
    in the head's unit; `within`, the share of numbers whose error is at most the head's
    `within`, or that lie inside the interval where only that is known; `80% holds`, the
    share of labels inside the interval that should hold 80% of them.
    """
    heads = assess(evaluation).heads
    rows = [_row(name, head.summary) for name, head in heads.items()]
    names = ["accuracy", "macro F1", "MAE", "bias", "within", "80% holds"]
    return pd.DataFrame(rows, columns=["head", "rows", *names]).astype(
        dict.fromkeys(names, float)
    )


def _row(name: str, summary: dict[str, Any]) -> dict[str, Any]:
    within = "within_share" if "within" in summary else "interval_accuracy"
    keys = {
        "accuracy": "accuracy" if "accuracy" in summary else "mean_accuracy",
        "macro F1": "macro_f1",
        "MAE": "mae",
        "bias": "bias",
        "within": within,
        "80% holds": "coverage_80",
    }
    numbers = {
        shown: round(summary[key], 2 if shown in ("MAE", "bias") else 3)
        for shown, key in keys.items()
        if summary.get(key) is not None
    }
    return {"head": name, "rows": labelled(summary), **numbers}


def labelled(summary: dict[str, Any]) -> int:
    """The number of rows with a label of this head, intervals included."""
    return int(summary["n"]) + int(summary.get("interval_n", 0))


def text(evaluation: Evaluation) -> str:
    """The notes, a sentence on each head, and the scores as aligned text."""
    assessment = assess(evaluation)
    shown = _report_text.aligned(_main_table(assessment), left=["head", "score"])
    lines = [*_heading(evaluation), "", *_report_text.sentences(assessment), "", shown]
    if evaluation.folds:
        title = f"mean ± standard deviation over {len(evaluation.folds)} folds"
        folded = folds_table(evaluation).reset_index().to_string(index=False)
        lines += ["", title, "", folded, ""]
    return "\n".join([*lines, *_legends(evaluation)])


def notebook(evaluation: Evaluation) -> str:
    """The same as HTML for a notebook."""
    assessment = assess(evaluation)
    tables = [_main_table(assessment)]
    if evaluation.folds:
        title = f"mean ± standard deviation over {len(evaluation.folds)} folds"
        folded = folds_table(evaluation).rename_axis(title).reset_index()
        tables.append(folded)
    lines = [*_heading(evaluation), *_report_text.sentences(assessment)]
    return str(_html.notebook([*lines, *_legends(evaluation)], *tables))


def _main_table(assessment: Assessment) -> pd.DataFrame:
    """The table of the terminal, without the column of constants if it is empty."""
    table: pd.DataFrame = _report_text.main_table(assessment)
    return table if table["constant"].any() else table.drop(columns="constant")


def _legends(evaluation: Evaluation) -> list[str]:
    """The meaning of the intervals, and of constants, if there are any."""
    assessment = assess(evaluation)
    if not any(head.scores for head in assessment.heads.values()):
        return []
    return [_report_text.legend(assessment)]


def _heading(evaluation: Evaluation) -> list[str]:
    rows = len(evaluation.labels)
    title = f"{evaluation.title}: {evaluation.split}, {counted(rows, 'picture')}"
    return [*(f"Note: {n}" for n in evaluation.notes), title]


# classification_report.txt


def classification(evaluation: Evaluation) -> str:
    """The notes and the scores of all heads as text, one section per head."""
    parts = ["\n".join(_heading(evaluation))]
    for head in evaluation.heads:
        assessed = assess(evaluation).heads[head.name]
        count = labelled(assessed.summary)
        title = f"{head.name}: {counted(count, 'labelled row')}"
        body = _report_text.section(assessed) if count else "no labelled row"
        parts.append(f"{title}\n{'=' * len(title)}\n\n{body}")
    return "\n\n\n".join(parts) + "\n"
