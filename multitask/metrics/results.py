"""What is known of how good each head is, how certain that is, and for whom?"""

from dataclasses import dataclass, field
from typing import Any

from multitask.contracts.head import Better
from multitask.metrics.calibration import IntervalCoverage, Reliability
from multitask.metrics.curves import Curve
from multitask.metrics.resampling import Interval, Unit
from multitask.metrics.thresholds import Threshold

ALPHA = 0.05  # a group whose corrected p-value is below is shown to differ
SMALL = 30  # pictures; a group of fewer says little


@dataclass(frozen=True, kw_only=True)
class Score:
    """A number of a head's summary, and how certain it is.

    `name` is its key in the summary, such as `mae`; the keys of an inner number are
    joined by `/`, such as `per_label/Smiling/f1`. `ci` is the 95% interval, None if it
    has none. `baseline` is the score of the head's constant answer, None if it has
    none. `n` counts the rows that it is over. `better` says which scores are the better
    ones, None if neither are.
    """

    name: str
    value: float
    ci: Interval | None
    baseline: float | None
    n: int
    better: Better | None


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The best constant answer on the rows measured, and its scores by their names.

    For yes/no labels it is the more frequent answer to each, and `answer` is empty.
    """

    answer: str  # "male", "33"
    rule: str  # "majority class", "median", "mean", "most frequent interval"
    scores: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Subgroup:
    """A head's main score on the rows of one group of a column.

    `difference` is its score minus that of all other rows with a value in the column.
    `p_value` is the chance of a difference at least as large if there were none,
    corrected for all groups that the head was looked at by; NaN if it can't be told. A
    group `is_small` with fewer than 30 rows. The `baseline` of its score is that of the
    best constant answer to these rows alone.
    """

    column: str  # "gender", or "race*gender"
    group: str  # "female", "10 to 19"
    title: str  # "gender female", "age 10 to 19", "not Smiling"
    n: int
    score: Score
    difference: float
    p_value: float
    is_small: bool

    @property
    def differs(self) -> bool:
        """Whether it was shown to be better or worse than all others."""
        return not self.is_small and self.p_value < ALPHA

    @property
    def is_weaker(self) -> bool:
        """Whether it was shown to be worse than all others."""
        is_worse = (self.difference < 0) == (self.score.better == "higher")
        return self.differs and is_worse


@dataclass(frozen=True, kw_only=True)
class Gap:
    """How far apart a head's main scores are between the groups of a column.

    As fairlearn defines them: `difference` is the largest minus the smallest score,
    `ratio` the smallest over the largest. Classes have two more, one class against the
    rest, the largest over all classes: `demographic_parity` is the difference in how
    often a class is the answer (None by the head's own classes), `equalized_odds` the
    larger of the differences in true and in false positive rates. Small groups are left
    out.
    """

    column: str
    difference: float
    ratio: float
    worst: str
    best: str
    demographic_parity: float | None = None
    equalized_odds: float | None = None


@dataclass(frozen=True, kw_only=True)
class HeadAssessment:
    """All that is known of how good one head is.

    `summary` is that of the head, `scores` its numbers by name, the main one under
    `main`. `is_useful` says whether the main score was shown to be better than that of
    `baseline`; None without labels, or if all have the same answer. Thresholds that
    were chosen give up right answers for something else, so that it is judged without
    them, by `at_half`. `baselines` are all constants, `baseline` the one that the main
    score is compared with. `sentence` says the most important of it.
    """

    head: str
    summary: dict[str, Any]
    main: str  # the name of the main score; empty without labels
    scores: dict[str, Score]
    baseline: Baseline | None
    is_useful: bool | None
    subgroups: tuple[Subgroup, ...]
    gaps: tuple[Gap, ...]
    sentence: str
    unit: str = ""  # of a number and its errors
    baselines: tuple[Baseline, ...] = ()
    useless_labels: tuple[str, ...] = ()  # of yes/no labels: no better than a constant
    invalid: int = 0  # labelled rows whose answer is not a number
    calibration: Reliability | IntervalCoverage | None = None
    thresholds: tuple[Threshold, ...] = ()
    curves: tuple[Curve, ...] = ()
    at_half: float | None = None  # the main score, had no thresholds been chosen

    def is_useless_for(self, group: Subgroup) -> bool:
        """Whether the best constant answer to a group is at least as good.

        That isn't asked where thresholds were chosen for something else than accuracy.
        """
        score = group.score
        if score.baseline is None or group.is_small or self.at_half is not None:
            return False
        sign = 1 if score.better == "higher" else -1
        return sign * score.value <= sign * score.baseline


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """The assessment of each head, by its name, and what the intervals draw."""

    heads: dict[str, HeadAssessment] = field(default_factory=dict)
    unit: Unit = "pictures"
