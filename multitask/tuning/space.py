"""Which values of a setting are to be tried, and what recipes do they make?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from multitask.contracts import recipe
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.settings import value

if TYPE_CHECKING:
    import optuna

# Else nothing compares; looks are of the network that is kept, not of its training.
_FIXED = ("heads", "data", "head", "folds", "cache", "memory", "looks")
MEAN = "mean"  # of all heads, as what judges trials


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A setting with a list of values, or with a range (then `values` are its ends).

    `head` is whose value it is, of a setting that has one a head.
    """

    setting: str
    head: str = ""
    values: tuple[Any, ...]
    ranges: bool = False
    log: bool = False

    @property
    def name(self) -> str:
        """How it is written on the command line."""
        return self.setting.replace("_", "-") + (f".{self.head}" if self.head else "")

    def suggest(self, trial: "optuna.Trial") -> Any:
        """The value that a trial is to try."""
        if not self.ranges:
            return trial.suggest_categorical(self.name, self.values)
        low, high = self.values
        if isinstance(low, int):
            return trial.suggest_int(self.name, low, high, log=self.log)
        return trial.suggest_float(self.name, low, high, log=self.log)


def parse_dimension(text: str) -> Dimension:
    """Read `learning-rate=1e-5..1e-2:log`, `dropout=0.3,0.5`, `loss-weights.age=1..3`.

    Values that have commas themselves are kept apart by `|`.

    >>> parse_dimension("batch-size=16,32").values
    (16, 32)

    Raises UserError for a setting that is none, and for a range that is no range.
    """
    key, equals, said = text.partition("=")
    setting, _, head = key.strip().partition(".")
    setting = setting.lstrip("-").replace("-", "_")
    known = {name: default for name, _, default in recipe.settings()}
    free = [name.replace("_", "-") for name in known if name not in _FIXED]
    if setting in _FIXED:
        raise UserError("--vary", f"{key!r} must stay the same in all trials")
    if setting not in known:
        raise UserError("--vary", f"no setting {key!r}", nearest(key, free))
    if not equals or not said.strip():
        raise UserError(
            "--vary", f"{text!r} names no values", f"write {key}=A,B or {key}=LOW..HIGH"
        )
    by_head = isinstance(known[setting], dict)
    if by_head != bool(head):
        raise UserError(
            f"--vary {key}",
            "has a value a head" if by_head else "has one value, not one a head",
            f"write {key}.HEAD={said}" if by_head else f"write {key.split('.')[0]}=",
        )
    where, kind = f"--vary {key}", recipe.kind(setting)
    if kind in (int, float) and ".." in said:
        low, high, log = _range(where, said, kind)
        return Dimension(
            setting=setting, head=head, values=(low, high), ranges=True, log=log
        )
    apart = "|" if "|" in said else ","
    texts = [part.strip() for part in said.split(apart)]
    values = tuple(dict.fromkeys(value(kind, text, where) for text in texts))
    if len(values) < 2:
        raise UserError(
            where,
            f"has one value, {texts[0]}",
            f"give it two or more, or write --{key} {texts[0]}",
        )
    return Dimension(setting=setting, head=head, values=values)


def _range(where: str, said: str, kind: type) -> tuple[float, float, bool]:
    """The ends of `LOW..HIGH`, and whether `:log` follows."""
    body, colon, scale = said.partition(":")
    start, _, end = body.partition("..")
    wrong = f"{said!r} is no range"
    try:
        low, high = float(start), float(end)
    except ValueError:
        raise UserError(where, wrong, "write LOW..HIGH or LOW..HIGH:log") from None
    if colon and scale != "log":
        raise UserError(where, wrong, "its scale can only be :log")
    if not -math.inf < low < high < math.inf:
        raise UserError(where, wrong, "its first end must be below the second")
    if scale == "log" and low <= 0:
        raise UserError(where, wrong, "a log scale must begin above 0")
    if kind is int and not (low.is_integer() and high.is_integer()):
        raise UserError(where, wrong, "its ends must be whole numbers")
    return kind(low), kind(high), bool(colon)


def formatted(held: Any) -> str:
    """A value as it is shown.

    >>> formatted(0.00012345), formatted(True), formatted(64)
    ('0.0001234', 'yes', '64')
    """
    if isinstance(held, bool):
        return "yes" if held else "no"
    return f"{held:.4g}" if isinstance(held, float) else str(held)


def grid(asked: Sequence[Dimension]) -> list[dict[str, Any]]:
    """Every combination of the values by name; UserError if one has a range."""
    for one in asked:
        if one.ranges:
            low, high = one.values
            raise UserError(
                f"--vary {one.name}={low}..{high}",
                "is a range, --grid needs lists",
                f"write --vary {one.name}={low},{high}",
            )
    combinations = product(*(one.values for one in asked))
    return [
        {one.name: held for one, held in zip(asked, values, strict=True)}
        for values in combinations
    ]
