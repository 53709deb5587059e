"""What is the most important about a head, in plain words?"""

import math
from dataclasses import replace

from multitask.contracts.errors import counted
from multitask.contracts.head import Head
from multitask.metrics.resampling import Interval
from multitask.metrics.results import SMALL, HeadAssessment, Score, Subgroup
from multitask.metrics.rounding import (
    decimals,
    in_hundred,
    rounded,
)

_SHOWN = 3  # labels that are named
_AVERAGES = ("micro avg", "macro avg", "weighted avg")


def with_sentence(assessment: HeadAssessment, head: Head) -> HeadAssessment:
    """The same with its sentence."""
    return replace(assessment, sentence=sentence(assessment, head))


def sentence(assessment: HeadAssessment, head: Head) -> str:
    """A few short sentences on a head, its constant, and its weakest group."""
    name = head.name.replace("_", " ")
    start = f"{name[:1].upper()}{name[1:]}: "
    if not assessment.scores:
        return f"{start}no labels, so nothing is known of its answers."
    parts = [start + _main(assessment, head), *_cautions(assessment)]
    if assessment.is_useful:
        parts += [*_useless_labels(assessment), *_weakest(assessment, head)]
    return " ".join(parts)


def weakest(assessment: HeadAssessment) -> Subgroup | None:
    """The group with the worst score of those shown to be weaker; None if none is."""
    return next(iter(weaker(assessment)), None)


def weaker(assessment: HeadAssessment) -> list[Subgroup]:
    """The groups shown to be weaker than all others, small ones left out, worst first.

    None are of a head that was not shown to be better than a constant.
    """
    if not assessment.is_useful:
        return []
    groups = [group for group in assessment.subgroups if group.is_weaker]
    sign = 1 if assessment.scores[assessment.main].better == "higher" else -1
    return sorted(groups, key=lambda group: sign * group.score.value)


def _main(assessment: HeadAssessment, head: Head) -> str:
    score = assessment.scores[assessment.main]
    if not math.isfinite(score.value):
        return f"{_not_numbers(assessment)}, so its error is unknown."
    text = _how_good(score, head)
    if head.answer_type == "labels":
        text += f" on average over {counted(_labels(assessment, head), 'label')}"
    if assessment.at_half is not None:
        text += " with the thresholds chosen"
        text += f", {_digits(assessment.at_half, score.ci, score)} with .5"
    if assessment.is_useful is None:
        same = _answering(assessment).removeprefix("answering ")
        alike = f"the same, {same}" if head.answer_type != "labels" else "alike"
        return f"{text}; all labels are {alike}, so it isn't known what it tells apart."
    if score.baseline is None:
        return f"{text}."
    constant = _amount(score.baseline, score.ci, head, score)
    if assessment.is_useful:
        return f"{text}; {_constant(assessment, head)} would be {constant}."
    is_better = (score.value > score.baseline) == (score.better == "higher")
    verdict = "not shown to be better" if is_better else "no better"
    answering = f"than always {_answering(assessment)}"
    constant = constant.removeprefix("right ").removeprefix("inside ")
    constant = constant.removeprefix("off ").removesuffix(" times")
    text = f"{verdict} {answering}: {text}, the constant {constant}."
    return f"{text}{_other_classes(assessment)}"


def _other_classes(assessment: HeadAssessment) -> str:
    """That a head with too few right answers still tells classes apart, if so.

    Of guesses that don't depend on the picture, however frequent each is, the recalls
    of all classes sum to at most 1. Their macro F1 is above that of a constant.
    """
    score = assessment.scores.get("classification_report/macro avg/recall")
    if not score or score.ci is None or assessment.scores["accuracy"].n < SMALL:
        return ""
    rows = assessment.summary["classification_report"].items()
    supports = [
        one["support"]
        for name, one in rows
        if isinstance(one, dict) and name not in _AVERAGES
    ]
    if score.ci[0] <= 1 / len(
        supports
    ):  # the mean is over classes without a label, too
        return ""
    labelled = sum(support > 0 for support in supports)
    value, *ci = (
        share * len(supports) / labelled for share in (score.value, *score.ci)
    )
    ends = (ci[0], ci[1])
    shown, low, high = (in_hundred(share, ends) for share in (value, *ends))
    return (
        f" It does tell classes apart, though: it finds {shown} in 100 of each class "
        f"on average ({low} to {high}), guesses {in_hundred(1 / labelled, ends)}."
    )


