"""What does a user declare about a table, in the TOML file beside it?

    # labels.csv.toml, beside labels.csv
    text = ["code"]     # columns that are text even if it looks like numbers
    root = "pictures"   # the folder that paths are relative to

The options of `--data`, such as `NAME=table:FILE,root=FOLDER`, replace its settings.
"""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.settings import checked
from multitask.contracts.table import RESERVED
from multitask.tables.types import numbers


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What is declared about a table; the defaults declare nothing."""

    text: tuple[str, ...] = ()
    root: str = ""

    def check_columns(self, names: "pd.Index[Any]", where: str) -> None:
        """Raise UserError if a declared column is not among the `names` of a table."""
        for name in self.text:
            if name not in names:
                what = f"has no column {name!r}, which the TOML beside it declares"
                raise UserError(where, what, nearest(name, names))


def declared(file: Path, where: str, root: str = "") -> Declaration:
    """Read what is declared about the table of a file; `root` replaces its root.

    Raises UserError for a TOML that is none or holds an unknown setting.
    """
    path = _beside(file)
    content: dict[str, Any] = {}
    if path.exists():
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserError(where, f"'{path}' is no TOML: {error}") from None
    declaration = checked(Declaration, content, f"{where}: '{path}'")
    if not root and declaration.root:  # relative to the file
        root = str(file.parent / Path(declaration.root).expanduser())
    return replace(declaration, root=root)


def text_declaration(table: pd.DataFrame, file: Path) -> tuple[Path, str]:
    """The TOML file to write beside a CSV of a table, and its content.

    The content is empty if no text of the table looks like numbers.
    """
    import tomli_w

    texts = table.select_dtypes(exclude="number").columns.drop(
        [*RESERVED], errors="ignore"
    )
    text = [name for name in texts if numbers(table[name]) is not None]
    text = [name for name in text if table[name].notna().any()]
    return _beside(file), tomli_w.dumps({"text": text}) if text else ""


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.toml")
