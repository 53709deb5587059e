"""How is a file kept from being written by two processes at once?"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from multitask.contracts.errors import UserError
from multitask.contracts.saving import reporting_write_errors


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from writing a file, and what becomes of it.

    Raises UserError if another one is writing it, or the lock can't be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f"{path.name}.part.lock"))
    with reporting_write_errors(path):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            what = "is being written by another process"
            raise UserError(path, what, "wait, or name another file") from None
    try:
        yield
    finally:
        # While it is held: who locks a file that is gone is sent back by filelock.
        with suppress(PermissionError):  # Windows removes no open file
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
