"""What does a user declare about a table, in the TOML file beside it?

    # labels.csv.toml, beside labels.csv
    text = ["code"]            # columns that are text even if it looks like numbers
    missing = ["999", "n.a."]  # more words for "not annotated", in every column
    root = "pictures"          # the folder that paths are relative to
    box = "xywh"               # a cell `bbox` is left top width height, not corners

    [column.weather]
    role = "label"             # or "path", "box", "identity", "split", "source", "none"
    classes = ["none", "rain"] # words that are classes here, even "none"; or what cells
                               # mean: {"0" = "none", "1" = "rain"}
    missing = ["-9"]           # more words for "not annotated", in this column
    several = "|"              # what separates several labels in a cell; "" if nothing
                               # does; "numbers" or "yes/no" if `[1, 0]` are these

    [votes.expression]         # one question, how many voted for each class in a column
    columns = {happy = "happiness", sad = "sadness"}  # or ["happy", "sad"]
    leave_out = ["unknown"]    # columns with votes for no class

    [votes.mood]               # each row of a picture is a vote for its `mood`

    [multilabel.genre]         # yes/no columns of one head
    columns = ["drama", "comedy"]

The options of `--data`, such as `NAME=table:FILE,root=FOLDER`, replace its settings.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.paths import expand_user
from multitask.contracts.settings import checked, type_hints, value
from multitask.contracts.table import RESERVED
from multitask.tables.types import numbers

Role = Literal["", "label", "path", "box", "identity", "split", "source", "none"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """What is declared about one column; an empty `role` leaves it to the reader.

    `classes` lists the classes, or maps what cells say to them.
    """

    role: Role = ""
    classes: dict[str, str] | list[str] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    several: str | None = None


def column_section(name: str) -> str:
    """The heading of a column's section in the TOML file, for messages.

    >>> column_section("mood"), column_section("meta.mood")
    ('[column.mood]', '[column."meta.mood"]')
    """
    return f"[column.{_toml_key(name)}]"


def votes_section(name: str) -> str:
    """The heading of the section for the votes on a question, for messages."""
    return f"[votes.{_toml_key(name)}]"


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def as_mapping(classes: dict[str, str] | list[str]) -> dict[str, str]:
    """The class that each spelling means, of declared classes.

    >>> as_mapping(["rain", "sun"])
    {'rain': 'rain', 'sun': 'sun'}
    """
    return classes if isinstance(classes, dict) else {name: name for name in classes}


@dataclass(frozen=True, kw_only=True)
class Votes:
    """Where the votes for the classes of one question are.

    `columns` maps classes to columns with numbers of votes; a list of columns names the
    classes, too. Without any, every row of a picture is a vote for the class that the
    column of this name says.
    """

    columns: dict[str, str] | list[str] = field(default_factory=list)
    leave_out: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """All columns with votes, those for no class as well."""
        columns = self.columns
        own = columns.values() if isinstance(columns, dict) else columns
        return [*own, *self.leave_out]


@dataclass(frozen=True, kw_only=True)
class Multilabel:
    """The yes/no columns that one head reads together."""

    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What is declared about a table; the defaults declare nothing."""

    text: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    root: str = ""
    box: Literal["", "xyxy", "xywh"] = ""
    column: Mapping[str, Column] = field(default_factory=dict)
    votes: Mapping[str, Votes] = field(default_factory=dict)
    multilabel: Mapping[str, Multilabel] = field(default_factory=dict)

    @property
    def yes_no(self) -> list[str]:
        """The columns that are declared to be yes/no labels of a head."""
        return [name for one in self.multilabel.values() for name in one.columns]

    def renamed(self, names: Mapping[str, str]) -> "Declaration":
        """The declaration with other names of some columns."""
        column = {names.get(name, name): one for name, one in self.column.items()}
        votes = {names.get(name, name): one for name, one in self.votes.items()}
        text = tuple(names.get(name, name) for name in self.text)
        multilabel = {
            head: Multilabel(columns=tuple(names.get(n, n) for n in one.columns))
            for head, one in self.multilabel.items()
        }
        return replace(
            self, column=column, votes=votes, text=text, multilabel=multilabel
        )

    def no_classes(self, column: str) -> dict[str, str]:
        """What raters may say that is no class of a column, by itself."""
        votes = self.votes.get(column)
        return as_mapping(list(votes.leave_out)) if votes else {}

    def check_columns(
        self, names: "pd.Index[Any]", where: str, *, inner: bool = False
    ) -> None:
        """Raise UserError if a declared column is not among the `names` of a table.

        One called `outer.key` may be in objects of a column `outer`. Only these are
        checked if they are `inner`: the objects have become columns; else the others.
        """
        for name in (*self.text, *self.column, *self.yes_no):
            is_inner = any(name.startswith(f"{outer}.") for outer in names)
            if name not in names and is_inner == inner:
                what = f"has no column {name!r}, which the TOML beside it declares"
                raise UserError(where, what, nearest(name, names))


