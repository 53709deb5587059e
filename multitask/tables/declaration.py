"""What does a user declare about a table, in the TOML file beside it?"""

import tomllib
from pathlib import Path

import pandas as pd

from multitask.contracts.errors import UserError
from multitask.contracts.table import RESERVED
from multitask.tables.types import numbers


def text_declared(file: Path, where: str) -> tuple[str, ...]:
    """The columns that hold text even if it looks like numbers, as declared by a user.

    They are in a TOML file beside the table: `labels.csv.toml` for `labels.csv`, with
    `text = ["code"]`. Raises UserError for a TOML that holds anything else.
    """
    path = _declaration(file)
    if not path.exists():
        return ()
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(where, f"'{path}' is no TOML: {error}") from None
    text = declared.pop("text", [])
    if declared:
        what = f"'{path}': {next(iter(declared))!r} is no setting of a table"
        raise UserError(where, what, "known: text")
    if not (isinstance(text, list) and all(isinstance(name, str) for name in text)):
        what = f"'{path}': text is {text!r}, must be a list of columns"
        raise UserError(where, what, 'write text = ["code"]')
    return tuple(text)


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
    return _declaration(file), tomli_w.dumps({"text": text}) if text else ""


def _declaration(file: Path) -> Path:
    return file.with_name(f"{file.name}.toml")
