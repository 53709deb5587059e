"""Which picture files do names, folders and globs stand for?"""

import glob
import os
import re
import shlex
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from multitask.contracts.errors import Say, UserError, counted, listed
from multitask.contracts.paths import expand_user
from multitask.contracts.reading import pictures_and_others
from multitask.images.decode import visible_fault
from multitask.images.video import is_video

_LONGEST = 255  # letters that errors show of a path
_ENDS = 60  # letters that they show of a longer one on either side
_VIDEO = "is a video, no picture"
_WEB = re.compile("(https?:)/+", re.IGNORECASE)


def expand(names: Iterable[str], say: Say | None = None) -> list[str]:
    """The paths of the picture files that names stand for, each once, in their order.

    A folder stands for all pictures in it and in the folders below, a glob (`*`, `?`,
    `[...]`, `**`) for what it matches; a leading `~` is the home folder. A name that
    matches no file is returned as it is. Raises UserError for a folder or glob without
    a picture, and for a name of a folder (`faces/`) that does not exist. With `say`,
    it is told of a folder or glob without a picture, or a folder that can't be read,
    unless there is no other picture, of pictures that are named more than once, and of
    files in folders that don't end as pictures do.
    """
    paths, others = list[str](), list[str]()
    empty: list[UserError] = []

    def leave_out(error: UserError) -> None:
        if not say:
            raise error
        empty.append(error)

    for name in names:
        named = matches(name)
        if not named:
            leave_out(UserError(name, "matches no file"))
        for path in named:
            # That of `os.path`: a name that no file can have is no error.
            if not os.path.isdir(path):
                paths.append(path)
                continue
            try:
                in_folder, beside = pictures_and_others(path, path)
                paths += in_folder
                others += beside
            except UserError as error:
                leave_out(_with_videos(error, path))
    distinct = list(dict.fromkeys(paths))
    if say:
        lines = dict.fromkeys(error.line for error in empty)
        for line in list(lines)[0 if paths else 1 :]:
            say(f"left out: {line}")
        if again := len(paths) - len(distinct):
            say(f"left out: {counted(again, 'picture')} named more than once")
        if others:
            say(f"left out: {_by_ending(others)}")
    if empty and not paths:
        raise empty[0]
    return distinct


def _by_ending(paths: Iterable[str]) -> str:
    """How many files have no ending of a picture, and which instead."""
    endings = Counter(
        Path(path).suffix.lower() or "none" for path in dict.fromkeys(paths)
    )
    kinds = (f"{ending} ({count:,})" for ending, count in endings.most_common())
    number = counted(endings.total(), "file")
    return f"{number} without the ending of a picture: {listed(kinds)}"


def matches(name: str) -> list[str]:
    """The paths that a glob matches, sorted; that of any other name alone.

    Raises UserError for a name of a folder (`faces/`) that does not exist.
    """
    path = str(expand_user(name))
    if glob.has_magic(name) and not os.path.exists(path):
        return sorted(glob.glob(path, recursive=True))
    if name.endswith((os.sep, "/")) and not os.path.isdir(path):
        raise UserError(_brief(name), "no such folder", "check the path")
    return [path]


def _with_videos(error: UserError, folder: str) -> UserError:
    """The error of a folder without a picture; it names the videos in it."""
    videos = sorted(path for path in Path(folder).rglob("*") if is_video(path))
    if not videos:
        return error
    what = f"holds {counted(len(videos), 'video')} and no picture"
    names = f"{shlex.quote(str(videos[0].parent))}/*{videos[0].suffix}"
    todo = f"write {names} for the videos (in Python, use predict_video)"
    return UserError(folder, what, todo)


def check_usable(given: Sequence[object]) -> None:
    """Raise UserError if it shows before any work that no given picture is usable.

    That is one mistake, such as a wrong folder or arrays of floats. If any picture may
    be usable, the others become rows that say why they are not.
    """
    fault = ""
    for picture in given:
        one = visible_fault(picture)
        if not one and isinstance(picture, (str, PathLike)) and is_video(picture):
            one = _VIDEO
        if not one:
            return
        fault = fault or one
    if not given:
        return
    first, where, todo = given[0], "pictures", ""
    if isinstance(first, (str, PathLike)) and str(first):
        where, fault, todo = _path_fault(str(first), fault)
    elif isinstance(first, np.ndarray) and first.dtype.kind == "f":
        todo = 'scale arrays to 0..255 and convert them by .astype("uint8")'
    elif isinstance(first, np.ndarray) and first.dtype == np.uint16:
        todo = 'divide arrays by 257 and convert them by .astype("uint8")'
    if len(given) > 1:
        fault += f" (the first of {len(given):,} pictures, none of which can be used)"
    raise UserError(where, fault, todo)


def _path_fault(path: str, fault: str) -> tuple[str, str, str]:
    """Which path can't be used, why, and what to do."""
    if address := _WEB.match(path):
        url = f"{address[1]}//{path[address.end() :]}"  # as Path leaves one slash
        todo = "download the picture, and name its file"
        return url, "is a web address, and none is read", todo
    if fault == _VIDEO:
        todo = "videos are for the command `predict`, or for `predict_video`"
        return path, fault, todo
    return _brief(path), "no such file or folder", "check the path"


def _brief(path: str) -> str:
    """A path without its middle if it is so long that it may be a picture in base64.

    >>> len(_brief("x" * 5000)), _brief("a.jpg")
    (125, 'a.jpg')
    """
    if len(path) <= _LONGEST:
        return path
    return f"{path[:_ENDS]} ... {path[-_ENDS:]}"


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
