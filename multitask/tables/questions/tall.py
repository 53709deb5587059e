"""Does a table have one row per label instead of one per picture?

path   attribute  value
a.jpg  age        31
a.jpg  gender     female
"""

import re
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError, listed
from multitask.tables.declaration import Column, Declaration

_QUESTIONS = (
    "attribute",
    "attributename",
    "variable",
    "labelname",
    "question",
    "trait",
)
_ANSWERS = ("value", "answer", "label", "confidence", "present", "attributevalue")


def check_wide(
    cells: pd.DataFrame, declaration: Declaration, path: str, where: str
) -> None:
    """Raise UserError if a column names questions, and another holds their answers.

    `path` is what the file calls the column of pictures.
    """
    plain = {_plain(column): column for column in map(str, cells)}
    question = next((plain[name] for name in _QUESTIONS if name in plain), "")
    answer = next((plain[name] for name in _ANSWERS if name in plain), "")
    declared = declaration.column.get(question, Column())
    if not (question and answer) or declared.role or declared.classes:
        return
    names = cells[question].dropna().unique()
    if len(names) < 2:
        return
    raise UserError(
        where,
        f"has one row per label, not per picture: {question!r} names questions "
        f"({listed(map(str, names[:3]))}), and {answer!r} holds their answers",
        "make a column of each question, for example with pandas: "
        f"frame.pivot(index={path!r}, columns={question!r}, values={answer!r}); if "
        f'{question!r} is a question itself, declare role = "label" for it in the TOML '
        "beside the table",
    )


def _plain(name: Any) -> str:
    return re.sub(r"[^a-z]", "", str(name).casefold())
