"""What is wrong with the pictures and labels of a table, and what do they hold?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts.head import Head
from multitask.contracts.plugins import Shown
from multitask.contracts.results.described import DataDescription
from multitask.contracts.table import (
    RESERVED,
    Reading,
    as_text,
    column,
    interval,
    interval_columns,
)
from multitask.data.columns import describe_columns, read_columns
from multitask.data.labels import describe_skipped, refusals, usable, yes_text
from multitask.images.damage import Damaged
from multitask.inspection.duplicates import Duplicates, duplicates
from multitask.inspection.faces import inspect_faces
from multitask.inspection.files import inspect_files
from multitask.inspection.label_intervals import LabelIntervals, label_intervals


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Findings(Shown):
    """The result of an audit.

    `table` has the labels that its heads can read, and `files` has the same rows with
    what was found in each file (see `files.inspect_files`). `malformed` (`path`,
    `reason`) lists what the readers set aside, and labels that no head can read.
    `identities` (`identity`, `parts`) are those in several parts of the split. `faces`
    has a row for each picture that was searched for faces (see `faces.inspect_faces`).
    """

    title: str
    table: pd.DataFrame
    files: pd.DataFrame
    heads: tuple[Head, ...]
    labels: LabelIntervals
    malformed: pd.DataFrame
    duplicates: Duplicates
    identities: pd.DataFrame
    notes: tuple[str, ...] = ()
    columns: pd.DataFrame = field(default_factory=pd.DataFrame)  # of `read_columns`
    faces: pd.DataFrame = field(default_factory=pd.DataFrame)  # of `inspect_faces`
    folder: Path | None = None  # of its report
    data: tuple[DataDescription, ...] = ()  # what is stated of the data sets

    @property
    def unreadable(self) -> pd.DataFrame:
        """`path` and `reason` of pictures that can't be read."""
        bad = self.files["reason"] != ""
        return pd.DataFrame(
            {"path": self.table["path"][bad], "reason": self.files["reason"][bad]}
        )

    @property
    def columns_text(self) -> str:
        """What each column was read as, as lines of text; empty if nothing is known."""
        return describe_columns(self.columns) if len(self.columns) else ""

    @property
    def malformed_text(self) -> str:
        """How many entries are malformed, such as `2 pictures and 1 label`."""
        return describe_skipped(self.malformed, self.table)

    def wrong(self) -> dict[str, int]:
        """How often each fault that harms training occurs; without those that don't."""
        counts = {
            "unreadable": len(self.unreadable),
            "malformed": len(self.malformed),
            "conflicting pairs": self.duplicates.conflicting,
            "leaks": self.duplicates.leaking + len(self.identities),
            "blank": int(self.files["blank"].sum()),
            "tiny": int(self.files["tiny"].sum()),
        }
        return {name: count for name, count in counts.items() if count}


def inspect_reading(
    reading: Reading,
    heads: Sequence[Head],
    *,
    title: str,
    folder: Path | None = None,
    faces: str = "whole",
    damaged: Damaged = "skip",
) -> Findings:
    """Read every picture of a table, and check it and its labels.

    `title` and `folder` are those of the report; `faces` is as in `inspect_faces`,
    and `damaged` as in `decode`.
    """
    table, malformed = usable(reading.table, heads)
    refused = [f"fit refuses {e.line}" for e in refusals(reading.table, table, heads)]
    files, labels = inspect_files(table, damaged), label_intervals(heads, table)
    found, notes = inspect_faces(table, files, faces)
    return Findings(
        title=title,
        table=table,
        files=files,
        heads=tuple(heads),
        labels=labels,
        malformed=pd.concat([reading.skipped, malformed], ignore_index=True),
        duplicates=duplicates(table, files, labels),
        identities=leaking_identities(table),
        notes=(*reading.notes, *refused, *notes),
        columns=read_columns(reading.decisions, heads, reading.table),
        faces=found,
        folder=folder,
    )


