"""Which data sets does `data=` mean in Python: folders, files or data frames?

| given | data set |
| --- | --- |
| `{"utkface": "U"}` or `"utkface=U"` | `utkface=U` |
| `{"mine": "labels.csv"}` | `mine=table:labels.csv` |
| `{"mood": "stills/"}` | `mood=folder:stills/` |
| `"labels.csv"`, `"mood/"` | the same, called as the file or the folder |
| a data frame | a table, which is written into the folder of the work |
| a list of these | all of them |
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from multitask.contracts import plugins
from multitask.contracts.errors import Say, UserError, nearest
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.infer import head_name
from multitask.contracts.paths import expand_user
from multitask.contracts.reading import TABLES
from multitask.contracts.run import DATA, LOCK, RECIPE, is_left_over, new_folder
from multitask.contracts.saving import reporting_write_errors
from multitask.contracts.table import faces
from multitask.data import frames, sources

_KINDS = (
    'a mapping such as {"utkface": "FOLDER"}, a text such as "utkface=FOLDER", the '
    "path of a table or of a folder with a folder per class, a DataFrame, or a list of "
    "these"
)
_WAIT = 0.2  # seconds between two looks at what another process does


@contextmanager
def recorded(
    data: object, folder: Path, say: Say = print, *, keep: bool = True
) -> Iterator[tuple[str, ...] | None]:
    """Give the texts of the data sets; data frames become files in `folder`.

    None stays None. The files are removed if what is done meanwhile fails before it has
    begun to write into the folder, and in any case if they are not to `keep`. `say` is
    called with a line on what is written, or guessed.

    Raises UserError for what is no data set, and for data frames if the folder holds
    what is no work of a recipe.
    """
    if data is None:
        yield None
        return
    sets = list(_named(data))
    written = list[Path]()
    if not any(isinstance(value, pd.DataFrame) for _, value in sets):
        yield _texts(sets, folder, written, say)
        return
    _has_begun(folder)
    with _alone(folder):
        begun = _has_begun(folder)  # maybe while this process waited
        try:
            texts = _texts(sets, folder / DATA, written, say)
            with _without_files(texts, folder / DATA):
                yield texts
        except BaseException:
            keep = False
            raise
        finally:
            if not keep and (begun or is_left_over(folder)):
                frames.remove(written, folder)


@contextmanager
def _without_files(texts: tuple[str, ...], folder: Path) -> Iterator[None]:
    """Have errors on data frames not name their files in `folder`."""
    try:
        yield
    except UserError as error:
        for one in map(sources.parse, texts):
            file = Path(one.path)
            if file.parent == folder.absolute():
                error.line = frames.about(error.line, one.name, file)
        error.args = (error.line,)
        raise


def indexed(
    evaluation: Evaluation, data: object, texts: tuple[str, ...] | None
) -> Evaluation:
    """An evaluation on data frames, with the index of these frames.

    `texts` are those that `recorded` gave for the `data`. The index of several frames
    starts with the names of the data sets. If anything else is among the data, only
    paths and boxes tell rows apart, and the evaluation stays as it is.
    """
    sets = [value for _, value in _named(data)] if texts else []
    if not (texts and all(isinstance(value, pd.DataFrame) for value in sets)):
        return evaluation
    parsed = [sources.parse(text) for text in texts]
    names = [one.name for one in parsed] if len(sets) > 1 else None
    index = pd.concat([pd.DataFrame(index=one.index) for one in sets], keys=names).index
    # Rows with the same face were merged into the first one.
    places: dict[str, int] = {}
    shown = chain.from_iterable(frames.shown_faces(one.path) for one in parsed)
    for place, face in enumerate(shown):
        places.setdefault(face, place)
    return _with_index(evaluation, index, places)


def _with_index(
    evaluation: Evaluation, index: pd.Index, places: dict[str, int]
) -> Evaluation:
    """The evaluation with the part of an index that is in the `places` of its faces."""
    own = index[[places[face] for face in faces(evaluation.labels)]]
    before = evaluation.uncalibrated
    now = dict(zip(evaluation.labels.index, own, strict=True))
    return replace(
        evaluation,
        labels=evaluation.labels.set_axis(own),
        answers=evaluation.answers.set_axis(own),
        uncalibrated=None if before is None else before.set_axis(own),
        explanations={
            head: tuple(replace(one, row=now[one.row]) for one in each)
            for head, each in evaluation.explanations.items()
        },
        folds=tuple(_with_index(fold, index, places) for fold in evaluation.folds),
    )


def _has_begun(folder: Path) -> bool:
    """Whether a work of a recipe has begun in a folder, which else must be new."""
    begun = (folder / RECIPE).exists()
    if not begun:
        new_folder(folder)
    return begun


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Write into a folder as the only process, until the work in it has begun.

    Else one that fails would remove what another has found there and is about to read.
    Once the work has begun, nobody removes what it reads, and others may join it.
    """
    folder = folder.absolute()
    file, lock = folder / DATA / LOCK, None
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    while lock is None and not (folder / RECIPE).exists():
        lock = _locked(file)
    try:
        yield
    finally:
        if lock:
            frames.remove([file], missing[-1] if missing else folder)
            lock.release()


