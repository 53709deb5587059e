"""Which cells are in a table that is text, whatever program wrote it?

Spreadsheets separate by semicolons in half of Europe, notebooks write row numbers, and
old files are UTF-16 or in the alphabet of one continent.
"""

import csv
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.reading import ENDINGS
from multitask.contracts.table import RESERVED, any_file_name
from multitask.tables.decisions import Decisions
from multitask.tables.formats.encodings import WESTERN, as_utf8
from multitask.tables.locate import readable
from multitask.tables.types import LARGEST
from multitask.tables.values import in_order

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SAMPLE, _ROWS = 60_000, 20  # bytes, and at least lines, in which separators count
_LONGEST = 4_000_000  # bytes of a sample
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_PLAIN = re.compile(r"(-?(0|[1-9]\d*)(\.\d+)?)?")
_LEAST = 5  # different numbers with commas, in a column with other cells
_WHOLE = re.compile(r"[+-]?\d+")


def read_text(
    path: Path, decisions: Decisions, text: tuple[str, ...] = (), header: str = ""
) -> tuple[pd.DataFrame, bool]:
    """The cells of a text file, and whether its numbers may have decimal commas.

    Columns of plain numbers are numbers, except those named in `text`. A file whose
    first line does not begin as `header` gets it; without a usual separator in it,
    blanks separate.

    The separator is the one of `,` `;` tab and `|` that the header has most of and
    that divides the lines below alike, or that a first line `sep=;` names. Raises a
    ValueError or OSError if it can't be read.
    """
    data, remark = as_utf8(path.read_bytes())
    if remark:
        decisions.read_as("(file)", "text")
        decisions.remark("(file)", remark)
    if header:
        data = _headed(data, header)
    sample = _sample(data).decode("utf-8", "surrogateescape")
    first_line = re.match(r'"?sep=(.)"?[ \t,;]*\r?\n', sample, re.IGNORECASE)
    if first_line:
        data = data[len(first_line[0].encode()) :]
        separator = first_line[1]
    else:
        default = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
        is_whole = len(sample.encode("utf-8", "surrogateescape")) == len(data)
        separator = _separator(sample, default, is_whole=is_whole)
    is_utf8 = _is_utf8(data)
    # What is not UTF-8 is kept as in names of files; pandas then reads more slowly.
    errors = "strict" if is_utf8 else "surrogateescape"
    cells = _cells(data.lstrip(b"\r\n"), separator, {*RESERVED, *text}, errors)
    if not is_utf8:
        cells = _western(cells, decisions)
    return cells, separator != ","


def _headed(data: bytes, header: str) -> bytes:
    """The bytes of a text with this first line, and one that names the separator."""
    separator = next((mark for mark in SEPARATORS if mark in header), " ")
    first, _, _ = header.partition(separator)
    begins = (
        data[: len(first)].decode("utf-8", "replace").casefold() == first.casefold()
    )
    line = b"" if begins else f"{header}\n".encode()
    return f"sep={separator}\n".encode() + line + data


def _sample(data: bytes) -> bytes:
    """The beginning of a text: long lines, such as of 10,000 columns, are whole."""
    end = 0
    for _ in range(_ROWS):
        end = data.find(b"\n", end) + 1
        if not end:
            return data[: max(_SAMPLE, _LONGEST)]
    return data[: max(_SAMPLE, min(end, _LONGEST))]


def _is_utf8(data: bytes) -> bool:
    if data.isascii():  # told several times faster
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _separator(sample: str, default: str, *, is_whole: bool) -> str:
    """The separator that the header has most of, and the lines below as many."""
    if not is_whole:
        sample = sample[: sample.rfind("\n") + 1]
    best, separator = (False, 1), default
    for candidate in dict.fromkeys([default, *SEPARATORS]):
        if candidate not in sample:
            continue
        try:
            counts = [len(row) for row in _lines(sample, candidate) if row]
        except csv.Error:
            continue
        width = counts[0] if counts else 0
        alike = sum(count == width for count in counts) > 0.9 * len(counts)
        if width > 1 and (alike, width) > best:
            best, separator = (alike, width), candidate
    return separator


def _lines(sample: str, separator: str) -> list[list[str]]:
    """The cells of each line; raises csv.Error."""
    lines = sample.splitlines(keepends=True)
    before = csv.field_size_limit(max(csv.field_size_limit(), len(sample)))
    try:
        return list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
    finally:
        csv.field_size_limit(before)


def _cells(data: bytes, separator: str, text: set[str], errors: str) -> pd.DataFrame:
    """All cells, as text or as numbers.

    As a heading, pandas would rename repeated columns.
    """
    first = _read(data, separator, nrows=1, dtype=object, encoding_errors=errors)
    names = ["" if pd.isna(name) else name for name in first.iloc[0]]
    width = len(names)
    kinds = _kinds(data, separator, width)
    for number, name in enumerate(map(str.strip, names)):
        is_code = kinds[number] is None and name in text
        is_raw = kinds[number] == "category" and (name == "path" or errors != "strict")
        kinds[number] = object if is_code or is_raw else kinds[number]
    options = {"skiprows": 1, "names": range(width), "encoding_errors": errors}
    options["dtype"] = {n: kind for n, kind in kinds.items() if kind}
    try:
        cells = _read(data, separator, **options)
    except pd.errors.EmptyDataError:  # no row below the header
        cells = pd.DataFrame(columns=range(width), dtype=object)
    if not isinstance(cells.index, pd.RangeIndex):
        saw = width + cells.index.nlevels
        raise ValueError(f"Expected {width} fields in line 2, saw {saw}")
    for number, kind in kinds.items():
        values = cells[number]
        if isinstance(values.dtype, pd.CategoricalDtype):
            if values.cat.categories.dtype.kind in "biufc":
                # If all of them are numbers, pandas makes 7 of both 007 and 07.
                cells[number] = _as_written(data, separator, number, options)
            else:
                cells[number] = in_order(values)
        elif not kind and values.dtype.kind == "f" and (values.abs() > LARGEST).any():
            # Cells such as `inf` or 1e300.
            cells[number] = _as_written(data, separator, number, options)
    return cells.set_axis(pd.Index(names, dtype=object), axis=1)


