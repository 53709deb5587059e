"""Which pictures and labels does a file of labels stand for?

CSV, TSV and Parquet have the columns of `multitask/contracts/table.py`: `path`, and a
column per label. JSON is the annotation file of mmpretrain's multi-task training
(`multitask/tables/formats/annotations.py`).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NoReturn

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import box_columns
from multitask.contracts.table import RESERVED, Reading, check_path, headed
from multitask.tables.boxes import boxed
from multitask.tables.decisions import Decisions
from multitask.tables.declaration import Declaration, declared
from multitask.tables.formats.annotations import LabelFile
from multitask.tables.formats.files import existing_file, load
from multitask.tables.formats.headers import SEPARATED, TEXTS
from multitask.tables.formats.picture_column import is_link, with_path
from multitask.tables.locate import locate
from multitask.tables.merge import merged_rows
from multitask.tables.missing import emptied
from multitask.tables.named import named_columns, own_heads
from multitask.tables.normalized import check_centres
from multitask.tables.questions.brackets import flat
from multitask.tables.questions.columns import question_columns
from multitask.tables.questions.objects import with_inner_columns
from multitask.tables.questions.raters import row_votes
from multitask.tables.questions.summed import vote_columns
from multitask.tables.questions.tall import check_wide
from multitask.tables.roles import declared_roles, leave_out
from multitask.tables.spellings import respelled
from multitask.tables.splits import with_split
from multitask.tables.types import has_text, typed
from multitask.tables.values import coded, uncoded


def read(file: Path, *, name: str, root: str = "", box: str = "") -> Reading:
    """Read the labels in a file, of named heads and of heads that it brings.

    Relative paths are relative to `root`, by default the file's folder. Words such as
    `unknown` mean *no label*, and labels are translated to the spelling of their heads;
    `decisions` of the reading has all of it, and a TOML beside the file overrules it. A
    column is numeric if all of its filled cells are numbers, unless they are text in a
    Parquet file or the TOML says so, `text = ["code"]`. A `box` of `xywh` says that
    boxes in one column are left, top, width and height. Rows without a picture and
    faulty labels are skipped, rows of one picture and box are merged.

    Raises UserError if the file is missing, can't be read as its ending says, lacks the
    column `path`, has a column twice or one whose labels are faulty, or if none of its
    pictures exists.
    """
    where = f"--data {name}"
    path = existing_file(file, where)
    declaration = declared(path, where, root, box)
    decisions = Decisions()
    labels = load(path, where, decisions, declaration.text)
    return reading_of(labels, path, declaration, decisions, name=name)


def read_pictures(
    file: Path, where: str, box: Literal["", "xyxy", "xywh"] = ""
) -> tuple[pd.DataFrame, str]:
    """The pictures in a file of labels: `path` (rows,), and the columns of their boxes.

    They are found as by `read`, and its labels are not read; a path without a file
    stays as it is, and so does a wrong box. Boxes are as the file has them, unless the
    TOML beside it declares them: they are then in `box`, and the second result, what
    `box` says of them otherwise, is `xyxy`. Raises UserError as `read` does for the
    file and its columns.
    """
    path = existing_file(file, where)
    declaration, decisions = declared(path, where), Decisions()
    labels = load(path, where, decisions, declaration.text)
    folder = Path(declaration.root or labels.root)
    cells, _ = with_path(labels.cells, path, folder, declaration, decisions, where)
    cells, declaration, _ = _headed(cells, path, where, declaration, decisions)
    roles = [column.role for column in declaration.column.values()]
    form = box
    if declaration.box or "box" in roles:
        form = "xyxy"
        declaration = replace(declaration, box=box or declaration.box)
        written = uncoded(cells)
        cells, wrong = boxed(cells, declaration, decisions, f"{where}: '{path}'")
        sides = [name for name in written if name == "box" or name not in cells]
        texts = written.loc[wrong.index, sides].astype(str).agg(" ".join, axis=1)
        cells.loc[wrong.index, "box"] = texts  # its row says what is wrong
    columns = box_columns(map(str, cells))
    if not columns:
        check_centres(cells, declaration, f"{where}: '{path}'")
    paths, _, _ = locate(cells["path"], folder, decisions)
    table = uncoded(cells[[*columns.names]]) if columns else cells[[]]
    return table.assign(path=paths.fillna(cells["path"]).fillna("")), form


def reading_of(
    labels: LabelFile,
    path: Path,
    declaration: Declaration,
    decisions: Decisions,
    *,
    name: str,
) -> Reading:
    """The reading of the cells of a file, `path`, as `read` makes it.

    What was done to them before is in `decisions`. Raises UserError as `read` does.
    """
    where, file = f"--data {name}", f"--data {name}: '{path}'"
    folder = Path(declaration.root or labels.root)
    cells, unmade = with_path(labels.cells, path, folder, declaration, decisions, where)
    cells, declaration, faults = _headed(cells, path, where, declaration, decisions)
    cells, declaration = named_columns(cells, declaration, decisions)
    cells, bad_boxes = boxed(cells, declaration, decisions, file)
    table, labels, bad = _typed(cells, labels, path, declaration, decisions, where)
    names = table["path"]
    table["path"], missing, are_distinct = locate(names, folder, decisions)
    missing.update(unmade)
    missing = missing.combine_first(bad_boxes)
    paths = table["path"]
    skipped = [*labels.skipped, *zip(paths[missing.index], missing, strict=True)]
    if len(missing):
        table = table.drop(index=missing.index)
    if table.empty:
        _check_found(names, missing, path, folder, decisions.written, where)
        _refuse(path, skipped, where)
    voted = row_votes(table, declaration, decisions, file)
    labels.brings |= voted.heads
    votes = vote_columns(labels.brings.items())
    table, contradictions = merged_rows(
        voted.cells, decisions, file, votes, distinct=are_distinct
    )
    faults += [*bad, *voted.faults]
    skipped += [*((paths[row], reason) for row, reason in faults), *contradictions]
    table = table.reset_index(drop=True)
    return Reading(
        table=table if "source" in table else table.assign(source=name),
        skipped=pd.DataFrame(skipped, columns=["path", "reason"], dtype=object),
        heads=labels.heads(table.drop(columns=decisions.left_out(table))),
        decisions=decisions.table(),
    )


def _typed(
    cells: pd.DataFrame,
    labels: LabelFile,
    path: Path,
    declaration: Declaration,
    decisions: Decisions,
    where: str,
) -> tuple[pd.DataFrame, LabelFile, list[tuple[Any, str]]]:
    """The table of the cells, its labels numbers and text in the spelling of heads.

    Also rows and reasons of cells that are left empty.
    """
    cells = emptied(coded(cells), declaration, decisions, where)
    cells = with_split(cells, declaration, decisions, where)
    names = decisions.written
    check_wide(cells, declaration, names.get("path", "path"), f"{where}: '{path}'")
    cells, labels, bad = question_columns(cells, labels, declaration, decisions, where)
    own = labels.own_columns(cells)  # have the spelling of their head already
    leave_out(cells.drop(columns=own), declaration, decisions)
    text = _text_columns(cells, path, declaration)
    others, faults = respelled(
        cells.drop(columns=own),
        *(declaration, decisions, where, text),
        numbered=labels.numbered,
    )
    table = typed(pd.concat([others, cells[own]], axis="columns"), where, text)
    labels.brings |= own_heads(table.drop(columns=own), declaration)
    return table, labels, [*bad, *faults]


def _headed(
    cells: pd.DataFrame,
    path: Path,
    where: str,
    declaration: Declaration,
    decisions: Decisions,
) -> tuple[pd.DataFrame, Declaration, list[tuple[Any, str]]]:
    """The columns with a name; UserError if they are not those of a table.

    Objects in cells have become columns. Also what is declared of the columns with
    their names now, and rows and reasons of cells left empty.
    """
    file = f"{where}: '{path}'"
    cells = headed(cells, file)
    for column in map(str, cells):
        decisions.read_as(column, column if column in RESERVED else "label")
    names = cells.columns
    cells, outer = declared_roles(cells, declaration, decisions, where)
    cells, faults = with_inner_columns(coded(flat(cells)), outer, decisions)
    declaration.check_columns(names.append(cells.columns), file, inner=True)
    keys = {n: one for n, one in declaration.column.items() if n not in names}
    inner = replace(declaration, column=keys)
    cells, inner = declared_roles(cells, inner, decisions, where)
    others = {n: one for n, one in outer.column.items() if n not in keys}
    outer = replace(outer, column={**others, **inner.column})
    has_one = path.suffix.lower() in TEXTS and len(cells.columns) < 2
    check_path(cells, file, SEPARATED if has_one else "")
    if cells.empty:
        raise UserError(file, "has no rows")
    return cells, outer, faults


def _text_columns(
    cells: pd.DataFrame, path: Path, declaration: Declaration
) -> list[str]:
    """The columns that hold text even if it looks like numbers."""
    text = list(declaration.text)
    if path.suffix.lower() == ".parquet":  # which has types
        text += [name for name in map(str, cells) if has_text(cells[name])]
    return text


def _check_found(
    names: "pd.Series[Any]",
    missing: "pd.Series[Any]",
    path: Path,
    root: Path,
    written: Mapping[str, str],
    where: str,
) -> None:
    """Raise UserError if a table has rows, and none of its pictures was found."""
    is_lost = missing.str.endswith("no such file")
    is_unclear = missing.str.contains(": may mean ", regex=False)
    rows = missing.index[is_lost | is_unclear]
    others = missing.drop(index=rows)
    if not len(rows) or not others.str.endswith("has no path").all():
        return
    column, toml = written.get("path", "path"), f"'{path.name}.toml'"
    if is_unclear.any():
        first = missing.index[is_unclear][0]
        means = missing[first].partition(": may mean ")[2].partition(";")[0]
        raise UserError(
            where,
            f"the pictures in '{path}' can't be told apart: {str(names[first])!r} of "
            f"column {column!r} may mean {means}",
            "write the folder before the names, or add ,root=FOLDER to --data",
        )
    firsts = [str(name) for name in names[rows].unique()[:3]]
    count = names[rows].nunique()
    what = f"none of the {count:,} pictures in '{path}' was found"
    if count == 1:
        what = f"the only picture in '{path}' was not found"
    what += f": column {column!r} has {', '.join(map(repr, firsts))}"
    todo = (
        f"paths are relative to '{root}'; if the pictures are elsewhere, add "
        f',root=FOLDER to --data, or write root = "FOLDER" into {toml} beside the file'
    )
    if is_link(firsts[0]):
        todo = f"links are not downloaded: save their pictures below '{root}'"
    if column != "path":
        todo += (
            '; if another column names the pictures, write role = "path" under its '
            f"[column.NAME] into {toml}"
        )
    raise UserError(where, what, todo)


def _refuse(path: Path, skipped: list[tuple[Any, Any]], where: str) -> NoReturn:
    examples = ", ".join(f"'{first}': {reason}" for first, reason in skipped[:3])
    what = f"none of the {len(skipped):,} rows of '{path}' can be used; for example "
    raise UserError(where, f"{what}{examples}")