def _locked(file: Path) -> FileLock | None:
    """The lock of a file; None if another process has it, or had and removed it."""
    lock = FileLock(file)
    with reporting_write_errors(file), suppress(Timeout):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_WAIT)
        if file.exists():
            return lock
        lock.release()
    return None


def _texts(
    sets: list[tuple[str, Any]], folder: Path, written: list[Path], say: Say
) -> tuple[str, ...]:
    texts = list[str]()
    names = set[str]()
    for name, value in sets:
        if isinstance(value, pd.DataFrame):
            name = name or head_name("table", names)
            if name in names:
                raise UserError("data", f"names {name!r} twice", "name each frame once")
            file = frames.write(value, name, folder, written, say)
            texts.append(f"{name}=table:{file}")
        else:
            texts.append(_text(name, value, names, say))
        names.add(sources.parse(texts[-1]).name)
    if not texts:
        raise UserError("data", "no data set given", f"give {_KINDS}")
    return tuple(texts)


def _named(data: object) -> Iterator[tuple[str, Any]]:
    """The data sets one by one, each with its name, which is empty if it has none."""
    if isinstance(data, list | tuple):
        for one in data:
            yield from _named(one)
    elif isinstance(data, Mapping):
        for name, value in data.items():
            if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name):
                raise UserError(
                    "data", f"{name!r} is no name", "use letters and digits"
                )
            if not isinstance(value, str | PathLike | pd.DataFrame):
                raise UserError(
                    f"data {name}",
                    f"is of type {type(value).__name__}, must be a folder, a file or a "
                    "DataFrame",
                )
            yield name, value
    elif isinstance(data, str | PathLike | pd.DataFrame):
        yield "", data
    else:
        raise UserError("data", f"is of type {type(data).__name__}, must be {_KINDS}")


def _text(name: str, value: str | PathLike[str], names: set[str], say: Say) -> str:
    """The text of a data set that is a folder, a file, or such a text already."""
    text, readers = os.fspath(value), plugins.names("datasets")
    if re.match(rf"({'|'.join(map(re.escape, readers))}):.", text):
        return f"{name}={text}" if name else text
    is_path = isinstance(value, PathLike)
    if not (name or is_path) and (text in readers or re.match(r"[\w-]+=", text)):
        return text
    is_table = text.lower().endswith(TABLES)
    if name in readers and (not is_table or name in plugins.layouts()):
        return f"{name}={text}"
    path = expand_user(text)
    _check(path, f"data {name}".rstrip(), text, is_table, readers)
    if not name:
        own = path.resolve()
        name = head_name(own.stem if is_table else own.name, names)
        if not is_table:
            say(f"'{text}' is read as one folder per class of the head {name}")
    return f"{name}={'table' if is_table else 'folder'}:{text}"


def _check(
    path: Path, where: str, text: str, is_table: bool, readers: list[str]
) -> None:
    """Raise UserError unless a path is that of a table, or of a folder of classes."""
    usage = f'write data={{"READER": "{text}"}} with one of the readers ' + ", ".join(
        name for name in readers if name != "sample"
    )
    if not path.exists():
        meant = nearest(where.removeprefix("data").strip(), readers)
        todo = meant if meant.startswith("did you mean") else "check the path"
        raise UserError(where, f"no file or folder '{text}'", todo)
    if path.is_file() and not is_table:
        what = f"'{text}' is no table of labels: those end in {', '.join(TABLES)}"
        todo = "give labels and the paths of pictures, as such a file or a DataFrame"
        raise UserError(where, what, todo)
    if path.is_dir() and not sources.holds_classes(path):
        raise UserError(where, f"'{text}' does not hold a folder per class", usage)
