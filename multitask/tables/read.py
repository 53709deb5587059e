"""Which pictures and labels does a file of labels stand for?

CSV, TSV and Parquet have the columns of `multitask/contracts/table.py`: `path`, and a
column per label. JSON is the annotation file of mmpretrain's multi-task training
(`multitask/tables/annotations.py`).
"""

from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading, check_path, headed
from multitask.tables.declaration import Declaration, declared
from multitask.tables.files import existing_file, load
from multitask.tables.locate import locate
from multitask.tables.merge import repeated
from multitask.tables.types import has_text, typed


def read(file: Path, *, name: str, root: str = "") -> Reading:
    """Read the labels in a file, of named heads and of heads that it brings.

    Relative paths are relative to `root`, by default the file's folder. Only an empty
    cell means *no label*; a column is numeric if all of its filled cells are numbers,
    unless they are text in a Parquet file or a TOML beside the file says so,
    `text = ["code"]`. Rows without a picture, or with one that an earlier row lists,
    are skipped.

    Raises UserError if the file is missing, can't be read as its ending says, lacks the
    column `path`, has a column twice, or if none of its pictures exists.
    """
    where = f"--data {name}"
    path = existing_file(file, where)
    labels = load(path, where)
    declaration = declared(path, where, root)
    cells = _headed(labels.cells, path, where)
    declaration.check_columns(cells.columns, f"{where}: '{path}'")
    table = typed(cells, where, _text_columns(cells, path, declaration))
    folder = Path(declaration.root or labels.root)
    table["path"], missing = locate(table["path"], folder)
    reasons = pd.concat([missing, repeated(table.drop(index=missing.index))])
    faulty_rows = zip(table["path"][reasons.index], reasons, strict=True)
    skipped = [*labels.skipped, *faulty_rows]
    table = table.drop(index=reasons.index).reset_index(drop=True)
    if table.empty:
        _refuse(path, folder, skipped, where)
    return Reading(
        table=table if "source" in table else table.assign(source=name),
        skipped=pd.DataFrame(skipped, columns=["path", "reason"], dtype=object),
        heads=labels.heads(table),
    )


def _headed(cells: pd.DataFrame, path: Path, where: str) -> pd.DataFrame:
    """The columns with a name; UserError if they are not those of a table."""
    file = f"{where}: '{path}'"
    cells = headed(cells, file)
    separators = "separate columns by commas, in .tsv files by tabs"
    check_path(cells, file, separators if len(cells.columns) < 2 else "")
    if cells.empty:
        raise UserError(file, "has no rows")
    return cells


def _text_columns(
    cells: pd.DataFrame, path: Path, declaration: Declaration
) -> list[str]:
    """The columns that hold text even if it looks like numbers."""
    text = list(declaration.text)
    if path.suffix.lower() == ".parquet":  # which has types
        text += [name for name in map(str, cells) if has_text(cells[name])]
    return text


def _refuse(
    path: Path, root: Path, skipped: list[tuple[Any, Any]], where: str
) -> NoReturn:
    first, reason = skipped[0]
    raise UserError(
        where,
        f"no picture of '{path}' can be used, of {len(skipped):,}; for example "
        f"'{first}': {reason}",
        f"paths are relative to '{root}'",
    )