def leaking_identities(table: pd.DataFrame) -> pd.DataFrame:
    """Identities in several parts of the table's own split: `identity`, `parts`.

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


# What the labels are


def answer_counts(head: Head, table: pd.DataFrame) -> dict[str, Any]:
    """How often each answer of a head occurs, as plain JSON.

    For classes: `n` and `classes`, a count for each. For yes/no labels: `n` and `yes`
    for each label. For a number: `n`, `exact` (labels that are no interval), `bands`
    and, with an interval counted by its middle, `mean`, `min` and `max` in the head's
    unit.
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
    ends = labelled_intervals(head, table)
    exact = int((ends["low"] == ends["high"]).sum())
    counts: dict[str, Any] = {"n": len(ends), "exact": exact}
    if len(ends):
        middle = ends.mean(axis=1)
        counts |= {"mean": float(middle.mean())}
        counts |= {"min": float(middle.min()), "max": float(middle.max())}
    return counts | {"bands": strata}


def yes_no_text(counts: dict[str, Any]) -> str:
    """The `answer_counts` of yes/no labels in a line: `0 12, 1 5` for one label.

    >>> yes_no_text({"vip": {"n": 17, "yes": 5}})
    '0 12, 1 5'
    """
    if len(counts) == 1:
        [one] = counts.values()
        no_yes = {"0": one["n"] - one["yes"], "1": one["yes"]}
        return ", ".join(f"{name} {n:,}" for name, n in no_yes.items() if n)
    return yes_text({name: (one["n"], one["yes"]) for name, one in counts.items()})


def labelled_intervals(head: Head, table: pd.DataFrame) -> pd.DataFrame:
    """The interval, `low` to `high`, of a number; only rows that have a label."""
    return interval(table, head.columns[0]).dropna()


def cooccurrences(
    heads: Sequence[Head], table: pd.DataFrame
) -> dict[tuple[str, str], pd.DataFrame]:
    """Counts (classes, classes) of every two heads with classes, by their names.

    Two heads without a row that both label are left out.
    """
    counts = {}
    with_classes = [head for head in heads if head.answer_type == "class"]
    for one, other in combinations(with_classes, 2):
        rows, columns = (h.strata(table).astype(np.int64) for h in (one, other))
        frame = rows.T @ columns
        if frame.to_numpy().any():
            counts[one.name, other.name] = frame
    return counts


def label_correlations(head: Head, table: pd.DataFrame) -> pd.DataFrame:
    """Pearson's r (labels, labels) of yes/no labels, over the rows that have both.

    NaN where one of the two is constant in these rows.
    """
    targets, weights = head.encode(table)
    values = np.where(weights > 0, targets, np.nan)
    return pd.DataFrame(values, columns=list(head.columns)).corr()


def unread_columns(table: pd.DataFrame, heads: Sequence[Head]) -> list[str]:
    """The columns that none of the heads reads."""
    read = {name for head in heads for name in head.label_columns}
    return [str(c) for c in table if c not in read and c not in RESERVED]


def conflicting_labels(
    findings: Findings, left: int, right: int, mirrored: bool = False
) -> dict[str, list[str]]:
    """The labels that contradict each other in two rows: the texts of both, by name."""
    labels, rows = findings.labels, [findings.table.iloc[i] for i in (left, right)]
    pair = np.array([left]), np.array([right]), np.array([mirrored])
    gaps = labels.gaps(*pair)[0]
    return {
        name: [label_text(row, name) for row in rows]
        for name, gap in zip(labels.names, gaps, strict=True)
        if gap > 0
    }


def label_text(row: "pd.Series[Any]", name: str) -> str:
    """A label as text, an interval with both its ends, "" for none.

    >>> label_text(pd.Series({"age": np.nan, "age_low": 20.0, "age_high": 29.0}), "age")
    '20 to 29'
    """
    value = row.get(name)
    if pd.notna(value):
        return str(as_text(pd.Series([value])).iloc[0])
    low, high = (row.get(end) for end in interval_columns(name))
    return "" if pd.isna(low) else f"{low:g} to {high:g}"
