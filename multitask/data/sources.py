"""Which pictures and labels does `--data NAME=FOLDER` stand for?

| text | reader | name |
| --- | --- | --- |
| `utkface=FOLDER` | `datasets/utkface.py` | utkface |
| `genre=folder:FOLDER` | `datasets/folder.py` with that name | genre |
| `table:FILE` | `datasets/table.py` | table |
| `mine=table:FILE,root=FOLDER` | the same, with the option `root` | mine |
"""

import inspect
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from multitask.contracts import infer, plugins
from multitask.contracts.errors import UserError, close_name, nearest
from multitask.contracts.head import Head
from multitask.contracts.paths import expand_user
from multitask.contracts.reading import ENDINGS, PARTS, TABLES
from multitask.contracts.table import RESERVED, Reading, check, concat
from multitask.data.joint_heads import joint_heads, without_left_out
from multitask.data.joint_spellings import one_spelling
from multitask.data.labels import check_reading
from multitask.tables.merge import merge_notes, merged_sets
from multitask.tables.questions.summed import vote_columns
from multitask.tables.values import by_value


@dataclass(frozen=True, kw_only=True)
class Source:
    """One data set of `--data`; `path` is empty if the text names no folder.

    `options` are keyword arguments of the reader.
    """

    name: str
    reader: str
    path: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        if not self.path:
            return self.name
        path = self.path if self.reader == self.name else f"{self.reader}:{self.path}"
        options = "".join(f",{key}={value}" for key, value in self.options)
        return f"{self.name}={path}{options}"


def parse(text: str) -> Source:
    """Parse `NAME=FOLDER`, `NAME=READER:FOLDER`, `READER:FOLDER` or `NAME`.

    An option of the reader follows the path, as in `FILE,root=FOLDER`, unless there is
    a file or folder of the whole name.

    >>> parse("genre=folder:stills/")
    Source(name='genre', reader='folder', path='stills/', options=())
    >>> parse("genre=table:stills.csv,root=stills").options
    (('root', 'stills'),)
    """
    readers = "|".join(map(re.escape, plugins.names("datasets")))
    is_named = re.match(rf"(?!(?:{readers}):)[^,=]*=", text)
    name, path = text.split("=", 1) if is_named else ("", text)
    match = re.fullmatch(rf"(?s)({readers}):(.+)", path)
    if match:
        reader, path = match.groups()
        path, options = _options(path)
        return Source(name=name or reader, reader=reader, path=path, options=options)
    if not is_named:
        name, path = text, ""
    path, options = _options(path)
    return Source(name=name, reader=name, path=path, options=options)


