"""How are predictions written as they come, so that a stopped command goes on?

While it works, the rows are in `FILE.part`, and `FILE.part.json` says how many of them
are whole, and of which network and pictures they are. The last step puts the file in
its place; one that was there before stays until then.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from multitask.contracts.errors import UserError
from multitask.contracts.saving import (
    flush,
    locked,
    replacing,
    reporting_write_errors,
    write_text,
)
from multitask.contracts.version import VERSION
from multitask.networks.named.description import digest
from multitask.networks.prediction.formats import (
    DEEPFACE,
    LABELS,
    Tally,
    closing,
    encodable,
    text,
)

if TYPE_CHECKING:
    import pandas as pd

_WHAT = {  # what makes it the same work, in words for when it is not
    "multitask": "version of multitask",
    "network": "network",
    "heads": "choice of heads",
    "probabilities": "choice of --probabilities",
    "options": "choice of options, such as --faces",
    "pictures": "list of pictures",
    "files": "version of the picture files",
}
_GROUP = 256  # parts of the rows in a row group of a Parquet file


class Target(Protocol):
    """Where rows of predictions go; `tally` counts them."""

    tally: Tally

    def append(self, rows: "pd.DataFrame") -> None:
        """Write some more rows."""

    def finish(self) -> None:
        """Write what comes after the last row."""


@dataclass(kw_only=True)
class Printed:
    """Rows that are printed as they come."""

    form: str
    width: int | None = None  # see `formats.text`
    tally: Tally = field(default_factory=Tally)

    def append(self, rows: "pd.DataFrame") -> None:
        """Print some more rows."""
        first = self.tally.rows == 0
        sys.stdout.write(text(rows, self.form, first=first, width=self.width))
        sys.stdout.flush()
        self.tally.add(rows)

    def finish(self) -> None:
        """Print what comes after the last row."""
        sys.stdout.write(closing(self.form))


@dataclass(kw_only=True)
class PredictionFile:
    """Rows that are written to a file, from the start or from where they stopped.

    Make one with `writing`. `work` is what makes the rows those of one command.
    """

    path: Path
    form: str
    work: dict[str, Any]
    size: int = 0  # bytes of the whole rows
    tally: Tally = field(default_factory=Tally)

    @property
    def part(self) -> Path:
        """The file of the rows so far."""
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def state(self) -> Path:
        """The file that says how many rows there are so far, and of which work."""
        return self.path.with_name(f"{self.path.name}.part.json")

    @property
    def _todo(self) -> str:
        return (
            f"resume with the command that began it, delete '{self.part}' to start "
            "over, or name another file with --out"
        )

    def append(self, rows: "pd.DataFrame") -> None:
        """Add rows to the part; they count once the state says so."""
        first = self.tally.rows == 0
        if first:
            self._save()  # so that there is never a part of unknown origin
        elif rows.empty:
            return
        if self.form == "parquet":
            data = _arrow(encodable(rows), first)
        else:
            data = text(rows, self.form, first=first).encode()
        with reporting_write_errors(self.part), self.part.open("ab") as file:
            file.truncate(self.size)  # rows that a kill left incomplete
            file.write(data)
        self.size += len(data)
        self.tally.add(rows)
        self._save()

    def _save(self) -> None:
        state = {"work": self.work, "size": self.size, "tally": asdict(self.tally)}
        write_text(self.state, json.dumps(state))

    def resume(self) -> None:
        """Find out how many rows there are already.

        Raises UserError if they are those of other work.
        """
        if not self.part.exists():
            return  # a state alone is stale: there are no rows to go on from
        if not self.state.exists():
            raise UserError(self.part, "is of unknown origin", self._todo)
        try:
            state = json.loads(self.state.read_text(encoding="utf-8"))
            work, size, tally = state["work"], state["size"], Tally(**state["tally"])
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(self.state, "can't be read", self._todo) from None
        for key, what in _WHAT.items():
            if work.get(key) != self.work[key]:
                raise UserError(self.part, f"holds rows of another {what}", self._todo)
        # Only a failing disk or machine loses rows that were counted.
        if self.part.stat().st_size >= size:
            self.size, self.tally = size, tally

    def finish(self) -> None:
        """Put the file in its place, and remove what was needed to go on."""
        with reporting_write_errors(self.path):
            if self.form == "parquet":
                with replacing(self.path) as whole:
                    _write_parquet(self.part, whole)
                self.part.unlink()
            else:
                with self.part.open("ab") as file:
                    file.truncate(self.size)
                    file.write(closing(self.form).encode())
                flush(self.part)
                os.replace(self.part, self.path)
            self.state.unlink()


def check_target(path: Path, form: str) -> None:
    """Raise UserError unless predictions may be written to a file of this format.

    Its folder must exist, and a file that is there must be empty or hold predictions.
    """
    if not path.parent.is_dir():
        raise UserError(
            f"--out {path}", f"no folder '{path.parent}'", "make it, or name another"
        )
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no regular file"
        raise UserError(f"--out {path}", f"is {kind}", "name a file in a folder")
    if path.exists() and not _holds_predictions(path, form):
        what = "is a file, but not one of predictions"
        raise UserError(f"--out {path}", what, "name another file, or delete it")


@contextmanager
def writing(path: Path, form: str, work: dict[str, Any]) -> Iterator[PredictionFile]:
    """The file to write rows to, which no other process can open meanwhile.

    Raises UserError if it can't be written, another process is writing it, or it was
    begun by other work.
    """
    check_target(path, form)
    file = PredictionFile(path=path, form=form, work=work)
    with locked(path):
        file.resume()
        yield file


def write_rows(rows: "pd.DataFrame", path: Path, form: str) -> None:
    """Write rows of predictions whole, or not at all.

    Raises UserError if the file can't be written.
    """
    with locked(path), replacing(path) as part:
        if form == "parquet":
            rows.to_parquet(part, index=False)
        else:
            part.write_text(text(rows, form, first=True) + closing(form), "utf-8")


def _holds_predictions(path: Path, form: str) -> bool:
    """Whether a file is empty or begins as predictions do, so that it may be replaced.

    A table for people begins as other texts may, so it never counts.
    """
    if not path.stat().st_size:
        return True
    try:
        first, second, *_ = _names(path, form)
    except (OSError, ValueError):  # ValueError: not of this format
        return False
    if form == DEEPFACE:
        return first == "img_path"
    return {first, second} == {"status", "path"}


def _names(path: Path, form: str) -> list[str]:
    """The names of the columns that a file of predictions has; none in a table."""
    if form == "parquet":
        import pyarrow.parquet as pq

        return list(pq.read_schema(path).names)
    with path.open(encoding="utf-8") as file:
        line = file.readline()
        if form in ("json", DEEPFACE):  # whose first line is the bracket
            line = file.readline()
    if form == "csv":
        return line.rstrip("\n").split(",")
    if form == DEEPFACE:
        faces = json.loads(line.rstrip(",\n"))
        return list(faces[0]) if isinstance(faces, list) and faces else []
    return list(json.loads(line.rstrip(",\n"))) if form in ("json", "jsonl") else []


def same_work(
    network: Path,
    pictures: "pd.DataFrame",
    heads: Sequence[str] | None,
    probabilities: bool,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What must be the same for rows to belong to one file, as plain values.

    `pictures` has their `path`, and perhaps columns of boxes; `options` are
    others that rows depend on.
    """
    paths = [*map(str, pictures["path"])]
    names = hashlib.sha256(b"\0".join(map(os.fsencode, paths)))
    if not all(map(os.path.isabs, paths)):
        names.update(os.fsencode(os.getcwd()))
    for box in pictures.drop(columns="path"):
        names.update("\0".join(map(str, pictures[box])).encode())
    files = hashlib.sha256("\n".join(map(_stamp, paths)).encode())
    return {
        "multitask": VERSION,
        "network": digest(network),
        "heads": None if heads is None else list(heads),
        "probabilities": probabilities,
        "options": dict(options or {}),
        "pictures": names.hexdigest(),
        "files": files.hexdigest(),
    }