def _as_written(
    data: bytes, separator: str, number: int, options: dict[str, Any]
) -> "pd.Series[Any]":
    """The cells of a column as text."""
    only = {"usecols": [number], "dtype": object}
    return _read(data, separator, **options | only)[number]


@any_file_name()
def _read(data: bytes, separator: str, **options: Any) -> pd.DataFrame:
    cells: pd.DataFrame = pd.read_csv(
        BytesIO(data),
        sep=separator,
        header=None,
        keep_default_na=False,  # an occlusion may be none
        na_values=[""],
        encoding="utf-8",
        skipinitialspace=True,  # else quotes after a blank would be part of a cell
        low_memory=False,  # else a column could be numbers only in part
        **options,
    )
    return cells


def _kinds(data: bytes, separator: str, width: int) -> dict[int, Any]:
    """The type that pandas is to read each column as, None for numbers.

    Columns whose first cells are plain numbers, not codes such as 007, are read several
    times faster as numbers; repeated texts, as categories.
    """
    kinds: dict[int, Any] = dict.fromkeys(range(width), object)
    sample = _sample(data).decode("utf-8", "surrogateescape")
    try:
        rows = [row for row in _lines(sample, separator)[1:-1] if len(row) == width]
    except csv.Error:
        return kinds
    for number, cells in enumerate(zip(*rows, strict=True)):
        if any(cells) and all(_PLAIN.fullmatch(cell) for cell in cells):
            kinds[number] = None
        elif 2 * len(set(cells)) < len(cells):
            kinds[number] = "category"
    return kinds


def _western(cells: pd.DataFrame, decisions: Decisions) -> pd.DataFrame:
    """Cells of bytes that are not UTF-8 as Windows-1252, which contains Latin-1.

    The names of files keep their bytes until no file has them.
    """
    names = pd.Index([readable(name) for name in cells.columns], dtype=object)
    cells = cells.set_axis(names, axis=1)
    columns = []
    for number, name in enumerate(names):
        column = cells.iloc[:, number]
        changed = {
            cell: text
            for cell in column.dropna().unique()
            if isinstance(cell, str) and (text := readable(cell)) != cell
        }
        if changed:
            raw, text = next(iter(changed.items()))
            if not text.lower().endswith(ENDINGS):
                _check_western(column, changed, name)
            count = int(column.isin(list(changed)).sum())
            decisions.remark(
                name, f"{count:,} are not UTF-8, read as Windows-1252, such as {text!r}"
            )
            if not text.lower().endswith(ENDINGS):
                column = column.map(lambda cell, c=changed: c.get(cell, cell))
        columns.append(column)
    return pd.concat(columns, axis=1)


def _check_western(
    column: "pd.Series[Any]", changed: Mapping[str, str], name: str
) -> None:
    """Raise ValueError for cells with bytes that stand for no letter."""
    for raw, text in changed.items():
        if "\ufffd" in text:
            row = int((column == raw).to_numpy().argmax())
            data = raw.encode("utf-8", "surrogateescape")
            odd = next(byte for byte in data if _is_no_letter(byte))
            raise ValueError(
                f"row {row + 1}: {name} has the byte 0x{odd:02x}, which is neither "
                "UTF-8 nor Windows-1252"
            )


def _is_no_letter(byte: int) -> bool:
    return bytes([byte]).decode(WESTERN, "replace") == "\ufffd"


def with_points(
    cells: pd.DataFrame, decisions: Decisions, text: "tuple[str, ...]" = ()
) -> pd.DataFrame:
    """The cells with decimal points in columns of numbers with decimal commas.

    A column has them if all of its filled cells are numbers and one has a comma, or if
    half of them are, at least five different ones, and no other cell is a list.
    Columns named in `text` stay.
    """
    changed: dict[str, pd.Series[Any]] = {}
    once = cells.columns[~cells.columns.duplicated(keep=False)]
    for name in once.drop(["path", *text], errors="ignore"):
        counts = cells[name].value_counts(sort=False)
        counts = counts[[isinstance(v, str) and bool(v.strip()) for v in counts.index]]
        points = {
            value: value.strip().replace(".", "").replace(",", ".")
            for value in map(str, counts.index)
            if _COMMA.fullmatch(value.strip())
        }
        known = [v in points or bool(_WHOLE.fullmatch(v.strip())) for v in counts.index]
        others = counts[[not is_number for is_number in known]]
        are_numbers = others.empty or (
            len(points) >= _LEAST
            and 2 * counts[known].sum() >= counts.sum()
            and not any(value.count(",") > 1 for value in others.index)
        )
        if points and are_numbers:
            first, point = next(iter(points.items()))
            changed[name] = cells[name].map(lambda v, p=points: p.get(v, v))
            remark = f"decimal commas are points: {first.strip()!r} is {point}"
            decisions.remark(name, remark)
    return cells.assign(**changed) if changed else cells
