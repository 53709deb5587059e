"""What is the result of a sweep: its trials, their scores, and what matters?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from multitask.contracts.head import Better
from multitask.contracts.plugins import Shown

State = Literal["running", "complete", "pruned", "fail"]
T = TypeVar("T", bound="TrialResult")


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """One training with its own settings, and how well it did.

    `settings` are values by the name of their dimension; `score` is that of the best
    epoch (1 is best), `heads` its validation metric per head, and `curve` the score of
    every epoch. `folder` is where the network was trained; a trial that repeats the
    settings of another shares its folder. `reason` says why it failed.
    """

    trial: int  # from 0
    folder: str
    state: State
    settings: Mapping[str, Any]
    score: float | None = None
    heads: Mapping[str, float | None] = field(default_factory=dict)
    epoch: int | None = None  # the best one, from 1
    seconds: float | None = None  # of training
    curve: tuple[float, ...] = ()
    reason: str = ""

    def plain(self) -> dict[str, Any]:
        """The result as JSON holds it."""
        values = {one.name: getattr(self, one.name) for one in fields(TrialResult)}
        return {**values, "curve": list(self.curve)}


@dataclass(frozen=True, kw_only=True)
class VariedSetting:
    """The values that a sweep tries for a setting, in words, and their scale.

    `ends` are those of a range, None for a list of values.
    """

    tried: str
    log: bool
    ends: tuple[float, float] | None = None

    def plain(self) -> dict[str, Any]:
        """The setting as JSON holds it."""
        ends = list(self.ends) if self.ends else None
        return {"tried": self.tried, "log": self.log, "ends": ends}


@dataclass(frozen=True, kw_only=True, repr=False)
class SweepResult(Shown):
    """The trials of a sweep, in the order in which they began.

    `judged` says in words what the score is, `metrics` names the metric of each head,
    and `better` says whether higher or lower values are better. `importance` is the
    share of the scores' variance that each setting explains, empty if unknown.
    `standard_error` is that of the best score on the validation part, None if unknown.
    """

    title: str
    judged: str
    metrics: Mapping[str, str]
    better: Mapping[str, Better]
    varied: Mapping[str, VariedSetting]
    trials: tuple[TrialResult, ...]
    importance: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    folder: Path | None = None  # of its report and of `best.toml`
    standard_error: float | None = None

    @property
    def ranked(self) -> tuple[TrialResult, ...]:
        """The trials, best first; those without a score come last."""
        ends = [one for one in self.trials if one.state == "complete"]
        rest = [one for one in self.trials if one.state != "complete"]
        return (*sorted(ends, key=_score, reverse=True), *rest)

    @property
    def best(self) -> TrialResult | None:
        """The trial with the highest score, if any has one."""
        return best_trial(self.trials)

    def plain(self) -> dict[str, Any]:
        """The result as `sweep.json` holds it."""
        return {
            "title": self.title,
            "judged": self.judged,
            "metrics": dict(self.metrics),
            "better": dict(self.better),
            "varied": {name: one.plain() for name, one in self.varied.items()},
            "trials": [one.plain() for one in self.trials],
            "importance": dict(self.importance),
            "notes": list(self.notes),
            "standard_error": self.standard_error,
        }


def best_trial(trials: Iterable[T]) -> T | None:
    """The first of the trials with the highest score; None if none has a score."""
    ends = [one for one in trials if one.state == "complete"]
    return max(ends, key=_score, default=None)


def _score(trial: TrialResult) -> float:
    return float("-inf") if trial.score is None else trial.score


def formatted(value: Any) -> str:
    """The value of a setting as reports show it.

    >>> formatted(0.00012345), formatted(64), formatted("flip")
    ('0.0001234', '64', 'flip')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)
