"""Which cells does each object of JSON have, whatever is nested in it?"""

import json
from collections.abc import Collection
from typing import Any

import pandas as pd

from multitask.contracts.errors import listed


def short(value: Any) -> str:
    """What a value is, for a message: the keys of an object, else its beginning."""
    if isinstance(value, dict):
        keys = listed(map(repr, [*value][:3]))
        more = len(value) - 3
        others = f" and {more:,} more" if more > 0 else ""
        noun = "key" if len(value) == 1 else "keys"
        return f"an object with the {noun} {keys}{others}" if value else "an object, {}"
    text = repr(value)
    return text if len(text) < 40 else f"{text[:36]} ..."


def record_cells(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """One row per object; inner objects become columns `outer.inner`."""
    flat = [_flat(row) for row in rows]
    columns = dict.fromkeys(name for row in flat for name in row)
    cells = {name: [row.get(name) for row in flat] for name in columns}
    return pd.DataFrame(cells, index=range(len(flat)), dtype=object)


def _flat(row: dict[str, Any], start: str = "", depth: int = 0) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and depth < 3 and "bytes" not in value:
            cells |= _flat(value, f"{start}{key}.", depth + 1)
        else:
            cells[start + key] = cell(value)
    return cells


def cell(value: Any) -> Any:
    """A value as a cell: lists as their JSON, huge whole numbers as text."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        return str(value)
    return value


def renamed(
    labels: dict[str, Any], outer: str, taken: Collection[str]
) -> dict[str, Any]:
    """The labels, those whose names are taken as `outer.name`."""
    return {f"{outer}.{k}" if k in taken else k: v for k, v in labels.items()}
