"""Which networks can be named, and which file is meant by a name, path or address?

Networks come with this package (`multitask/networks/bundled/NAME/network.keras`), from
other packages (an entry point of the group `multitask.networks` is a path, or a
function that returns one), from the folder in the environment variable
`MULTITASK_NETWORKS` (NAME.keras, or NAME/network.keras), and from `hf://OWNER/NAME`.
Two networks of one name are an error that names both: nothing installed or put into a
folder changes what a name means.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from multitask.contracts.errors import Say, UserError, close_name, nearest
from multitask.contracts.paths import expand_user
from multitask.contracts.run import NETWORK, RECIPE, network_file
from multitask.networks.named import hub

DEFAULT = "faces"
NONE, IMAGENET = "none", "imagenet"  # weights to begin from that are no network
FOLDER = "MULTITASK_NETWORKS"  # the environment variable
BUNDLED = Path(__file__).resolve().parents[1] / "bundled"
_NAME = re.compile(r"\w[\w.+-]*")
_KERAS = ".keras"
_BUNDLED = "bundled"


@dataclass(frozen=True, kw_only=True)
class Named:
    """A network that can be loaded by its name."""

    name: str
    source: str  # `bundled`, the package or the folder that it comes from
    origin: Path | EntryPoint

    @property
    def installed(self) -> bool:
        """Whether it is part of a package, which gives its name a meaning anywhere."""
        return isinstance(self.origin, EntryPoint) or self.source == _BUNDLED

    def path(self) -> Path:
        """Its file; UserError if its package does not give one that exists."""
        if isinstance(self.origin, Path):
            return self.origin
        try:
            given: Any = self.origin.load()
            path = Path(given() if callable(given) else given)
        except Exception as error:  # code of another package
            what = f"fails: {type(error).__name__}: {error}"
            raise self._unusable(what) from None
        if not path.is_file():
            raise self._unusable(f"gives {path}, where no file is")
        return path

    def _unusable(self, what: str) -> UserError:
        assert isinstance(self.origin, EntryPoint)
        where = f"network {self.name}"
        what = f"entry point {self.origin.value} of {self.source} {what}"
        return UserError(where, what, "update or uninstall it")


def networks() -> list[Named]:
    """All networks that can be named: bundled ones first, each group by name.

    Raises UserError for two of one name, for one that `--weights` takes for another
    word, and if `MULTITASK_NETWORKS` is no folder.
    """
    listed = _listed()
    for name in {one.name for one in listed}:
        _only(name, listed)
    return listed


def find(network: str | Path, say: Say | None = None) -> Path:
    """The file of the network that a path, the folder of a run, or a name means.

    A text without a slash that is a known name is that network; `./faces` and every
    `Path` are files or run folders. `say`, which by default writes to standard error,
    is called with a line if a download is replaced by an older copy.

    Raises UserError if there is no such network, or if more than one is meant.
    """
    text = str(network)
    if isinstance(network, Path):
        return network_file(network)
    if not text:  # a path would make of it the folder here
        raise UserError("network", "is an empty name", "give a name, file or run")
    if text.startswith(hub.PREFIX):
        return hub.download(text, say or _to_standard_error)
    if not _may_be_name(text):
        name, path = Path(text).name, expand_user(text)
        installed = (one.name for one in (*_bundled(), *_of_packages()))
        if not path.exists() and name in installed:
            todo = f"for the network of that name write {name!r}"
            raise UserError(text, "does not exist", todo)
        return network_file(text)
    listed = _listed()
    if any(one.name == text for one in listed):
        named = _only(text, listed)
        if (Path(text) / NETWORK).exists():
            raise UserError(
                text,
                f"is a run in this folder, and the name of a network ({named.source})",
                f"write ./{text} for the run, or rename its folder for the other",
            )
        return named.path()
    if Path(text).exists():
        return network_file(text)
    raise _unknown(text, listed)


def is_named(network: str | Path) -> bool:
    """Whether a network is meant by its name or address, and so is nobody's run."""
    if isinstance(network, Path):
        return False
    return network.startswith(hub.PREFIX) or (
        _may_be_name(network) and network in names()
    )


