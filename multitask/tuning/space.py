"""Which values of a setting does a sweep try?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from multitask.contracts import recipe
from multitask.contracts.errors import UserError, nearest
from multitask.contracts.recipe_files import GONE, MACHINE, where_now
from multitask.contracts.recipe_texts import COMPOSED
from multitask.contracts.settings import type_hints, value

# Trials must agree on these to be comparable, or they don't change what is learnt.
_FIXED = ("heads", "data", "head", "teacher", "folds", "tta", "looks", *MACHINE)
MEAN = "mean"  # of the scores of all heads: the default objective


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A setting with a list of values, or with a range (`values` are its two ends).

    `head` names the head of a setting that has one value per head, and `part` one of
    the values of a composed setting, such as `warmup` of `schedule`.
    """

    setting: str
    head: str = ""
    part: str = ""
    values: tuple[Any, ...]
    is_range: bool = False
    log: bool = False

    @property
    def name(self) -> str:
        """The setting as the command line spells it, such as `loss-weights.age`."""
        below = self.head or self.part
        return self.setting.replace("_", "-") + (f".{below}" if below else "")

    @property
    def kind(self) -> Any:
        """The type of its values."""
        if self.part:
            return type_hints(COMPOSED[self.setting])[self.part]
        return recipe.kind(self.setting)


def parse_dimension(text: str) -> Dimension:
    """Read `learning-rate=1e-5..1e-2:log`, `dropout=0.3,0.5`, `loss-weights.age=1..3`.

    A dot leads to a head, or to a part of a setting: `schedule.warmup=0..3`. Values
    that contain commas are separated by `|`.

    >>> parse_dimension("batch-size=16,32").values
    (16, 32)

    Raises UserError for an unknown setting and for an invalid range or value.
    """
    key, equals, listed = text.partition("=")
    if not equals or not listed.strip():
        raise UserError(
            "--vary", f"{text!r} has no values", f"write {key}=A,B or {key}=LOW..HIGH"
        )
    dimension = _dimension(key, listed)
    where, kind = f"--vary {key}", dimension.kind
    if ".." in listed and kind in (int, float):
        low, high, log = _range(where, listed, kind)
        return replace(dimension, values=(low, high), is_range=True, log=log)
    if ".." in listed and dimension.setting in COMPOSED:
        name, kinds = dimension.setting, type_hints(COMPOSED[dimension.setting])
        parts = [f"{name}.{part}" for part in kinds if kinds[part] in (int, float)]
        todo = f"write {' or '.join(parts)}={listed}"
        raise UserError(where, "is a text, and can't have a range", todo)
    texts = [part.strip() for part in listed.split("|" if "|" in listed else ",")]
    values = tuple(dict.fromkeys(value(kind, text, where) for text in texts))
    if len(values) < 2:
        raise UserError(
            where,
            f"has only one value, {texts[0]}",
            "list two or more" + f", or write --{key} {texts[0]}" * ("." not in key),
        )
    return replace(dimension, values=values)


def _dimension(key: str, listed: str) -> Dimension:
    """Which setting, and which head or part of it, a key names; without its values."""
    first, dot, below = key.strip().removeprefix("--").partition(".")
    setting = first.replace("-", "_")
    if setting in _FIXED:
        raise UserError("--vary", f"{key!r} can't vary: all trials share it")
    if setting in GONE:
        raise where_now(setting, listed)
    if setting not in _defaults():
        names = [name.replace("_", "-") for name in _defaults() if name not in _FIXED]
        raise UserError("--vary", f"unknown setting {key!r}", nearest(key, names))
    if below and setting in COMPOSED:
        part, parts = below.replace("-", "_"), type_hints(COMPOSED[setting])
        if part not in parts:
            raise UserError(
                f"--vary {key}", f"{first} has no {below!r}", nearest(part, parts)
            )
        return Dimension(setting=setting, part=part, values=())
    if isinstance(_defaults()[setting], dict) != bool(below):
        raise UserError(
            f"--vary {key}",
            "has one value for all heads" if below else "needs a head",
            f"write {first}=" if below else f"write {key}.HEAD={listed}",
        )
    return Dimension(setting=setting, head=below, values=())


def _defaults() -> dict[str, Any]:
    """The default of every setting of a recipe."""
    return {name: default for name, _, default in recipe.settings()}


def _range(where: str, text: str, kind: type) -> tuple[float, float, bool]:
    """The ends of `LOW..HIGH`, and whether `:log` follows."""
    ends, colon, scale = text.partition(":")
    start, _, end = ends.partition("..")
    what = f"{text!r} is not a range"
    try:
        low, high = float(start), float(end)
    except ValueError:
        raise UserError(where, what, "write LOW..HIGH or LOW..HIGH:log") from None
    if colon and scale != "log":
        raise UserError(where, what, "the only scale is :log")
    if not -math.inf < low < high < math.inf:
        raise UserError(where, what, "give the lower end first")
    if scale == "log" and low <= 0:
        raise UserError(where, what, "a log scale needs ends above 0")
    if kind is int and not (low.is_integer() and high.is_integer()):
        raise UserError(where, what, "give whole numbers")
    return kind(low), kind(high), bool(colon)


def grid(dimensions: Sequence[Dimension]) -> list[dict[str, Any]]:
    """Every combination of the values, by the names of the dimensions.

    Raises UserError if a dimension is a range.
    """
    for dimension in dimensions:
        if dimension.is_range:
            low, high = dimension.values
            raise UserError(
                f"--vary {dimension.name}={low}..{high}",
                "is a range, --grid needs lists",
                f"write --vary {dimension.name}={low},{high}",
            )
    names = [dimension.name for dimension in dimensions]
    return [
        dict(zip(names, values, strict=True))
        for values in product(*(dimension.values for dimension in dimensions))
    ]
