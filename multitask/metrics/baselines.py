"""How good would it be to always give the same answer?"""

import math

import numpy as np
import pandas as pd

from multitask.contracts.head import Array, Head
from multitask.contracts.table import interval_columns
from multitask.metrics.kinds.class_rows import ClassRows
from multitask.metrics.kinds.head_rows import head_rows
from multitask.metrics.kinds.label_rows import LabelRows
from multitask.metrics.kinds.number_rows import NumberRows
from multitask.metrics.kinds.rows import HeadRows
from multitask.metrics.results import Baseline


def baselines(head: Head, rows: HeadRows, labels: pd.DataFrame) -> tuple[Baseline, ...]:
    """The best constant answers to the labelled rows, none without any.

    The first is best by the main score. They are fitted on the rows that they are
    measured on, which no network may do: a head must be better than that.
    """
    if not rows.labelled.any():
        return ()
    everywhere = np.ones(len(labels), bool)
    best = rows.constant(everywhere)
    if isinstance(rows, ClassRows):
        answer = rows.classes[best[0]]
        return (_baseline(head, labels, [answer], answer, "majority class"),)
    if isinstance(rows, LabelRows):
        classes = best.astype(int).tolist()
        return (_baseline(head, labels, classes, "", "majority class"),)
    assert isinstance(rows, NumberRows)
    if rows.main != "mae":
        text = number_text(best[0], rows.low[rows.is_interval])
        return (_baseline(head, labels, best, text, "most frequent interval"),)
    known = rows.low[rows.exact]
    return tuple(
        _baseline(head, labels, [constant], number_text(constant, known), rule)
        for constant, rule in ((best[0], "median"), (rows.mean(), "mean"))
    )


def constant_answers(head: Head, labels: pd.DataFrame) -> pd.DataFrame:
    """The constant answers (rows, columns of the head) that are best by its main score.

    They are fitted on `labels`, at least one of which must be known.
    """
    any_class = head.classes[0] if head.answer_type == "class" else 0
    answers = _same_answers(head, labels, [any_class] * len(head.columns))
    rows = head_rows(head, labels, answers)
    best = rows.constant(np.ones(len(labels), bool)).tolist()
    if isinstance(rows, ClassRows):
        best = [rows.classes[best[0]]]
    elif isinstance(rows, LabelRows):
        best = [*map(int, best)]
    return _same_answers(head, labels, best)


def _baseline(
    head: Head,
    labels: pd.DataFrame,
    constant: Array | list[object],
    text: str,
    rule: str,
) -> Baseline:
    rows = head_rows(head, labels, _same_answers(head, labels, constant))
    return Baseline(answer=text, rule=rule, scores=rows.scores())


def _same_answers(
    head: Head, labels: pd.DataFrame, constant: Array | list[object]
) -> pd.DataFrame:
    """A table of answers, one `constant` (columns of the head,) in all rows."""
    cells: dict[str, object] = {}
    for name, value in zip(head.columns, constant, strict=True):
        cells[name] = value
        cells |= dict.fromkeys(interval_columns(name), np.nan)
    return pd.DataFrame(cells, index=labels.index)


def baseline_scores(all_of_them: tuple[Baseline, ...]) -> dict[str, float]:
    """What each score of a head is compared with, by its name.

    The squared error is compared with that of the mean, all others with those of the
    first constant. The bias of a constant means nothing.
    """
    if not all_of_them:
        return {}
    scores = dict(all_of_them[0].scores)
    scores |= {"rmse": all_of_them[-1].scores["rmse"]} if "rmse" in scores else {}
    scores.pop("bias", None)
    return scores


def number_text(constant: float, known: Array) -> str:
    """A constant with the digits that matter beside the spread of the labels.

    >>> number_text(33.0, np.arange(90.0)), number_text(0.12345, np.array([0.1, 0.2]))
    ('33', '0.1235')
    """
    spread = float(known.std())
    digits = max(0, math.ceil(-math.log10(spread / 100))) if spread > 0 else 2
    text = f"{constant:.{min(digits, 12)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
