"""Are the members of a network file whole, and none of them too large?

A file of a few kilobytes may say that it holds gigabytes, or hold them. So the sizes
are limited by what the file says before any of it is read, and again while it is read.
"""

import hashlib
import io
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import h5py

from multitask.contracts.errors import UserError

SPEC_MEMBER = "multitask.json"
CONFIG_MEMBER, WEIGHTS_MEMBER = "config.json", "model.weights.h5"  # Keras's own
TRAINING_MEMBER = "multitask.npz"  # what is known of the training pictures
_KIB, _MIB = 2**10, 2**20
_MOST = {  # bytes of a member
    "metadata.json": _MIB,
    SPEC_MEMBER: 16 * _MIB,
    CONFIG_MEMBER: 64 * _MIB,
    TRAINING_MEMBER: 16 * _MIB,
}
_MEMBERS = 100
# Of trained weights, which hardly shrink, no file holds so much more than its own size.
_SLACK, _FACTOR = 256 * _MIB, 20
_STORED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# RuntimeError: damage makes a member look encrypted. NotImplementedError is one, too.
# ValueError: a member has a name that is not UTF-8, or begins before the file.
UNREADABLE = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    zlib.error,
)


class Content(NamedTuple):
    """The spec of a network, if the file holds one, and the SHA-256 of its weights."""

    spec: bytes | None
    weights: str


def read(path: Path) -> Content:
    """Read every member of a network file once; the larger ones aren't kept.

    Raises UserError for a file that is no zip file or cut short, and for members that
    are damaged, too large, encrypted or there twice.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_headers(path, members)
            spec, weights = None, hashlib.sha256()
            left = most_bytes(path)
            for member in members:
                kept = io.BytesIO() if member.filename == SPEC_MEMBER else None
                digest = weights if member.filename == WEIGHTS_MEMBER else None
                left -= _read(path, archive, member, kept, digest, left)
                spec = kept.getvalue() if kept else spec
            return Content(spec, weights.hexdigest())
    except UNREADABLE as error:
        raise UserError(
            path,
            f"is not a network file, or is truncated ({error})",
            "give a network.keras that `python -m multitask.fit` wrote",
        ) from None


def read_member(path: Path, name: str) -> bytes | None:
    """One member of a file that `read` has checked; None if it holds no such member."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(name) if name in archive.namelist() else None


def most_bytes(path: Path) -> int:
    """How much a file may hold when it is unpacked."""
    return _SLACK + _FACTOR * path.stat().st_size


def _check_headers(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Raise UserError for members that shall not even be read."""
    names = Counter(member.filename for member in members)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise refused(path, f"holds {twice[0]} twice")
    if len(members) > _MEMBERS:
        raise refused(
            path, f"holds {len(members):,} members, at most {_MEMBERS} may be"
        )
    for member in members:
        if member.flag_bits & 1:
            raise refused(path, f"holds {member.filename} encrypted")
        if member.compress_type not in _STORED:
            raise refused(path, f"holds {member.filename} compressed in an unusual way")
        _check_size(path, member.filename, member.file_size)
    _check_total(path, sum(member.file_size for member in members), most_bytes(path))


def _read(
    path: Path,
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    kept: io.BytesIO | None,
    digest: "hashlib._Hash | None",
    most: int,
) -> int:
    """Read a member to its end, where its checksum is compared; returns its size."""
    size = 0
    try:
        with archive.open(member) as content:
            while part := content.read(_MIB):
                size += len(part)
                _check_size(path, member.filename, size)
                _check_total(path, size, most)
                if kept:
                    kept.write(part)
                if digest:
                    digest.update(part)
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno:  # of the disk, not of the file
            raise
        raise UserError(
            path, f"is damaged in its member {member.filename}", "copy it again"
        ) from None
    return size


def _check_size(path: Path, name: str, size: int) -> None:
    most = _MOST.get(name)
    if most is not None and size > most:
        what = f"holds {name} of {_shown(size)}, at most {_shown(most)} may be"
        raise refused(path, what)


def _check_total(path: Path, size: int, most: int) -> None:
    if size > most:
        what = f"would be {_shown(size)} when it is unpacked, at most {_shown(most)}"
        raise refused(path, f"{what} may be")


def check_weights(path: Path, content: bytes | None = None) -> int:
    """The bytes of all weights in an HDF5 file, or in the `content` of one at `path`.

    Nothing but the shapes is read. Raises UserError if they are far more than the file
    can hold, or lie in other files. Raises what h5py does for damaged files.
    """
    total = 0

    def add(_: str, item: h5py.Group | h5py.Dataset) -> None:
        nonlocal total
        if not isinstance(item, h5py.Dataset):
            return
        if item.is_virtual or item.external:
            raise refused(path, "holds weights that lie in other files")
        total += item.size * max(4, item.dtype.itemsize)  # Keras makes them float32

    source = path if content is None else io.BytesIO(content)
    with h5py.File(source, "r") as weights:
        weights.visititems(add)
    _check_total(path, total, 2 * most_bytes(path))
    return total


def refused(path: Path, what: str) -> UserError:
    """The error of a file that no program of this package wrote."""
    return UserError(path, what, "it is not as multitask writes them; get it anew")


def _shown(size: int) -> str:
    if size < _MIB:
        return f"{size / _KIB:,.0f} KB"
    return f"{size / _MIB:,.0f} MB"
