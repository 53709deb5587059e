"""How good are the answers, in numbers?

Writes `report.json`, `classification_report.txt` and `answers.csv`; `text` is what
the commands print at their end.
"""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
from multitask.reports import _frames
from sklearn.metrics import classification_report

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.table import as_text, column, write_csv

OF, ORDER = Evaluation, 10


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write the three files into `folder`, over those of an earlier report."""
    document = json.dumps(
        report(evaluation), indent=2, ensure_ascii=False, allow_nan=False
    )
    _save(folder / "report.json", document + "\n")
    _save(folder / "classification_report.txt", classification(evaluation))
    write_csv(answers(evaluation), folder / "answers.csv")


def _save(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def report(evaluation: Evaluation) -> dict[str, Any]:
    """What `report.json` holds: plain data, None where a number is not finite."""
    document: dict[str, Any] = _finite(
        {
            "title": evaluation.title,
            "split": evaluation.split,
            "notes": list(evaluation.notes),
            "rows": len(evaluation.labels),
            "heads": evaluation.summaries(),
            **({"folds": folds(evaluation)} if evaluation.folds else {}),
        }
    )
    return document


def folds(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Over the folds, by head and score: `mean`, `sd` (n - 1) and `values`."""
    measured = [fold.summaries() for fold in evaluation.folds]
    found: dict[str, dict[str, Any]] = {}
    for head in evaluation.heads:
        scores = pd.DataFrame([each[head.name] for each in measured])
        found[head.name] = {
            str(name): {
                "mean": float(values.mean()),
                "sd": float(values.std()),
                "values": values.tolist(),
            }
            for name, values in scores.select_dtypes("number").items()
            if name not in ("n", "interval_n", "within")
        }
    return found


def folds_table(evaluation: Evaluation) -> pd.DataFrame:
    """The scores of `table` as text, mean and standard deviation over the folds."""
    tables = [table(fold).set_index("head") for fold in evaluation.folds]
    stacked = pd.concat(tables, keys=range(len(tables))).drop(columns="rows")
    groups = stacked.groupby(level="head", sort=False)
    mean, spread = groups.mean(), groups.std()
    made = pd.DataFrame(index=mean.index)
    for name in mean.columns[mean.notna().any()]:
        digits = 2 if name in ("MAE", "bias") else 3
        made[name] = [
            "" if pd.isna(m) else f"{m:.{digits}f} ± {s:.{digits}f}"
            for m, s in zip(mean[name], spread[name], strict=True)
        ]
    return made


def _finite(value: Any) -> Any:
    """JSON knows no NaN: a strict reader would refuse the whole file for one."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def answers(evaluation: Evaluation) -> pd.DataFrame:
    """Labels beside answers, a row a picture.

    `path`, `split`, and for every label column `c` its label as `c_label` (for a
    number known to an interval also `c_label_low` and `c_label_high`), the answer `c`,
    and `c_confidence` or `c_low` and `c_high`. What a table lacks is empty.
    """
    labels, said = evaluation.labels, evaluation.answers
    split = column(labels, "split") if evaluation.split == "all" else evaluation.split
    parts: dict[str, Any] = {"path": labels["path"], "split": split}
    for head in evaluation.heads:
        number = head.answer_type == "number"
        for name in head.columns:
            truth = column(labels, name)
            parts[f"{name}_label"] = (
                as_text(truth) if head.answer_type == "class" else truth
            )
            for end in ("low", "high") if f"{name}_low" in labels and number else ():
                parts[f"{name}_label_{end}"] = labels[f"{name}_{end}"]
            parts[name] = column(said, name)
            for beside in ("low", "high") if number else ("confidence",):
                parts[f"{name}_{beside}"] = column(said, f"{name}_{beside}")
    return pd.DataFrame(parts, index=labels.index)


# The table that ends a command


def table(evaluation: Evaluation) -> pd.DataFrame:
    """A row a head with its most telling numbers, NaN where they don't apply.

    Columns: `head`; `rows`, how many have a label; `accuracy` (for a head of many
    labels their mean) and `macro F1`, of 1; `MAE` and `bias` (answer minus label) in
    the head's unit; `within`, the share of numbers no further off than the head's
    `within`, or inside the interval where only that is known; `80% holds`, the share of
    labels inside the interval that should hold 80% of them.
    """
    rows = [_row(name, s) for name, s in evaluation.summaries().items()]
    names = ["accuracy", "macro F1", "MAE", "bias", "within", "80% holds"]
    return pd.DataFrame(rows, columns=["head", "rows", *names]).astype(
        dict.fromkeys(names, float)
    )


def _row(name: str, summary: dict[str, Any]) -> dict[str, Any]:
    near = "within_share" if summary.get("within") else "interval_accuracy"
    keys = {
        "accuracy": "accuracy" if "accuracy" in summary else "mean_accuracy",
        "macro F1": "macro_f1",
        "MAE": "mae",
        "bias": "bias",
        "within": near,
        "80% holds": "coverage_80",
    }
    numbers = {
        shown: round(summary[key], 2 if shown in ("MAE", "bias") else 3)
        for shown, key in keys.items()
        if summary.get(key) is not None
    }
    return {"head": name, "rows": labelled(summary), **numbers}


def labelled(summary: dict[str, Any]) -> int:
    """How many rows have a label of this head, intervals included."""
    return int(summary["n"]) + int(summary.get("interval_n", 0))


def text(evaluation: Evaluation) -> str:
    """The table as aligned text, under its notes, for a terminal.

    Columns in which no head has a number are left out.
    """
    shown = table(evaluation).dropna(axis="columns", how="all")
    lines = [*_heading(evaluation), "", _aligned(shown.set_index("head"))]
    if evaluation.folds:
        title = f"mean ± standard deviation over {len(evaluation.folds)} folds"
        lines += [
            "",
            title,
            "",
            folds_table(evaluation).reset_index().to_string(index=False),
        ]
    legend = within(evaluation)
    return "\n".join([*lines, *([f"within: {legend}"] if legend else [])])


def within(evaluation: Evaluation) -> str:
    """Which distances the table's column `within` speaks of; empty without numbers."""
    said = []
    for head in evaluation.heads:
        summary = head.summary(evaluation.labels, evaluation.answers)
        if summary.get("within"):
            unit = head.unit
            said.append(
                f"{head.name} no more than {summary['within']:g} {unit}".rstrip()
            )
            said[-1] += " off"
        elif "interval_accuracy" in summary:
            said.append(f"{head.name} inside the interval that is its label")
    return ", ".join(said)


