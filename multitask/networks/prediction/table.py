"""How are predictions shown to a person, one column per question?"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from multitask.contracts.errors import printable
from multitask.images.captions import cell, number, share, suffixes

if TYPE_CHECKING:
    import pandas as pd

_PATH = 40  # letters of a path on a terminal; its end tells most
_GAP = "  "
_FACES = ("face", "person")  # numbers of faces, or in videos of persons
_TIMES = ("time", "start", "end")  # in seconds, of videos
# The columns before the answers.
_BEFORE = ("path", "status", "box", "warning", *_FACES, "face_confidence", *_TIMES)

Column = list[str]  # its heading, then a cell per row


def text(rows: "pd.DataFrame", *, width: int | None = None) -> str:
    """Aligned text of some rows of predictions.

    An answer and how sure it is share a cell: `female .98`, `31.4 (25 to 38)`. The
    columns `status`, `box` and `warning` are left out if they are missing or say
    nothing. With a `width`, long paths lose their beginning, and columns that do not
    fit follow below, each time after the paths.
    """
    columns = list(_columns(rows))
    if width is None:
        return _lines(columns)
    paths = ["path", *(_short(path) for path in columns[0][1:])]
    blocks = _blocks(paths, columns[1:], width)
    return "\n".join(_lines([paths, *block]) for block in blocks)


def _columns(rows: "pd.DataFrame") -> Iterator[Column]:
    yield ["path", *(printable(str(path)) for path in rows["path"].fillna(""))]
    if "status" in rows and (rows["status"] != "ok").any():
        # What a picture must be is said below the table, once.
        yield ["status", *rows["status"].fillna("").str.partition(": must be")[0]]
    for name in ("box", "warning"):
        if name in rows and rows[name].notna().any():
            yield [name, *(rows[name].fillna(""))]
    every = list(map(str, rows))
    # A head may have the name of a column that only videos have.
    answered = {name for name in (*_FACES, *_TIMES) if suffixes(name, every)}
    for name in _FACES:
        if name not in every or name in answered:
            continue
        numbers = rows[name].astype(object).where(rows[name].notna(), "")
        sure = rows.get("face_confidence", [None] * len(rows))
        cells = zip(numbers, map(share, sure), strict=True)
        yield [name, *(f"{face} {confidence}".rstrip() for face, confidence in cells)]
    for name in _TIMES:
        if name in every and name not in answered:
            yield [name, *("" if time != time else number(time) for time in rows[name])]
    names = [name for name in every if name in answered or name not in _BEFORE]
    beside = {f"{name}_{suffix}" for name in names for suffix in suffixes(name, names)}
    for name in names:
        if name not in beside:
            group = [name, *(f"{name}_{s}" for s in suffixes(name, names))]
            values = rows[group].astype(object).itertuples(index=False, name=None)
            yield [name, *(cell(*cells) for cells in values)]


def _short(path: str) -> str:
    return path if len(path) <= _PATH else "..." + path[3 - _PATH :]


def _blocks(
    paths: Column, columns: Sequence[Column], width: int
) -> Iterator[list[Column]]:
    """The columns in as many blocks as it takes to have each fit beside the paths."""
    block: list[Column] = []
    used = start = max(map(len, paths))
    for column in columns:
        wide = len(_GAP) + max(map(len, column))
        if block and used + wide > width:
            yield block
            block, used = [], start
        block.append(column)
        used += wide
    yield block


def _lines(columns: Sequence[Column]) -> str:
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return "".join(
        _GAP.join(
            cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)
        ).rstrip()
        + "\n"
        for row in rows
    )
