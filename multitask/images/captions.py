"""How are the answers of a row written in few letters?"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (("confidence",), ("low", "high"))
# `face` has `face_confidence` beside it, which is no answer.
_NOT_ANSWERS = ("face",)
_WARNING = "warning"


def suffixes(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """The endings of the columns that stand beside an answer; none beside others.

    >>> suffixes("age", ["path", "age", "age_low", "age_high"])
    ('low', 'high')
    """
    for endings in _SUFFIXES if name not in _NOT_ANSWERS else ():
        if all(f"{name}_{ending}" in names for ending in endings):
            return endings
    return ()


def cell(answer: Any, *beside: Any) -> str:
    """An answer and how sure it is, in few letters.

    >>> cell("female", 0.981), cell(31.41, 25.0, 38.0), cell(0.5)
    ('female .98', '31.4 (25 to 38)', '.50')
    >>> cell(3.59, 0.875, 8.65), cell(0.1234, 0.1, 0.2)  # no finer than it is sure
    ('3.6 (0.9 to 8.7)', '0.12 (0.1 to 0.2)')
    """
    import pandas as pd

    if pd.isna(answer):
        return ""
    if len(beside) == 1:
        return f"{answer} {share(beside[0])}".rstrip()
    if len(beside) == 2 and not any(pd.isna(end) for end in beside):
        middle, low, high = (_within(one, *beside) for one in (answer, *beside))
        return f"{middle} ({low} to {high})"
    if beside:
        return number(answer)
    return share(answer) if isinstance(answer, float) else str(answer)


def share(value: Any) -> str:
    """A probability or similarity in two digits; empty if it is missing.

    >>> share(0.981), share(1.0), share(-0.202), share(None)
    ('.98', '1.00', '-.20', '')
    """
    import pandas as pd

    if pd.isna(value):
        return ""
    if not -1 <= value <= 1:
        return number(value)
    rounded = round(float(value), 2) + 0.0  # which is no -0.0
    return f"{rounded:.2f}".replace("0.", ".", 1)


def number(value: float) -> str:
    """A number in three digits or, if it is whole, all of them.

    >>> number(31.41), number(120.0), number(0.1234)
    ('31.4', '120', '0.123')
    """
    if not math.isfinite(value):
        return str(value)
    if value == round(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _within(value: float, low: float, high: float) -> str:
    """A number without digits that mean less than a tenth of its interval.

    One digit after the point is left in any case.
    """
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return number(value)
    return number(round(value, max(1, 1 - math.floor(math.log10(width)))))


def caption(row: "pd.Series[Any]") -> tuple[str, ...]:
    """The answers of a row, each in few letters, as a picture shows them.

    An answer without a letter has its column before it, but for `age`; so have those of
    columns of which one begins as another is named, such as `race` and `race7`. Of
    yes/no labels those answered yes are listed. The last line is the row's warning, if
    it has one. A row that says why it has no answer has that alone.

    >>> import pandas as pd
    >>> caption(pd.Series({"age": 31.4, "age_low": 25.2, "age_high": 38.0}))
    ('31 (25 to 38)',)
    """
    answers = list(_answers(row))
    alike = _alike([name for name, *_ in answers])
    return tuple(_cell(name, *cells, named=name in alike) for name, *cells in answers)


def short_caption(row: "pd.Series[Any]") -> tuple[str, ...]:
    """The answers of a row as `caption` has them, without how sure they are.

    >>> import pandas as pd
    >>> row = {"sex": "female", "sex_confidence": 0.9, "old": 1, "old_confidence": 0.8}
    >>> short_caption(pd.Series(row | {"age": 7.52, "age_low": 3.0, "age_high": 9.0}))
    ('female', 'old', '7.5')
    """
    answers = list(_answers(row))
    alike = _alike([name for name, *_ in answers])
    return tuple(_short(name, *cells, named=name in alike) for name, *cells in answers)


def _alike(names: list[str]) -> set[str]:
    """The names that begin another one, and those others."""
    pairs = [(a, b) for a in names for b in names if a and a != b and b.startswith(a)]
    return {name for pair in pairs for name in pair}


def _answers(row: "pd.Series[Any]") -> Iterator[tuple[Any, ...]]:
    """The name, the answer and what stands beside it, of all that a picture shows."""
    import pandas as pd

    status = row.get("status", "ok")
    if not pd.isna(status) and status != "ok":
        yield "", str(status)
        return
    names = [str(name) for name in row.index]
    for name in names:
        endings = suffixes(name, names)
        if not endings or pd.isna(row[name]):
            continue
        answer, beside = row[name], [row[f"{name}_{end}"] for end in endings]
        if not _is_yes_or_no(answer, endings):
            yield name, answer, *beside
        elif answer == 1:
            yield name, name, *beside
    warning = row.get(_WARNING)
    if isinstance(warning, str) and not suffixes(_WARNING, names):
        yield "", warning


def _is_yes_or_no(answer: Any, endings: tuple[str, ...]) -> bool:
    return len(endings) == 1 and not isinstance(answer, str) and answer in (0, 1)


def _cell(name: str, answer: Any, *beside: Any, named: bool) -> str:
    if len(beside) == 2:
        answer, *beside = _rounded(answer, *beside)  # type: ignore[assignment]
    if not beside:  # a status
        return str(answer)
    text = cell(answer, *beside)
    return f"{name} {text}" if named or _needs_name(name, answer) else text


def _short(name: str, answer: Any, *beside: Any, named: bool) -> str:
    if isinstance(answer, str):
        text = answer
    elif len(beside) == 2:
        text = _within(*_rounded(answer, *beside))
    else:
        text = number(_rounded(answer)[0])
    return f"{name} {text}" if named or _needs_name(name, answer) else text


def _needs_name(name: str, answer: Any) -> bool:
    """Whether nobody knows what an answer is about that stands alone."""
    return name != "age" and not re.search(r"[^\W\d_]", str(answer))


def _rounded(answer: Any, *ends: Any) -> list[float]:
    """A number and its interval as whole numbers, if the number has two digits.

    >>> _rounded(31.4, 25.2, 38.0), _rounded(1.8, 1.7, 1.9)
    ([31, 25, 38], [1.8, 1.7, 1.9])
    """
    import pandas as pd

    is_large = abs(answer) >= 10
    return [
        round(value) if is_large and not pd.isna(value) else value
        for value in (answer, *ends)
    ]
