"""How are files written whole, or not at all with a reason?"""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from multitask.contracts.errors import UserError

PART = ".part-"  # begins the name of a file that is not whole yet
PART_LOCK = ".part.lock"  # ends the name of the lock of a file
_STAGE = f"{PART}files"  # the folder in which files are written that belong together
_JOURNAL = f"{PART}journal"  # the files of a work that is not whole yet, see `whole`
MORE_SPACE = "free some space, or set TMPDIR to a folder that has some"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the last one of `ulimit -f`


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
            _space(error) + "choose another folder",
        ) from None


def try_to_write(folder: Path) -> None:
    """Raise OSError if nothing can be made in a folder that exists.

    Nothing else tells: permissions are not all, and don't bind every user.
    """
    probe = folder / f"{PART}probe"
    with suppress(FileExistsError):  # another process, or a kill, left it
        probe.mkdir()
    with suppress(OSError):  # another process removed it, or another user made it
        probe.rmdir()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from writing a file, and what becomes of it.

    Raises UserError if another one is writing it, or the lock can't be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f"{path.name}{PART_LOCK}"))
    with reporting_write_errors(path):
        try:
            try:
                lock.acquire(timeout=0)
            except Timeout:  # also where a file system makes no files, such as /proc
                try_to_write(path.parent)
                what = "is being written by another process"
                raise UserError(path, what, "wait, or name another file") from None
        except OSError as error:
            error.filename = str(path)  # not that of the lock, which nobody named
            raise
    try:
        yield
    finally:
        # While it is held: who locks a file that is gone is sent back by filelock.
        with suppress(PermissionError):  # Windows removes no open file
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


@contextmanager
def replacing(
    path: Path, *, flushed: bool = True, work: Path | None = None
) -> Iterator[Path]:
    """Give a file to write, which takes the place of `path` when it is whole.

    It is `flushed` to the disk first, so that no loss of power leaves half of it. As a
    part of the `work` in a folder, it is announced there.

    Raises UserError if the disk is full or the folder can't be written.
    """
    part = path.with_name(f"{PART}{path.name}")
    try:
        yield part
        if flushed:
            flush(part)
        if work:
            announce(work, {path: part})
        os.replace(part, path)
    except OSError as error:
        remains = "the previous one is kept" if path.exists() else "nothing was written"
        raise UserError(
            path,
            f"can't be saved ({error.strerror or error}), {remains}",
            _space(error) + "save it elsewhere",
        ) from None
    finally:  # it is still there if anything failed, or was interrupted
        part.unlink(missing_ok=True)


@contextmanager
def replacing_files(folder: Path, *, work: Path | None = None) -> Iterator[Path]:
    """Give a folder to write in, whose files go into `folder` when all are whole.

    At first it holds copies of the files in `folder`, not of the folders: to be read,
    replaced or removed. Files take their places in the order in which they were
    written. If anything fails, `folder` stays as it is; a stop while they are moved may
    leave files of both, each of them whole, but no new ones. A kill then leaves these,
    too. As a part of the `work` in a folder, they are announced there.

    Raises OSError, with the name of the file in `folder`.
    """
    stage = folder / _STAGE
    shutil.rmtree(stage, ignore_errors=True)  # of a process that was killed
    try:
        stage.mkdir()
        files = [path for path in folder.glob("[!.]*") if path.is_file()]
        copies = {stage / file.name: stamp(file) for file in files}
        for copy in copies:
            shutil.copy2(folder / copy.name, copy)  # with its time
        yield stage
        removed = [copy for copy in copies if not copy.exists()]
        changed = [
            path
            for path in stage.rglob("*")
            if path.is_file() and copies.get(path) != stamp(path)
        ]
        for path in changed:
            flush(path)
        changed.sort(key=lambda path: path.stat().st_mtime_ns)
        places = {folder / path.relative_to(stage): path for path in changed}
        if work:
            announce(work, places)
        _move(places)
        for path in removed:
            (folder / path.name).unlink(missing_ok=True)
    except OSError as error:
        if error.filename and Path(error.filename).is_relative_to(stage):
            place = folder / Path(error.filename).relative_to(stage)
            error.filename = str(place)
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _move(files: Mapping[Path, Path]) -> None:
    """Put files in their places; if that is stopped, the new ones go again."""
    new = [place for place in files if not place.exists()]
    try:
        for place, file in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, place)
    except BaseException:
        for place in new:
            if not files[place].exists():  # else what is there is not ours
                place.unlink(missing_ok=True)
            with suppress(OSError):  # not empty, or not made yet
                place.parent.rmdir()
        raise


