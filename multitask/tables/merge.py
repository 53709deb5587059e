"""What if several rows show one face?

Rows of one picture with different boxes show different faces. Rows of one face are
merged: a cell that is empty in one row is filled from another, and labels in which they
differ become empty. A split is kept: test counts before val, and val before train. So
is an identity: those that rows of one face say are one person. Votes of different rows
are added, see `questions/summed.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from multitask.contracts import catalog, infer
from multitask.contracts.errors import UserError, counted
from multitask.contracts.recipe_texts import SPLITS
from multitask.contracts.table import (
    RESERVED,
    as_text,
    faces,
    has_repeated,
    interval_columns,
)
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import votes_section
from multitask.tables.identities import joined_text, renamed, same_persons
from multitask.tables.questions.summed import Summed, summed

OF_ONE = "of one picture"  # in each reason why rows of a face contradict each other
_FEW, _MOST = 3, 0.1  # contradictions: more are a mistake about the rows
_FIRST = ("path", "box", "source")  # the first row says them
_EMPTY = "left empty; must be the same in all"
Questions = Mapping[str, Mapping[str, str]]  # of `summed.vote_columns`


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A table with one row per face, in the place of its first row.

    `conflicts` has a row for each label that was set aside, or split that was changed:
    `path`, `column`, `reason`. `rows` is how many rows are now part of another, and
    `added` is for how many pictures votes were added, by question. `persons` has the
    name to use for each identity that has another one.
    """

    table: pd.DataFrame
    conflicts: pd.DataFrame
    rows: int = 0
    added: dict[str, int] = field(default_factory=dict)
    persons: dict[Any, Any] = field(default_factory=dict)


def merge(
    table: pd.DataFrame,
    *,
    votes: Questions | None = None,
    numbered: bool = False,
    distinct: bool = False,
) -> Merged:
    """Merge the rows of each face; `distinct` says that each row is known to be one.

    The columns of a question with `votes` stay together. Reasons name rows if they are
    `numbered`: the index then counts them from 0.
    """
    if distinct or not has_repeated(table):
        return Merged(table=table, conflicts=_conflicts([]))
    key = faces(table)
    later = key.duplicated()
    several = key.duplicated(keep=False)
    rows, face = table[several], key[several].to_numpy()
    columns = [column for column in rows if column not in _FIRST]
    united = rows.groupby(face, sort=False)[columns].first()
    differ = rows.groupby(face, sort=False)[columns].nunique() > 1
    sums = {
        name: summed(rows, face, name, classes, numbered=numbered)
        for name, classes in (votes or {}).items()
    }
    for one in sums.values():
        _put_votes(united, differ, one)
    faults = [*_faults(rows, face, differ, numbered), *_outside(united, differ)]
    for name, one in sums.items():
        for shown, says in one.faults.items():
            faults.append((_path(shown), name, f"{name} is {says} {OF_ONE}, {_EMPTY}"))
    united = united.mask(differ.assign(identity=False)[columns])
    if "split" in columns:
        united["split"] = united["split"].fillna(_parts(rows["split"], face))
    result = table[~later].copy()
    places = key.index[several & ~later]
    for column in columns:
        values = united[column].reindex(key[places]).to_numpy()
        result[column] = _replaced(result[column], places, values)
    persons = same_persons(rows)
    if persons:
        result["identity"] = renamed(result["identity"], persons)
    return Merged(
        table=result,
        conflicts=_conflicts(faults),
        rows=len(table) - len(result),
        added={name: one.count for name, one in sums.items() if one.count},
        persons=persons,
    )


def _put_votes(united: pd.DataFrame, differ: pd.DataFrame, votes: Summed) -> None:
    """Put the votes of faces, and their classes, into the labels of all faces."""
    is_known = united.index.isin(votes.cells.index)
    for column in votes.cells:
        cells = votes.cells[column].reindex(united.index)
        united[column] = united[column].astype(cells.dtype).mask(is_known, cells)
    differ.loc[is_known, [*votes.cells]] = False


