"""What do the trials of a sweep show?"""

from dataclasses import replace

from multitask.contracts.results.sweep_result import (
    SweepResult,
    VariedSetting,
    best_trial,
    formatted,
)
from multitask.contracts.run import BEST, SPLIT
from multitask.data.split import listed_parts
from multitask.experiments.notes.chance import VALIDATED
from multitask.experiments.notes.training import training_notes
from multitask.metrics import scores
from multitask.tuning import search, storage
from multitask.tuning.space import Dimension
from multitask.tuning.storage import Trial
from multitask.tuning.trials import Trials

_ENOUGH = 10  # complete trials, from which on the importance of settings is computed
# Settings by which a fit assigns pictures to its parts.
_ASSIGN = ("seed", "trunk", "image_size", "crop")


def summary(trials: Trials) -> SweepResult:
    """The trials so far, what they judge by, and what a reader must know of them."""
    records = storage.read_trials(trials.out)
    heads = trials.prepared.spec.heads
    return SweepResult(
        title=trials.out.name,
        judged=trials.scoring.description,
        metrics={head.name: head.metric for head in heads},
        better={head.name: scores.better_direction(head) for head in heads},
        varied={dimension.name: _varied(dimension) for dimension in trials.dimensions},
        trials=tuple(
            replace(one, heads={h.name: one.heads.get(h.name) for h in heads})
            for one in records
        ),
        importance=_importance(trials.dimensions, records),
        notes=_notes(trials, records),
        folder=trials.out,
        standard_error=_standard_error(trials, records),
    )


def _varied(dimension: Dimension) -> VariedSetting:
    low, high = dimension.values[0], dimension.values[-1]
    ends = (float(low), float(high)) if dimension.is_range else None
    return VariedSetting(tried=_values(dimension), log=dimension.log, ends=ends)


def _standard_error(trials: Trials, records: list[Trial]) -> float | None:
    """That of the best score; None if trials were validated on different pictures."""
    best = best_trial(records)
    if best is None or trials.varies_parts:
        return None
    parts = listed_parts(trials.prepared.table, trials.parts)
    table = trials.prepared.table.assign(split=parts)
    validated = table[table["split"] == "val"]
    heads = trials.scoring.judged_heads
    rows = {head.name: int(head.labelled(validated).sum()) for head in heads}
    if not all(rows.values()):
        return None
    levels = trials.scoring.chance_levels(table)
    return trials.scoring.standard_error(best.heads, rows, levels)


def _importance(
    dimensions: tuple[Dimension, ...], records: list[Trial]
) -> dict[str, float]:
    """How much each setting matters; empty if that can't be known."""
    scores = [record.score for record in records if record.state == "complete"]
    if len(dimensions) < 2 or len(scores) < _ENOUGH or len(set(scores)) < 2:
        return {}
    return search.importance(dimensions, records) if search.is_installed() else {}


def _notes(trials: Trials, records: list[Trial]) -> tuple[str, ...]:
    notes = [
        *trials.prepared.remarks,
        *training_notes(
            trials.base,
            trials.prepared.spec.heads,
            {dimension.setting for dimension in trials.dimensions},
        ),
        *trials.caveats,
        VALIDATED.format(best=BEST),
    ]
    if any(head.answer_type == "number" for head in trials.scoring.judged_heads):
        notes.append(
            "The score of a number is the share of the error that it saves compared "
            "with a constant answer, the median of the training part; the score of a "
            "class is its accuracy."
        )
    complete = sum(record.state == "complete" for record in records)
    if len(trials.dimensions) > 1 and complete < _ENOUGH and search.is_installed():
        notes.append(
            f"How much each setting matters is shown from {_ENOUGH} finished trials on."
        )
    return (*notes, *_notes_on_parts(trials))


def _notes_on_parts(trials: Trials) -> list[str]:
    """What a reader must know if trials, or a fit of the best, have other parts."""
    if trials.varies_parts:
        return ["Trials were not all validated on the same pictures."]
    names = [one.name for one in trials.dimensions if one.setting in _ASSIGN]
    if not names or trials.base.split_rule.file:
        return []
    return [
        f"A fit of {BEST} splits the pictures by {' and '.join(names)}, which the "
        f"trials varied: with --split {trials.out / SPLIT} its test part has no "
        "picture that chose the settings."
    ]


def _values(dimension: Dimension) -> str:
    """The values of a dimension in words."""
    if not dimension.is_range:
        return ", ".join(map(formatted, dimension.values))
    low, high = map(formatted, dimension.values)
    return f"{low} to {high}" + ", on a log scale" * dimension.log
