"""What do the small languages of a recipe mean: `70/15/15`, `temperature=2`, `all`?"""

import re
from pathlib import Path

import numpy as np

from multitask.contracts.errors import UserError

OFFICIAL = "official"


_USUAL = (0.7, 0.15, 0.15)


def ratios(text: str) -> tuple[float, float, float]:
    """Read `70/15/15` as shares of train, validation and test; `official` as these.

    >>> ratios("70/15/15")
    (0.7, 0.15, 0.15)
    """
    if text == OFFICIAL or split_file(text):
        return _USUAL
    try:
        train, val, test = (float(part) for part in text.split("/"))
    except ValueError:
        raise UserError(
            "--split",
            f"is {text!r}, must be {OFFICIAL}, like 70/15/15, or a run's split.csv",
        ) from None
    fits = abs(train + val + test - 100) <= 1e-9  # not so for nan
    if not fits or min(train, val, test) < 0 or not train:
        raise UserError(
            "--split",
            f"{text} sums to {train + val + test:g}, must be three shares that sum to "
            "100, with a part to train on",
        )
    return train / 100, val / 100, test / 100


def split_file(text: str) -> Path | None:
    """The file that a split is read from, if it names one.

    >>> split_file("runs/faces/split.csv").name, split_file("70/15/15")
    ('split.csv', None)
    """
    return Path(text).expanduser() if text.casefold().endswith(".csv") else None


def exponent(mix: str) -> float:
    """The power of a data set's size by which `--mix` has its pictures drawn.

    `proportional` (1) draws every picture equally often, `equal` (0) every data set,
    `temperature=T` (1/T) is between them: T = 1 is proportional, and the larger T, the
    more equal (Devlin et al. 2019, multilingual BERT).

    >>> exponent("temperature=2")
    0.5
    """
    named = {"proportional": 1.0, "equal": 0.0}
    if mix in named:
        return named[mix]
    name, _, value = mix.partition("=")
    try:
        temperature = float(value) if name == "temperature" else np.nan
    except ValueError:
        temperature = np.nan
    if not 1 <= temperature < np.inf:
        raise UserError(
            "--mix",
            f"is {mix!r}, must be proportional, equal or temperature=T with T from 1",
        )
    return 1 / temperature


NONE, ALL = "none", "all"


def pattern(text: str) -> "re.Pattern[str] | None":
    """What `--identity` finds; UserError if it is no regular expression."""
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise UserError(
            "--identity", f"{text!r} is no regular expression: {error}"
        ) from None
