"""What may a head's answers be used for, and what not?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from multitask.reports import _frames
from multitask.reports._page import words

from multitask.contracts.errors import counted
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.metrics.results import SMALL, HeadAssessment, Subgroup

_SURE = 0.95  # share of right answers that is called reliable
_LIMITS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # confidences that are looked at
_LEAST = 0.1  # share of answers that must remain
_LISTED = 4
_AVERAGES = ("macro avg", "micro avg", "weighted avg")


class Uses(NamedTuple):
    """Sentences on what to do with answers, and what not."""

    good: list[str]
    bad: list[str]


def uses(head: Head, evaluation: Evaluation, assessed: HeadAssessment) -> Uses:
    """Sentences that follow from a head's scores and groups."""
    if assessed.is_useful is None:
        reason = "all labels are alike" if assessed.scores else "there are no labels"
        return Uses([], [f"For nothing yet: {reason}, so nobody knows what it can do."])
    if not assessed.is_useful:
        return Uses([], _useless(assessed))
    pairs = _frames.pairs(head, evaluation.labels, evaluation.answers)
    good = _number(pairs, head) if head.answer_type == "number" else _confident(pairs)
    if head.answer_type == "class":
        good = [*good, *_counts(pairs)]
    return Uses(good, _limits(assessed, head))


def _useless(assessed: HeadAssessment) -> list[str]:
    constant = assessed.baseline.answer if assessed.baseline else ""
    always = f"always answering {constant or 'what is more frequent'}"
    main = assessed.scores[assessed.main]
    if main.n < SMALL:
        return [
            f"For nothing yet: {counted(main.n, 'label')} can't show that it is better "
            f"than {always}. Measure it on more labelled pictures."
        ]
    return [
        f"For nothing: {always} was not shown to be worse. Train on more labels, or "
        "for longer; check that the labels are right."
    ]


def _confident(pairs: pd.DataFrame) -> list[str]:
    """From which confidence on answers may go unchecked."""
    right = (pairs["label"] == pairs["answer"]).to_numpy()
    confidence = pairs["confidence"].to_numpy(float)
    if not len(right):
        return []
    share = right.mean()
    if share >= _SURE:
        return [f"Single answers to pictures like these: {share:.0%} were right."]
    for limit in _LIMITS:
        sure = confidence >= limit
        if sure.mean() < _LEAST or sure.sum() < SMALL:
            break
        if right[sure].mean() >= _SURE:
            return [
                f"Single answers with a confidence of {limit:.0%} or more: they are "
                f"{sure.mean():.0%} of all, and {right[sure].mean():.0%} of them were "
                "right on these pictures. Have a person look at the others.",
            ]
    return [
        "Single answers only where a person checks them: even of the most confident "
        f"ones, fewer than {_SURE:.0%} were right.",
    ]


def _counts(pairs: pd.DataFrame) -> list[str]:
    """How far counts of answers are off those of labels: errors needn't cancel out."""
    if pairs.empty:
        return []
    labels, answers = (pairs[name].value_counts() for name in ("label", "answer"))
    off = answers.sub(labels, fill_value=0) / len(pairs)
    most = off.abs().idxmax()
    given, known = (each.get(most, 0) / len(pairs) for each in (answers, labels))
    return [
        "Counts over many pictures like these, where this may be ignored: it answers "
        f"{most} for {given:.0%} where {known:.0%} are labelled so, the largest "
        "difference of a class."
    ]


def _number(pairs: pd.DataFrame, head: Head) -> list[str]:
    errors = (pairs["answer"] - pairs["label"]).abs().to_numpy(float)
    errors = errors[np.isfinite(errors)]
    if not len(errors):
        return []
    half, most = np.quantile(errors, [0.5, 0.9])
    unit = f" {head.unit}" if head.unit else ""
    return [
        "Averages over many pictures like these.",
        f"Single answers, as a range: half of them were at most {half:.1f}{unit} off, "
        f"one in ten more than {most:.1f}{unit}.",
    ]


def _limits(assessed: HeadAssessment, head: Head) -> list[str]:
    groups = assessed.subgroups
    worse = sorted((g for g in groups if g.is_weaker), key=lambda g: g.p_value)
    small = [group.title for group in groups if group.is_small]
    sentences = []
    useless = list(filter(assessed.is_useless_for, worse))
    if useless:
        sentences.append(
            f"For {_scored(useless, head)} at all: it is worse there than for all "
            "others, and no better than one constant answer."
        )
    checked = [group for group in worse if group not in useless]
    if checked:
        sentences.append(
            f"For {_scored(checked, head)} without a check: shown to be worse there "
            "than for all others."
        )
    own = _own_groups(assessed, head)
    if own:
        sentences.append(own)
    if assessed.useless_labels:
        names = _listed(assessed.useless_labels)
        sentences.append(f"For {names}: no better than the more frequent answer.")
    if small:
        sentences.append(
            f"For {_listed(small)}: fewer than 30 pictures"
            f"{' each' if small[1:] else ''} say too little."
        )
    if assessed.invalid:
        sentences.append(
            f"Without a look at what failed: {counted(assessed.invalid, 'answer')} "
            "had no value."
        )
    return [*sentences, "For pictures unlike these, which nobody measured."]


def _own_groups(assessed: HeadAssessment, head: Head) -> str:
    """The head's own classes or bands that are worse than the whole, if any are.

    They are if their intervals lie apart.
    """
    is_number = head.answer_type == "number"
    part, key = ("bands", "mae") if is_number else ("classification_report", "recall")
    whole = assessed.scores[assessed.main]
    if whole.ci is None:
        return ""
    worse = []
    for score in assessed.scores.values():
        name = score.name.removeprefix(f"{part}/").removesuffix(f"/{key}")
        if score.name != f"{part}/{name}/{key}" or score.ci is None:
            continue
        if name in _AVERAGES:
            continue
        apart = (
            score.ci[0] > whole.ci[1] if is_number else score.ci[1] < whole.ci[0]
        )  # fmt: skip
        if apart:
            worse.append((score.value, f"{name} ({words.parts(score, head.unit)[0]})"))
    names = [text for _, text in sorted(worse, reverse=is_number)]
    if not names:
        return ""
    if is_number:
        return (
            f"For labels of {_listed(names)}: errors are larger there than on average."
        )
    return f"To find {_listed(names)}: of these labels it finds fewer than of others."


def _listed(names: Sequence[str]) -> str:
    return str(words.joined(names, _LISTED))


def _scored(groups: list[Subgroup], head: Head) -> str:
    """Groups with their scores, such as `race black (37%)`."""
    return _listed(
        [f"{g.title} ({words.parts(g.score, head.unit)[0]})" for g in groups]
    )
