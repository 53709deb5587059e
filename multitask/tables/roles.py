"""What is each column of a table for, and which ones are no question to a head?"""

import re
from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import catalog, infer
from multitask.contracts.errors import UserError
from multitask.contracts.table import (
    ANSWERED,
    RESERVED,
    as_text,
    interval_columns,
)
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Column, Declaration, column_section
from multitask.tables.types import parsed
from multitask.tables.values import distinct
from multitask.tables.words import NO, YES

_ID = re.compile("ids?|uuid|guid|idx|index")
_NUMBER = re.compile("no|nr")
# What a column numbers if its name ends so: `class_id` holds classes, `face_id` none.
_RECORDS = "image|img|picture|pic|photo|file|sample|row|record|frame|item|line|serial"
_RATERS = "annotator|rater|worker|labell?er|reviewer|coder"
# Who is surely shown, and who may be: a subject may also be a landscape.
_SHOWN = "person|individual|participant|patient|identity"
_PERSONS = f"{_SHOWN}|subject|celeb|celebrity|actor|actress|player"
_OWNERS = f"{_RECORDS}|{_RATERS}|{_PERSONS}|face|user|video|post|object|crop"
_NUMBERED = re.compile(_OWNERS)
_JOINED_ID = re.compile(rf"({_OWNERS})ids?")
_RECORD_NUMBER = re.compile(rf"(.* )?(ids?|{_RECORDS}) (num|number|no|nr)")
_BEFORE = r"(?!(num|number|counts?|n|is|has|no)\b)(.* )?"  # `num_person` is a number
_MAY_BE_PERSON = re.compile(
    rf"{_BEFORE}({_PERSONS})( name)?|(user )?ids?( num| number| no| nr)?"
)
_PERSON_ID = re.compile(
    rf"{_BEFORE}({_PERSONS})( ?ids?| uuid| idx| index| no| nr| num)"
)
_SURELY = re.compile(rf"{_BEFORE}({_SHOWN})( name)?")
# `rater_1` holds the labels of one rater, `rater` says who it was.
_LABELLED = (
    "annotated|approved|assessed|checked|coded|completed|confirmed|corrected|graded"
    "|labell?ed|rated|reviewed|scored|tagged|validated|verified"
)
_RATER = re.compile(rf"(.* )?({_RATERS}|({_LABELLED}) by)( name)?")
_UNIT = "s|secs?|seconds?|ms|msecs?|milliseconds?|mins?|minutes?"
_EFFORT = re.compile(
    "((.* )?(lead|work|elapsed|response|reaction|answer|annotation|labell?ing|rating"
    "|review|task) ?(time|duration)|time ?(taken|spent)|duration)"
    rf"( in)?( ({_UNIT}))?|secs|seconds"
)
_BOX_SCORE = re.compile(
    "(.* )?(b?box|det|detect(ion|or)) (confidence|conf|scores?|prob(ability)?)"
)
_CONFIDENCE = re.compile("conf|confidence")  # of the box, if there is one
_SIDE = re.compile(
    "((image|img|picture|pic|photo|file|frame|orig|original) )*(width|height|w|h)"
)
_LINK = re.compile(r"(https?|s3|gs)://\S+")
_FILE = re.compile(r"[^\n]*\.[A-Za-z][A-Za-z0-9]{1,4}")
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})( .*)?"
    r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
)
_DATE_WORDS = frozenset(
    ("date", "time", "timestamp", "datetime", "created", "updated", "ts")
)
_BOXES = (
    {"x", "y", "w", "h"},
    {"x", "y", "width", "height"},
    {"xmin", "ymin", "xmax", "ymax"},
    {"x1", "y1", "x2", "y2"},
    {"x0", "y0", "x1", "y1"},
    {"left", "top", "right", "bottom"},
    {"left", "top", "width", "height"},
)
_SEEN = 1000  # cells by which a column of text is judged
_FEW, _MANY = 5, 20  # rows