def _how_good(score: Score, head: Head) -> str:
    """How good the main score is, with its interval."""
    text = _amount(score.value, score.ci, head, score, with_unit=True)
    if score.ci is not None:
        low, high = (_digits(end, score.ci, score) for end in score.ci)
        text += f" ({low} to {high})"
    return f"{text} on average" if score.better == "lower" else text


def _amount(
    value: float, ci: Interval | None, head: Head, score: Score, with_unit: bool = False
) -> str:
    number = _digits(value, ci, score)
    if score.better == "lower":
        unit = f" {head.unit}" if with_unit and head.unit else ""
        return f"off by {number}{unit}"
    times = f"{number} times" + (" in 100" if with_unit else "")
    if score.name == "interval_accuracy":
        where = " the labelled interval" if with_unit else ""
        return f"inside{where} {times}"
    return f"right {times}"


def _digits(value: float, ci: Interval | None, score: Score) -> str:
    """A number with the digits that the interval `ci` of the score allows."""
    if score.better == "lower":
        return rounded(value, ci) if ci is None else f"{value:.{decimals(value, ci)}f}"
    return in_hundred(value, ci)


def _constant(assessment: HeadAssessment, head: Head) -> str:
    if head.answer_type == "number":
        return f"always {_answering(assessment)}"
    return "a constant"


def _answering(assessment: HeadAssessment) -> str:
    answer = assessment.baseline.answer if assessment.baseline else ""
    return f"answering {answer}" if answer else "giving the more frequent answer"


def _labels(assessment: HeadAssessment, head: Head) -> int:
    return len(assessment.summary.get("per_label", head.columns))


def _not_numbers(assessment: HeadAssessment) -> str:
    count = assessment.scores[assessment.main].n
    are = "is not a number" if assessment.invalid == 1 else "are not numbers"
    return f"{assessment.invalid:,} of {counted(count, 'answer')} {are}"


def _cautions(assessment: HeadAssessment) -> list[str]:
    score = assessment.scores[assessment.main]
    cautions = []
    if assessment.invalid and math.isfinite(score.value):
        cautions.append(f"{_not_numbers(assessment)}.")
    if score.n < SMALL:
        cautions.append(f"{counted(score.n, 'label')} only, too few to rely on.")
    return cautions


def _useless_labels(assessment: HeadAssessment) -> list[str]:
    names = assessment.useless_labels
    if not names:
        return []
    shown = ", ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        shown += f" and {len(names) - _SHOWN} others"
    is_one = "1 label is" if len(names) == 1 else f"{len(names)} labels are"
    return [f"{is_one} not shown to be better than a constant: {shown}."]


def _weakest(assessment: HeadAssessment, head: Head) -> list[str]:
    if not assessment.subgroups:
        return []
    group = weakest(assessment)
    if group is not None:
        text = _how_good(group.score, head)
        text = text.removeprefix("right ").removesuffix(" on average")
        text = text.replace(" times in ", " in ", 1)
        if assessment.is_useless_for(group):
            constant = _digits(group.score.baseline or 0.0, group.score.ci, group.score)
            text += f", no better than a constant there ({constant})"
        return [f"Weakest: {group.title}, {text}, n = {group.n:,}."]
    groups = assessment.subgroups
    known = [g for g in groups if not (math.isnan(g.p_value) or g.is_small)]
    if not known:
        return [f"No two groups of {SMALL} or more can be compared."]
    text = "No group was shown to be weaker"
    if small := sum(g.is_small for g in groups):
        are = "is" if small == 1 else "are"
        text += f"; {small} of {len(groups)} {are} too small to tell"
    return [f"{text}."]
