"""How does `hf://OWNER/NAME` become a file, the one that was asked for, and whole?

`huggingface_hub` moves a file into its cache when it has all of its bytes, but does not
compare their hash with the one that the server announces (its issues 2364 and 3643).
"""

import hashlib
import importlib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from multitask.contracts.errors import Say, UserError
from multitask.contracts.run import NETWORK

PREFIX = "hf://"
_ADDRESS = re.compile(
    r"hf://(?P<repository>[\w.-]+/[\w.-]+)"
    r"(@(?P<revision>refs/(pr|convert)/\w+|[\w.%-]+))?(/(?P<file>.+))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASHES = {64: "SHA-256", 40: "Git hash"}  # by their number of digits


class _NoHashError(Exception):
    """The cache has a copy, the message, but not its hash: its files are no links."""


def download(address: str, say: Say) -> Path:
    """The file of `hf://OWNER/NAME[@REVISION][/FILE]` in the cache of huggingface_hub.

    FILE is `network.keras` by default, REVISION `main`; a slash in it is %2F, but for
    refs/pr/N, as huggingface_hub has it. Without a connection, a copy in
    the cache is used and `say` is called with a line about it. The hash is compared
    each time.

    Raises UserError if it can't be had, and if its hash is wrong.
    """
    repository, revision, file = _place(address)
    hub = _huggingface_hub(address)
    if _COMMIT.fullmatch(revision):  # which stays the same: nobody needs to be asked
        with suppress(hub.errors.LocalEntryNotFoundError, _NoHashError):
            return _cached(hub, address, (repository, file, revision))
    try:
        metadata = hub.get_hf_file_metadata(
            hub.hf_hub_url(repository, file, revision=revision)
        )
    except Exception as error:  # those of its HTTP client have no common base
        _raise_if_absent(hub, error, address)
        why = f"can't be downloaded now ({_reason(error)})"
        try:
            path = _cached(hub, address, (repository, file, revision))
        except hub.errors.LocalEntryNotFoundError:
            raise UserError(
                address,
                f"{why}, and no copy with a hash is in the cache of huggingface_hub",
                f"connect once, or copy its {file} to this machine and give the path",
            ) from None
        except _NoHashError as error:
            raise UserError(
                address,
                f"{why}, and the copy in the cache of huggingface_hub can't be "
                "checked: without symbolic links its hash is not kept beside it",
                f"connect, or, if you trust the copy, give its path: {error}",
            ) from None
        say(f"{address} {why}; using the copy of revision {_commit(path, file)[:12]}")
        return path
    try:
        # By the name of the revision, so that the cache knows what it stands for.
        path = Path(hub.hf_hub_download(repository, file, revision=revision))
    except Exception as error:
        raise UserError(
            address, f"can't be downloaded: {_reason(error)}", "try again"
        ) from None
    commit = _commit(path, file)
    if commit != metadata.commit_hash:
        what = f"is revision {commit} now, and was {metadata.commit_hash} a moment ago"
        raise UserError(address, what, "try again")
    _check_hash(path, metadata.etag, address)
    return path


def pinned(address: str, path: Path) -> str:
    """The address of a downloaded file with the revision that it is of."""
    repository, _, file = _place(address)
    return f"{PREFIX}{repository}@{_commit(path, file)}/{file}"


def _commit(path: Path, file: str) -> str:
    """The revision of a copy in the cache, which is in snapshots/REVISION/FILE."""
    return path.parents[file.count("/")].name


def _place(address: str) -> tuple[str, str, str]:
    """Repository, revision and file of an address; UserError if it is none."""
    match = _ADDRESS.fullmatch(address)
    file = match["file"] or NETWORK if match else ""
    revision = unquote(match["revision"] or "main") if match else ""
    climbs = {"", ".", ".."} & {*file.split("/"), *revision.split("/")}
    if not match or climbs or not file.endswith(".keras"):
        raise _no_address(address)
    return match["repository"], revision, file


def _no_address(address: str) -> UserError:
    todo = "write hf://OWNER/NAME[@REVISION][/FILE.keras], %2F for a slash in REVISION"
    return UserError(address, "is no address of a network", todo)


def _huggingface_hub(address: str) -> Any:
    # On Windows files often can't be links, of which it warns in a paragraph: it takes
    # more of the disk. The variable is read as the package is imported.
    os.environ.setdefault("HF_HUB_DISABLE_SYMLINKS_WARNING", "1")
    try:
        importlib.import_module("huggingface_hub.errors")
        return importlib.import_module("huggingface_hub")
    except ImportError:
        raise UserError(
            address,
            "needs the package huggingface_hub",
            "in your clone: pip install -e '.[hub]'",
        ) from None


def _raise_if_absent(hub: Any, error: Exception, address: str) -> None:
    """Raise UserError if the server answered that there is no such file."""
    errors = hub.errors
    for kind, what in (
        (errors.GatedRepoError, "may be read only after its terms are accepted"),
        (errors.RepositoryNotFoundError, "is in no repository that may be read"),
        (errors.RevisionNotFoundError, "has no such revision"),
        (errors.LocalEntryNotFoundError, ""),  # no connection, though it is the next
        (errors.EntryNotFoundError, "has no such file"),
        (errors.HFValidationError, "is no address of a network"),
    ):
        if isinstance(error, kind):
            if not what:
                return
            todo = "check the address at huggingface.co, and `hf auth whoami`"
            raise UserError(address, what, todo) from None


def _cached(hub: Any, address: str, place: tuple[str, str, str]) -> Path:
    """The copy of a file in the cache, whatever the server has now.

    Raises LocalEntryNotFoundError if there is none, _NoHashError if it can't be
    checked, as on Windows, UserError if its hash is wrong.
    """
    repository, file, revision = place
    try:
        path = Path(
            hub.hf_hub_download(
                repository, file, revision=revision, local_files_only=True
            )
        )
    except hub.errors.LocalEntryNotFoundError:  # in some versions a ValueError
        raise
    except (hub.errors.HFValidationError, ValueError):
        raise _no_address(address) from None
    # A copy links to a file that is named after its hash.
    blob = path.resolve()
    if len(blob.name) not in _HASHES:  # where files can't be links
        raise _NoHashError(path)
    _check_hash(path, blob.name, address)
    return path


def _check_hash(path: Path, expected: str, address: str) -> None:
    """Raise UserError, and remove the file, unless its content has the hash."""
    if len(expected) not in _HASHES:
        raise UserError(
            address,
            f"comes without a hash to compare with ({expected!r})",
            "download it yourself and give its path",
        )
    content = path.read_bytes()
    if len(expected) == 64:
        actual = hashlib.sha256(content).hexdigest()
    else:  # of a file that is in Git itself
        head = f"blob {len(content)}\0".encode()
        actual = hashlib.sha1(head + content, usedforsecurity=False).hexdigest()
    if actual != expected:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise UserError(
            address,
            f"is damaged: its {_HASHES[len(expected)]} is {actual}, must be "
            f"{expected}; the copy is removed",
            "try again",
        )


def _reason(error: Exception) -> str:
    """The first line of an error, or its type if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
