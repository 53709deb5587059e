"""Which data frames do tables and figures show? Labels beside answers, and scores."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.head import Head
from multitask.contracts.table import as_text, column, interval

MEASURES = ("loss", "accuracy", "mae", "weight")  # a history may hold, of each head
_COUNTS = ("rows", "n", "yes", "support", "labelled yes")


def pairs(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Every label of a head beside its answer, with the index of the tables.

    The columns are `column`, `label`, `answer` and `confidence` (0 to 1), for a number
    `low` and `high` (in its unit) in place of the confidence. Classes are text, yes and
    no are 1 and 0. A picture occurs once for each column in which it has a label. A
    number known only to an interval is left out.
    """
    return pd.concat([_pairs(head, name, labels, answers) for name in head.columns])


def _pairs(
    head: Head, name: str, labels: pd.DataFrame, answers: pd.DataFrame
) -> pd.DataFrame:
    label = column(labels, name)
    if head.answer_type == "number":
        ends = interval(labels, name)
        label = ends["low"].where(ends["low"] == ends["high"])
    known = label.notna()
    convert = as_text if head.answer_type == "class" else pd.to_numeric
    frame = pd.DataFrame(
        {
            "column": name,
            "label": convert(label[known]),
            "answer": convert(answers.loc[known, name]),
        },
        index=labels.index[known],
    )
    for suffix in answer_suffixes(head):
        frame[suffix] = answers.loc[known, f"{name}_{suffix}"].astype(float)
    return frame


def answer_suffixes(head: Head) -> tuple[str, ...]:
    """What stands beside the answer `c` of a head, in columns `c_SUFFIX`."""
    return ("low", "high") if head.answer_type == "number" else ("confidence",)


def confusion(head: Head, labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Counts (classes, classes) of answers (columns) by label (rows)."""
    classes = list(head.strata(labels).columns)
    both = pairs(head, labels, answers)
    counts = pd.crosstab(both["label"], both["answer"])
    return counts.reindex(index=classes, columns=classes, fill_value=0)


def shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Each row of a confusion matrix divided by its sum; a row without label is 0.

    >>> shares(pd.DataFrame([[3, 1], [0, 0]])).to_numpy().tolist()
    [[0.75, 0.25], [0.0, 0.0]]
    """
    return counts.div(counts.sum(axis=1).clip(lower=1), axis=0)


def label_scores(summary: dict[str, Any]) -> pd.DataFrame:
    """Scores of every label of a head, one row per label, best F1 first.

    `share` is the share labelled yes; `baseline` is the accuracy of always giving the
    more frequent answer, which a useful network must beat.
    """
    scores = pd.DataFrame(summary["per_label"]).T
    scores["share"] = scores["positive"] / scores["n"]
    scores["baseline"] = np.maximum(scores["share"], 1 - scores["share"])
    return scores.sort_values(["f1", "accuracy"], ascending=False, kind="stable")


def curves(history: pd.DataFrame, heads: Sequence[Head]) -> pd.DataFrame:
    """A history in long form: `quantity`, `part` (train, val), `epoch`, `value`.

    Quantities are in display order: the loss, then the loss and metric of every head.
    Those without any value in the history are left out.
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
    """The rows of `pairs` whose answer is wrong, worst first, with their `score`.

    The score is the confidence, or the absolute error of a number; an error up to the
    head's `within` counts as right.
    """
    both = pairs(head, labels, answers)
    if head.answer_type == "number":
        score = (both["answer"] - both["label"]).abs()
        wrong = score > head.within
    else:
        score, wrong = both["confidence"], both["label"] != both["answer"]
    wrong_pairs = both.assign(score=score)[wrong]
    return wrong_pairs.sort_values("score", ascending=False, kind="stable")


def interleave(frames: Sequence[pd.DataFrame]) -> Iterator[tuple[int, Any]]:
    """Yield (frame number, row): the first rows of all frames, then the second ones.

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


def formatted(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of scores as text, each column with its own digits; "" for NaN.

    >>> formatted(pd.DataFrame({"n": [1200], "bias": [0.5], "F1": [None]})).values
    array([['1,200', '+0.50', '']], dtype=object)
    """
    texts = {
        name: [_text(name, value) for value in values] for name, values in frame.items()
    }
    return pd.DataFrame(texts, index=frame.index, columns=frame.columns, dtype=object)


def _text(name: object, value: Any) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    if name in _COUNTS:
        return f"{value:,.0f}"
    if name == "bias":
        return f"{value:+.2f}"
    return f"{value:.2f}" if name in ("MAE", "mae") else f"{value:.3f}"
