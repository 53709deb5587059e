"""How are the features of rows written beside them, so that a search finds look-alikes?

`FILE.npy` is NumPy's: float16 (rows, channels), each row of length 1, or NaN without an
answer. `FILE.npy.json` says of which network and of which rows they are, and with which
options these were computed. While `predict` works, both have `.part` in their names.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multitask.contracts.errors import UserError
from multitask.contracts.saving import (
    flush,
    locked,
    reporting_write_errors,
    stamp,
    write_text,
)
from multitask.images.paths import checksum

if TYPE_CHECKING:
    import pandas as pd

    from multitask.networks.prediction.answering import Embeddings

_TYPE = np.dtype("<f2")
_KEYS = {"network", "sha256", "options", "rows"}  # of any file, whole or not


@dataclass(frozen=True, kw_only=True)
class StoredFeatures:
    """Features (rows, channels), mapped from a file, and what they are of.

    `network` is the name or the file that `predict` was given, `sha256` that of its
    file, `checksum` that of the paths and boxes of the rows, and `options` are those of
    `predict` on which features depend: `faces`, `largest`, `detector`, `tta`, and
    `boxes`, whether the pictures came with boxes.
    """

    features: npt.NDArray[np.float16]
    network: str
    sha256: str
    checksum: int
    options: dict[str, Any]


@dataclass(kw_only=True)
class FeatureFile:
    """Features that are written as their rows are, from the start or from a stop.

    Make one with `writing_features`. `network`, `sha256` and `options` are as in
    `StoredFeatures`; `work` tells the rows of one command from those of others.
    """

    path: Path
    network: str
    sha256: str
    options: Mapping[str, Any]
    work: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    _checksums: dict[int, int] = field(default_factory=lambda: {0: 0})  # by rows

    @property
    def part(self) -> Path:
        """The file of the features so far."""
        return self.path.with_name(f"{self.path.name}.part")

    def check(self) -> None:
        """Raise UserError unless the file may be written, or replaced."""
        where = f"--features {self.path}"
        if self.path.suffix.lower() != ".npy":
            raise UserError(where, "must end in .npy")
        if not self.path.parent.is_dir():
            todo = "make it, or name another"
            raise UserError(where, f"no folder '{self.path.parent}'", todo)
        if self.path.exists() and not _holds_features(self.path):
            what = "is a file, but not one of features"
            raise UserError(where, what, "name another file, or delete it")

    def resume(self, rows: int) -> None:
        """Go on after so many rows.

        Raises UserError if their features are not there, or if there are features of
        another command, which would be lost.
        """
        if not rows:
            self._check_own()
            return
        if not self.part.exists():
            self._reopen(rows)
        try:
            state = _read(self.part)
            checksums = {int(count): int(value) for count, value in state["checksums"]}
            shape = np.load(self.part, mmap_mode="r").shape
            whole = rows in checksums and state["work"] == self.work
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole or shape[0] < rows:
            what = "does not hold the features of the rows that are written already"
            todo = (
                "delete the .part file of --out to start over, or leave out --features"
            )
            raise UserError(self.part, what, todo)
        self.rows, self._checksums = rows, {rows: checksums[rows]}

    def _check_own(self) -> None:
        """Raise UserError if there are features of another command so far."""
        if not self.part.exists():
            return
        try:
            is_own = _read(self.part)["work"] == self.work
        except (OSError, ValueError, KeyError, TypeError):
            is_own = False
        if not is_own:
            todo = (
                f"resume with the command that began it, delete '{self.part}', or name "
                "another file with --features"
            )
            raise UserError(self.part, "holds features of another command", todo)

    def _reopen(self, rows: int) -> None:
        """Go back to before `finish`, if the command was stopped in or after it."""
        try:
            state = _read(self.path)
            if state["work"] != self.work or state["rows"] != rows:
                return
            if "placing" in state and tuple(state["stamp"]) != stamp(self.path):
                return  # they are those of before
            sum_of_rows = int(state.get("placing", state.get("checksum")))
            with reporting_write_errors(self.part):
                self.rows, self._checksums = rows, {rows: sum_of_rows}
                self._save(self.part, {"checksums": list(self._checksums.items())})
                os.replace(self.path, self.part)
        except (OSError, ValueError, KeyError, TypeError):
            return  # which `resume` tells

    def passing(self, parts: "Iterator[Embeddings]") -> "Iterator[pd.DataFrame]":
        """Yield the rows of parts whose features have been added."""
        for part in parts:
            self.append(part.rows, part.features)
            yield part.rows

    def append(self, rows: "pd.DataFrame", features: npt.NDArray[np.float32]) -> None:
        """Add the features (rows, channels) of some more rows, before these are added.

        A stop between both leaves some too many, which `resume` leaves out.
        """
        if self.rows and rows.empty:  # all were written before the stop
            return
        if not self.rows:  # so that there is never a part of unknown origin
            self._save(self.part, {"checksums": [(0, 0)]})
        units = _units(features)
        header = _header(self.rows + len(rows), features.shape[1])
        mode = "r+b" if self.rows else "w+b"
        with reporting_write_errors(self.part), self.part.open(mode) as file:
            file.seek(len(header) + self.rows * units.itemsize * units.shape[1])
            file.truncate()
            file.write(units.tobytes())
            file.seek(0)  # only now: it says how many rows are whole
            file.write(header)
        before = self._checksums[self.rows]
        texts = (
            text for row in zip(rows["path"], rows["box"], strict=True) for text in row
        )
        count = self.rows + len(rows)
        # Of the rows before, too: a stop may come before these are written.
        self._checksums = {self.rows: before, count: checksum(texts, before)}
        self.rows = count
        self._save(self.part, {"checksums": list(self._checksums.items())})

    def finish(self) -> None:
        """Put the file in its place."""
        with reporting_write_errors(self.path):
            flush(self.part)
            # What is said of the old features never stands beside the new ones, and
            # who is killed here knows whose they are, and which of both.
            sum_of_rows = self._checksums[self.rows]
            placing = {"placing": sum_of_rows, "stamp": stamp(self.part)}
            self._save(self.path, placing)
            os.replace(self.part, self.path)
            self._save(self.path, {"checksum": sum_of_rows})
            _about(self.part).unlink()

    def _save(self, path: Path, more: dict[str, Any]) -> None:
        about = {
            "network": self.network,
            "sha256": self.sha256,
            "options": dict(self.options),
            "work": dict(self.work),
            "rows": self.rows,
        }
        write_text(_about(path), json.dumps(about | more))


@contextmanager
def writing_features(file: FeatureFile, rows: int) -> Iterator[FeatureFile]:
    """A file to write features to, after so many rows; no other process can meanwhile.

    Raises UserError as `FeatureFile.check` and `resume` do, and if another process is
    writing it.
    """
    file.check()
    with locked(file.path):
        file.resume(rows)
        yield file


def open_features(path: Path) -> StoredFeatures:
    """The features that `predict --features` wrote.

    Raises UserError if there is no such file, or it is damaged or of other origin.
    """
    where, todo = f"--features {path}", "give a file that `predict --features` wrote"
    if not path.is_file():
        raise UserError(where, "no such file", todo)
    try:
        about = _read(path)
        features = np.load(path, mmap_mode="r", allow_pickle=False)
        texts = str(about["network"]), str(about["sha256"])
        rows, sum_of_rows = int(about["rows"]), int(about["checksum"])
        options = dict(about["options"])
    except FileNotFoundError:
        what = f"'{_about(path).name}', which belongs to it, is not beside it"
        raise UserError(where, what, todo) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(where, "can't be read", todo) from None
    if features.ndim != 2 or len(features) != rows:
        what = f"has shape {features.shape}, must have {rows:,} rows"
        raise UserError(where, what, "copy it again")
    return StoredFeatures(
        features=features,
        network=texts[0],
        sha256=texts[1],
        checksum=sum_of_rows,
        options=options,
    )


def _holds_features(path: Path) -> bool:
    """Whether `predict` wrote a file, and what stands beside it."""
    try:
        about = _read(path)
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.keys() >= _KEYS


def _read(path: Path) -> Any:
    """What is said of a file of features."""
    return json.loads(_about(path).read_text(encoding="utf-8"))


def _about(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _units(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """The features as rows of length 1, which float16 can hold whatever they are."""
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(features / np.where(lengths == 0, 1, lengths), _TYPE)


def _header(rows: int, channels: int) -> bytes:
    """The beginning of a file of NumPy, as long for any number of rows."""
    header = BytesIO()
    about = {"descr": _TYPE.str, "fortran_order": False, "shape": (rows, channels)}
    np.lib.format.write_array_header_1_0(header, about)
    return header.getvalue()