def _options(path: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A path without the option that follows it, and this one."""
    starts = [match.start() for match in re.finditer(r",[a-z_]+=", path)]
    if not starts or os.path.exists(os.path.expanduser(path)):
        return path, ()
    # Names of folders may look like options, too.
    exist = (n for n in starts if os.path.exists(os.path.expanduser(path[:n])))
    start = next(exist, starts[0])
    key, _, value = path[start + 1 :].partition("=")
    return path[:start], ((key, value),)


def absolute(data: Sequence[str]) -> tuple[str, ...]:
    """The same data sets with absolute paths.

    Raises UserError for a path that is not UTF-8, which no recipe could store.
    """
    texts = []
    for text in data:
        source = parse(text)
        if source.path:
            path = str(expand_user(source.path).resolve())
            if not _is_text(path):
                raise UserError("--data", f"{path!r} is not UTF-8", "rename the folder")
            source = replace(source, path=path)
            if root := dict(source.options).get("root"):
                root = str(expand_user(root).resolve())
                options = {**dict(source.options), "root": root}
                source = replace(source, options=tuple(options.items()))
        texts.append(str(source))
    return tuple(texts)


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def read_all(
    data: Sequence[str], sample: Path | None = None, heads: Iterable[object] = ()
) -> Reading:
    """Read data sets such as `NAME=FOLDER` and join their tables.

    What several of them have labels for is one row, which counts as the first one's.

    `sample` is the folder for the data set `sample`, the only one that can be named
    without a folder, as it draws its pictures. A column that one data set left out, and
    another has labels in, is empty for the first one unless `heads` ask for it.

    Raises UserError for an unknown name, a missing folder, one with nothing usable, or
    data sets that contradict each other.
    """
    sample = sample.resolve() if sample else None
    readings = without_left_out([_read_one(text, sample) for text in data], heads)
    readings, respelled = one_spelling(readings)
    votes = vote_columns(item for r in readings for item in r.heads.items())
    tables = [r.table for r in readings]
    merged = merged_sets(concat(tables), votes, distinct=len(tables) == 1)
    table = merged.table
    if len(tables) > 1:  # each by itself is checked
        table = check(table, "the data sets together")
    skipped = [*(r.skipped for r in readings), merged.conflicts[["path", "reason"]]]
    notes = [*(note for r in readings for note in r.notes), *respelled]
    notes += merge_notes(merged)
    pairs = zip(data, readings, strict=True)
    named = [reading for text, reading in pairs if takes_name(text)]
    decisions = [
        r.decisions.assign(source=parse(text).name)
        for text, r in zip(data, readings, strict=True)
    ]
    return Reading(
        table=table,
        skipped=pd.concat(skipped, ignore_index=True),
        notes=tuple(dict.fromkeys(notes)),
        heads=joint_heads(readings, table, named),
        decisions=pd.concat(decisions, ignore_index=True),
    )


def takes_name(text: str) -> bool:
    """Whether a data set's reader takes a `name`, and so may bring heads."""
    return _takes_name(plugins.reader(parse(text).reader))


def _takes_name(reader: Callable[..., Reading]) -> bool:
    return "name" in inspect.signature(reader).parameters


def check_source(text: str) -> Source:
    """Parse a data set as `parse` does; UserError if it can't be one."""
    source = parse(text)
    try:
        reader = plugins.reader(source.reader)
    except UserError as error:
        known = source.reader in plugins.names("datasets")
        raise (error if known else _no_reader(text, source)) from None
    if not source.path and source.name != "sample":
        raise UserError(
            "--data", f"{text!r} has no folder", f"write {source.name}=FOLDER"
        )
    if source.reader != source.name and not _takes_name(reader):
        raise UserError(
            "--data",
            f"{text!r}: reader {source.reader} can't be given another name",
            f"write {source.reader}={source.path}",
        )
    keywords = [*inspect.signature(reader).parameters][1:]
    options = [key for key in keywords if key != "name"]
    for key, _ in source.options:
        if key not in options:
            what = f"{source.reader} has no option {key!r}"
            todo = nearest(key, options) if options else f"leave out ,{key}=..."
            raise UserError(f"--data {source.name}", what, todo)
    return source


def _no_reader(text: str, source: Source) -> UserError:
    """The error of a text whose reader is unknown: it says how to write one."""
    readers, given = plugins.names("datasets"), source.path or text
    path = expand_user(given)
    mistyped = re.fullmatch(r"(\w{2,}):(.+)", given)  # not a drive, C:
    if mistyped and not path.exists():
        reader, file = mistyped.groups()
        meant = close_name(reader, readers)
        name = f"{source.name}=" if source.path else ""
        todo = f"did you mean {name}{meant}:{file}?" if meant else ""
        return UserError(
            "--data", f"unknown reader {reader!r}", todo or nearest(reader, readers)
        )
    others = [name for name in readers if name != "sample" or not source.path]
    if meant := close_name(source.reader, others, 0.7):
        todo = f"did you mean {meant}={source.path or 'FOLDER'}?"
        if path.is_dir() and holds_classes(path):
            todo += f" Or {_usage(source.name, given)}"
        return UserError("--data", f"unknown reader {source.reader!r}", todo)
    if not path.exists():
        where = f"--data {source.name}" if source.path else "--data"
        return UserError(
            where, f"there is no file or folder '{path}'", "check the path"
        )
    what = (
        f"unknown reader {source.reader!r}" if source.path else f"{text!r} has no name"
    )
    return UserError("--data", what, _usage(source.name if source.path else "", given))


def _usage(name: str, given: str) -> str:
    """How to write the data set of a path that exists."""
    path = expand_user(given)
    if path.is_dir() and not holds_classes(path):
        others = [n for n in plugins.names("datasets") if n not in ("table", "sample")]
        return f"write READER={given} with one of the readers {', '.join(others)}"
    if path.is_dir():
        name = name or infer.head_name(path.resolve().name, ())
        return f"write {name}=folder:{given}"
    if path.suffix.lower() in TABLES:
        return f"write {name or infer.head_name(path.stem, ())}=table:{given}"
    return f"a table of labels ends in {', '.join(TABLES)}"


def holds_classes(folder: Path) -> bool:
    """Whether two folders or more hold pictures, other than parts of a split."""
    classes = set()
    for below in _folders(folder):
        is_part = below.name.casefold() in PARTS
        for one in _folders(below) if is_part else [below]:
            with os.scandir(one) as entries:
                if any(entry.name.lower().endswith(ENDINGS) for entry in entries):
                    classes.add(one.name)
        if len(classes) > 1:
            return True
    return False


def _folders(folder: Path) -> list[Path]:
    entries = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in entries if path.is_dir())


def _read_one(text: str, sample: Path | None) -> Reading:
    source = check_source(text)
    reader = plugins.reader(source.reader)
    if not source.path:
        if sample is None:
            raise UserError("--data", f"{text!r} has no folder", "write sample=FOLDER")
        return reader(sample)
    path, options = expand_user(source.path), dict(source.options)
    if _takes_name(reader):
        options["name"] = source.name
    reading = reader(path, **options)
    table = _with_source(check(reading.table, text), source.name)
    check_reading(reading, f"--data {source.name}")
    return replace(reading, table=table)


def _with_source(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table with its data set's name as `source` and as a prefix of identities.

    Person 7 of one data set is not person 7 of another.
    """
    if "source" not in table:
        table = table.assign(source=name)
    if "identity" in table:
        identity = by_value(
            table["identity"], lambda values: f"{name}:" + values.astype(str)
        )
        table = table.assign(identity=identity)
    return table


def check_labelled(
    heads: Sequence[Head], table: pd.DataFrame, *, every: bool = True
) -> dict[str, int]:
    """The number of rows that have a label for each head, by head name.

    Raises UserError if a head has none (with `every=False` only if no head has any),
    listing the columns that do have labels.
    """
    counts = {}
    for head in heads:
        counts[head.name] = int(head.labelled(table).sum())
    unlabelled = [head for head in heads if not counts[head.name]]
    if unlabelled and (every or len(unlabelled) == len(heads)):
        raise _unlabelled(unlabelled[0], table)
    return counts


def _unlabelled(head: Head, table: pd.DataFrame) -> UserError:
    """The error of a head for which no row has a label."""
    labels = table.drop(columns=list(RESERVED), errors="ignore")
    todo = nearest(head.columns[0], labels.columns[labels.notna().any()])
    if table.columns.intersection([*head.label_columns]).empty:
        todo = re.sub("^known:", "it has", todo)
        names = ", ".join(map(repr, head.columns[:5]))
        return UserError(head.where, f"the data has no column {names}", todo)
    what = f"the data has no labels for it in {', '.join(head.columns[:5])}"
    return UserError(head.where, what, todo)
