"""How do a network's raw outputs become a table of answers?"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.head import Head
from multitask.contracts.table import NO_LABELS, label_columns

Outputs = dict[str, npt.NDArray[np.float32]]


def read_all(
    heads: Sequence[Head],
    outputs: Outputs,
    rows: npt.NDArray[np.intp],
    *,
    selected: Sequence[Head] | None = None,
    probabilities: bool = False,
) -> pd.DataFrame:
    """Answers from raw outputs (rows, ...), a table indexed by `rows`.

    `heads` are all heads of the network, `selected` those to read, by default all. With
    `probabilities`, the columns of `Head.probabilities` follow each head's answers. If
    an answer or an earlier such column has the same name, `_probability` is appended,
    whichever heads are selected.
    """
    names = _probability_columns(heads, outputs) if probabilities else {}
    tables = []
    for head in heads if selected is None else selected:
        tables.append(head.read(outputs[head.name]))
        if probabilities:
            columns = names[head.name]
            table = head.probabilities(outputs[head.name])
            tables.append(table.set_axis(columns, axis="columns"))
    return pd.concat(tables, axis="columns").set_axis(rows, axis="index")


def _probability_columns(
    heads: Sequence[Head], outputs: Outputs
) -> dict[str, list[str]]:
    """The names of each head's columns of probabilities, by head."""
    taken = set(NO_LABELS)
    for head in heads:
        # Those of a report's answers.csv, so that it has the same names.
        taken |= set(label_columns(f"{name}_label" for name in head.columns))
        taken |= set(head.read(outputs[head.name][:0]).columns)
    names: dict[str, list[str]] = {}
    for head in heads:
        names[head.name] = []
        for name in map(str, head.probabilities(outputs[head.name][:0])):
            while name in taken:
                name += "_probability"
            taken.add(name)
            names[head.name].append(name)
    return names