def _stamp(picture: str) -> str:
    """What changes with the contents of a file, without reading it."""
    try:
        state = os.stat(picture)
    except (OSError, ValueError):  # a missing file is a row, too
        return ""
    return f"{state.st_size} {state.st_mtime_ns}"


def _arrow(rows: "pd.DataFrame", first: bool) -> bytes:
    """Rows in Arrow's stream format, which Parquet's, unlike it, can be appended to."""
    import pandas as pd
    import pyarrow as pa

    texts = {
        str(name)
        for name in rows
        if not pd.api.types.is_numeric_dtype(rows[name].dtype)
    }
    guess = pa.Schema.from_pandas(rows.iloc[:0], preserve_index=False)
    # A part in which a column is all empty must not have a type of its own.
    schema = pa.schema(
        [
            pa.field(each.name, _text_type(each.name)) if each.name in texts else each
            for each in guess
        ],
        guess.metadata,
    )
    table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
    parts = [schema.serialize()] if first else []
    parts += [batch.serialize() for batch in table.combine_chunks().to_batches()]
    return b"".join(part.to_pybytes() for part in parts)


def _text_type(name: str) -> Any:
    import pyarrow as pa

    return pa.list_(pa.string()) if name == LABELS else pa.string()


def _write_parquet(part: Path, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with (
        pa.OSFile(str(part)) as source,
        pa.ipc.open_stream(source) as stream,
        pq.ParquetWriter(path, stream.schema) as writer,
    ):
        while batches := list(islice(stream, _GROUP)):
            writer.write_table(pa.Table.from_batches(batches))
