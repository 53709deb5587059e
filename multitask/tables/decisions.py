"""What did a reader take the columns of a table for, and what did it change?

Every step of reading a table adds its decisions to one `Decisions`. They are printed
before a training, and an audit lists them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from multitask.terminal.text_table import aligned


@dataclass(kw_only=True)
class Decisions:
    """What a reader took each column for, and remarks on it, in the columns' order."""

    roles: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)

    def read_as(self, column: str, role: str) -> None:
        """Set what a column is taken for, such as `picture`, `split` or `left out`."""
        self.roles[column] = role

    def remark(self, column: str, text: str) -> None:
        """Add what was changed in a column, such as `3 'unknown' are empty`."""
        self.roles.setdefault(column, "label")
        self.remarks.setdefault(column, []).append(text)

    def left_out(self, columns: Iterable[object]) -> list[str]:
        """Those of some columns that are left out: they are no question to a head."""
        return [c for c in map(str, columns) if self.roles.get(c) == "left out"]

    def table(self) -> pd.DataFrame:
        """One row per column: `column`, `role` and `remarks`, joined to one text.

        >>> decisions = Decisions()
        >>> decisions.read_as("Usage", "split")
        >>> decisions.remark("Usage", "'Training' is train")
        >>> decisions.table().values.tolist()
        [['Usage', 'split', "'Training' is train"]]
        """
        rows = [
            (column, role, "; ".join(self.remarks.get(column, ())))
            for column, role in self.roles.items()
        ]
        return pd.DataFrame(rows, columns=["column", "role", "remarks"], dtype=object)


def describe(decisions: pd.DataFrame) -> str:
    """The text of decisions on several data sets, `source` among their columns."""
    names = ["source", "column", "role", "remarks"]
    rows = decisions[names].itertuples(index=False, name=None)
    return aligned([("data set", "column", "read as", "remarks"), *rows])
