"""How many labels does each data set have for each head, and does an epoch show?"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from multitask.contracts.errors import shortened
from multitask.contracts.head import Head
from multitask.contracts.table import interval, sources
from multitask.data.batches import Batches
from multitask.data.labels import yes_text

_SHOWN = 6  # classes per head that are listed by name


def coverage(heads: Sequence[Head], table: pd.DataFrame) -> str:
    """The text of a table with one line per head and data set.

    It says how many pictures have a label for the head, and how many are in each class.
    """
    origins = sources(table)
    lines = [("head", "data set", "labelled", "classes")]
    for head in heads:
        labelled = head.labelled(table)
        strata = head.strata(table)
        for source in origins.unique():
            rows = (origins == source).to_numpy()
            count = int(labelled[rows].sum())
            classes = _classes(head, table[rows], strata[rows]) if count else ""
            lines.append((head.name, source, f"{count:,}", classes))
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    return "\n".join(
        "  ".join(
            (
                head.ljust(widths[0]),
                source.ljust(widths[1]),
                count.rjust(widths[2]),
                classes,
            )
        ).rstrip()
        for head, source, count, classes in lines
    )


def _classes(head: Head, table: pd.DataFrame, strata: pd.DataFrame) -> str:
    """The count of each class or band, or of the labels that are yes."""
    counts = strata.sum()
    names = list(map(str, counts.index))
    if head.answer_type == "labels" and len(head.columns) > 1:
        no_yes = counts.to_numpy().reshape(-1, 2)  # two strata per label
        return yes_text(
            {
                c: (int(row.sum()), int(row[1]))
                for c, row in zip(head.columns, no_yes, strict=True)
            }
        )
    if head.answer_type == "labels" and not head.classes:
        names = ["0", "1"]
    elif head.answer_type == "number":
        lows = [name.removesuffix("+") for name in names]
        if len(lows) == 1:
            ends = interval(table, head.columns[0])
            return f"{ends['low'].min():g} to {ends['high'].max():g}"
        names = [f"{low} to {high}" for low, high in pairwise(lows)]
        names.append(f"{lows[-1]} or more")
    present = counts.set_axis(names)[counts.to_numpy() > 0]
    listed = [f"{shortened(str(name))} ({n:,})" for name, n in present[:_SHOWN].items()]
    more = len(present) - len(listed)
    return ", ".join(listed) + (f" and {more} more" if more else "")


def describe_epoch(table: pd.DataFrame, train: Batches) -> str:
    """How many pictures of each data set an epoch shows, and labels for each head."""
    rates = np.ones(len(train.rows)) if train.rates is None else train.rates
    labels = {name: rates @ encoded.labelled for name, encoded in train.encoded.items()}
    origins = sources(table.loc[train.rows])
    pictures = pd.Series(rates).groupby(origins.to_numpy()).sum()
    return "; ".join(
        f"{title}: " + ", ".join(f"{name} {count:,.0f}" for name, count in counts)
        for title, counts in (
            ("an epoch shows", pictures.items()),
            ("with labels for", labels.items()),
        )
    )