def declared_roles(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions, where: str
) -> tuple[pd.DataFrame, Declaration]:
    """The cells with the names that their declared roles have in every table.

    What is declared about a column holds for its new name. Columns of the role `none`
    are dropped. Raises UserError if two have one role.
    """
    names: dict[str, str] = {}
    for column, declared in declaration.column.items():
        if column not in cells:
            continue  # in objects that are no columns yet
        if declared.role == "none":
            decisions.read_as(column, "left out")
            decisions.remark(column, "as declared")
            cells = cells.drop(columns=column)
        elif declared.role not in ("", "label", "split", "box", column):
            if declared.role in {*cells.columns, *names.values()}:
                what = f"column {column!r} is declared as {declared.role!r}"
                todo = "only one column can be it"
                raise UserError(where, f"{what}, another column is it already", todo)
            decisions.rename(column, declared.role)
            decisions.read_as(declared.role, declared.role)
            decisions.remark(declared.role, f"is column {column!r}")
            names[column] = declared.role
    return cells.rename(columns=names), declaration.renamed(names)


def leave_out(
    cells: pd.DataFrame, declaration: Declaration, decisions: Decisions
) -> None:
    """Decide which columns of labels become no head, and say why.

    They stay in the table, so that `--heads` can ask for them.
    """
    named = catalog.readers()
    boxes, sizes = _box_columns(cells), _picture_sizes(cells)
    for column in map(str, cells):
        declared = declaration.column.get(column, Column())
        name, _, end = column.rpartition("_")
        is_end = end in ("low", "high")
        if is_end and all(each in cells for each in interval_columns(name)):
            continue
        if column in named or declared.role == "label" or declared.classes:
            continue
        if column in (*declaration.votes, *declaration.yes_no):
            continue
        is_reserved = column in RESERVED
        if is_reserved or decisions.roles.get(column, "label") != "label":
            continue
        why = "a box" if column in boxes else _why(column, cells[column])
        if column in sizes and not why:
            why = "the size of the picture"
        if not why and "box" in cells and _is_confidence(column, cells[column]):
            why = "confidence of a box"
        advice = ""
        if not why or why in ("ids", "who labelled") or "different texts" in why:
            why, advice = _of_persons(column, why, cells)
        for remark in filter(None, (why, advice)):
            decisions.remark(column, remark)
        if why:
            decisions.read_as(column, "left out")


