"""What is a table? One row per face, one column per label, empty if not annotated.

| column | type | meaning |
| --- | --- | --- |
| `path` | str | the picture's file |
| `box` | str, optional | the part to use: `left top right bottom` in pixels |
| `identity` | str, optional | who is shown: one identity stays on one side of a split |
| `split` | str, optional | `train`, `val` or `test`, if the publisher defined it |
| `source` | str, optional | the data set that the row came from |
| any other | str or number | a label, in the spelling of the head that reads it |

A picture has several rows only if their boxes differ: each shows a face. An empty cell
(NaN) means that nobody annotated this; it never means *no*. A number known only as an
interval leaves its own column empty and fills `<column>_low` and `<column>_high` (both
ends included).
"""

import csv
import mimetypes
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, close_name, listed
from multitask.contracts.recipe_texts import SPLITS

RESERVED = ("path", "box", "identity", "split", "source")
ANSWERED = ("status", "face", "face_confidence", "warning")  # in tables of predictions
NO_LABELS = (*RESERVED, *ANSWERED)
_DECISIONS = ["column", "role", "remarks", "labels"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the reader of a data set returns: the table, and what it set aside.

    `skipped` has the columns `path` and `reason`: pictures that can't be used, and
    labels that were left empty. `notes` are sentences that every report on this data
    must contain. `heads` are the settings of heads that the data brings along, by name,
    written as in `heads/catalog.toml`. `decisions` says what the reader of a table took
    each `column` for (`role`), what it changed (`remarks`), and which columns of the
    table have its `labels`.
    """

    table: pd.DataFrame
    skipped: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"path": [], "reason": []}, dtype=str)
    )
    notes: tuple[str, ...] = ()
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    decisions: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=_DECISIONS)
    )


_PATHS = ("file", "filename", "image", "img", "picture", "photo", "url")
_ROW_NUMBERS = re.compile(r"(Unnamed: \d+)?")  # their columns, that pandas wrote


def headed(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """The table with trimmed text as names of columns, without columns of row numbers.

    Raises UserError if a name occurs twice or has several levels.
    """
    if isinstance(table.columns, pd.MultiIndex):
        todo = "give it one name per column, such as frame.columns.map('_'.join)"
        raise UserError(where, "has columns with several levels", todo)
    names = [str(name).strip() for name in table]
    table = table.set_axis(pd.Index(names, dtype=object), axis="columns")
    table = table.loc[:, [not _ROW_NUMBERS.fullmatch(name) for name in names]]
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise UserError(where, f"has column {twice[0]!r} twice", "rename one of them")
    return table


def check_path(table: pd.DataFrame, where: str, todo: str = "") -> None:
    """Raise UserError, with `todo` if given, unless a table has the column `path`."""
    if "path" not in table:
        what = f"has no column 'path', only {listed(table)}"
        raise UserError(where, what, todo or _path_hint(table))


def _path_hint(table: pd.DataFrame) -> str:
    """Say what to do if none of the columns is `path`.

    >>> _path_hint(pd.DataFrame({"age": [3], "where": ["a.jpg"]}))
    "rename 'where' to 'path'"
    """
    names = list(map(str, table))
    files = (name for name in names for one in _PATHS if close_name(one, [name], 0.8))
    pictures = (str(name) for name in table if _holds_pictures(table[name]))
    column = next(pictures, "") or close_name("path", names) or next(files, "")
    likely = repr(column) if column else "the column of picture files"
    return f"rename {likely} to 'path'"


def _holds_pictures(cells: "pd.Series[Any]") -> bool:
    """Whether the first filled cell is a picture, or seems to be the file of one."""
    cell = next(iter(cells.dropna()), None)
    if isinstance(cell, str):
        return f"{mimetypes.guess_type(cell)[0]}".startswith("image/")
    # What converts is an image of PIL.
    return hasattr(cell, "convert") or isinstance(cell, PathLike | bytes | np.ndarray)


@contextmanager
def any_file_name() -> Iterator[None]:
    """Let tables hold file names that are not UTF-8; also decorates a function.

    If pyarrow is installed, pandas stores text with it, which refuses such names.
    """
    with pd.option_context("mode.string_storage", "python"):
        yield


def check(table: pd.DataFrame, where: str = "table") -> pd.DataFrame:
    """Return `table` with a new index if it meets the contract.

    Raises UserError if there is no `path` column or no row, if a path is empty or
    repeated with the same box, if a `split` is not train, val or test, or if the ends
    of an interval are missing or swapped.

    >>> check(pd.DataFrame({"path": ["a.jpg"], "age": [31.0]})).shape
    (1, 2)
    """
    check_path(table, where)
    if table.empty:
        raise UserError(where, "has no rows", "check the folder's layout")
    if table["path"].isna().any():
        raise UserError(where, f"row {int(table['path'].isna().argmax())} has no path")
    if has_repeated(table):
        repeated = table["path"][faces(table).duplicated()]
        raise UserError(
            where,
            f"lists {listed(map(repr, repeated.unique()[:3]))} more than once",
            "each picture, or box of a picture, may occur only once",
        )
    check_splits(table, where)
    check_intervals(table, where)
    return table.reset_index(drop=True)


def check_splits(table: pd.DataFrame, where: str) -> None:
    """Raise UserError for a `split` that is neither train, val nor test."""
    unknown = set(column(table, "split").dropna().unique()) - set(SPLITS)
    if unknown:
        part = min(map(str, unknown))
        meant = close_name(part, SPLITS)
        what = f"split is {part!r}, must be one of {listed(SPLITS)}"
        raise UserError(where, what, f"did you mean {meant!r}?" if meant else "")


def faces(table: pd.DataFrame) -> "pd.Series[Any]":
    """What each row (rows,) shows, as text: its path, and its box if it has one.

    >>> table = pd.DataFrame({"path": ["a", "a"], "box": ["0 0 8 8", None]})
    >>> faces(table).str.split("\\0").tolist()
    [['a', '0 0 8 8'], ['a']]
    """
    paths = table["path"].astype(object)
    if "box" not in table:
        return paths
    boxes = table["box"].astype(object)
    ends = boxes.map("\0{}".format, na_action="ignore")  # a byte that no path has
    return paths.where(boxes.isna(), paths + ends)


def has_repeated(table: pd.DataFrame) -> bool:
    """Whether several rows show the same face; faster than to say which."""
    shown = faces(table).tolist()
    return len(set(shown)) < len(shown)


def check_intervals(table: pd.DataFrame, where: str = "table") -> None:
    """Raise UserError for an interval whose ends are missing or crossed."""
    for column in map(str, table):
        if column.endswith(("_low", "_high")):
            _check_interval(table, column.rpartition("_")[0], where)


def _check_interval(table: pd.DataFrame, column: str, where: str) -> None:
    low, high = f"{column}_low", f"{column}_high"
    for one, other in ((low, high), (high, low)):
        if other not in table:
            raise UserError(
                where, f"has {one!r} without {other!r}", "an interval needs both"
            )
    crossed = (table[low] > table[high]) | (table[low].isna() != table[high].isna())
    if crossed.any():
        row = table[crossed].iloc[0]
        raise UserError(
            where,
            f"{row['path']}: {column} from {row[low]:g} to {row[high]:g} is not an "
            "interval",
            "fill both ends, the lower one first",
        )


def write_csv(table: pd.DataFrame, path: Path | BinaryIO) -> None:
    """Write a table; file names that are not UTF-8 keep their bytes."""
    texts = table.select_dtypes(exclude="number")
    # Python before 3.13 does not quote "\r" by itself, which would end a row.
    is_broken = any("\r" in str(cell) for name in texts for cell in texts[name])
    table.to_csv(
        path,
        index=False,
        encoding="utf-8",
        errors="surrogateescape",
        lineterminator="\n",
        quoting=csv.QUOTE_NONNUMERIC if is_broken else csv.QUOTE_MINIMAL,
    )


@any_file_name()
def read_csv(path: Path) -> pd.DataFrame:
    """Read a table of `write_csv`, all cells as text."""
    return pd.read_csv(
        path, dtype=str, encoding="utf-8", encoding_errors="surrogateescape"
    )


def concat(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of several data sets; columns that one lacks are left empty.

    What several of them list has as many rows. Raises UserError if a column holds
    numbers in one table and text in another.

    >>> a = pd.DataFrame({"path": ["a.jpg"], "age": [31.0]})
    >>> b = pd.DataFrame({"path": ["b.jpg"], "gender": ["male"]})
    >>> concat([a, b])["gender"].isna().tolist()
    [True, False]
    """
    numeric: dict[str, tuple[bool, str]] = {}
    for number, table in enumerate(tables):
        name = str(table["source"].iloc[0]) if "source" in table else f"table {number}"
        for column in table.columns.difference(list(RESERVED)):
            if table[column].isna().all():
                continue
            is_number = pd.api.types.is_numeric_dtype(table[column])
            first, where = numeric.setdefault(column, (is_number, name))
            if first != is_number:
                raise UserError(
                    f"{where} and {name}",
                    f"disagree about {column!r}: one gives numbers, the other text "
                    f"like {_example(table, tables, column)!r}",
                    "in both, spell the labels as the head that reads them does",
                )
    # All-empty columns would decide the joined type, so they are left out first.
    filled = [table.dropna(axis="columns", how="all") for table in tables]
    joined = pd.concat(filled, ignore_index=True)
    columns = dict.fromkeys(column for table in tables for column in table)
    others = [c for c in columns if c not in joined and c not in RESERVED]
    return joined.reindex(columns=[*joined, *others])


def _example(
    table: pd.DataFrame, tables: Sequence[pd.DataFrame], column: str
) -> object:
    for candidate in (table, *tables):
        if column in candidate and not pd.api.types.is_numeric_dtype(candidate[column]):
            return candidate[column].dropna().iloc[0]
    raise AssertionError("one of two disagreeing columns holds text")


def column(table: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """A label column, all empty where the table has none of that name."""
    if name in table:
        return table[name]
    return pd.Series(np.nan, index=table.index, name=name)


def as_text(labels: "pd.Series[Any]") -> "pd.Series[Any]":
    """Labels as text, empty cells left empty, whole numbers without a point.

    A column of whole numbers with an empty cell is one of floats in pandas: that must
    not rename its classes.

    >>> as_text(pd.Series([1.0, None, 2.5])).tolist()
    ['1', nan, '2.5']
    """

    def one(label: Any) -> str:
        if isinstance(label, str):
            return label
        whole = isinstance(label, (float, np.floating)) and label.is_integer()
        return str(int(label) if whole and abs(label) < 2**53 else label)

    return labels.astype(object).map(one, na_action="ignore")


def classes_of(labels: "pd.Series[Any]") -> tuple[str, ...]:
    """The classes that occur, sorted as what they are: numbers, or text.

    >>> classes_of(pd.Series([10, 9, 10]))
    ('9', '10')
    """
    values = pd.Series(labels.dropna().astype(object).unique()).infer_objects()
    if not pd.api.types.is_numeric_dtype(values):
        values = as_text(values)
    return tuple(dict.fromkeys(as_text(values.sort_values())))


def sources(table: pd.DataFrame) -> "pd.Series[str]":
    """The data set that each row (rows,) came from, "" where the table names none."""
    return column(table, "source").astype(object).fillna("").astype(str)


def interval_columns(name: str) -> tuple[str, str]:
    """The columns with the ends of a number known only as an interval.

    >>> interval_columns("age")
    ('age_low', 'age_high')
    """
    return f"{name}_low", f"{name}_high"


def label_columns(names: Iterable[str]) -> tuple[str, ...]:
    """All columns that hold labels of these names: an interval is a label, too.

    >>> label_columns(["age"])
    ('age', 'age_low', 'age_high')
    """
    return tuple(part for name in names for part in (name, *interval_columns(name)))


def interval(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The interval (rows, `low` and `high`) that each number lies in, NaN if unknown.

    An exact number is an interval with two equal ends. Raises ValueError for text.

    >>> ages = {"age": [31, None], "age_low": [None, 20], "age_high": [None, 29]}
    >>> interval(pd.DataFrame(ages), "age").values.tolist()
    [[31.0, 31.0], [20.0, 29.0]]
    """
    parts = []
    for part in (name, *interval_columns(name)):
        cells = pd.to_numeric(column(table, part))
        huge = cells.dtype == object  # whole numbers that no float can hold
        parts.append((cells.astype(str) if huge else cells).astype(float))
    exact, low, high = parts
    ends = {"low": exact.fillna(low), "high": exact.fillna(high)}
    return pd.DataFrame(ends, index=table.index)
