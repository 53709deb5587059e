"""How does a template of this folder become a page?"""

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
from multitask.reports._style import printable

_LONG = 26  # letters from which on a column may be wrapped


def render(template: str, **values: Any) -> str:
    """Fill in `template`; a value that is missing is an error."""
    # Class names come from other people's folders and files: never trust them.
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def cells(table: pd.DataFrame) -> dict[str, Any]:
    """A table as the macro `grid` of the templates expects it.

    `kinds` are the classes of its columns.
    """
    texts = table.astype(str)
    return {
        "header": [str(name) for name in table.columns],
        "rows": texts.to_numpy().tolist(),
        "kinds": [_kind(texts.iloc[:, place]) for place in range(texts.shape[1])],
    }


def _kind(column: "pd.Series[str]") -> str:
    """The class of a column: words begin at the left, and long ones may be wrapped."""
    words = column.str.contains(r"^[^\W\d_]|, ").any()
    long = column.str.len().max() > _LONG
    return "text long" if words and long else "text" if words else ""


def notebook(lines: Iterable[str], *tables: pd.DataFrame) -> str:
    """Lines, and tables of text, as a notebook shows them."""
    shown = [f"<p>{escape(line)}</p>" for line in lines if line]
    tables_shown = [
        table.to_html(index=False, border=0, na_rep="")  # which escapes the cells
        for table in tables
        if len(table)
    ]
    return str(printable("\n".join([*shown, *tables_shown])))


def _source(name: str) -> str:
    return (files("multitask.reports") / name).read_text(encoding="utf-8")