def is_installed(text: str) -> bool:
    """Whether a text names a network that is part of a package."""
    return _may_be_name(text) and any(
        one.name == text and one.installed for one in _listed()
    )


def is_network(text: str) -> bool:
    """Whether a text names a network, or a run, rather than pictures."""
    return list(networks_among([text])) == [text]


def networks_among(words: Iterable[str]) -> Iterator[str]:
    """Those of many words, such as the pictures of a folder, that name a network.

    What is installed is looked up once, which takes longer than to look at a file.
    """
    known = cache(lambda: frozenset(names()))
    for word in filter(None, words):
        path = expand_user(word)
        is_run = (path / NETWORK).exists() or (path / RECIPE).exists()
        is_address = word.startswith(hub.PREFIX) or word.endswith(_KERAS)
        if is_run or is_address or (_may_be_name(word) and word in known()):
            yield word


def names() -> list[str]:
    """The names of all networks that can be named."""
    return list(dict.fromkeys(one.name for one in _listed()))


def unnamed() -> list[Path]:
    """Files in the folder of networks that no name can mean, such as `._a.keras`."""
    others = [one for one in _in_folder() if not _may_be_name(one.name)]
    return [one.path() for one in others]


def _may_be_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and not text.endswith(_KERAS)


def _unknown(text: str, listed: list[Named]) -> UserError:
    if text == DEFAULT:
        return UserError(
            text,
            "does not come with this installation of multitask",
            "install it again from a whole clone (pip install -e .), or name another "
            "network, which `python -m multitask.networks` lists; or give a path",
        )
    known = list(dict.fromkeys(one.name for one in listed))
    close = close_name(text, known)
    todo = (
        f"did you mean {close!r}? Otherwise" if close else f"{nearest('', known)}; or"
    )
    return UserError(
        text, "is not a known network", f"{todo} give a run folder or .keras file"
    )


def _listed() -> list[Named]:
    """Every network with a name, also several of one name."""
    return [*_bundled(), *_of_packages(), *_of_folder()]


def _only(name: str, listed: list[Named]) -> Named:
    """The network of a name; UserError if there are several, or it may not have it."""
    first, *others = [one for one in listed if one.name == name]
    if name in (NONE, IMAGENET):
        raise UserError(
            f"network {name}",
            f"comes from {first.source}, but --weights {name} means no network",
            "rename or remove it",
        )
    if others:
        places = [first.source, others[0].source]
        if places[0] == places[1]:
            places = [str(first.origin), str(others[0].origin)]
        raise UserError(
            f"network {name}",
            f"comes from {places[0]} and from {places[1]}",
            "rename or remove the latter",
        )
    return first


def _bundled() -> list[Named]:
    return [
        Named(name=path.parent.name, source=_BUNDLED, origin=path)
        for path in sorted(BUNDLED.glob(f"*/{NETWORK}"))
    ]


def _of_packages() -> list[Named]:
    entries = entry_points(group="multitask.networks")
    return [
        Named(
            name=entry.name,
            source=f"package {entry.dist.name if entry.dist else entry.value}",
            origin=entry,
        )
        for entry in sorted(entries, key=lambda entry: (entry.name, entry.value))
    ]


def _of_folder() -> list[Named]:
    return [one for one in _in_folder() if _may_be_name(one.name)]


def _in_folder() -> list[Named]:
    text = os.environ.get(FOLDER, "")
    if not text:
        return []
    folder = expand_user(text)
    if not folder.is_dir():
        raise UserError(
            FOLDER,
            f"there is no folder '{folder}'",
            "set the environment variable to the folder of your networks, or unset it",
        )
    files = {*folder.glob(f"*{_KERAS}"), *folder.glob(f"*/{NETWORK}")}
    return [
        Named(
            name=path.parent.name if path.parent != folder else path.stem,
            source=f"folder {folder}",
            origin=path,
        )
        for path in sorted(files)
    ]


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr)
