"""How do people spell the labels of named heads?

Shared by tables, folders of classes and the readers of published data sets.
"""

import re
from collections.abc import Iterable
from typing import Any

from multitask.contracts import catalog
from multitask.contracts.errors import counted, listed
from multitask.tables.dates import day_and_month

# FairFace's classes of race as UTKFace's, whose others are "Hispanic, Latino, Middle
# Eastern".
FIVE = {
    "white": "white",
    "black": "black",
    "indian": "indian",
    "east_asian": "asian",
    "southeast_asian": "asian",
    "middle_eastern": "others",
    "latino_hispanic": "others",
}
_RACES = {
    "caucasian": "white",
    **dict.fromkeys(("african", "african_american"), "black"),
}
# Other names for the classes of named heads.
WORDS: dict[str, dict[str, str]] = {
    "expression": {
        **dict.fromkeys(("angry", "mad"), "anger"),
        **dict.fromkeys(("happy", "joy", "joyful", "smile", "smiling"), "happiness"),
        **dict.fromkeys(("sad", "unhappy"), "sadness"),
        **dict.fromkeys(("surprised", "suprise", "suprised"), "surprise"),
        **dict.fromkeys(("fearful", "afraid", "scared"), "fear"),
        **dict.fromkeys(("disgusted", "disgusting"), "disgust"),
        **dict.fromkeys(("natural", "normal", "no expression"), "neutral"),
    },
    "gender": {
        **dict.fromkeys(("m", "man", "men", "males", "boy", "boys"), "male"),
        **dict.fromkeys(("f", "woman", "women", "females", "girl", "girls"), "female"),
    },
    "race": {
        **FIVE,
        **_RACES,
        "south_asian": "indian",
        **dict.fromkeys(("other", "hispanic", "latino", "middle_east"), "others"),
    },
    "race7": {
        **_RACES,
        **dict.fromkeys(("hispanic", "latino", "latina"), "latino_hispanic"),
    },
    "illumination": {"middle": "medium", "good": "high"},
    "pose": {**dict.fromkeys(("front", "straight"), "frontal")},
    "occlusion": {"other": "others", "ornament": "ornaments", "hands": "hand"},
    "age_group": {
        **dict.fromkeys(("children", "kid", "kids"), "child"),
        **dict.fromkeys(("middle aged", "middle age", "middddle"), "middle"),
        **dict.fromkeys(("elderly", "senior"), "old"),
    },
}
YES = frozenset(("true", "yes", "y", "t", "1", "1.0"))
NO = frozenset(("false", "no", "n", "f", "0", "0.0"))
# Share of a column's cells that may be unusable: more is a mistake, or no such column.
MOST_ODD = 0.1
_NEGATIVE = re.compile(r"-\d+(\.\d+)?")
_YEARS = r"(?:y|yr|yrs|yo|y/o|year|years)(?:\s*old)?\.?"
_NUMBER = re.compile(rf"(\d+(?:\.\d+)?)\s*(?:{_YEARS})?")
_PART = re.compile(r"(\d+)\s*(d|w|m|days?|weeks?|mo|months?)(?:\s*old)?")
_PER_YEAR = {"d": 365.25, "w": 365.25 / 7, "m": 12.0}
_AGE = rf"(\d+(?:\.\d+)?)\s*(?:{_YEARS})?"
_INTERVAL = re.compile(
    rf"([(\[]?)\s*{_AGE}\s*(?:-|–|—|~|_|,|;|\.\.|to)\s*{_AGE}\s*([)\]]?)"
)  # noqa: E501, RUF001
_FROM = re.compile(
    rf"(?:more than|older than|over|above|at least|from|>=?|≥)\s*{_AGE}"
    rf"|{_AGE}\s*(?:\+|plus|(?:and|or) (?:over|older|above|more|up))"
)
_BELOW = re.compile(rf"(?:less than|younger than|under|below|<)\s*{_AGE}")
_UP_TO = re.compile(
    rf"(?:up to|at most|<=|≤)\s*{_AGE}"
    rf"|{_AGE}\s*(?:and|or) (?:under|younger|below|less)"
)
_DECADE = re.compile(r"(\d+)0s")