def declared(file: Path, where: str, root: str = "", box: str = "") -> Declaration:
    """Read what is declared about the table of a file.

    `root` and `box` replace its settings if they are not empty.

    Raises UserError for a TOML that is none or holds an unknown setting.
    """
    path = declaration_file(file)
    content: dict[str, Any] = {}
    if path.exists():
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserError(where, f"'{path}' is no TOML: {error}") from None
    column = _sections(content, "column", Column, f"{where}: '{path}'")
    votes = _sections(content, "votes", Votes, f"{where}: '{path}'")
    multilabel = _sections(content, "multilabel", Multilabel, f"{where}: '{path}'")
    if box:
        content["box"] = value(type_hints(Declaration)["box"], box, f"{where},box")
    declaration = checked(Declaration, content, f"{where}: '{path}'")
    if not root and declaration.root:  # relative to the file
        root = str(file.parent / expand_user(declaration.root))
    parts: dict[str, Any] = {"column": column, "votes": votes, "multilabel": multilabel}
    return replace(declaration, root=root, **parts)


def _sections(
    content: dict[str, Any], key: str, cls: type[Any], where: str
) -> dict[str, Any]:
    """The sections `[key.NAME]`, which are taken out of the content."""
    sections = content.pop(key, {})
    if not isinstance(sections, dict):
        todo = f"write a section [{key}.NAME]"
        raise UserError(where, f"{key} is {sections!r}", todo)
    return {
        name: checked(cls, config, f"{where}: {key} {name}")
        for name, config in sections.items()
    }


def text_declaration(
    table: pd.DataFrame,
    file: Path,
    votes: Mapping[str, Mapping[str, str]] | None = None,
    multilabel: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Path, str]:
    """The TOML file to write beside a file of a table, and its content.

    `votes` has the column with the votes for each class, by question, and `multilabel`
    the yes/no columns of heads that have several. The content is empty if there is
    neither, and if no text of the table looks like numbers.
    """
    import tomli_w

    texts = table.select_dtypes(exclude="number").columns.drop(
        [*RESERVED], errors="ignore"
    )
    text = [name for name in texts if numbers(table[name]) is not None]
    text = [name for name in text if table[name].notna().any()]
    content: dict[str, Any] = {"text": text} if text else {}
    for question, columns in (votes or {}).items():
        columns = {label: name for label, name in columns.items() if name in table}
        if len(columns) > 1 and table[[*columns.values()]].gt(0).any(axis=None):
            content.setdefault("votes", {})[question] = {"columns": columns}
    for head, names in (multilabel or {}).items():
        present = {"columns": [name for name in names if name in table]}
        content.setdefault("multilabel", {})[head] = present
    return declaration_file(file), tomli_w.dumps(content) if content else ""


def declaration_file(file: Path) -> Path:
    """The TOML beside a table's file, which declares what its columns mean."""
    return file.with_name(f"{file.name}.toml")