def _conflicts(faults: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(faults, columns=["path", "column", "reason"], dtype=object)


def _replaced(cells: "pd.Series[Any]", places: Any, values: Any) -> "pd.Series[Any]":
    if pd.api.types.is_numeric_dtype(cells) and pd.isna(values).any():
        cells = cells.astype(float)
    if pd.api.types.is_numeric_dtype(cells) and values.dtype == object:
        cells = cells.astype(object)  # empty so far
    cells = cells.copy()
    cells.loc[places] = values
    return cells


def _faults(
    rows: pd.DataFrame, face: Any, differ: pd.DataFrame, numbered: bool
) -> Iterator[tuple[str, str, str]]:
    """Path, column and reason of each label in which the rows of a face differ."""
    for column in differ.columns[differ.any()]:
        doubtful = pd.Series(face, rows.index).isin(differ.index[differ[column]])
        labels = pd.DataFrame({"face": face, "says": as_text(rows[column])}, rows.index)
        labels = labels[doubtful & rows[column].notna()].drop_duplicates()
        if numbered:
            labels["says"] += " in row " + (labels.index + 1).astype(str)
        outcome = _EMPTY
        if column == "split":
            outcome = "of which test counts first, then val"
        if column == "identity":
            outcome = "which are one person"
        joined: dict[Any, str] = {}
        for one, says in zip(labels["face"], labels["says"], strict=True):
            joined[one] = f"{joined[one]} and {says}" if one in joined else says
        for one, says in joined.items():
            reason = f"{column} is {says} {OF_ONE}, {outcome}"
            yield _path(one), str(column), reason


def _path(face: Any) -> str:
    return str(face).partition("\0")[0]


def _parts(splits: "pd.Series[Any]", face: Any) -> "pd.Series[Any]":
    """The part of each face: the last of train, val and test that a row says."""
    ranks = splits.map({part: rank for rank, part in enumerate(SPLITS)})
    return ranks.groupby(face).max().map(dict(enumerate(SPLITS)))


def _outside(united: pd.DataFrame, differ: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Faults of numbers outside an interval that another row says, marked in `differ`.

    Both ends of an interval differ together.
    """
    faults = []
    for column in [name[:-4] for name in map(str, united) if name.endswith("_low")]:
        low, high = interval_columns(column)
        if high not in united:
            continue
        ends = differ[low] | differ[high]
        differ[low], differ[high] = ends, ends
        if column not in united:
            continue
        number = united[column]
        outside = ~ends & ~differ[column]
        outside &= (number < united[low]) | (number > united[high])
        for face, row in united[outside].iterrows():
            what = f"{row[column]:g} and from {row[low]:g} to {row[high]:g}"
            reason = f"{column} is {what} in rows {OF_ONE}, left empty"
            faults.append((_path(face), column, reason))
        for name in (column, low, high):
            differ[name] |= outside
    return faults


def merged_rows(
    table: pd.DataFrame,
    decisions: Decisions,
    where: str,
    votes: Questions,
    *,
    distinct: bool = False,
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The table of a file with one row per face, and the labels that were set aside.

    `distinct` says that the rows are known to show different pictures. The columns of a
    question with `votes` stay together.

    The list has pairs of a path and a reason. Columns that are left out have remarks
    alone: a head may be asked for. Raises UserError if a column loses all of its
    labels.
    """
    merged = merge(table, votes=votes, numbered=True, distinct=distinct)
    if merged.rows:
        text = f"{counted(merged.rows, 'row')} merged into others of the same picture"
        decisions.remark("path", text)
    for name, count in merged.added.items():
        text = f"votes of different rows are added for {counted(count, 'picture')}"
        decisions.remark(name, f"{text}; equal ones count once")
    out = decisions.left_out(table)
    conflicts = merged.conflicts[~merged.conflicts["column"].isin(out)]
    for column, faults in merged.conflicts.groupby("column", sort=False):
        advice = "" if column in (*votes, *out) else _votes_advice(table[column])
        if column not in out:
            _check_few(str(column), faults, merged.table[column], where, advice)
        text = _contradictions(str(column), len(faults), advice)
        decisions.remark(str(column), text)
    pairs = conflicts[["path", "reason"]].itertuples(index=False, name=None)
    return merged.table, list(pairs)


def _check_few(
    column: str,
    faults: pd.DataFrame,
    left: "pd.Series[Any]",
    where: str,
    advice: str,
) -> None:
    """Raise UserError if the rows of many pictures contradict each other."""
    count, total = len(faults), len(faults) + int(left.notna().sum())
    if column == "split" or (count < total and count <= max(_FEW, _MOST * total)):
        return
    todo = "keep one row per picture"
    if advice:
        todo += ", or write into the TOML beside the table that its rows are votes, "
        todo += advice
    raise UserError(
        where,
        f"{count:,} of {total:,} pictures have rows that contradict each other in "
        f"{column!r}, the first: {faults['reason'].iloc[0].partition(', ')[0]}",
        todo,
    )


def _contradictions(column: str, count: int, advice: str) -> str:
    if column == "split":
        return f"rows of {counted(count, 'picture')} differ: test counts, then val"
    if column == "identity":
        return f"rows of {counted(count, 'picture')} differ: they are one person"
    text = f"{counted(count, 'picture')} left empty, as rows contradict each other"
    return f"{text}; {advice} would count them as votes" if advice else text


def _votes_advice(labels: "pd.Series[Any]") -> str:
    """The section that makes votes of rows; empty if their labels are no classes."""
    name = str(labels.name)
    if name in RESERVED or labels.nunique() > infer.MOST:
        return ""
    if pd.api.types.is_numeric_dtype(labels):
        question = name.removesuffix("_low").removesuffix("_high")
        is_class = labels.isin(range(infer.MOST)) | labels.isna()
        if question != name or not is_class.all() or _is_number(question):
            return ""
    return votes_section(name)


def _is_number(column: str) -> bool:
    """Whether a named head predicts a number of this column."""
    return "low" in catalog.named().get(catalog.readers().get(column, ""), {})


def merged_sets(
    table: pd.DataFrame, votes: Questions, *, distinct: bool = False
) -> Merged:
    """Merge the rows that several data sets have for a face; `source` is the first's.

    Persons whom data sets call differently are one if a face shows both. The columns of
    a question with `votes` stay together. `distinct` says that each row is known to be
    another face.
    """
    if distinct or not has_repeated(table):
        return Merged(table=table, conflicts=_conflicts([]))
    persons = same_persons(table)
    if persons:
        table = table.assign(identity=renamed(table["identity"], persons))
    return replace(merge(table, votes=votes), persons=persons)


def merge_notes(merged: Merged) -> Iterator[str]:
    """What a report must say of pictures that several data sets have."""
    if not merged.rows:
        return
    yield (
        f"{merged.rows:,} pictures are in several data sets: their labels are merged, "
        "and they count as those of the first."
    )
    for name, count in merged.added.items():
        yield (
            f"The votes of different data sets for {name} of "
            f"{counted(count, 'picture')} are added; equal ones count once."
        )
    if merged.persons:
        yield f"As data sets share pictures, {joined_text(merged.persons)}."
    for column, faults in merged.conflicts.groupby("column", sort=False):
        yield (
            f"The data sets contradict each other in {column} of {len(faults):,} "
            f"pictures; the first: {faults['reason'].iloc[0]}."
        )
