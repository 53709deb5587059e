"""Which cells are in a file of labels, whatever its format?"""

import os
from pathlib import Path

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.reading import TABLES
from multitask.tables.annotations import LabelFile, annotations

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def existing_file(file: Path, where: str) -> Path:
    """The file with a leading `~` expanded; UserError if it is no file of labels."""
    path = Path(os.path.expanduser(file))
    ending = path.suffix.lower()
    if path.is_dir():
        raise UserError(where, f"'{path}' is a folder, not a file", _files())
    if not path.exists():
        raise UserError(where, f"there is no file '{path}'", "check the path")
    if ending not in TABLES:
        raise UserError(where, f"'{path}' has an unknown ending", _files())
    return path


def _files() -> str:
    return f"give a file that ends in {', '.join(TABLES)}"


def load(path: Path, where: str) -> LabelFile:
    """Read the cells of a file as its ending says.

    Raises UserError if it can't be read, or if that needs a package that is missing.
    """
    ending = path.suffix.lower()
    if ending == ".json":
        return annotations(path, where)
    try:
        cells = _parquet(path) if ending == ".parquet" else _csv(path)
    except ImportError:
        raise UserError(
            f"{where}: '{path}'", "needs pyarrow", "pip install pyarrow"
        ) from None
    except (ValueError, OSError) as error:  # ValueError: it can't be parsed
        raise UserError(f"{where}: '{path}'", f"can't be read: {error}") from error
    return LabelFile(root=path.parent, cells=cells)


def _csv(path: Path) -> pd.DataFrame:
    """All cells as text; as a heading, pandas would rename repeated columns."""
    cells = pd.read_csv(
        path,
        sep=SEPARATORS[path.suffix.lower()],
        header=None,
        dtype=object,
        keep_default_na=False,  # an occlusion may be none
        na_values=[""],
        encoding="utf-8-sig",
        encoding_errors="surrogateescape",  # as in names of files
    )
    names = ["" if pd.isna(name) else name for name in cells.iloc[0]]
    header = pd.Index(names, dtype=object)
    return cells.iloc[1:].set_axis(header, axis=1).reset_index(drop=True)


def _parquet(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path, engine="pyarrow")
    return table if table.index.names == [None] else table.reset_index()
