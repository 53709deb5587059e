"""What do the small languages of a recipe mean: `70/15/15`, `temperature=2`, `all`?"""

import math
import re
from collections.abc import Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from multitask.contracts.errors import UserError, close_name, wrong_choice
from multitask.contracts.paths import expand_user
from multitask.contracts.settings import parse_keywords

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OFFICIAL = "official"
SPLITS = ("train", "val", "test")
MEASURED = (*SPLITS, "all")  # what a report can measure
NONE, ALL = "none", "all"
_USUAL_SHARES = (0.7, 0.15, 0.15)


def split_names(text: str) -> tuple[str, ...]:
    """Split a list such as that of `--heads` at the commas outside brackets.

    >>> split_names("age, attributes[Smiling,Young]")
    ('age', 'attributes[Smiling,Young]')
    """
    parts = re.split(r",(?![^\[]*\])", text)
    return tuple(part.strip() for part in parts if part.strip())


def check_some_heads(names: Sized) -> None:
    """Raise UserError if `--heads` is given but names none: not all can be meant."""
    if not len(names):
        raise UserError("--heads", "is empty", "name heads, or leave it out")


@dataclass(frozen=True, kw_only=True)
class Split:
    """Shares of train, validation and test; or the file that lists who is in which."""

    shares: tuple[float, float, float] = _USUAL_SHARES
    official: bool = False  # whether the publishers' parts stay
    file: Path | None = None


def parse_split(text: str) -> Split:
    """Read `official`, shares such as `70/15/15`, or the path of a run's split.csv.

    Raises UserError for anything else.

    >>> parse_split("70/15/15").shares
    (0.7, 0.15, 0.15)
    """
    if text == OFFICIAL:
        return Split(official=True)
    if text.casefold().endswith(".csv"):
        return Split(file=expand_user(text))
    try:
        train, val, test = (float(part) for part in text.split("/"))
    except ValueError:
        raise UserError(
            "--split",
            f"is {text!r}, must be {OFFICIAL}, shares such as 70/15/15, or a run's "
            "split.csv",
            f"did you mean {OFFICIAL!r}?" if close_name(text, [OFFICIAL]) else "",
        ) from None
    total = train + val + test
    sums_up = abs(total - 100) <= 1e-9  # false for nan
    if not sums_up or min(train, val, test) < 0 or not train:
        raise UserError(
            "--split",
            f"is {text}, which sums to {total:g}",
            "give three shares that sum to 100, the first above 0",
        )
    return Split(shares=(train / 100, val / 100, test / 100))


def check_measured(part: str | None) -> None:
    """Raise UserError for what is no part that a report can measure, nor None."""
    if part not in (None, *MEASURED):
        raise wrong_choice("--split", part, MEASURED)


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How often training sees each picture.

    Data sets are drawn by their sizes to the power of `exponent`. With `classes`, the
    classes of the head of that name are, and data sets are not looked at.
    """

    exponent: float = 1.0
    classes: str = ""

    @property
    def is_proportional(self) -> bool:
        """Whether each picture is seen once per epoch."""
        return self.exponent == 1


def parse_mix(text: str) -> Mix:
    """Read `proportional`, `equal`, `temperature=T`, `classes=HEAD[,temperature=T]`.

    `proportional` (exponent 1) shows every picture equally often, `equal` (0) every
    data set; `temperature=T` (1/T) lies between them, and nearer to `equal` the larger
    T is (Devlin et al. 2019, multilingual BERT). `classes=HEAD` oversamples: it shows
    all classes of a head equally often, or with a temperature more nearly so than they
    are. Raises UserError for anything else.

    >>> parse_mix("classes=age,temperature=2")
    Mix(exponent=0.5, classes='age')
    """
    named = {"proportional": 1.0, "equal": 0.0}
    if text in named:
        return Mix(exponent=named[text])
    first, comma, rest = text.partition(",")
    name, _, head = first.partition("=")
    classes = head.strip() if name.strip() == "classes" else ""
    if classes and not comma:
        return Mix(exponent=0.0, classes=classes)
    name, _, value = (rest if classes else text).strip().partition("=")
    try:
        is_temperature = name.strip() == "temperature"
        temperature = float(value) if is_temperature else math.nan
    except ValueError:
        temperature = math.nan
    if not 1 <= temperature < math.inf:
        raise UserError(
            "--mix",
            f"is {text!r}, must be proportional, equal, temperature=T with T of 1 or "
            "more, classes=HEAD, or classes=HEAD,temperature=T",
        )
    return Mix(exponent=1 / temperature, classes=classes)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the learning rate changes over a training.

    It rises for `warmup` epochs, then falls to 0 as a cosine, or stays constant. On a
    plateau, without warmup, it falls to a fifth after `patience` epochs without gain,
    but never below `min_learning_rate`.
    """

    name: Literal["cosine", "constant", "plateau"] = "cosine"
    warmup: float = 1.0
    patience: int = 3
    min_learning_rate: float = 0.0


