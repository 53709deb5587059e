"""How are files written whole, or not at all with a reason?"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multitask.contracts.errors import UserError

PART = ".part-"  # begins the name of a file that is not whole yet


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all; a file already there survives failure.

    Raises UserError if the disk is full or the folder can't be written.
    """
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def reporting_write_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError of writing into `folder` into one line for the user.

    Raises UserError if the disk is full or the folder can't be written.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            error.filename or folder,
            f"can't be written: {error.strerror or error}",
            "free some space or choose another folder",
        ) from None


@contextmanager
def replacing(path: Path, *, flushed: bool = True) -> Iterator[Path]:
    """Give a file to write, which takes the place of `path` when it is whole.

    It is `flushed` to the disk first, so that no loss of power leaves half of it.

    Raises UserError if the disk is full or the folder can't be written.
    """
    part = path.with_name(f"{PART}{path.name}")
    try:
        yield part
        if flushed:
            flush(part)
        os.replace(part, path)
    except OSError as error:
        remains = "the previous one is kept" if path.exists() else "nothing was written"
        raise UserError(
            path,
            f"can't be saved ({error.strerror or error}), {remains}",
            "free some space",
        ) from None
    finally:  # it is still there if anything failed, or was interrupted
        part.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have a file on the disk, not only in the cache of the operating system."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
