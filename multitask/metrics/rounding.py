"""How many digits does a number deserve? As many as its interval tells apart."""

import math

from multitask.metrics.resampling import Interval

_MOST = 3  # decimals, of numbers that are not small


def decimals(value: float, ci: Interval | None, least: int = 0) -> int:
    """The decimals of a number: its last digit is at most half its interval's width.

    Without an interval they are three.

    >>> decimals(0.93, (0.92, 0.94)), decimals(0.9312, (0.929, 0.933))
    (2, 3)
    >>> decimals(22.7, (21.0, 24.4)), decimals(0.00041, (0.00039, 0.00043))
    (0, 5)
    """
    most = _MOST
    if value and math.isfinite(value):
        most = max(_MOST, 1 - math.floor(math.log10(abs(value))))
    half = 0.0
    if ci is not None and all(map(math.isfinite, ci)):
        half = (ci[1] - ci[0]) / 2
    if half <= 0:
        return max(_MOST, least)
    return min(most, max(least, math.ceil(-math.log10(half) - 1e-9)))


def rounded(
    value: float, ci: Interval | None, *, sign: bool = False, least: int = 0
) -> str:
    """A number as text with the digits that its interval allows; "" for NaN.

    `least` are the decimals that it has in any case.

    >>> rounded(0.93123, (0.92, 0.94)), rounded(-1.234, (-1.6, -0.8), sign=True)
    ('0.93', '-1.2')
    """
    if not math.isfinite(value):
        return ""
    return _text(value, decimals(value, ci, least), sign)


def with_interval(
    value: float, ci: Interval | None, *, sign: bool = False, least: int = 0
) -> str:
    """A number and its interval, with the digits of `rounded`.

    >>> with_interval(0.93123, (0.9218, 0.9421))
    '0.93 (0.92 to 0.94)'
    """
    if ci is None or not math.isfinite(value):
        return rounded(value, ci, sign=sign, least=least)
    digits = decimals(value, ci, least)
    text, low, high = (_text(number, digits, sign) for number in (value, *ci))
    return f"{text} ({low} to {high})"


def _text(value: float, digits: int, sign: bool) -> str:
    """A number as text; a zero has no sign."""
    text = f"{value:.{digits}f}"
    if not float(text):
        return text.lstrip("-")
    return f"+{text}" if sign and value > 0 else text


def in_hundred(share: float, ci: Interval | None) -> str:
    """How often in 100, with the digits that its interval allows, at most one.

    >>> in_hundred(0.93123, (0.92, 0.94)), in_hundred(0.93123, (0.929, 0.933))
    ('93', '93.1')
    """
    scaled = None if ci is None else (100 * ci[0], 100 * ci[1])
    digits = 0 if scaled is None else min(1, decimals(100 * share, scaled))
    return f"{100 * share:.{digits}f}"


def p_value_text(number: float) -> str:
    """A p-value as text; "" if unknown.

    >>> p_value_text(0.0004), p_value_text(0.032), p_value_text(0.4)
    ('<0.001', '0.032', '0.40')
    """
    if not math.isfinite(number):
        return ""
    if number < 0.001:
        return "<0.001"
    return f"{number:.3f}" if number < 0.1 else f"{number:.2f}"
