"""What is wrong with a table's pictures and labels, and what is in them at all?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.head import Head
from multitask.contracts.table import (
    RESERVED,
    as_text,
    column,
    interval,
    interval_columns,
)
from multitask.data.labels import usable
from multitask.inspection.duplicates import Duplicates, Known, duplicates, known
from multitask.inspection.files import inspect_files

Plain = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that an audit found.

    `table` has the labels that its heads can read, `files` a row for each of it
    (`files.look`), `malformed` what the readers set aside and the labels that no head
    can have (`path`, `reason`), `identities` those that lie in several parts
    (`identity`, `parts`).
    """

    table: pd.DataFrame
    files: pd.DataFrame
    heads: tuple[Head, ...]
    labels: Known
    malformed: pd.DataFrame
    duplicates: Duplicates
    identities: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def unreadable(self) -> pd.DataFrame:
        """`path` and `reason` of pictures that can't be read."""
        bad = self.files["reason"] != ""
        return pd.DataFrame(
            {"path": self.table["path"][bad], "reason": self.files["reason"][bad]}
        )

    def wrong(self) -> dict[str, int]:
        """How often each thing occurs that must not be in data to learn from."""
        counts = {
            "unreadable": len(self.unreadable),
            "malformed": len(self.malformed),
            "conflicting pairs": self.duplicates.conflicting,
            "leaks": self.duplicates.leaking + len(self.identities),
            "blank": int(self.files["blank"].sum()),
            "tiny": int(self.files["tiny"].sum()),
        }
        return {name: count for name, count in counts.items() if count}


def inspect(
    table: pd.DataFrame,
    heads: Sequence[Head],
    skipped: pd.DataFrame,
    notes: tuple[str, ...] = (),
) -> Findings:
    """Read every picture of a table once and tell what is found.

    `skipped` is what the readers set aside (`path`, `reason`).
    """
    table, malformed = usable(table, heads)
    files, labels = inspect_files(table), known(heads, table)
    return Findings(
        table=table,
        files=files,
        heads=tuple(heads),
        labels=labels,
        malformed=pd.concat([skipped, malformed], ignore_index=True),
        duplicates=duplicates(table, files, labels),
        identities=leaking_identities(table),
        notes=notes,
    )


def leaking_identities(table: pd.DataFrame) -> pd.DataFrame:
    """Identities that lie in several parts of the table's own split, and in which.

    >>> table = pd.DataFrame({"identity": ["a", "a", "b"]})
    >>> leaking_identities(table.assign(split=["test", "train", "val"])).values.tolist()
    [['a', 'test, train']]
    """
    frame = pd.DataFrame(
        {"identity": column(table, "identity"), "parts": column(table, "split")}
    ).dropna()
    frame = frame.astype(str).drop_duplicates().sort_values(["identity", "parts"])
    several = frame[frame["identity"].duplicated(keep=False)]
    return several.groupby("identity")["parts"].agg(", ".join).reset_index()


# What there is


def counts(head: Head, table: pd.DataFrame) -> Plain:
    """How often each answer of a head occurs.

    For classes `n` and `classes`; for yes/no labels `n` and `yes` of each; for a
    number `n`, `exact` (those known to the point, the others to an interval), `bands`
    and, an interval counting with its middle, `mean`, `min` and `max`.
    """
    if head.answer_type == "labels":
        targets, weights = head.encode(table)
        return {
            name: {"n": int((w > 0).sum()), "yes": int(((w > 0) & (t > 0)).sum())}
            for name, t, w in zip(head.columns, targets.T, weights.T, strict=True)
        }
    strata = {str(name): int(n) for name, n in head.strata(table).sum().items()}
    if head.answer_type == "class":
        return {"n": sum(strata.values()), "classes": strata}
    ends = intervals(head, table)
    exact = int((ends["low"] == ends["high"]).sum())
    found: Plain = {"n": len(ends), "exact": exact}
    if len(ends):
        middle = ends.mean(axis=1)
        found |= {"mean": float(middle.mean())}
        found |= {"min": float(middle.min()), "max": float(middle.max())}
    return found | {"bands": strata}


def intervals(head: Head, table: pd.DataFrame) -> pd.DataFrame:
    """What is known of a number: `low` and `high` of the labelled rows alone."""
    return interval(table, head.columns[0]).dropna()


def together(heads: Sequence[Head], table: pd.DataFrame) -> dict[tuple[str, str], Any]:
    """Counts (classes, classes) of each two heads of classes labelled in one row."""
    found = {}
    by_class = [head for head in heads if head.answer_type == "class"]
    for one, other in combinations(by_class, 2):
        rows, columns = (h.strata(table).astype(np.int64) for h in (one, other))
        frame = rows.T @ columns
        if frame.to_numpy().any():
            found[one.name, other.name] = frame
    return found


def correlations(head: Head, table: pd.DataFrame) -> pd.DataFrame:
    """Pearson's r of each two yes/no labels over the rows with both (labels, labels).

    NaN where one of them never changes there.
    """
    targets, weights = head.encode(table)
    values = np.where(weights > 0, targets, np.nan)
    return pd.DataFrame(values, columns=list(head.columns)).corr()


def other_columns(table: pd.DataFrame, heads: Sequence[Head]) -> list[str]:
    """Columns that none of the heads reads."""
    read = {name for head in heads for name in head.label_columns}
    return [str(c) for c in table if c not in read and c not in RESERVED]


def conflicts(findings: Findings, left: int, right: int) -> dict[str, list[str]]:
    """The labels of two rows that contradict each other, as both say them."""
    labels, rows = findings.labels, [findings.table.iloc[i] for i in (left, right)]
    apart = labels.apart(np.array([left]), np.array([right]))[0]
    return {
        name: [label_text(row, name) for row in rows]
        for name, gap in zip(labels.names, apart, strict=True)
        if gap > 0
    }


def label_text(row: "pd.Series[Any]", name: str) -> str:
    """A label in words, an interval with both its ends.

    >>> label_text(pd.Series({"age": np.nan, "age_low": 20.0, "age_high": 29.0}), "age")
    '20 to 29'
    """
    value = row.get(name)
    if pd.notna(value):
        return str(as_text(pd.Series([value])).iloc[0])
    low, high = (row.get(end) for end in interval_columns(name))
    return "" if pd.isna(low) else f"{low:g} to {high:g}"
