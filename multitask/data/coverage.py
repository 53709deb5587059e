"""What is labelled, in which data set, and is it enough to learn from?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from multitask.contracts.head import Head
from multitask.contracts.table import sources
from multitask.data.batches import Batches

_SHOWN = 6  # classes of a head in the coverage


def coverage(heads: Sequence[Head], table: pd.DataFrame) -> str:
    """What each data set is labelled with: a line a head and data set.

    How many pictures have a label, and how many each class has.
    """
    origins = sources(table)
    lines = [("head", "data set", "labelled", "classes")]
    for head in heads:
        labelled = head.labelled(table)
        strata = head.strata(table)
        for source in origins.unique():
            rows = (origins == source).to_numpy()
            count = int(labelled[rows].sum())
            said = _classes(head, strata[rows]) if count else ""
            lines.append((head.name, source, f"{count:,}", said))
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    return "\n".join(
        "  ".join(
            (
                head.ljust(widths[0]),
                source.ljust(widths[1]),
                count.rjust(widths[2]),
                said,
            )
        ).rstrip()
        for head, source, count, said in lines
    )


def _classes(head: Head, strata: pd.DataFrame) -> str:
    counts = strata.sum()
    if head.answer_type == "labels":  # a no and a yes each
        names = counts.index[1::2]
        yes = counts[names]
        return f"{(counts.to_numpy().reshape(-1, 2).sum(1) > 0).sum()} labels, " + (
            f"{int(yes.sum()):,} yes of {int(counts.sum()):,}"
        )
    held = counts[counts > 0]
    shown = [f"{name} {n:,}" for name, n in held[:_SHOWN].items()]
    more = len(held) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def describe_epoch(table: pd.DataFrame, train: Batches) -> str:
    """How many pictures an epoch of training shows, and how many labels a head."""
    rates = np.ones(len(train.rows)) if train.rates is None else train.rates
    shown = {name: rates @ encoded.labelled for name, encoded in train.encoded.items()}
    origins = sources(table.loc[train.rows])
    sets = pd.Series(rates).groupby(origins.to_numpy()).sum()
    return "; ".join(
        f"{what}: " + ", ".join(f"{name} {count:,.0f}" for name, count in counts)
        for what, counts in (
            ("an epoch shows", sets.items()),
            ("with labels for", shown.items()),
        )
    )
