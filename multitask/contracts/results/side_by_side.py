"""What is the result of measuring several networks on the same pictures?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.contracts.plugins import Shown
from multitask.contracts.results.design_comparison import Verdict, with_lists

if TYPE_CHECKING:  # they import pandas, which `--help` can't wait for
    from multitask.contracts.evaluation import Evaluation
    from multitask.contracts.head import Better


@dataclass(frozen=True, kw_only=True)
class MeasuredNetwork:
    """A network that was measured; `name` tells it from the others."""

    name: str
    trunk: str
    parameters: int
    heads: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkScore:
    """The mean score of a network in a head, over the `n` rows that all can answer.

    `ci` is its 95% interval.
    """

    head: str
    network: str
    value: float
    ci: tuple[float, float]
    n: int


@dataclass(frozen=True, kw_only=True)
class NetworkDifference:
    """The score of a network minus that of another one, over the same rows.

    `verdict` is "no difference shown" if `ci`, the 95% interval, contains 0, or over
    fewer than six pictures, or persons, that are drawn together.
    """

    head: str
    network: str
    other: str
    difference: float
    ci: tuple[float, float]
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, repr=False)
class SideBySide(Shown):
    """Networks that were measured on the same pictures, and how they compare.

    `split` is the part that all of them hold out, `rows` the number of its pictures.
    `metrics` names the score of each head, `units` the unit of a number, and `better`
    says whether higher or lower scores are better. `evaluations` has the labels and
    answers of each network by its name.
    """

    title: str
    split: str
    rows: int
    networks: tuple[MeasuredNetwork, ...]
    metrics: Mapping[str, str]
    units: Mapping[str, str]
    better: "Mapping[str, Better]"
    scores: tuple[NetworkScore, ...]
    differences: tuple[NetworkDifference, ...]
    notes: tuple[str, ...] = ()
    evaluations: "Mapping[str, Evaluation]" = field(default_factory=dict)
    folder: Path | None = None  # of its report

    def score(self, head: str, network: str) -> NetworkScore | None:
        """The score of a network in a head; None if it has no such head."""
        scores = (s for s in self.scores if (s.head, s.network) == (head, network))
        return next(scores, None)

    def to_json(self) -> dict[str, Any]:
        """The result as plain data, as `side_by_side.json` holds it."""
        return {
            "title": self.title,
            "split": self.split,
            "rows": self.rows,
            "networks": [with_lists(asdict(each)) for each in self.networks],
            "metrics": dict(self.metrics),
            "units": dict(self.units),
            "better": dict(self.better),
            "scores": [with_lists(asdict(each)) for each in self.scores],
            "differences": [with_lists(asdict(each)) for each in self.differences],
            "notes": list(self.notes),
        }