def parse_schedule(text: str) -> Schedule:
    """Read `cosine`, `constant,warmup=0` or `plateau,min_learning_rate=1e-5`.

    Raises UserError for another name or key, or a value that can't be.

    >>> parse_schedule("cosine,warmup=2").warmup
    2.0
    """
    where = "--schedule"
    schedule = parse_keywords(Schedule, text, where)
    keys = {
        part.partition("=")[0].strip().replace("-", "_") for part in text.split(",")
    }
    only = {"patience", "min_learning_rate"}
    wrong = keys & ({"warmup"} if schedule.name == "plateau" else only)
    if wrong:
        raise UserError(
            where, f"{schedule.name} takes no {sorted(wrong)[0]}", "leave it out"
        )
    for name, least in (("warmup", 0), ("patience", 1), ("min_learning_rate", 0)):
        value = getattr(schedule, name)
        if not least <= value < math.inf:
            raise UserError(where, f"{name} is {value}, must be {least} or more")
    return schedule


@dataclass(frozen=True, kw_only=True)
class Unfreezing:
    """A second stage of training, in which more of the trunk learns.

    `stages` is how many of the trunk's last stages learn, or `all`; a `learning_rate`
    of 0 is a tenth of the first stage's.
    """

    stages: str
    epochs: int
    learning_rate: float = 0.0


def parse_unfreezing(text: str, freeze: str) -> Unfreezing | None:
    """Read `all,epochs=8` or `2,epochs=8,learning_rate=1e-4`; nothing if empty.

    `freeze` is what the first stage freezes. Raises UserError for a value that can't
    be, or if no more stages learn than before.
    """
    if not text:
        return None
    where = "--then"
    second = parse_keywords(Unfreezing, text, where)
    if second.stages != ALL and not second.stages.isdecimal():
        raise UserError(
            where,
            f"is {second.stages!r}",
            "must be all, or the number of stages that learn",
        )
    if second.epochs < 1:
        raise UserError(where, f"epochs is {second.epochs}, must be 1 or more")
    if not 0 <= second.learning_rate < math.inf:
        raise UserError(
            where, f"learning_rate is {second.learning_rate}, must be 0 or more"
        )
    if freeze == NONE:
        raise UserError(where, "needs a frozen trunk", "add --freeze all")
    learning = 0 if freeze == ALL else int(freeze)
    if second.stages != ALL and int(second.stages) <= learning:
        raise UserError(
            where,
            f"is {second.stages}, but with --freeze {freeze}, {learning} stages learn "
            "from the start",
            "give a larger number, or all",
        )
    return second


def check_freeze(text: str, option: str = "--freeze") -> None:
    """Raise UserError for what is neither none, all nor a number of stages."""
    if text not in (NONE, ALL) and not text.isdecimal():
        raise UserError(
            option,
            f"is {text!r}",
            "must be none, all, or the number of stages that learn",
        )


@dataclass(frozen=True, kw_only=True)
class DenseFeatures:
    """A dense layer of `units` between trunk and heads; 0 makes none.

    `l2` is what the sum of its squared weights adds to the loss. With `norm` the heads
    take features that are normalized over each batch.
    """

    units: int = 0
    l2: float = 0.0
    norm: bool = False


def parse_features(text: str) -> DenseFeatures:
    """Read `512` or `64,l2=0.001,norm=yes`; UserError for a value that can't be."""
    where = "--features"
    dense = parse_keywords(DenseFeatures, text, where)
    for name in ("units", "l2"):
        if not 0 <= getattr(dense, name) < math.inf:
            raise UserError(
                where, f"{name} is {getattr(dense, name)}, must be 0 or more"
            )
    if dense.l2 and not dense.units:
        raise UserError(where, "l2 has no effect without units", "write N,l2=X")
    return dense


@dataclass(frozen=True, kw_only=True)
class ThresholdRule:
    """What the probability must be for a yes, as chosen on the validation part.

    `score` is what is as high as possible (f1), or at least `least`, in answers of yes.
    """

    score: Literal["f1", "precision", "recall"]
    least: float = 0.0


def parse_thresholds(text: str) -> ThresholdRule | None:
    """Read `f1`, `precision=0.9` or `recall=0.9`; nothing if empty.

    Raises UserError for anything else.

    >>> parse_thresholds("precision=0.9")
    ThresholdRule(score='precision', least=0.9)
    """
    if not text:
        return None
    name, _, value = (part.strip() for part in text.partition("="))
    if name == "f1" and not value:
        return ThresholdRule(score="f1")
    try:
        least = float(value)
    except ValueError:
        least = math.nan
    if name == "precision" and 0 < least <= 1:
        return ThresholdRule(score="precision", least=least)
    if name == "recall" and 0 < least <= 1:
        return ThresholdRule(score="recall", least=least)
    must = "must be f1, precision=X or recall=X, with X above 0 and at most 1"
    raise UserError("--thresholds", f"is {text!r}, {must}")


# Settings whose texts hold several values, `cosine,warmup=2`, and what they hold.
COMPOSED: dict[str, "type[DataclassInstance]"] = {
    "schedule": Schedule,
    "then": Unfreezing,
    "features": DenseFeatures,
}


def parse_identity(text: str) -> "re.Pattern[str] | None":
    """The regular expression of `--identity`; nothing if empty.

    Raises UserError if it is none.
    """
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise UserError(
            "--identity", f"{text!r} is not a regular expression: {error}"
        ) from None