def stamp(path: Path) -> tuple[int, int]:
    """What changes when a file is written, and stays when it is moved."""
    state = path.stat()
    return state.st_mtime_ns, state.st_size


@contextmanager
def whole(folder: Path) -> Iterator[None]:
    """Have a kill leave a journal in `folder` of what a work has put in place so far.

    So the next one knows by `placed` that this is not whole, and can `take_back` it. If
    the user stops the work, this is done at once; after an error, what is there stays.

    Raises UserError if the folder can't be written.
    """
    journal = folder / _JOURNAL
    _write_journal(folder, {})
    try:
        yield
    except KeyboardInterrupt:
        take_back(folder)
        raise
    finally:
        journal.unlink(missing_ok=True)


def is_partial(folder: Path) -> bool:
    """Whether a work in `folder` is not whole: it goes on now, or was killed."""
    return (folder / _JOURNAL).is_file()


def announce(folder: Path, files: Mapping[Path, Path]) -> None:
    """Write down which new files a work in `folder` puts in place next, from where.

    Without a work that is to be `whole`, nothing is written.
    """
    if is_partial(folder):
        new = {str(real_path(place)): stamp(file) for place, file in files.items()}
        _write_journal(folder, _announced(folder) | new)


def placed(folder: Path) -> set[Path]:
    """The real paths of what a killed work put in place, and nobody changed.

    Of its files outside the folder it is all or none: a table that somebody corrected
    keeps what is declared beside it.
    """
    root = folder.resolve()
    files, changed = set[Path](), set[Path]()
    for name, before in _announced(folder).items():
        file = Path(name)
        with suppress(OSError, ValueError):  # it is gone, or out of reach
            (files if stamp(file) == before else changed).add(file)
    is_kept = any(root not in file.parents for file in changed)
    return {file for file in files if root in file.parents or not is_kept}


def real_path(file: Path) -> Path:
    """The one path of a file, however its folder is spelled; a link stays itself."""
    return file.parent.resolve() / file.name


def take_back(folder: Path) -> None:
    """Remove what a killed work left in `folder`, and what it put in place elsewhere.

    Nothing else is removed, nor what somebody changed since. Only call it while no
    other process works in the folder.
    """
    for file in placed(folder):
        file.unlink()
        for above in file.parents:
            if folder.resolve() not in above.parents:
                break
            with suppress(OSError):  # not empty
                above.rmdir()
    shutil.rmtree(folder / _STAGE, ignore_errors=True)
    (folder / _JOURNAL).unlink(missing_ok=True)  # last, as a kill may come before


def _announced(folder: Path) -> dict[str, tuple[int, int]]:
    """The stamps of files by their real paths.

    A journal that is damaged, or came here with a copy of its folder, names none: the
    files would be those of another folder.
    """
    try:
        journal = json.loads((folder / _JOURNAL).read_text(encoding="utf-8"))
        if journal["folder"] != str(folder.resolve()):
            return {}
        return {name: (time, size) for name, (time, size) in journal["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write_journal(folder: Path, files: Mapping[str, tuple[int, int]]) -> None:
    journal = {"folder": str(folder.resolve()), "files": files}
    write_text(folder / _JOURNAL, json.dumps(journal))


def _space(error: OSError) -> str:
    """The first thing to do about a full disk; nothing for another error."""
    return "free some space or " if is_full(error) else ""


def is_full(error: OSError) -> bool:
    """Whether an error says that there is no space left, also for temporary files."""
    text = str(error.strerror)
    return error.errno in _FULL or text.startswith("No usable temporary directory")


def reserve(path: Path, size: int) -> None:
    """Make a file with so many bytes of space; OSError if the disk has less.

    For libraries that end a program, or print tracebacks, when a disk is full.
    """
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)


def flush(path: Path) -> None:
    """Have a file on the disk, not only in the cache of the operating system."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
