"""Which files are the pictures that a table lists?"""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from multitask.contracts.reading import ENDINGS
from multitask.contracts.table import as_text
from multitask.tables.decisions import Decisions
from multitask.tables.similar import cleaned, folders_of, similar

MOST_FILES = 1_000_000  # that are searched below a table's folder


class Located(NamedTuple):
    """The pictures' files, and a reason for those that don't exist.

    `are_distinct` says that all of them are known to be different files.
    """

    files: "pd.Series[Any]"
    missing: "pd.Series[Any]"
    are_distinct: bool


def locate(
    names: "pd.Series[Any]", root: Path, decisions: Decisions | None = None
) -> Located:
    """Find the files of pictures.

    Names without a file are looked for below `root`, see `similar`. Each folder is
    listed once, which is much faster than checking each file.
    """
    texts = names.tolist()
    if set(map(type, texts)) - {str}:  # numbers, as of pictures 1.jpg to 9.jpg
        texts = as_text(names).fillna("").tolist()
    files, missing, are_distinct = _exact(texts, root)
    reasons = {}
    found = _found(missing, root, set(files)) if missing else {}
    for row, name in missing.items():
        if name in found:
            files[row] = found[name]
        elif not name:
            reasons[row] = f"row {row + 1} has no path"
        else:
            reasons[row] = f"row {row + 1}: no such file"
    if decisions and missing:
        _report(missing, found, root, decisions)
    return Located(
        files=pd.Series(files, names.index, dtype=object),
        missing=pd.Series(reasons.values(), names.index[[*reasons]], dtype=object),
        are_distinct=are_distinct,
    )


def _exact(texts: list[Any], root: Path) -> tuple[list[str], dict[int, str], bool]:
    """The path of each name in `root`, and the names without a file, by row.

    Also whether the names are surely those of different files.
    """
    start = os.path.join(os.path.realpath(root), "")
    real: dict[str, str] = {}
    lost = set()
    unfound = set(texts)  # sets compare 200,000 names in a fraction of a loop's time
    is_once = len(unfound) == len(texts)
    while unfound:
        text = unfound.pop()
        folder = text[: text.rfind("/") + 1]
        if folder in real:
            lost.add(text)
            continue
        path = os.path.join(root, os.path.expanduser(folder))
        # The real folder: elsewhere, another spelling would be another picture.
        real[folder] = os.path.join(os.path.realpath(path), "")
        unfound.add(text)
        listed = {folder + name for name in _files_in(path)}
        if len(listed) > len(unfound) / 4:
            unfound = unfound - listed  # faster than to take most of them out
        else:
            unfound -= listed
    is_plain = all(path == start + folder for folder, path in real.items())
    if is_plain:
        files = [start + text for text in texts]
    else:
        ends = [text.rfind("/") + 1 for text in texts]
        pairs = zip(texts, ends, strict=True)
        files = [real[text[:end]] + text[end:] for text, end in pairs]
    rows = [row for row, text in enumerate(texts) if text in lost] if lost else []
    missing = {row: texts[row].strip() and texts[row] for row in rows}
    for row, name in missing.items():
        if not name:
            files[row] = ""
    return files, missing, is_once and is_plain and not lost


def _found(missing: dict[int, str], root: Path, used: set[str]) -> dict[str, str]:
    """The paths of names that are spelled in another way, by name."""
    names = {name: cleaned(readable(name)) for name in missing.values() if name}
    if not names:
        return {}
    pictures = dict(pictures_below(root))
    for folder in {name.rpartition("/")[0] for name in names.values()}:
        if folder.startswith(("/", "~", "..")):  # out of `root`
            path = os.path.join(root, os.path.expanduser(folder))
            for base in _files_in(path):
                pictures[f"{folder}/{base}"] = os.path.join(
                    os.path.realpath(path), base
                )
    found = {clean: pictures[clean] for clean in names.values() if clean in pictures}
    unused = {n: path for n, path in pictures.items() if path not in used}
    others = dict.fromkeys(clean for clean in names.values() if clean not in found)
    found |= similar([*others], unused, folders_of(pictures))
    return {name: found[clean] for name, clean in names.items() if clean in found}


def readable(name: str) -> str:
    """A name with bytes that are not UTF-8 as letters of Western Europe."""
    try:
        name.encode()
    except UnicodeEncodeError:
        data = name.encode("utf-8", "surrogateescape")
        return data.decode("cp1252", "replace")
    return name


def pictures_below(root: Path) -> Iterator[tuple[str, str]]:
    """The name relative to `root`, and the path, of every picture in and below it."""
    seen: set[str] = set()  # a link to a folder above would never end
    count = 0
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen or count > MOST_FILES:
            folders.clear()
            continue
        seen.add(real)
        count += len(files)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inner = os.path.relpath(folder, root).replace(os.sep, "/")
        start = "" if inner == "." else f"{inner}/"
        for name in files:
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                yield start + name, os.path.join(real, name)


def _report(
    missing: dict[int, str], found: dict[str, str], root: Path, decisions: Decisions
) -> None:
    """Tell how many pictures were found by another spelling, and how many were not."""
    moved: dict[str, list[str]] = {}
    lost = []
    for name in missing.values():
        if name in found:
            how = _difference(name, found[name])
            moved.setdefault(how, []).append(name)
        elif name:
            lost.append(name)
    for how, names in moved.items():
        file = os.path.relpath(found[names[0]], os.path.realpath(root))
        file = found[names[0]] if file.startswith("..") else file
        verb = "name matches" if len(names) == 1 else "names match"
        example = f"for example '{readable(names[0])}' -> '{file}'"
        decisions.remark("path", f"{len(names):,} {verb} a file {how}, {example}")
    if lost:
        first = ", ".join(repr(name) for name in lost[:3])
        verb = "name has" if len(lost) == 1 else "names have"
        decisions.remark("path", f"{len(lost):,} {verb} no file: {first}")


def _difference(name: str, path: str) -> str:
    """In what the name of a picture differs from its file."""
    clean = unicodedata.normalize("NFC", cleaned(readable(name)))
    path = unicodedata.normalize("NFC", path.replace(os.sep, "/"))
    if not path.casefold().endswith(clean.casefold()):
        base = clean.rpartition("/")[2]
        if path.casefold().endswith(f"/{base.casefold()}"):
            return "by the end of the path"
        is_bare = os.path.splitext(path)[0].casefold().endswith(clean.casefold())
        return "without its ending" if is_bare else "with another ending"
    return "in another spelling" if clean != name else "in another case or folder"


def _files_in(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_file()]
    except (OSError, ValueError):  # ValueError: a name that no folder can have
        return _readable_files_in(folder)


def _readable_files_in(folder: str) -> list[str]:
    """The same where an entry can't be examined, such as a link to itself."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if _is_file(entry)]
    except (OSError, ValueError):
        return []


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False