def key(spelling: object) -> str:
    """What all spellings of a class share.

    >>> key(" East_Asian"), key("east asian"), key("-1")
    ('eastasian', 'eastasian', '-1')
    """
    text = str(spelling).strip().casefold()
    return text if _NEGATIVE.fullmatch(text) else re.sub(r"[\s_-]+", "", text)


def meanings(head: str) -> dict[str, str]:
    """The class of a named head for each spelling of it, as `translate` takes them.

    >>> meanings("gender")["man"], meanings("race7")["east asian"]
    ('male', 'east_asian')
    """
    names: list[str] = catalog.named()[head]["classes"]
    spellings = {name: name for name in names} | WORDS.get(head, {})
    blanks = {name.replace("_", " "): label for name, label in spellings.items()}
    return blanks | spellings


def age(text: str, low: float, high: float) -> tuple[float, float] | None:
    """The youngest and the oldest age that a text stands for; None if it is no age.

    `low` and `high` close intervals that are open. Who is `more than 70` may be 70, and
    who is `under 20` is 19 at most, as the classes beside these are meant.

    >>> [age(text, 0, 116) for text in ("20-29", "(25, 32)", "70+", "060Y", "018M")]
    [(20.0, 29.0), (25.0, 32.0), (70.0, 116), (60.0, 60.0), (1.5, 1.5)]
    """
    text = " ".join(text.casefold().split())
    if match := _NUMBER.fullmatch(text):
        return float(match[1]), float(match[1])
    if match := _PART.fullmatch(text):
        years = int(match[1]) / _PER_YEAR[match[2][0]]
        return years, years
    if match := _INTERVAL.fullmatch(text):
        ends = _interval(*match.groups())
    elif match := _FROM.fullmatch(text):
        ends = _number(match), high
    elif match := _DECADE.fullmatch(text):
        ends = 10.0 * float(match[1]), 10.0 * float(match[1]) + 9
    elif match := _BELOW.fullmatch(text):
        ends = low, _number(match) - 1
    elif match := _UP_TO.fullmatch(text):
        ends = low, _number(match)
    elif date := day_and_month(text):
        ends = date
    else:
        return None
    return ends if ends[0] <= ends[1] else None


def _number(match: "re.Match[str]") -> float:
    return float(next(group for group in match.groups() if group))


def _interval(left: str, low: str, high: str, right: str) -> tuple[float, float]:
    """Both ends included, unless one bracket of two says otherwise: `[20, 30)`."""
    is_half_open = left + right in ("[)", "(]")
    return (
        float(low) + (is_half_open and left == "("),
        float(high) - (is_half_open and right == ")"),
    )


def examples(changes: "dict[Any, Any]") -> str:
    """The first of some changed spellings, for a remark on a column.

    >>> examples({"Male": "male", "F": "female"})
    "'Male' is male, 'F' is female"
    """
    texts = [f"{old!r} is {new}" for old, new in changes.items()]
    others = f" and {counted(len(texts) - 6, 'other')}" if len(texts) > 6 else ""
    return ", ".join(texts[:6]) + others


def one_of(labels: Iterable[str]) -> str:
    """The labels of which a cell must be one, for a message.

    >>> one_of(["male", "female", "male"]), one_of(["anger", "fear", "joy"])
    ('male or female', 'one of anger, fear, joy')
    """
    names = list(dict.fromkeys(labels))
    return " or ".join(names) if len(names) < 3 else f"one of {listed(names)}"


def are_few(odd: int, filled: int) -> bool:
    """Whether odd cells of a column are mistakes, so that the others say what it is."""
    return not odd or (filled - odd > 2 and odd <= max(1, MOST_ODD * filled))
