"""From which probability on should the answer to a yes/no label be yes?"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, precision_recall_fscore_support

from multitask.contracts.head import Array, Head
from multitask.contracts.recipe_texts import ThresholdRule
from multitask.metrics.probabilities import probabilities, truth

USUAL = 0.5
LEAST = 10  # pictures with yes, and with no, to choose a threshold by


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """What a label's threshold does: scores of *yes* on the measured pictures.

    `at_half` has `precision`, `recall` and `f1` at a threshold of .5. Recall and F1 are
    NaN without a picture labelled yes.
    """

    label: str
    value: float
    precision: float
    recall: float
    f1: float
    at_half: dict[str, float] = field(hash=False)


class Choice(NamedTuple):
    """A threshold, and the precision or recall that it reaches where it was chosen."""

    value: float
    reached: float


class Choices(NamedTuple):
    """The thresholds of a head's labels, and what a user must know of them."""

    values: dict[str, float]
    notes: tuple[str, ...]


def choose_all(
    rule: ThresholdRule, head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> Choices:
    """A threshold for each yes/no label of a head, by labels and answers of pictures.

    A label with fewer than 10 pictures that have it, or have it not, keeps .5. The
    notes name those, and those of which no threshold that 10 pictures reach has the
    rule's precision; of these, the threshold with the highest precision is taken.
    """
    predicted = probabilities(head, answers)
    if predicted is None:
        return Choices({}, ())
    values, few, short = {}, [], []
    columns = zip(head.columns, truth(head, labels).T, predicted.T, strict=True)
    for name, true, scores in columns:
        known = ~np.isnan(true) & ~np.isnan(scores)
        yes, count = int(true[known].sum()), int(known.sum())
        if min(yes, count - yes) < LEAST:
            values[name] = USUAL
            few.append(f"{name} ({yes} yes, {count - yes} no)")
            continue
        choice = choose(rule, true[known], scores[known], LEAST)
        values[name] = choice.value
        if rule.score != "f1" and choice.reached < rule.least:
            short.append(f"{name} ({choice.reached:.3f})")
    return Choices(values, tuple(_notes(rule, head, few, short)))


def _notes(
    rule: ThresholdRule, head: Head, few: list[str], short: list[str]
) -> Iterable[str]:
    if short:
        yield (
            f"{head.name}: no threshold reaches a {rule.score} of {rule.least:g} in "
            f"the validation part; the nearest was taken for {', '.join(short)}."
        )
    if few:
        yield (
            f"{head.name}: a threshold of {USUAL} was kept for labels with fewer than "
            f"{LEAST} yes or no in the validation part: {', '.join(few)}."
        )


def choose(rule: ThresholdRule, true: Array, scores: Array, least: int = 1) -> Choice:
    """The best threshold by a rule, from labels (n,) of 1 and 0 and probabilities (n,).

    `f1` has the highest F1. `precision` has the highest recall among the thresholds
    that reach the precision, `recall` the highest precision among those that reach the
    recall; if none does, the score is the highest one. A precision counts if `least`
    answers are yes. A threshold lies half way between two probabilities, or at .5 if
    that is between them.

    >>> rule = ThresholdRule(score="precision", least=1)
    >>> choose(rule, np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9]))
    Choice(value=0.75, reached=1.0)
    """
    precision, recall, cuts = precision_recall_curve(true, scores)
    precision, recall = precision[:-1], recall[:-1]
    distance = np.abs(cuts - USUAL)
    if rule.score == "f1":
        total = np.where(precision + recall > 0, precision + recall, 1)
        aims, others = 2 * precision * recall / total, -distance
    elif rule.score == "precision":
        answered = len(scores) - np.searchsorted(np.sort(scores), cuts)
        aims, others = np.where(answered >= least, precision, 0.0), recall
    else:
        aims, others = recall, precision
    capped = np.minimum(aims, rule.least) if rule.score != "f1" else aims
    best = np.lexsort([-distance, others, capped])[-1]
    below = cuts[best - 1] if best else 0.0
    middle = (below + cuts[best]) / 2
    value = USUAL if below < USUAL <= cuts[best] else middle
    return Choice(float(value), float(aims[best]))


def measured(
    head: Head, labels: pd.DataFrame, answers: pd.DataFrame
) -> tuple[Threshold, ...]:
    """What the thresholds of a head do on labelled pictures, beside .5.

    Empty if the head has no thresholds or the answers no probabilities; a label without
    labelled pictures is left out.
    """
    predicted = probabilities(head, answers)
    if predicted is None or not head.thresholds:
        return ()
    columns = zip(
        *(head.columns, head.thresholds, truth(head, labels).T, predicted.T),
        strict=True,
    )
    rows = []
    for name, value, true, scores in columns:
        known = ~np.isnan(true) & ~np.isnan(scores)
        if known.any():
            chosen, at_half = (
                _scores(true[known], scores[known] >= cut) for cut in (value, USUAL)
            )
            rows.append(Threshold(label=name, value=value, at_half=at_half, **chosen))
    return tuple(rows)


def _scores(true: Array, yes: Array) -> dict[str, float]:
    """Precision, recall and F1 of yes, as in the summary of a sigmoid head."""
    precision, recall, f1, _ = precision_recall_fscore_support(
        true == 1, yes, average="binary", zero_division=0.0
    )
    known = bool((true == 1).any())
    return {
        "precision": float(precision),
        "recall": float(recall) if known else np.nan,
        "f1": float(f1) if known else np.nan,
    }
