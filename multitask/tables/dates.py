"""Which interval did a spreadsheet make a date of, as 3-9 becomes 3 September?"""

import re
from collections.abc import Iterable

Ends = tuple[float, float]
# English, German, Italian, Spanish, Portuguese, French.
_MONTHS = (
    "january januar jänner gennaio enero janeiro janvier",
    "february februar febbraio febrero fevereiro février",
    "march märz mrz marzo março mars",
    "april aprile abril avril",
    "may mai maggio mayo maio",
    "june juni giugno junio junho juin",
    "july juli luglio julio julho juillet",
    "august agosto août",
    "september settembre septiembre setembro septembre",
    "october oktober ottobre octubre outubro octobre",
    "november novembre noviembre novembro",
    "december dezember dicembre diciembre dezembro décembre",
)
_DAY_MONTH = re.compile(
    r"(\d{1,2})(?:[-./ ]|\. )([^\W\d_]{3,})\.?|([^\W\d_]{3,})(?:[-./ ]|\. )(\d{1,2})"
)
_DATE = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?: 00:00:00)?"
    r"|(?P<a>\d{1,2})[/.](?P<b>\d{1,2})[/.](?P<c>\d{4})"
)
_INTERVAL = re.compile(r"\d+ ?- ?\d+")


def month(word: str) -> int:
    """The number of a month by its name or at least its first three letters, else 0.

    >>> month("Sept"), month("Okt"), month("jui"), month("monday")
    (9, 10, 0, 0)
    """
    begin = word.casefold()
    found = [
        number
        for number, names in enumerate(_MONTHS, 1)
        if len(begin) > 2 and any(name.startswith(begin) for name in names.split())
    ]
    return found[0] if len(found) == 1 else 0


def day_and_month(text: str) -> Ends | None:
    """The interval that a day and a month stand for, None if a text is no such date.

    >>> day_and_month("03-Sep"), day_and_month("Okt 19"), day_and_month("20 years")
    ((3.0, 9.0), (10.0, 19.0), None)
    """
    match = _DAY_MONTH.fullmatch(text)
    number = month(match[2] or match[3]) if match else 0
    if not match or not number:
        return None
    return _sorted(number, int(match[1] or match[4]))


def intervals(spellings: Iterable[str], count: int) -> dict[str, Ends]:
    """The interval of each date with a year, in a column of `count` different cells.

    There is none if more than half are dates: these mean dates. The first of a month
    may stand for 1-10, or for 10-19 as October 2019: the year of other dates tells.

    >>> intervals(["2024-09-03", "2019-10-01", "20-29"], 4)
    {'2024-09-03': (3.0, 9.0), '2019-10-01': (10.0, 19.0)}
    """
    found = {text: parts for text in spellings if (parts := _parts(text))}
    if 2 * len(found) > count:
        return {}
    years = {year for year, low, _ in found.values() if low > 1}
    ends: dict[str, Ends] = {}
    for text, (year, low, high) in found.items():
        if low > 1 or year in years:
            ends[text] = _sorted(low, high)
        elif years and year % 100 > high:
            ends[text] = _sorted(high, year % 100)
    return ends


def as_typed(spellings: Iterable[str]) -> dict[str, str]:
    """The class that was typed for each date, where at least half are intervals.

    >>> as_typed(["0-2", "2024-09-03", "Okt 19", "20-29"])
    {'2024-09-03': '3-9', 'Okt 19': '10-19'}
    """
    texts = {text: text.strip().casefold() for text in spellings if text.strip()}
    known = [text for text in texts.values() if _INTERVAL.fullmatch(text)]
    if 2 * len(known) < len(texts) or not known:
        return {}
    dates = intervals(texts, len(texts))
    dates |= {t: ends for t, text in texts.items() if (ends := day_and_month(text))}
    return {text: f"{low:g}-{high:g}" for text, (low, high) in dates.items()}


def is_date(text: str) -> bool:
    """Whether a text is a date with a year."""
    return _parts(text) is not None


def _parts(text: str) -> tuple[int, int, int] | None:
    """The year, and the day and the month or the other way round, the lower first."""
    match = _DATE.fullmatch(text.strip())
    if not match:
        return None
    low, high = sorted((int(match["m"] or match["a"]), int(match["d"] or match["b"])))
    year = int(match["y"] or match["c"])
    return (year, low, high) if 1 <= low <= 12 and high <= 31 else None


def _sorted(one: int, other: int) -> Ends:
    return float(min(one, other)), float(max(one, other))