def _heading(evaluation: Evaluation) -> list[str]:
    rows = len(evaluation.labels)
    title = f"{evaluation.title}: {evaluation.split}, {rows:,} picture"
    return [*(f"Note: {n}" for n in evaluation.notes), title + "s" * (rows != 1)]


def _aligned(frame: pd.DataFrame) -> str:
    """Numbers right, the index left, blank for NaN; unlike `to_string` the header
    of the index takes no line of its own."""
    formats = {"MAE": "{:.2f}", "bias": "{:+.2f}", "mae": "{:.2f}"}
    cells = [[str(frame.index.name or ""), *map(str, frame.columns)]]
    for name, *values in frame.itertuples():
        row = [str(name)]
        for key, value in zip(frame.columns, values, strict=True):
            form = formats.get(str(key), "{:.3f}")
            whole = key in ("rows", "n", "yes")
            row.append(
                ""
                if pd.isna(value)
                else f"{value:.0f}"
                if whole
                else form.format(value)
            )
        cells.append(row)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0])]
            + [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in cells
    )


# classification_report.txt


def classification(evaluation: Evaluation) -> str:
    """All heads' numbers as text to read, under the notes; a section a head."""
    parts = ["\n".join(_heading(evaluation))]
    for head in evaluation.heads:
        summary = head.summary(evaluation.labels, evaluation.answers)
        count = labelled(summary)
        title = f"{head.name}: {count:,} labelled row" + "s" * (count != 1)
        body = _section(head, summary, evaluation) if count else "no labelled row"
        parts.append(f"{title}\n{'=' * len(title)}\n\n{body}")
    return "\n\n\n".join(parts) + "\n"


def _section(head: Head, summary: dict[str, Any], evaluation: Evaluation) -> str:
    if head.answer_type == "number":
        return _number(summary, head.unit)
    if head.answer_type == "labels":
        return _aligned(per_label(summary))
    found = _frames.pairs(head, evaluation.labels, evaluation.answers)
    classes = list(head.strata(evaluation.labels).columns)
    made = classification_report(
        found["truth"], found["said"], labels=classes, digits=3, zero_division=0.0
    )
    return str(made).rstrip() + absent(summary)


def absent(summary: dict[str, Any]) -> str:
    """What is to be said of classes without a label; empty if there are none."""
    report = summary["classification_report"]
    rows = [row for row in report.values() if isinstance(row, dict)]
    if all(row["support"] for row in rows):
        return ""
    return (
        "\n\nThe row macro avg counts a class without label as 0; macro F1, which "
        f"leaves it out, is {summary['macro_f1']:.3f}."
    )


def per_label(summary: dict[str, Any]) -> pd.DataFrame:
    """Scores a label, with a last row `mean` whose counts are empty."""
    scores = pd.DataFrame(summary["per_label"]).T.rename(columns={"positive": "yes"})
    mean = scores.mean().drop(["n", "yes"])
    return pd.concat([scores, mean.to_frame("mean").T])


def _number(summary: dict[str, Any], unit: str) -> str:
    lines = [f"{name:<20}{value}" for name, value in number_facts(summary, unit)]
    if "bands" in summary:
        bands = pd.DataFrame(summary["bands"]).T.rename_axis("from")
        lines += ["", _aligned(bands)]
    return "\n".join(lines)


def number_facts(summary: dict[str, Any], unit: str) -> list[tuple[str, str]]:
    """What was measured of a number, as (name, value with its unit)."""
    facts = []
    if summary["n"]:
        facts = [
            ("MAE", f"{summary['mae']:.2f} {unit}".rstrip()),
            ("RMSE", f"{summary['rmse']:.2f} {unit}".rstrip()),
            ("bias", f"{summary['bias']:+.2f} {unit}".rstrip()),
        ]
        if summary["within"]:
            near = f"within {summary['within']:g} {unit}".rstrip()
            facts.append((near, f"{summary['within_share']:.1%}"))
        if "coverage_80" in summary:
            facts.append(("80% interval holds", f"{summary['coverage_80']:.1%}"))
    if summary.get("interval_n"):
        share, count = summary["interval_accuracy"], summary["interval_n"]
        facts.append(("in interval", f"{share:.1%} of {count:,} labelled with one"))
    return facts
