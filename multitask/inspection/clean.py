"""Which rows of a table remain once the faulty pictures are removed?

The rules, in this order:

1. Rows whose picture is unreadable, blank or tiny are dropped.
2. The others are visited in the table's order: a row stays unless its picture is near
   or equal to one that stayed, mirrored or not, and does not only look like it
   (`lookalikes`). So no two remaining pictures are duplicates, and a chain of pictures,
   each near the next, does not collapse into one.
3. Where a row that stayed and a row dropped for it contradict each other, nobody knows
   which label is right: it is emptied (a number with its `_low` and `_high`, a class
   with its votes).
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.contracts.run import check_writable
from multitask.contracts.saving import (
    locked,
    placed,
    real_path,
    replacing,
    reporting_write_errors,
)
from multitask.contracts.table import write_csv
from multitask.images.near import Groups
from multitask.inspection.label_intervals import LabelIntervals, Rows
from multitask.inspection.lookalikes import NearPairs, group_files
from multitask.tables.declaration import declaration_file, text_declaration
from multitask.tables.questions.summed import vote_columns

ENDINGS = (".csv", ".parquet")


def clean(
    table: pd.DataFrame, files: pd.DataFrame, labels: LabelIntervals
) -> pd.DataFrame:
    """The rows that remain by the rules above, with the columns of the table.

    `files` is the result of `files.inspect_files(table)`.
    """
    bad = (files["reason"] != "") | files["blank"] | files["tiny"]
    rows = np.flatnonzero(~bad)
    near = NearPairs(files, labels)
    stayed, pairs = _visit(group_files(files[~bad]), rows, near)
    remaining = table.iloc[stayed].copy()
    left, right = np.array(pairs, np.intp).reshape(-1, 2).T
    *_, gaps, look_alike = near.compare(left, right)
    contradicted = gaps > 0
    contradicted[look_alike] = False
    for number, columns in enumerate(labels.columns):
        doubtful = table.index[left[contradicted[:, number]]].unique()
        for column in columns:
            if column in remaining and len(doubtful):
                remaining.loc[doubtful, column] = np.nan
    return remaining.reset_index(drop=True)


def _visit(
    groups: Groups, rows: Rows, near_pairs: NearPairs
) -> tuple[list[int], list[tuple[int, int]]]:
    """The rows that stay, and every pair of one that stays and a near one that goes.

    `rows` (members of the groups,) are their numbers in the table.
    """
    near = _near_groups(groups)
    stayed: dict[int, list[int]] = {}
    gone: list[tuple[int, int]] = []  # a row and its group

    def near_ones(row: int, group: int) -> Rows:
        ones = [one for other in near[group] for one in stayed.get(other, ())]
        left = np.array(ones, np.intp)
        if not ones:  # as of most pictures, for which arrays are slow
            return left
        return left[near_pairs.are_near(left, np.full(len(left), row))]

    for row, group in zip(rows.tolist(), groups.member.tolist(), strict=True):
        others = near_ones(row, group)
        if not len(others) or _only_look_alike(near_pairs, others, row):
            stayed.setdefault(group, []).append(row)
        else:
            gone.append((row, group))
    pairs = [(one, row) for row, group in gone for one in near_ones(row, group)]
    return sorted(one for each in stayed.values() for one in each), pairs


def _only_look_alike(near_pairs: NearPairs, others: Rows, row: int) -> bool:
    """Whether a row is a duplicate of none of `others`, which are near."""
    alike = near_pairs.compare(others, np.full(len(others), row)).look_alike
    return bool(alike.all())


def _near_groups(groups: Groups) -> list[list[int]]:
    """For each group, those whose hashes are near its own, itself first."""
    near = [[group] for group in range(int(groups.member.max(initial=-1)) + 1)]
    for one, other in groups.links.tolist():
        near[one].append(other)
        near[other].append(one)
    return near


def check_target(path: Path, work: Path) -> Path:
    """UserError unless a table can be written to `path`; call it before long work.

    Neither it nor its declaration may exist; those of an audit that was killed in the
    folder `work` will be replaced.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UserError("--fix", f"{str(path)!r} must end in {' or '.join(ENDINGS)}")
    for file in (path, declaration_file(path)):
        if file.exists() and real_path(file) not in placed(work):
            raise UserError("--fix", f"'{file}' already exists", "name a new file")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise UserError("--fix", "parquet needs pyarrow", "pip install pyarrow")
    check_writable(path.parent, "choose another file with --fix")
    return path


def write_table(
    table: pd.DataFrame, path: Path, heads: Sequence[Head] = (), *, work: Path
) -> None:
    """Write a table as CSV or Parquet, by the ending of its file name.

    Which columns `heads` read together is declared in a TOML beside it, and so is text
    that looks like numbers. It is a part of the work in the folder `work`, as are its
    report's files.

    Raises UserError if no row remains or the file can't be written.
    """
    if table.empty:
        raise UserError("--fix", "no rows are left", "nothing was written")
    with reporting_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    votes = vote_columns((head.name, catalog.to_config(head)) for head in heads)
    lists = {head.name: head.columns for head in heads if _is_list(head)}
    declaration, content = text_declaration(table, path, votes, lists)
    with locked(path), replacing(path, work=work) as part:
        if path.suffix.lower() == ".parquet":
            table.to_parquet(part, index=False)
        else:
            write_csv(table, part)
        if content:  # first: a table alone is taken for whole
            with replacing(declaration, work=work) as text:
                text.write_text(content, encoding="utf-8")


def _is_list(head: Head) -> bool:
    """Whether only a declaration can say that a head reads its columns together."""
    several = head.answer_type == "labels" and len(head.columns) > 1
    return several and head.name not in catalog.named()
