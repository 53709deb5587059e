"""In which formats are predictions written, and what does each make of their rows?"""

import json
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.contracts.errors import UserError, counted, nearest
from multitask.networks.prediction.table import text as table_text

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("table", "csv", "json", "jsonl", "deepface", "parquet")
ENDINGS = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
    ".txt": "table",
}
LABELS = "labels"  # a column of lists, where `--labels` is given
DEEPFACE = "deepface"  # a format, and the column of what it makes of each row
_REASONS = 3  # different reasons that the summary names


def resolve_format(out: str | Path | None, form: str | None) -> str:
    """The format of a file by its ending; of standard output `form`, or the table.

    Raises UserError for an unknown ending, one that contradicts `form`, parquet without
    a file, and parquet without pyarrow.

    >>> resolve_format("faces.CSV", None)
    'csv'
    """
    if out is None:
        if form == "parquet":
            raise UserError(
                "--format parquet", "needs a file", "write --out FILE.parquet"
            )
        return form or "table"
    ending = Path(out).suffix.lower()
    if ending not in ENDINGS:
        what = f"has the unknown ending {ending!r}" if ending else "has no ending"
        raise UserError(f"--out {out}", what, nearest(ending, ENDINGS))
    by_ending = ENDINGS[ending]
    if (form, by_ending) == (DEEPFACE, "json"):
        return DEEPFACE
    if form not in (None, by_ending):
        raise UserError(
            f"--format {form}",
            f"contradicts --out {out}, whose ending stands for {by_ending}",
            "leave out --format, or name a file with another ending",
        )
    if by_ending == "parquet" and find_spec("pyarrow") is None:
        raise UserError(f"--out {out}", "parquet needs pyarrow", "pip install pyarrow")
    return by_ending


def text(
    rows: "pd.DataFrame", form: str, *, first: bool, width: int | None = None
) -> str:
    """Some rows of predictions in a text format, to be joined to those before them.

    After the last rows comes `closing(form)`. `first` is True for the first rows, and
    `width` the most characters in a line of the table, by default any number. Lists are
    joined by commas in a table and in CSV. `deepface` is JSON of the column `deepface`,
    one list per picture. In file names that are not UTF-8 the replacement character
    stands for what can't be encoded.
    """
    rows = encodable(rows)
    if form in ("table", "csv") and LABELS in rows:
        joined = rows[LABELS].map(", ".join, na_action="ignore")
        rows = rows.assign(**{LABELS: joined})
    if form == "table":
        return "\n" * (not first) + table_text(rows, width=width)
    if form == "csv":
        csv: str = rows.to_csv(index=False, header=first, lineterminator="\n")
        return csv
    values = _by_picture(rows) if form == DEEPFACE else records(rows)
    lines = [json.dumps(record, ensure_ascii=False) for record in values]
    if form == "jsonl":
        return "".join(f"{line}\n" for line in lines)
    separator = ",\n"
    return ("[\n" if first else separator * bool(lines)) + separator.join(lines)


def closing(form: str) -> str:
    """What ends a text in this format."""
    return "\n]\n" if form in ("json", DEEPFACE) else ""


def encodable(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The rows with file names that UTF-8 can hold."""
    names = [name for name in ("path", "status") if name in rows]
    return rows.assign(**{name: rows[name].map(encodable_text) for name in names})


def encodable_text(text: object) -> object:
    """A file name that UTF-8 can hold; anything else as it is."""
    if not isinstance(text, str):
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def records(rows: "pd.DataFrame") -> list[dict[str, Any]]:
    """The rows as plain values, None for what is empty."""
    names = list(map(str, rows))
    columns = [_plain_values(column) for _, column in rows.items()]
    return [
        dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)
    ]


def _plain_values(column: "pd.Series") -> list[Any]:
    values: list[Any] = column.to_numpy(object).tolist()
    if column.dtype == "float32":
        # The shortest text of a float32 has fewer digits than that of the float64 of
        # the same value, and reads back as the same float32.
        values = [float(str(value)) for value in column.to_numpy()]
    if not column.hasnans:
        return values
    empty = column.isna().to_numpy()
    return [None if no else value for value, no in zip(values, empty, strict=True)]


def count_pictures(rows: "pd.DataFrame") -> int:
    """The number of pictures that rows are about: each has a first face, or none."""
    return sum(_begins_picture(rows))


def _begins_picture(rows: "pd.DataFrame") -> list[bool]:
    """Whether each row (rows,) is the first one of its picture."""
    if "face" not in rows:
        return [True] * len(rows)
    begins: list[bool] = rows["face"].fillna(0).eq(0).tolist()
    return begins


def _by_picture(rows: "pd.DataFrame") -> list[list[object]]:
    """What the format `deepface` makes of the rows, in a list per picture."""
    pictures = list[list[object]]()
    for record, begins in zip(rows[DEEPFACE], _begins_picture(rows), strict=True):
        if begins:
            pictures.append([])
        pictures[-1].append(record)
    return pictures


@dataclass(kw_only=True)
class Tally:
    """How many rows there are, how many were answered, and why others were not.

    `pictures` is how many the rows are about, and `faces` whether they are of faces.

    `reasons` holds, for the first few reasons, their counts and their first pictures.
    """

    rows: int = 0
    pictures: int = 0
    faces: bool = False
    answered: int = 0
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, rows: "pd.DataFrame") -> None:
        """Count some more rows."""
        self.rows += len(rows)
        self.pictures += count_pictures(rows)
        self.faces |= "face" in rows
        failed = encodable(rows[rows["status"] != "ok"])
        self.answered += len(rows) - len(failed)
        for reason, path in zip(failed["status"], failed["path"], strict=True):
            if reason in self.reasons or len(self.reasons) < _REASONS:
                count, first = self.reasons.get(reason, (0, path))
                self.reasons[reason] = (count + 1, first)

    def __str__(self) -> str:
        """In one line.

        >>> reasons = {"no such file": (2, "a.jpg")}
        >>> str(Tally(rows=1200, pictures=1200, answered=1198, reasons=reasons))
        '1,200 pictures: 1,198 answered, 2 not (no such file: a.jpg and 1 more)'
        """
        pictures = counted(self.pictures, "picture")
        faces = counted(self.answered, "face") if self.faces else f"{self.answered:,}"
        failed = self.rows - self.answered
        if not failed:
            return f"{pictures}: {faces} answered"
        parts = [
            (f"{reason}: {first}" if first else reason)
            + (f" and {count - 1:,} more" if count > 1 else "")
            for reason, (count, first) in self.reasons.items()
        ]
        others = failed - sum(count for count, _ in self.reasons.values())
        parts += [f"{others:,} for other reasons"] if others else []
        failed_pictures = f"{counted(failed, 'picture') if self.faces else failed} not"
        return f"{pictures}: {faces} answered, {failed_pictures} ({'; '.join(parts)})"
