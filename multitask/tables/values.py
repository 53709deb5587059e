"""Which different values do the cells of a column have, and what becomes of them?

A column of 200,000 cells may hold two different texts. `coded` finds them once; every
later step decides about each value once.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def coded(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with columns of text as categoricals.

    `path`, whose values all differ, and columns with other values stay.
    """
    changed: dict[str, pd.Series[Any]] = {}
    for name in cells.columns.drop("path", errors="ignore"):
        if cells[name].dtype == object or isinstance(cells[name].dtype, pd.StringDtype):
            codes, values = factorized(cells[name])
            if pd.api.types.infer_dtype(values, skipna=False) in ("string", "empty"):
                changed[name] = _categorical(cells[name], codes, values)
    return cells.assign(**changed)


def in_order(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """The categorical with its values in the order in which they occur.

    >>> in_order(pd.Series(["b", None, "a"], dtype="category")).cat.categories.tolist()
    ['b', 'a']
    """
    codes, values = factorized(cells)
    for some in (codes[: 50 * len(values)], codes):  # mostly the first cells tell
        order = pd.unique(some)
        order = order[order >= 0]
        if len(order) == len(values):
            break
    places = np.full(len(values) + 1, -1, codes.dtype)  # its last is for empty cells
    places[order] = np.arange(len(order))
    return _categorical(cells, places[codes], values[order])


def uncoded(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with columns of `coded` as text."""
    changed = {
        name: cells[name].astype(object)
        for name in map(str, cells)
        if isinstance(cells[name].dtype, pd.CategoricalDtype)
    }
    return cells.assign(**changed)


def factorized(
    cells: "pd.Series[Any]",
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The place (rows,) of each cell among the different values, -1 if it is empty.

    The values are in the order in which they occur.

    >>> cells = pd.Series(["b", None, "c", "a"], dtype="category")
    >>> codes, values = factorized(cells[cells != "b"])
    >>> codes.tolist(), values.tolist()
    ([-1, 1, 0], ['a', 'c'])
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        codes = cells.cat.codes.to_numpy()
        values = np.asarray(cells.cat.categories, dtype=object)
        used = _used(codes, len(values))
        if used.all():
            return codes, values
        return np.append(np.cumsum(used) - 1, -1)[codes], values[used]
    codes, index = pd.factorize(cells)
    return codes, np.asarray(index, dtype=object)


def _used(codes: npt.NDArray[Any], count: int) -> npt.NDArray[np.bool]:
    """Whether each of `count` values has a cell; mostly the first cells tell."""
    used = np.zeros(count + 1, bool)  # its last is for empty cells, -1
    for some in (codes[: 50 * count], codes):
        used[some] = True
        if used[:-1].all():
            break
    return used[:-1]


def distinct(cells: "pd.Series[Any]") -> npt.NDArray[Any]:
    """The different values of filled cells, in the order in which they occur."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return factorized(cells)[1]
    values = np.asarray(cells.unique())
    if values.dtype.kind not in "iufO":
        values = values.astype(object)
    return np.asarray(values[~pd.isna(values)])


def texts(cells: "pd.Series[Any]") -> list[str]:
    """The values of `distinct` that are text."""
    if pd.api.types.is_numeric_dtype(cells):
        return []
    return [value for value in distinct(cells) if isinstance(value, str)]


def by_value(
    cells: "pd.Series[Any]",
    convert: "Callable[[pd.Series[Any]], pd.Series[Any]]",
) -> "pd.Series[Any]":
    """The cells as `convert` makes them, called once with the different values."""
    codes, values = factorized(cells)
    converted = convert(pd.Series(values, dtype=object)).to_numpy()
    if len(converted) == 0:
        return pd.Series(np.nan, cells.index, name=cells.name)
    kind = converted.dtype if converted.dtype.kind == "f" else object
    # Empty cells have the code -1, that of the value after all others.
    known = pd.Series(np.append(converted.astype(kind), np.nan), name=cells.name)
    return pd.Series(known.array.take(codes), cells.index, name=cells.name)


def replaced(cells: "pd.Series[Any]", changes: Mapping[Any, Any]) -> "pd.Series[Any]":
    """The cells with new values for some, as a categorical; NaN empties a cell.

    >>> replaced(pd.Series(["m", "?", "male"]), {"m": "male", "?": np.nan}).tolist()
    ['male', nan, 'male']
    """
    codes, values = factorized(cells)
    new = [changes.get(value, value) for value in values]
    places, kinds = factorized(pd.Series(new, dtype=object))
    return _categorical(cells, np.append(places, -1)[codes], kinds)


def _categorical(cells: "pd.Series[Any]", codes: Any, values: Any) -> "pd.Series[Any]":
    kind = pd.CategoricalDtype(pd.Index(values, dtype=object))
    column = pd.Categorical.from_codes(codes, dtype=kind)
    return pd.Series(column, cells.index, name=cells.name)
