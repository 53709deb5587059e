"""What did a reader take the columns of a table for, and what did it change?

Every step of reading a table adds its decisions to one `Decisions`. Which head reads a
column is known only once all data sets are joined: see `multitask/data/columns.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from multitask.contracts.table import label_columns


@dataclass(kw_only=True)
class Decisions:
    """What a reader took each column for, and remarks on it, in the columns' order."""

    roles: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)  # the file's names of columns

    def read_as(self, column: str, role: str) -> None:
        """Set what a column is taken for: `path`, `split`, ..., `label`, `left out`."""
        self.roles[column] = role

    def remark(self, column: str, text: str) -> None:
        """Add what was changed in a column, such as `not annotated: 3 'unknown'`."""
        self.roles.setdefault(column, "label")
        self.remarks.setdefault(column, []).append(text)

    def rename(self, column: str, name: str) -> None:
        """Give a column another name in its place."""
        self.written[name] = self.written.pop(column, column)
        self.roles = {name if c == column else c: r for c, r in self.roles.items()}
        if column in self.remarks:
            self.remarks[name] = self.remarks.pop(column)

    def order(self, columns: Iterable[object]) -> None:
        """Put the columns into the order of the file."""
        ordered = dict.fromkeys([*map(str, columns), *self.roles])
        self.roles = {name: self.roles.get(name, "label") for name in ordered}

    def labels_in(self, column: str, columns: Sequence[str]) -> None:
        """Set in which columns of the table the labels of a column are now."""
        self.labels[column] = tuple(columns)

    def left_out(self, columns: Iterable[object]) -> list[str]:
        """Those of some columns that are left out: they are no question to a head."""
        return [c for c in map(str, columns) if self.roles.get(c) == "left out"]

    def table(self) -> pd.DataFrame:
        """One row per column, as `Reading.decisions`.

        >>> decisions = Decisions()
        >>> decisions.read_as("Usage", "split")
        >>> decisions.remark("Usage", "'Training' is train")
        >>> decisions.table().iloc[:, :3].values.tolist()
        [['Usage', 'split', "'Training' is train"]]
        """
        rows = [
            (
                column,
                role,
                "; ".join(self.remarks.get(column, ())),
                self.labels.get(column, label_columns([column])),
            )
            for column, role in self.roles.items()
        ]
        names = ["column", "role", "remarks", "labels"]
        return pd.DataFrame(rows, columns=names, dtype=object)
