"""Which picture files do names, folders and globs stand for?"""

import glob
import os
import zlib
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from multitask.contracts.errors import Say, UserError, counted
from multitask.contracts.reading import pictures
from multitask.images.decode import visible_fault


def expand(names: Iterable[str], say: Say | None = None) -> list[str]:
    """The paths of the picture files that names stand for, each once, in their order.

    A folder stands for all pictures in it and in the folders below, a glob (`*`, `?`,
    `[...]`, `**`) for what it matches; a leading `~` is the home folder. A name that
    matches no file is returned as it is. Raises UserError for a folder or glob without
    a picture, and for a name of a folder (`faces/`) that does not exist. With `say`,
    it is told of a folder without a picture, or one that can't be read, unless there is
    no other picture, and of pictures that are named more than once.
    """
    paths: list[str] = []
    empty: list[UserError] = []
    for name in names:
        path = Path(name).expanduser()
        # Those of `os.path`: a name that no file can have is no error.
        if os.path.isdir(path):
            try:
                paths += pictures(path, str(path))
            except UserError as error:
                if not say:
                    raise
                empty.append(error)
        elif not os.path.exists(path) and glob.has_magic(name):
            matches = sorted(glob.glob(str(path), recursive=True))
            if not matches:
                raise UserError(name, "matches no file")
            for match in matches:
                paths += pictures(match, match) if Path(match).is_dir() else [match]
        elif name.endswith((os.sep, "/")):
            raise UserError(name, "no such folder", "check the path")
        else:
            paths.append(str(path))
    if empty and not paths:
        raise empty[0]
    distinct = list(dict.fromkeys(paths))
    if say:
        for each in empty:
            say(f"left out: {each.line}")
        if again := len(paths) - len(distinct):
            say(f"left out: {counted(again, 'picture')} named more than once")
    return distinct


def check_usable(given: Sequence[object]) -> None:
    """Raise UserError if it shows before any work that no given picture is usable.

    That is one mistake, such as a wrong folder or arrays of floats. If any picture may
    be usable, the others become rows that say why they are not.
    """
    fault = ""
    for picture in given:
        one = visible_fault(picture)
        if not one:
            return
        fault = fault or one
    if not given:
        return
    first, where, todo = given[0], "pictures", ""
    if isinstance(first, (str, PathLike)):
        where, fault, todo = str(first), "no such file or folder", "check the path"
    elif isinstance(first, np.ndarray) and first.dtype.kind == "f":
        todo = 'scale arrays to 0..255 and convert them by .astype("uint8")'
    if len(given) > 1:
        fault += f" (the first of {len(given):,} pictures, none of which can be used)"
    raise UserError(where, fault, todo)


def checksum(paths: Iterable[object], before: int = 0) -> int:
    """A number that tells paths in their order from others.

    `before` is that of the paths before. What UTF-8 can't hold counts as in a file of
    predictions, and a missing path as an empty one.

    >>> checksum(["b.jpg"], checksum(["a.jpg"])) == checksum(["a.jpg", "b.jpg"])
    True
    """
    texts = (path if isinstance(path, str) else "" for path in paths)
    ended = "".join(f"{text}\0" for text in texts)
    data = ended.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return zlib.crc32(data.encode(), before)