def _why(column: str, cells: "pd.Series[Any]") -> str:
    """Why a column is no question to a head; empty if it is one."""
    values = distinct(cells)
    count = len(values)
    if not count:
        return "has no label"
    if column in ANSWERED:
        return "a column of every table of predictions"
    if pd.api.types.is_datetime64_any_dtype(cells):
        return "dates"
    filled = int(cells.notna().sum())
    seen = list(values[:: max(1, count // _SEEN)])
    is_text = all(isinstance(cell, str) for cell in seen)
    words = set(_words(column))
    if is_text and _most(_DATE, seen):
        return "dates"
    numbers = parsed(pd.Series(seen, dtype=object)).astype(float)
    is_numeric = numbers.notna().mean() > 0.9
    if is_numeric and words & _DATE_WORDS and numbers.max() > 1e8:
        return "times"
    if is_text and not is_numeric and _most(_LINK, seen):
        return "links"
    if is_text and not is_numeric and _most(_FILE, seen):
        return "names of files"
    is_flag = {str(cell).strip().casefold() for cell in seen} <= YES | NO
    if named := _why_by_name(column, is_flag):
        return named
    if _is_id(column, count, filled):
        return "ids"
    if is_numeric:
        is_each = count == filled >= _FEW
        return "numbers of the rows" if is_each and _counts(values) else ""
    if is_text and count > infer.MOST:
        return f"{count:,} different texts"
    if is_text and (count == filled >= _FEW or count * 2 >= filled >= _MANY):
        return f"{count:,} different texts in {filled:,} rows"
    return ""


def _why_by_name(column: str, is_flag: bool) -> str:
    """Why a column of this name is no question; a `worker` of yes and no is one."""
    words = " ".join(_words(column))
    is_name = not re.search(r"\d", column)
    if _RATER.fullmatch(words) and is_name and not (words == "worker" and is_flag):
        return "who labelled"
    if _EFFORT.fullmatch(words):
        return "how long the labelling took"
    return "confidence of a box" if _BOX_SCORE.fullmatch(words) else ""


def _is_confidence(column: str, cells: "pd.Series[Any]") -> bool:
    is_named = _CONFIDENCE.fullmatch(" ".join(_words(column))) is not None
    return is_named and bool(parsed(cells.dropna()).notna().all())


def _of_persons(column: str, why: str, cells: pd.DataFrame) -> tuple[str, str]:
    """Why a column is no question, and advice if it says who is shown several times.

    Pictures of one person in two parts of the split make results look too good.
    """
    words = " ".join(_words(column))
    has_ids, may_be = _PERSON_ID.fullmatch(words), _MAY_BE_PERSON.fullmatch(words)
    if not (has_ids or may_be):
        return why, ""
    texts = as_text(cells[column]).dropna()
    repeats = 1 < texts.nunique() < len(texts)
    is_flag = set(texts.str.strip().str.casefold().unique()) <= YES | NO
    if not repeats or (is_flag and not has_ids):
        return why, ""
    advice = (
        f'role = "identity" under {column_section(column)} in the TOML beside the '
        "table keeps each person in one part of the split"
    )
    is_person = has_ids or _SURELY.fullmatch(words)
    if not is_person:
        advice = f"if it says who is shown, {advice}"
    if "identity" in cells:
        advice = ""
    if is_person:
        return "ids of persons", advice
    has_codes = texts.str.contains(r"\d").mean() > 0.5
    return why or ("ids" if has_codes else ""), advice


def _words(column: str) -> list[str]:
    """The words of a name: `imageId`, `image_id` and `image id` have the same."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", column)
    return re.findall(r"[a-z]+", spaced.casefold())


def _is_id(column: str, distinct: int, filled: int) -> bool:
    words = _words(column)
    if "in" in words[1:]:  # face_id_in_image
        words = words[: words.index("in", 1)]
    if _RECORD_NUMBER.fullmatch(" ".join(words)):
        return True
    before, last = (["", "", *words])[-2:]
    if _ID.fullmatch(last) and (not before or _NUMBERED.fullmatch(before)):
        return True
    if _JOINED_ID.fullmatch(last):  # imageid
        return True
    is_number = _ID.fullmatch(last) or _NUMBER.fullmatch(last)
    is_each = distinct == filled >= _FEW
    return is_number is not None and (distinct > infer.MOST or is_each)


def _most(pattern: "re.Pattern[str]", texts: list[str]) -> bool:
    matches = sum(pattern.fullmatch(text.strip()) is not None for text in texts)
    return matches >= 0.9 * len(texts)


def _counts(values: Any) -> bool:
    """Whether different cells are the numbers from 0 or 1 on, in this order."""
    numbers = parsed(pd.Series(values, dtype=values.dtype)).to_numpy(float)
    return numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _picture_sizes(cells: pd.DataFrame) -> set[str]:
    """The columns with the width and the height of the picture.

    Those called `width` and `height` alone are it only beside a box.
    """
    named = {" ".join(_words(column)): column for column in map(str, cells)}
    sides = {words: name for words, name in named.items() if _SIDE.fullmatch(words)}
    return {
        column
        for one, other in (("width", "height"), ("w", "h"))
        for words in sides
        if words.endswith(one) and words.removesuffix(one) + other in sides
        if words != one or "box" in cells
        for column in (sides[words], sides[words.removesuffix(one) + other])
    }


def _box_columns(cells: pd.DataFrame) -> set[str]:
    """The columns that hold the sides of a box together."""
    groups: dict[str, dict[str, str]] = {}
    for column in map(str, cells):
        name = column.casefold()
        for side in {side for box in _BOXES for side in box}:
            if name == side or re.fullmatch(rf".*[_. ]{side}", name):
                groups.setdefault(name[: -len(side)], {})[side] = column
    return {
        columns[side]
        for columns in groups.values()
        for box in _BOXES
        if box <= columns.keys()
        for side in box
    }
