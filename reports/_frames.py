"""What is tabulated and drawn? Labels beside answers, as plain data frames."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.head import Head
from multitask.contracts.table import as_text, column, interval

MEASURES = ("loss", "accuracy", "mae", "weight")  # what a history may hold of a head


def pairs(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Every labelled cell of a head beside its answer; the index is the tables'.

    Columns `column`, `truth`, `said` and `confidence` (of 1), for a number `low` and
    `high` (its unit) in place of the confidence. Text for a class, 1 and 0 for yes and
    no. A picture occurs once for each of the head's columns that is labelled; a number
    known only to an interval is left out.
    """
    return pd.concat([_pairs(head, name, labels, answers) for name in head.columns])


def _pairs(
    head: Head, name: str, labels: pd.DataFrame, answers: pd.DataFrame
) -> pd.DataFrame:
    truth = column(labels, name)
    if head.answer_type == "number":
        ends = interval(labels, name)
        truth = ends["low"].where(ends["low"] == ends["high"])
    known = truth.notna()
    as_kind = as_text if head.answer_type == "class" else pd.to_numeric
    frame = pd.DataFrame(
        {
            "column": name,
            "truth": as_kind(truth[known]),
            "said": as_kind(answers.loc[known, name]),
        },
        index=labels.index[known],
    )
    beside = ("low", "high") if head.answer_type == "number" else ("confidence",)
    for what in beside:
        frame[what] = answers.loc[known, f"{name}_{what}"].astype(float)
    return frame


def confusion(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Count answers (columns) by label (rows), both in the order of the classes."""
    classes = list(head.strata(labels).columns)
    found = pairs(head, labels, answers)
    counts = pd.crosstab(found["truth"], found["said"])
    return counts.reindex(index=classes, columns=classes, fill_value=0)


def shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Each row of a confusion as shares of 1; a row without label is all 0.

    >>> shares(pd.DataFrame([[3, 1], [0, 0]])).to_numpy().tolist()
    [[0.75, 0.25], [0.0, 0.0]]
    """
    return counts.div(counts.sum(axis=1).clip(lower=1), axis=0)


def label_scores(summary: dict[str, Any]) -> pd.DataFrame:
    """Scores of every label, best F1 first, a row a label.

    `share` is how many of 1 are labelled yes; `commoner` is the accuracy of always
    giving the commoner answer, which a network must beat to be worth anything.
    """
    scores = pd.DataFrame(summary["per_label"]).T
    scores["share"] = scores["positive"] / scores["n"]
    scores["commoner"] = np.maximum(scores["share"], 1 - scores["share"])
    return scores.sort_values(["f1", "accuracy"], ascending=False, kind="stable")


def curves(history: pd.DataFrame, heads: Sequence[Head]) -> pd.DataFrame:
    """A history in long form: `quantity`, `part` (train, val), `epoch`, `value`.

    Quantities are in the order to show them in: the loss, then every head's loss and
    metric. Those that the history lacks, or holds nothing of, are left out.
    """
    frames = []
    for quantity, name in _quantities(heads):
        for part, prefix in (("train", ""), ("val", "val_")):
            if prefix + name in history:
                frames.append(
                    pd.DataFrame(
                        {
                            "quantity": quantity,
                            "part": part,
                            "epoch": history["epoch"].astype(int),
                            "value": pd.to_numeric(history[prefix + name]),
                        }
                    )
                )
    if not frames:
        return pd.DataFrame(columns=["quantity", "part", "epoch", "value"])
    return pd.concat(frames, ignore_index=True).dropna(subset="value")


def _quantities(heads: Sequence[Head]) -> Iterator[tuple[str, str]]:
    yield "loss", "loss"
    for head in heads:
        for measure in MEASURES:
            shown = "MAE" if measure == "mae" else measure
            yield f"{head.name}: {shown}", f"{head.name}_{measure}"


def mistakes(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """The wrong ones of `pairs`, worst first, with their `score`.

    The score is the confidence, or a number's absolute error; a number within the
    head's `within` counts as right.
    """
    found = pairs(head, labels, answers)
    if head.answer_type == "number":
        score = (found["said"] - found["truth"]).abs()
        wrong = score > head.within
    else:
        score, wrong = found["confidence"], found["truth"] != found["said"]
    worst = found.assign(score=score)[wrong]
    return worst.sort_values("score", ascending=False, kind="stable")


def interleave(frames: Sequence[pd.DataFrame]) -> Iterator[tuple[int, Any]]:
    """Walk (frame, row) through the first rows of all frames, then the second ones.

    >>> frames = [pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [3]})]
    >>> [(number, row.a) for number, row in interleave(frames)]
    [(0, 1), (1, 3), (0, 2)]
    """
    walks = {number: frame.itertuples() for number, frame in enumerate(frames)}
    while walks:
        for number in list(walks):
            row = next(walks[number], None)
            if row is None:
                del walks[number]
            else:
                yield number, row
