"""Which labels are in a list in brackets, as Python, JSON and NumPy write it?"""

import ast
import json
import re
from typing import Any

import numpy as np
import pandas as pd

Labels = tuple[Any, ...]

_BRACKETED = re.compile(r"""\s*(\[|[({]\s*['"])""")
# As NumPy writes arrays, without commas.
_BLANKS = re.compile(
    r"""\[\s*('[^']*'|"[^"]*"|-?\d+\.?)(\s+('[^']*'|"[^"]*"|-?\d+\.?))*\s*\]"""
)
_NAMES = ("name", "label", "title")  # of an object in a list
_PART = re.compile(r"""'([^']*)'|"([^"]*)"|(-?\d+)""")


def flat(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with lists, arrays and objects as text, which later steps compare."""
    changed = {}
    for name in cells:
        if cells[name].dtype.kind == "O":
            kind = pd.api.types.infer_dtype(cells[name], skipna=True)
            if kind in ("mixed", "mixed-integer"):
                changed[name] = cells[name].map(_flat)
    return cells.assign(**{str(n): c for n, c in changed.items()})


def _flat(cell: Any) -> Any:
    is_one = isinstance(cell, list | tuple | dict | set | frozenset | np.ndarray)
    return json.dumps(_listed(cell), default=str) if is_one else cell


def _listed(cell: Any) -> Any:
    """Arrays, sets and what is in them as JSON knows them."""
    if isinstance(cell, dict):
        return {str(key): _listed(value) for key, value in cell.items()}
    if isinstance(cell, set | frozenset):
        return [_listed(one) for one in sorted(cell, key=str)]
    if isinstance(cell, list | tuple):
        return [_listed(one) for one in cell]
    if isinstance(cell, np.ndarray | np.generic):
        return _listed(cell.tolist())
    return cell


def is_bracketed(text: str) -> bool:
    """Whether a text begins as a list, or as a tuple or set of texts, does."""
    return bool(_BRACKETED.match(text))


def bracket_list(text: str) -> "Labels | None":
    """The labels of a list in brackets; None for what is none.

    >>> bracket_list("['a', 'b']"), bracket_list("[1, null]"), bracket_list("['a', ")
    (('a', 'b'), (1, None), None)
    """
    text = text.strip()
    if not _BRACKETED.match(text):
        return None
    if _BLANKS.fullmatch(text):
        parts = (_PART.fullmatch(part[0].rstrip(".")) for part in _PART.finditer(text))
        return tuple(int(p[3]) if p[3] else p[1] or p[2] for p in parts if p)
    for parse in (json.loads, ast.literal_eval):
        try:
            labels = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        labels = sorted(labels, key=str) if isinstance(labels, set) else labels
        if not isinstance(labels, list | tuple):
            return None
        plain = tuple(map(_plain, labels))
        return None if any(isinstance(p, list | tuple | dict) for p in plain) else plain
    if text.startswith("[") and text.endswith("]") and not set(text) & set("'\"{"):
        parts_ = [part.strip() for part in text[1:-1].split(",") if part.strip()]
        return tuple(None if p.lower() in ("nan", "none") else p for p in parts_)
    return None


def _plain(label: Any) -> Any:
    """0, 1 and -1 without a point, the name of an object, text without blanks around.

    Other whole numbers with a point are measurements, not classes.
    """
    if isinstance(label, float):
        if np.isnan(label):
            return None
        return int(label) if label in (0, 1, -1) else label
    if isinstance(label, dict):
        names = (label[key] for key in _NAMES if isinstance(label.get(key), str))
        return next(names, label)
    return label.strip() if isinstance(label, str) else label
