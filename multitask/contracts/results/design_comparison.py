"""What is the result of a comparison of designs?

A *design* is a set of networks that answer all heads together: one network per head,
one network for all heads, or networks of merged heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from multitask.contracts.plugins import Shown

if TYPE_CHECKING:  # it imports pandas, which `--help` of `compare` can't wait for
    from multitask.contracts.head import Better

DESIGNS = ("single", "merged", "multi")
Verdict = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True, kw_only=True)
class HeadScores:
    """The mean score of a head on each part; None for a part without labels.

    `ci` is the 95% interval of `test`. `unanswered` counts labelled pictures of the
    test part for which the network gives no number: they have no score.
    """

    train: float | None = None
    val: float | None = None
    test: float | None = None
    ci: tuple[float, float] | None = None
    unanswered: int = 0

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "HeadScores":
        """Read what `to_json` returned."""
        low, high = plain["ci"]
        parts = {part: plain.get(part) for part in ("train", "val", "test")}
        return cls(
            **parts,
            ci=None if low is None else (low, high),
            unanswered=plain.get("unanswered", 0),
        )

    def to_json(self) -> dict[str, Any]:
        """The scores as plain data; what is missing, or 0, has no key."""
        parts = {"train": self.train, "val": self.val, "test": self.test}
        known = {part: score for part, score in parts.items() if score is not None}
        unanswered = {"unanswered": self.unanswered} if self.unanswered else {}
        return {**known, "ci": list(self.ci or (None, None)), **unanswered}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one network, or all networks of a design, cost."""

    parameters: int
    bytes: int  # of the network files
    train_seconds: float
    pictures_trained: int  # over all epochs
    forward_ms_1: float  # milliseconds to answer one picture
    forward_ms_32: float  # milliseconds to answer 32 pictures
    peak_mb: float | None  # None if a training was stopped in between

    @classmethod
    def total(cls, costs: Sequence["Cost"]) -> "Cost":
        """The cost of several networks that are trained one after the other."""
        peaks = [cost.peak_mb for cost in costs if cost.peak_mb is not None]
        return cls(
            parameters=sum(cost.parameters for cost in costs),
            bytes=sum(cost.bytes for cost in costs),
            train_seconds=sum(cost.train_seconds for cost in costs),
            pictures_trained=sum(cost.pictures_trained for cost in costs),
            forward_ms_1=sum(cost.forward_ms_1 for cost in costs),
            forward_ms_32=sum(cost.forward_ms_32 for cost in costs),
            peak_mb=max(peaks) if len(peaks) == len(costs) else None,
        )


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A design on a trunk, trained with one seed.

    `networks` are the names of the networks' folders. A dry run trains none: `heads` is
    then empty and `cost` is None.
    """

    design: str
    trunk: str
    seed: int
    precision: str
    networks: tuple[str, ...]
    heads: Mapping[str, HeadScores] = field(default_factory=dict)
    cost: Cost | None = None


@dataclass(frozen=True, kw_only=True)
class DesignMean:
    """The score of a design on the test part, the mean over its seeds.

    `is_useful` says whether it was shown to be better than the best constant answer to
    the test part; it is None for merged heads and where all labels are the same.
    """

    trunk: str
    design: str
    head: str
    test: float
    ci: tuple[float, float]
    is_useful: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The score of a design minus that of `single`, the mean over seeds.

    `saved` is the share of the errors of `single` that the design avoids; below 0, it
    makes more. `verdict` is "no difference shown" if `ci`, the 95% interval, contains
    0, or over fewer than six pictures, or persons, that are drawn together.
    """

    trunk: str
    design: str
    head: str
    difference: float
    ci: tuple[float, float]
    saved: float
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, repr=False)
class DesignComparison(Shown):
    """Designs that were trained on one split, and how they compare.

    `rows` counts the pictures of each part, `metrics` names the score of each requested
    head, and `better` says whether higher or lower scores are better. `constants` are
    the scores of the best constant answer to the test part. `merged` names the merged
    heads, which are measured by their accuracy.
    """

    title: str
    rows: Mapping[str, int]
    metrics: Mapping[str, str]
    better: Mapping[str, "Better"]
    merged: tuple[str, ...]
    cells: tuple[Cell, ...]
    means: tuple[DesignMean, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    folder: Path | None = None  # of its report
    constants: Mapping[str, float] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether networks were trained and measured; a dry run does neither."""
        return any(cell.cost for cell in self.cells)

    def metric(self, head: str) -> str:
        """The metric of a head, merged ones included."""
        return self.metrics.get(head, "accuracy")

    def better_direction(self, head: str) -> "Better":
        """Which scores of a head are the better ones, merged ones included."""
        return self.better.get(head, "higher")

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain data, as `compare.json` holds it."""
        return {
            "title": self.title,
            "rows": dict(self.rows),
            "metrics": dict(self.metrics),
            "better": dict(self.better),
            "constants": dict(self.constants),
            "merged": list(self.merged),
            "cells": [_cell_to_json(cell) for cell in self.cells],
            "means": [with_lists(asdict(mean)) for mean in self.means],
            "differences": [with_lists(asdict(one)) for one in self.differences],
            "notes": list(self.notes),
        }


def _cell_to_json(cell: Cell) -> dict[str, Any]:
    heads = {name: scores.to_json() for name, scores in cell.heads.items()}
    return {**with_lists(asdict(cell)), "heads": heads}


def with_lists(plain: dict[str, Any]) -> dict[str, Any]:
    """Plain data with lists for tuples, as JSON reads it back."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in plain.items()
    }
