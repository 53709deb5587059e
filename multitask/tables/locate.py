"""Which files are the pictures that a table lists?"""

import os
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.reading import ENDINGS
from multitask.contracts.table import as_text
from multitask.tables.decisions import Decisions
from multitask.tables.similar import cleaned, folders_of, similar

MOST_FILES = 1_000_000  # that are searched below a table's folder
# Folders of labels, beside which the pictures are. Other folders may lie beside those
# of other data sets, whose pictures may have the same names.
_OF_LABELS = re.compile(
    "annotations?|annots?|annos?|labels?|meta(data)?|csv|json|tables?|lists?|splits?|gt"
    "|ground.?truths?",
    re.IGNORECASE,
)


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

    Names without a file are looked for below `root`, see `similar`, and if nothing is
    there and `root` is a folder of labels such as `annotations`, below the folder above
    it. Each folder is listed once, which is much faster than checking each file.
    """
    texts = names.astype(object).to_numpy()
    if pd.api.types.infer_dtype(texts, skipna=False) != "string":
        # Empty cells, or numbers, as of pictures 1.jpg to 9.jpg.
        texts = as_text(names).astype(object).fillna("").to_numpy(object)
    search = _search(texts, root)
    real = Path(os.path.realpath(root))
    if search.finds_nothing and _OF_LABELS.fullmatch(real.name):
        wider = _search(texts, real.parent)
        if not wider.finds_nothing:
            search, root = wider, real.parent
            if decisions:
                decisions.remark("path", f"relative to '{root}', the folder above")
    if decisions and search.missing:
        _report(search, root, decisions)
    reasons = {
        row: _reason(row, name, search, root)
        for row, name in search.missing.items()
        if name not in search.found
    }
    return Located(
        files=pd.Series(search.files, names.index, dtype=object, copy=False),
        missing=pd.Series(reasons.values(), names.index[[*reasons]], dtype=object),
        are_distinct=search.are_distinct,
    )


def _reason(row: int, name: str, search: "_Search", root: Path) -> str:
    if not name:
        return f"row {row + 1} has no path"
    if name in search.several:
        files = _listed(search.several[name], root)
        return f"row {row + 1}: may mean {files}; write its folder, too"
    return f"row {row + 1}: no such file"


@dataclass(kw_only=True)
class _Search:
    """The files (rows,) of names, and the `missing` names without an exact one, by row.

    Of those, `found` has the file of each that is spelled in another way, and `several`
    the files of each that may mean any of them.
    """

    files: npt.NDArray[Any]
    missing: dict[int, str]
    found: dict[str, str]
    several: dict[str, list[str]]
    are_distinct: bool

    @property
    def finds_nothing(self) -> bool:
        is_none = len(self.missing) == len(self.files)
        return is_none and not self.found and not self.several


def _search(names: npt.NDArray[Any], root: Path) -> _Search:
    files, missing, are_distinct = _exact(names, root)
    paths = _found(missing, root, set(files)) if missing else {}
    found = {name: several[0] for name, several in paths.items() if len(several) == 1}
    several = {name: paths[name] for name in paths if name not in found}
    for row, name in missing.items():
        files[row] = found.get(name, files[row])
    return _Search(
        files=files,
        missing=missing,
        found=found,
        several=several,
        are_distinct=are_distinct,
    )


def _exact(
    texts: npt.NDArray[Any], root: Path
) -> tuple[npt.NDArray[Any], dict[int, str], bool]:
    """The path of each name in `root`, and the names without a file, by row.

    Also whether the names are surely those of different files.
    """
    start = os.path.join(os.path.realpath(root), "")
    real: dict[str, str] = {}
    known: dict[str, str] = {}

    def listed(folder: str) -> list[str]:
        path = os.path.join(root, os.path.expanduser(folder))
        # The real folder: elsewhere, another spelling would be another picture.
        real[folder] = os.path.join(_real(path.rstrip("/") or "/", known), "")
        return [folder + name for name in _files_in(path)]

    pictures = listed(_folder(texts[0])) if len(texts) else []
    lost = set()
    is_once = _are_different(texts, among=pictures)
    unfound = set() if is_once else set(texts)
    if unfound:
        is_once = len(unfound) == len(texts)
        unfound.difference_update(pictures)
    while unfound:
        text = unfound.pop()
        folder = _folder(text)
        if folder in real:
            lost.add(text)
            continue
        unfound.add(text)
        unfound.difference_update(listed(folder))
    is_plain = all(path == start + folder for folder, path in real.items())
    if is_plain:
        files = start + texts
    else:
        ends = [text.rfind("/") + 1 for text in texts]
        pairs = zip(texts, ends, strict=True)
        paths = [real[text[:end]] + text[end:] for text, end in pairs]
        files = np.array(paths, dtype=object)
    rows = [row for row, text in enumerate(texts) if text in lost] if lost else []
    missing = {row: texts[row].strip() and texts[row] for row in rows}
    for row, name in missing.items():
        if not name:
            files[row] = ""
    return files, missing, is_once and is_plain and not lost


def _folder(name: str) -> str:
    return name[: name.rfind("/") + 1]


def _real(path: str, known: dict[str, str]) -> str:
    """What `realpath` gives, which asks for each part of a path, and is slow for many.

    The real paths of folders above are in `known`, to which it adds.
    """
    if path not in known:
        folder, name = os.path.split(path)
        is_plain = name not in ("", ".", "..") and not os.path.islink(path)
        known[path] = (
            os.path.join(_real(folder, known), name)
            if is_plain
            else os.path.realpath(path)
        )
    return known[path]


def _are_different(names: npt.NDArray[Any], *, among: list[str]) -> bool:
    """Whether all the names are among others, and no two are the same.

    Sorted hashes of 64 bits tell in a third of the time of sets. A missing picture
    among 200,000 passes for another with a chance of 1e-14; opening it then fails.
    """
    if len(among) < len(names):
        return False
    own, others = _hashes(names), _hashes(among)
    is_once = bool((own[1:] != own[:-1]).all())
    return is_once and bool(np.isin(own, others, assume_unique=True).all())


def _hashes(names: Collection[str]) -> npt.NDArray[np.int64]:
    """The hashes of names, in ascending order."""
    return np.sort(np.fromiter(map(hash, names), np.int64, len(names)))


def _found(missing: dict[int, str], root: Path, used: set[str]) -> dict[str, list[str]]:
    """The path, or all that may be meant, of names that are spelled in another way."""
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
    found = {clean: [pictures[clean]] for clean in names.values() if clean in pictures}
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


def _listed(paths: list[str], root: Path) -> str:
    """Files that a name may mean, relative to `root`."""
    first = [repr(_relative(path, root)) for path in paths[:3]]
    more = [f"{len(paths) - 3:,} more"] if len(paths) > 3 else []
    return " or ".join([*first, *more])


def _relative(path: str, root: Path) -> str:
    file = os.path.relpath(path, os.path.realpath(root))
    return path if file.startswith("..") else file


def _report(search: _Search, root: Path, decisions: Decisions) -> None:
    """Tell how many pictures were found by another spelling, and how many were not."""
    found, moved = search.found, dict[str, list[str]]()
    lost, unclear = [], []
    for name in search.missing.values():
        if name in found:
            how = _difference(name, found[name])
            moved.setdefault(how, []).append(name)
        elif name in search.several:
            unclear.append(name)
        elif name:
            lost.append(name)
    for how, names in moved.items():
        file = _relative(found[names[0]], root)
        verb = "name matches" if len(names) == 1 else "names match"
        example = f"for example '{readable(names[0])}' -> '{file}'"
        decisions.remark("path", f"{len(names):,} {verb} a file {how}, {example}")
    if unclear:
        verb = "name fits" if len(unclear) == 1 else "names fit"
        files = _listed(search.several[unclear[0]], root)
        what = f"{len(unclear):,} {verb} several files: {unclear[0]!r} may mean {files}"
        decisions.remark("path", f"{what}; write the folder, too")
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
        # Entries of an open folder are listed without their paths, a fifth faster.
        opened = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            with os.scandir(opened) as entries:
                return [entry.name for entry in entries if entry.is_file()]
        finally:
            os.close(opened)
    except (OSError, ValueError):  # ValueError: a name that no folder can have
        return _readable_files_in(folder)


def _readable_files_in(folder: str) -> list[str]:
    """The same where an entry can't be examined, such as a link to itself.

    Also where folders can't be opened, as on Windows.
    """
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
