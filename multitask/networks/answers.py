"""How do a network's raw outputs become a table of answers?"""

from collections.abc import Sequence
from functools import cache
from itertools import compress

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.head import Array, Columns, Head, as_columns
from multitask.contracts.table import NO_LABELS, label_columns
from multitask.networks.prediction.formats import LABELS

Outputs = dict[str, npt.NDArray[np.float32]]
NO_NUMBER = "no answer (not a number)"  # a status


def read_all(
    heads: Sequence[Head],
    outputs: Outputs,
    rows: npt.NDArray[np.intp],
    *,
    selected: Sequence[Head] | None = None,
    probabilities: bool = False,
) -> pd.DataFrame:
    """Answers from raw outputs (rows, ...), a table indexed by `rows`.

    The columns are those of `read_columns`. Rows that are not `finite` have no answers;
    whole numbers are then nullable ones.
    """
    known = finite(heads if selected is None else selected, outputs)
    columns = read_columns(
        heads,
        rows_of(outputs, known),
        selected=selected,
        probabilities=probabilities,
    )
    if known.all():
        return pd.DataFrame(columns, index=rows)
    answers = pd.DataFrame(columns, index=np.flatnonzero(known))
    integers = answers.select_dtypes("integer").columns
    answers = answers.astype(dict.fromkeys(integers, "Int64"))
    return answers.reindex(np.arange(len(known))).set_axis(rows, axis="index")


def read_columns(
    heads: Sequence[Head],
    outputs: Outputs,
    *,
    selected: Sequence[Head] | None = None,
    probabilities: bool = False,
) -> Columns:
    """Answers from raw outputs (rows, ...), by column.

    `heads` are all heads of the network, `selected` those to read, by default all. With
    `probabilities`, the columns of `Head.probabilities` follow each head's answers. If
    an answer or an earlier such column has the same name, `_probability` is appended,
    whichever heads are selected.
    """
    names = _probability_columns(heads, outputs) if probabilities else {}
    columns: Columns = {}
    for head in heads if selected is None else selected:
        answers = answer_columns(head, outputs[head.name])
        _check_free(head, answers, columns)
        columns |= answers
        if probabilities:
            values = probability_columns(head, outputs[head.name]).values()
            columns |= zip(names[head.name], values, strict=True)
    return columns


def answer_columns(head: Head, outputs: Array) -> Columns:
    """The columns of a head's `read`, by name, if possible without a table.

    If a kind has a table of its own but the columns of its parent, the table counts.
    """
    if _is_later(type(head), "read_columns", "read"):
        return head.read_columns(outputs)
    return as_columns(head.read(outputs))


def probability_columns(head: Head, outputs: Array) -> Columns:
    """The columns of a head's `probabilities` in the same way."""
    if _is_later(type(head), "probability_columns", "probabilities"):
        return head.probability_columns(outputs)
    return as_columns(head.probabilities(outputs))


@cache
def _is_later(kind: type[Head], name: str, other: str) -> bool:
    """Whether a method was written for no less special a kind than another one."""
    kinds = [each for each in kind.__mro__ if {name, other} & set(vars(each))]
    return name in vars(kinds[0])


def _check_free(head: Head, answers: Columns, taken: Columns) -> None:
    """Raise UserError if another head has answered in a column of a head already."""
    for name in answers.keys() & taken.keys():
        what = f"answers in column {name!r}, and so does another head"
        raise UserError(head.where, what, "read one of them: --heads")


def finite(heads: Sequence[Head], outputs: Outputs) -> npt.NDArray[np.bool_]:
    """Whether all outputs (rows, ...) of the heads are numbers, for each row.

    Those of a damaged network, or one that diverged, may not be.
    """
    known = [
        np.isfinite(outputs[h.name]).all(axis=tuple(range(1, outputs[h.name].ndim)))
        for h in heads
    ]
    return np.asarray(np.logical_and.reduce(known), np.bool_)


def rows_of(outputs: Outputs, rows: npt.NDArray[np.bool_]) -> Outputs:
    """The outputs of some rows; without a copy if they are all."""
    if rows.all():
        return outputs
    return {name: values[rows] for name, values in outputs.items()}


def with_labels(rows: pd.DataFrame, heads: Sequence[Head]) -> pd.DataFrame:
    """Answers with a column `labels` in place of those of the yes/no heads.

    A cell lists the labels that are answered yes, in the order of the heads; it is None
    where none of them has an answer. Columns of probabilities stay.

    Raises UserError if no head has yes/no labels, or a column `labels` exists already.

    >>> from multitask.heads.sigmoid import Sigmoid
    >>> rows = pd.DataFrame({"Smiling": [1, 0], "Smiling_confidence": [0.9, 0.8]})
    >>> with_labels(rows, [Sigmoid(name="Smiling")])["labels"].tolist()
    [['Smiling'], []]
    """
    check_labels(heads)
    names = _yes_no(heads)
    confidences = [f"{name}_confidence" for name in names]
    kept = rows.drop(columns=[*names, *confidences])
    if LABELS in kept:
        what = f"a head answers in the column {LABELS!r}"
        raise UserError("--labels", what, "leave it out")
    answers = rows[names]
    yes, known = answers.eq(1).fillna(False), answers.notna().any(axis=1)
    lists = [
        list(compress(names, row)) if is_known else None
        for row, is_known in zip(yes.to_numpy(bool), known, strict=True)
    ]
    kept.insert(
        list(rows).index(names[0]),
        LABELS,
        pd.Series(lists, rows.index, dtype=object),
    )
    return kept


def check_labels(heads: Sequence[Head]) -> None:
    """Raise UserError, as `with_labels` does, if no head has yes/no labels."""
    if not _yes_no(heads):
        what = "no head that is read has yes/no labels"
        raise UserError("--labels", what, "leave it out")


def _yes_no(heads: Sequence[Head]) -> list[str]:
    """The columns of the heads of yes/no labels."""
    return [
        name for head in heads if head.answer_type == "labels" for name in head.columns
    ]


def _probability_columns(
    heads: Sequence[Head], outputs: Outputs
) -> dict[str, list[str]]:
    """The names of each head's columns of probabilities, by head."""
    taken = set(NO_LABELS)
    for head in heads:
        # Those of a report's answers.csv, so that it has the same names.
        taken |= set(label_columns(f"{name}_label" for name in head.columns))
        taken |= set(answer_columns(head, outputs[head.name][:0]))
    names: dict[str, list[str]] = {}
    for head in heads:
        names[head.name] = []
        for name in probability_columns(head, outputs[head.name][:0]):
            while name in taken:
                name += "_probability"
            taken.add(name)
            names[head.name].append(name)
    return names
