"""How good is each head, how certain is that, and for whom?

`assess` answers once for each `Evaluation`; whatever reports say of a head's quality
comes from here.
"""

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Array, Head
from multitask.contracts.table import column
from multitask.metrics import (
    calibration,
    curves,
    probabilities,
    scores,
    sentences,
    subgroups,
    thresholds,
    uncertainty,
)
from multitask.metrics.baselines import baseline_scores, baselines
from multitask.metrics.groupings import Grouping, groupings, requested
from multitask.metrics.kinds.head_rows import head_rows
from multitask.metrics.kinds.rows import HeadRows
from multitask.metrics.probabilities import probability_scores
from multitask.metrics.resampling import (
    LEAST_UNITS,
    Interval,
    Resampling,
    Unit,
    mean_of_known,
    percentiles,
    units,
)
from multitask.metrics.results import (
    Assessment,
    Baseline,
    Gap,
    HeadAssessment,
    Score,
    Subgroup,
)

__all__ = [
    "Assessment",
    "Baseline",
    "Gap",
    "HeadAssessment",
    "Interval",
    "Score",
    "Subgroup",
    "Unit",
    "assess",
]

_KNOWN: "WeakKeyDictionary[Evaluation, dict[tuple[str, ...], Assessment]]" = (
    WeakKeyDictionary()
)


def assess(evaluation: Evaluation, by: Sequence[str] = ()) -> Assessment:
    """Assess all heads, once for each evaluation, whose tables must not change.

    `by`, by default that of the evaluation, names columns, or products of columns such
    as `race*gender`, to divide the rows by, beside every other labelled column. Raises
    UserError for a column that does not divide them, and for labels that are not valid
    for a head.
    """
    key = tuple(by) or evaluation.by
    known = _KNOWN.setdefault(evaluation, {})
    if key not in known:
        known[key] = _assess(evaluation, key)
    return known[key]


def _assess(evaluation: Evaluation, by: tuple[str, ...]) -> Assessment:
    members, unit = units(evaluation.labels)
    resampling = Resampling(members)
    columns = groupings(evaluation.labels, evaluation.heads)
    wanted = requested(columns, by, evaluation.labels)
    heads = {
        head.name: _assess_head(head, evaluation, columns, wanted, resampling)
        for head in evaluation.heads
    }
    return Assessment(heads=heads, unit=unit)


def _assess_head(
    head: Head,
    evaluation: Evaluation,
    columns: Mapping[str, Grouping],
    wanted: Sequence[Grouping],
    resampling: Resampling,
) -> HeadAssessment:
    labels, answers = evaluation.labels, evaluation.answers
    summary = head.summary(labels, answers)
    rows = head_rows(head, labels, answers)
    constants = baselines(head, rows, labels)
    if not constants:
        return _without_labels(head, summary)
    # A kind of another package may sum up by a metric of its own.
    summary = {rows.main: rows.score(rows.values, rows.labelled)} | summary
    more = probability_scores(head, labels, answers)
    summary |= {name: scores.mean(values) for name, values in more.items()}
    others = {
        name: grouping
        for name, grouping in columns.items()
        if not grouping.columns & set(head.columns)
    }
    used_groupings = [*(others | {one.column: one for one in wanted}).values()]
    groups = subgroups.subgroups(rows, used_groupings, resampling)
    usual = probabilities.at_half(head, answers)
    judged = rows if usual is None else head_rows(head, labels, usual)
    differs, better_labels = _better_than_constant(judged, resampling)
    assessment = HeadAssessment(
        head=head.name,
        summary=summary,
        main=rows.main,
        scores=uncertainty.scores(
            rows, summary, baseline_scores(constants), resampling, more
        ),
        baseline=constants[0],
        baselines=constants,
        is_useful=differs,
        useless_labels=_useless_labels(head, better_labels),
        subgroups=groups,
        gaps=subgroups.gaps(rows, used_groupings, groups, head.columns),
        sentence="",
        unit=head.unit,
        invalid=_invalid(head, rows, answers),
        calibration=calibration.calibration(head, evaluation),
        thresholds=thresholds.measured(head, labels, answers),
        curves=curves.curves(head, labels, answers),
        at_half=None if usual is None else judged.score(judged.values, judged.labelled),
    )
    return sentences.with_sentence(assessment, head)


def _useless_labels(head: Head, is_better: Sequence[bool | None]) -> tuple[str, ...]:
    """The yes/no labels not shown to be better than a constant; None: can't be told."""
    if head.answer_type != "labels":
        return ()
    pairs = zip(head.columns, is_better, strict=True)
    return tuple(name for name, better in pairs if better is False)


def _without_labels(head: Head, summary: dict[str, object]) -> HeadAssessment:
    empty = HeadAssessment(
        head=head.name,
        summary=summary,
        main="",
        scores={},
        baseline=None,
        is_useful=None,
        subgroups=(),
        gaps=(),
        sentence="",
    )
    return sentences.with_sentence(empty, head)


def _better_than_constant(
    rows: HeadRows, resampling: Resampling
) -> tuple[bool | None, list[bool | None]]:
    """Whether the main score is shown to be better than a constant's; so each label's.

    The two are compared on the same resamples. None if all labels are the constant.
    Fewer than six pictures or identities show nothing, however good their scores are.
    """
    constant = rows.constant(np.ones(len(rows.known), bool))
    values, fixed = rows.values, rows.constant_values(constant)
    sign = 1 if rows.is_share else -1
    known = rows.known
    means = resampling.means(sign * (values - fixed), known)
    perfect = _perfect(rows, fixed)
    verdicts = [
        None if is_perfect else _above_zero(draws, resampling.unit_count(labelled))
        for is_perfect, draws, labelled in zip(perfect, means.T, known.T, strict=True)
    ]
    if all(perfect):
        return None, verdicts
    units_labelled = resampling.unit_count(rows.labelled)
    return _above_zero(mean_of_known(means), units_labelled), verdicts


def _perfect(rows: HeadRows, fixed: Array) -> list[bool]:
    """Whether a constant is right for all labels (labels,), or for none."""
    best = 1.0 if rows.is_share else 0.0
    return [
        bool((values[known] == best).all())
        for values, known in zip(fixed.T, rows.known.T, strict=True)
    ]


def _above_zero(draws: Array, count: int) -> bool:
    """Whether draws of a difference over `count` units show that it is above 0."""
    ci = percentiles(draws)
    return count >= LEAST_UNITS and ci is not None and ci[0] > 0


def _invalid(head: Head, rows: HeadRows, answers: pd.DataFrame) -> int:
    """How many labelled rows have an answer that is not a number."""
    suffix = "" if head.answer_type == "number" else "_confidence"
    names = [f"{name}{suffix}" for name in head.columns]
    invalid = np.zeros(len(answers), bool)
    for name in names:
        if name in answers:
            numbers = pd.to_numeric(column(answers, name), errors="coerce")
            invalid |= ~np.isfinite(numbers.to_numpy(float))
    return int((invalid & rows.labelled).sum())
