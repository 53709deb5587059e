"""How are scores written for people: with the digits that their intervals support?"""

import math
from collections.abc import Sequence

from multitask.contracts.head import Head
from multitask.metrics.results import Score
from multitask.metrics.rounding import decimals

_NAMES = {  # of scores: on a page, and where there is little room
    "macro_f1": ("macro F1", "macro F1"),
    "mae": ("mean absolute error", "MAE"),
    "rmse": ("root mean squared error", "RMSE"),
    "bias": ("bias (answer minus label)", "bias"),
    "within_share": ("within", "within"),
    "coverage_80": ("80% interval holds", "80% holds"),
    "width_80": ("width of the 80% interval", "80% width"),
    "interval_accuracy": ("inside the labelled interval", "in interval"),
    "brier": ("Brier score", "Brier"),
    "f1": ("F1", "F1"),
    "f1-score": ("F1", "F1"),
}
_SHARES = (
    *("accuracy", "mean_accuracy", "within_share", "coverage_80"),
    *("interval_accuracy", "precision", "recall"),
)
_OF_UNIT = ("mae", "rmse", "bias", "width_80")


def last(name: str) -> str:
    """The last part of the name of a score, such as `f1` of `per_label/Bald/f1`."""
    return name.rpartition("/")[2]


def title(score: Score, head: Head) -> str:
    """What a score is called."""
    name = last(score.name)
    if name == "within_share":
        return f"within {head.within:g} {head.unit}".rstrip()
    return full_name(name)


def full_name(name: str) -> str:
    """What a score is called on a page."""
    return _name(name)[0]


def short_name(name: str) -> str:
    """What a score is called in a narrow table.

    >>> full_name("mae"), short_name("mae"), short_name("log_loss")
    ('mean absolute error', 'MAE', 'log loss')
    """
    return _name(name)[1]


def _name(name: str) -> tuple[str, str]:
    spoken = name.replace("_", " ")
    return _NAMES.get(name, (spoken, spoken))


def has_unit(name: str) -> bool:
    """Whether a score has the unit of its head."""
    return last(name) in _OF_UNIT


def text(name: str, number: float | None, digits: int, unit: str = "") -> str:
    """A score as text: shares are percentages, errors have their unit.

    A number that is not finite is "".

    >>> text("accuracy", 0.9312, 1), text("mae", 5.678, 1, "years")
    ('93.1%', '5.7 years')
    """
    if number is None or not math.isfinite(number):
        return ""
    if is_share(name):
        return f"{number:.{digits}%}"
    number = round(number, digits) + 0.0  # without the sign of -0.0
    sign = "+" if last(name) == "bias" and number else ""
    return f"{number:{sign}.{digits}f} {unit if has_unit(name) else ''}".rstrip()


def is_share(name: str) -> bool:
    """Whether a score is a share of answers, which is written as a percentage."""
    return last(name) in _SHARES


def digits(score: Score) -> int:
    """How many digits the interval of a score supports."""
    if score.ci is None and has_unit(score.name):
        return 1
    if not is_share(score.name):
        return min(decimals(score.value, score.ci), 3 if score.ci else 2)
    if score.ci is None:
        return 1
    low, high = score.ci
    return min(1, decimals(100 * score.value, (100 * low, 100 * high)))


def parts(score: Score, unit: str) -> tuple[str, str, str]:
    """A score, its interval and its baseline as text."""
    places = digits(score)
    ends = [text(score.name, end, places) for end in score.ci or (None, None)]
    interval = " to ".join(ends) if all(ends) else ""
    baseline = text(score.name, score.baseline, places, unit)
    return text(score.name, score.value, places, unit), interval, baseline


def joined(names: Sequence[str], most: int | None = None) -> str:
    """Names with `and`; of more than `most` and one, the first ones and a number.

    >>> joined(["age"]), joined(["a", "b", "c"]), joined(list("abcdef"), most=4)
    ('age', 'a, b and c', 'a, b, c, d and 2 others')
    """
    if most is not None and len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} others"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
