"""Which picture does a name mean that is spelled in another way?

Tables come from other machines: with another case or ending, backslashes, blanks, or
folders that are not here. A name is matched only if a single picture can be meant.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from multitask.contracts.reading import PARTS

Folder = tuple[str, ...]
_ENDING = re.compile(r"\.[a-z][a-z0-9]{1,4}")
_LINK = re.compile(r"(https?|s3|gs):/[^/]*/", re.IGNORECASE)  # and host or bucket
_ROOT = re.compile(rf"{_LINK.pattern}|(file://|[a-z]:)?/", re.IGNORECASE)


def located(names: Sequence[str], pictures: Mapping[str, str]) -> list[str | None]:
    """The path of each name, None where no picture, or more than one, can be meant.

    `pictures` maps names, relative to one folder and with `/`, to paths. A name without
    an exact match may stand for a picture that no other name does, if they differ only
    in case, blanks around, slashes, how Unicode composes letters, or in the ending; or
    in leading folders of which the pictures have none. A link may stand for its copy.

    >>> pictures = {"x/a.jpg": "/data/x/a.jpg", "b.png": "/data/b.png"}
    >>> located(["C:\\\\faces\\\\x\\\\A.JPG", "old/b", "y.jpg"], pictures)
    ['/data/x/a.jpg', '/data/b.png', None]
    """
    exact = [pictures.get(name) for name in names]
    if None not in exact:
        return exact
    used = set(exact)
    unused = {name: path for name, path in pictures.items() if path not in used}
    missing = dict.fromkeys(
        name for name, path in zip(names, exact, strict=True) if path is None
    )
    found = similar([*missing], unused, folders_of(pictures))
    lone = {name: paths[0] for name, paths in found.items() if len(paths) == 1}
    return [path or lone.get(n) for n, path in zip(names, exact, strict=True)]


def similar(
    names: Sequence[str], pictures: Mapping[str, str], folders: set[Folder]
) -> dict[str, list[str]]:
    """The path of the one of `pictures` that each of `names` stands for, as above.

    A name that may stand for several of them has all their paths. `folders` are all
    folders with pictures: a name in one of them is in no other. Two names that differ
    in more than case do not share a picture.
    """
    by_name: dict[str, list[str]] = {}
    by_stem: dict[str, list[str]] = {}
    for picture in pictures:
        base = _key(picture.rpartition("/")[2])
        by_name.setdefault(base, []).append(picture)
        by_stem.setdefault(os.path.splitext(base)[0], []).append(picture)
    keys = {name: _key(cleaned(name)) for name in names}
    lone = len({key.rpartition("/")[0] for key in keys.values()}) == 1
    rate = _Rate(folders, lone)
    found: dict[str, list[str]] = {}
    users: dict[str, set[str]] = {}
    for name, key in keys.items():
        folder, slash, base = key.rpartition("/")
        folder += slash
        stem, ending = os.path.splitext(base)
        stems = [base, stem] if _ENDING.fullmatch(ending) else [base]
        for candidates in (by_name.get(base), *(by_stem.get(s) for s in stems)):
            best = rate.best(folder, candidates or ())
            if best:
                found.setdefault(name, best)
            if len(best) == 1:
                found[name] = best
                users.setdefault(best[0], set()).add(key)
                break
    return {
        name: [pictures[picture] for picture in best]
        for name, best in found.items()
        if len(best) > 1 or len(users[best[0]]) == 1
    }


def cleaned(name: str) -> str:
    """A name without blanks around, and with `/` between its folders."""
    name = name.strip().replace("\\", "/")
    # As in a path: "./a" and "b//a" are "a" and "b/a".
    return re.sub(r"/(\./|/)+", "/", name.removeprefix("./"))


def folder_of(name: str) -> Folder:
    """The folders of a cleaned name, ignoring case; a leading `/` is one."""
    root = _ROOT.match(name)
    inner = name[root.end() :] if root else name
    parts = tuple(part for part in _key(inner).split("/")[:-1] if part)
    return ("/", *parts) if root else parts


def folders_of(pictures: Iterable[str]) -> set[Folder]:
    """All folders that pictures of these names lie in."""
    return {folder_of(f"{f}/") for f in {n.rpartition("/")[0] for n in pictures} if f}


class _Rate:
    """How well does the folder of a name fit that of a picture?

    `lone` says that all names are in one folder, which may be called otherwise here.
    """

    def __init__(self, folders: set[Folder], lone: bool) -> None:
        self._folders = folders
        self._lone = lone
        self._ratings: dict[tuple[str, str], int] = {}

    def best(self, folder: str, pictures: Sequence[str]) -> list[str]:
        """The pictures whose folders fit best; empty if none does."""
        rated = [(self._rating(folder, picture), picture) for picture in pictures]
        top = max((rating for rating, _ in rated), default=-1)
        return [picture for rating, picture in rated if rating == top >= 0]

    def _rating(self, folder: str, picture: str) -> int:
        pair = folder, picture[: picture.rfind("/") + 1]
        if pair not in self._ratings:
            wanted, real = map(folder_of, pair)
            self._ratings[pair] = self._rated(wanted, real, folder)
        return self._ratings[pair]

    def _rated(self, wanted: Folder, real: Folder, text: str) -> int:
        """The number of folders that are equal from the end; -1 if they don't fit."""
        same = 0
        for one, other in zip(reversed(wanted), reversed(real), strict=False):
            if one != other:
                break
            same += 1
        wanted_more, real_more = wanted[: len(wanted) - same], real[: len(real) - same]
        # A folder that is there, without the picture: it is in no other.
        ends = (wanted[start:] for start in range(len(wanted)))
        there = next((len(end) for end in ends if end in self._folders), 0)
        parts = {PARTS[name] for name in wanted_more if name in PARTS}
        others = {PARTS[name] for name in real_more if name in PARTS}
        if there > same or (parts and others and parts != others):
            return -1
        is_moved = _LINK.match(text) or (self._lone and _ROOT.match(text))
        fits = not wanted_more or not real_more or same > 0 or bool(is_moved)
        return same if fits else -1


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def stem(name: str) -> str:
    """The name of a file without its folder and ending, ignoring case."""
    return os.path.splitext(_key(cleaned(name).rpartition("/")[2]))[0]
