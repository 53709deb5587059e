"""What was each column of the data sets read as, and which head reads it?"""

from collections.abc import Sequence

import pandas as pd

from multitask.contracts import infer, plugins
from multitask.contracts.errors import listed
from multitask.contracts.head import Head
from multitask.tables.boxes import SIZED
from multitask.terminal.text_table import aligned

_ALIKE, _NAMED = 4, 2  # columns that are told in one line, and those it names
_LINES = 40


def read_columns(
    decisions: pd.DataFrame, heads: Sequence[Head], table: pd.DataFrame
) -> pd.DataFrame:
    """One row per column of the data sets: `source`, `column`, `read_as`, `remarks`.

    `decisions` are those of a `Reading`, with a `source`; `table` is the data sets
    joined, with whose labels the `heads` were made. A column of labels that no head
    reads says why.
    """
    readers = {
        column: f"{head.name} ({plugins.kind_name(type(head))})"
        for head in heads
        for column in head.label_columns
    }
    rows = []
    for source, column, role, remarks, labels in decisions[
        ["source", "column", "role", "remarks", "labels"]
    ].itertuples(index=False, name=None):
        names = dict.fromkeys(readers[one] for one in labels if one in readers)
        if names and role in ("label", "left out", "votes"):
            read_as = f"head {listed(names)}"
        elif role == "label":
            is_there = any(one in table for one in labels)
            fault = infer.head_fault(table, labels[0]) if is_there else None
            remarks = "; ".join(filter(None, [remarks, fault and fault[0]]))
            read_as = "no head"
        else:
            read_as = role
        rows.append((source, column, read_as, remarks))
    columns = ["source", "column", "read_as", "remarks"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def box_form(decisions: pd.DataFrame) -> str:
    """`xywh` if a data set had such boxes in one column, else empty."""
    return "xywh" if (decisions["role"] == SIZED).any() else ""


def describe_columns(columns: pd.DataFrame) -> str:
    """The text of a table of `read_columns`; many alike columns are one line."""
    plain = columns["remarks"] == ""
    key = pd.DataFrame({"as": columns["read_as"], "source": columns["source"]})
    many = key.groupby(["as", "source"])["as"].transform("size") >= _ALIKE
    lines: dict[object, list[str]] = {}
    for place, (source, column, read_as, remarks) in enumerate(
        columns.itertuples(index=False, name=None)
    ):
        is_group = plain.iloc[place] and many.iloc[place]
        group = (source, read_as) if is_group else place
        lines.setdefault(group, [source, "", read_as, remarks])[1] += f"\0{column}"
    rows = []
    for source, names, read_as, remarks in lines.values():
        known = names.split("\0")[1:]
        more = len(known) - _NAMED
        if len(known) >= _ALIKE:
            known = [*known[:_NAMED], f"{more} more"]
        rows.append((source, listed(known), read_as, remarks))
    others = len(rows) - _LINES
    head = ("data set", "column", "read as", "remarks")
    text = aligned([head, *rows[:_LINES]])
    return f"{text}\n... and {others} more lines" if others > 0 else text
