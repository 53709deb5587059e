"""Do dots separate thousands in the numbers of a text, as in 1.234 beside 0,5?"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.table import RESERVED
from multitask.tables.decisions import Decisions
from multitask.tables.formats.text_files import read_text, with_points
from multitask.tables.missing import WORDS
from multitask.tables.values import distinct, replaced, texts

_DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_BOTH = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")  # surely a decimal comma
_OTHER = re.compile(rf"{_BOTH.pattern}|[+-]?\d+(,\d+)?")


def without_dots(
    cells: pd.DataFrame, path: Path, decisions: Decisions, text: tuple[str, ...] = ()
) -> pd.DataFrame:
    """The cells of the text file `path` without dots between thousands.

    They are in a column of numbers of which every dotted cell has three digits after
    each dot, if cells of it, such as 1.234,5, or another column have decimal commas.
    Columns named in `text` stay.
    """
    once = cells.columns[~cells.columns.duplicated(keep=False)]
    columns = once.drop([*RESERVED, *text], errors="ignore")
    names = [name for name in columns if _may_be_dotted(cells[name])]
    if not names:
        return cells
    pointed = with_points(cells, Decisions(), text)
    commas = [name for name in columns if not pointed[name].equals(cells[name])]
    if commas:  # numbers have lost how they are written
        numbers = [name for name in names if pd.api.types.is_float_dtype(cells[name])]
        written, _ = read_text(path, Decisions(), (*text, *numbers))
        cells = cells.assign(**{name: written[name] for name in numbers})
    changed: dict[str, pd.Series[Any]] = {}
    for name in names:
        others = [other for other in commas if other != name]
        is_sure = any(map(_BOTH.fullmatch, map(str.strip, texts(cells[name]))))
        plain = _plain(cells[name]) if others or is_sure else {}
        if plain:
            changed[name] = replaced(cells[name], plain)
            first, number = next(iter(plain.items()))
            because = "" if is_sure else f", as {others[0]!r} has decimal commas"
            decisions.remark(
                name,
                f"dots separate thousands{because}: {first.strip()!r} is {number}; "
                f"write {first.strip().replace('.', ',')} if it is a decimal",
            )
    return cells.assign(**changed)


def _may_be_dotted(cells: "pd.Series[Any]") -> bool:
    """Whether dots in a column may separate thousands: numbers have three decimals."""
    if pd.api.types.is_float_dtype(cells):
        thousands = 1000 * cells.dropna()
        return bool(((thousands - thousands.round()).abs() < 1e-6).all())
    return any("." in cell for cell in texts(cells)) and bool(_plain(cells))


def _plain(cells: "pd.Series[Any]") -> dict[Any, str]:
    """Each dotted cell without its dots, if all labels of a column are numbers."""
    plain: dict[Any, str] = {}
    for cell in distinct(cells):
        text = str(cell).strip()
        if _DOTTED.fullmatch(text):
            plain[cell] = text.replace(".", "")
        elif not _OTHER.fullmatch(text) and text.casefold() not in {"", *WORDS}:
            return {}
    return plain
