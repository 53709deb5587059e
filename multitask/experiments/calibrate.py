"""What must be fitted on the validation part, so that answers mean what they say?"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head
from multitask.contracts.recipe_texts import ThresholdRule
from multitask.metrics.thresholds import choose_all
from multitask.networks.answers import Outputs, read_all


def calibrate(
    heads: Sequence[Head],
    table: pd.DataFrame,
    outputs: Outputs,
    rule: ThresholdRule | None,
) -> tuple[tuple[Head, ...], tuple[str, ...]]:
    """The heads, calibrated on the rows of `table` and their raw outputs (rows, ...).

    With a `rule`, yes/no labels get thresholds, too; the notes say for which labels it
    could not be followed.
    """
    calibrated, notes = [], list[str]()
    for head in heads:
        raw = outputs[head.name]
        head = head.calibrate(table, raw)
        if rule and head.answer_type == "labels":
            only = {head.name: raw}
            rows = np.arange(len(table))
            answers = read_all([head], only, rows, probabilities=True)
            choices = choose_all(rule, head, table.reset_index(drop=True), answers)
            head = head.with_thresholds(choices.values)
            notes += choices.notes
        calibrated.append(head)
    return tuple(calibrated), tuple(notes)


def uncalibrated(
    heads: Sequence[Head], outputs: Outputs, rows: npt.NDArray[np.intp]
) -> pd.DataFrame | None:
    """The answers as without calibration, of the heads that it changed.

    They are a table indexed by `rows`, like that of `read_all`; None if it changed no
    head.
    """
    before = {head.name: head.uncalibrated() for head in heads}
    changed = [before[head.name] for head in heads if head != before[head.name]]
    if not changed:
        return None
    return read_all([*before.values()], outputs, rows, selected=changed)


def joined_uncalibrated(folds: Sequence[Evaluation]) -> pd.DataFrame | None:
    """The answers as without calibration of all folds, for heads that one has changed.

    Where a fold has not, they are its answers.
    """
    changed = [fold.uncalibrated for fold in folds if fold.uncalibrated is not None]
    if not changed:
        return None
    names = list(dict.fromkeys(name for table in changed for name in table.columns))
    tables = []
    for fold in folds:
        table = fold.answers[names].copy()
        if fold.uncalibrated is not None:
            table[list(fold.uncalibrated.columns)] = fold.uncalibrated
        tables.append(table)
    return pd.concat(tables)
