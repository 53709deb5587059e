"""Which files does a run hold, and may a folder be written to?"""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from multitask.contracts import recipe_files
from multitask.contracts.errors import Say, UserError
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe import Recipe, recipe
from multitask.contracts.recipe_files import current_name, translate
from multitask.contracts.saving import (
    PART,
    PART_LOCK,
    is_partial,
    placed,
    reporting_write_errors,
    take_back,
    try_to_write,
    whole,
    write_text,
)

NETWORK = "network.keras"  # the best epoch
RECIPE = "recipe.toml"  # every setting
HISTORY = "history.csv"  # figures of each epoch
SPLIT = "split.csv"  # path, maybe box, split
CHECKPOINT = "checkpoint"  # the folder of what a stopped training resumes from
SKIPPED = "skipped.csv"  # path, reason: what was set aside
REPORT = "report"  # the folder of a run's report
REPORT_JSON = "report.json"  # in it, the figures; a run with one is measured
PAGE = "index.html"  # of every report, to open in a browser
BEST = "best.toml"  # the recipe of a sweep's best trial
SAMPLE = "sample"  # the folder of the faces drawn for `--data sample`
DATA = "data"  # the folder of the tables that were given as data frames
SWEEP = "sweep"  # the table of a sweep's recipe.toml that holds what is varied
LOCK, READING = ".lock", ".reading"  # locks of processes that share a folder
_WAIT = 0.5  # seconds for a process that ends, or makes way, just now


def new_folder(out: Path, *, or_without_epoch: bool = False) -> Path:
    """The folder `out`, which is yet to be made.

    Raises UserError if it exists or can't be made. One that is empty, or holds nothing
    but given data, the sample's drawings, locks and parts of files, of a run that ended
    before it began, counts as new; so does what a command left that was killed in
    `new_work`, and with `or_without_epoch` a run killed before an epoch was done.
    """
    is_new = is_left_over(out) or (or_without_epoch and is_without_epoch(out))
    if out.exists() and not is_new:
        begun = out.is_dir() and (out / RECIPE).exists()
        raise UserError(
            out,
            "already exists",
            "choose another folder with --out"
            + ", or add --resume to continue" * begun,
        )
    check_writable(out)
    return out


def is_left_over(out: Path) -> bool:
    """Whether a folder holds only what is written before a run begins, or nothing.

    What a command left that was killed in `new_work` is nothing, too.
    """
    if not out.is_dir():
        return False
    own = placed(out)
    above = {folder for file in own for folder in file.parents}
    return all(
        path in own
        or path.name in (DATA, SAMPLE, LOCK, READING)
        or path.name.startswith(PART)
        or path.name.endswith(PART_LOCK)
        or (path in above and own >= {p for p in path.rglob("*") if not p.is_dir()})
        for path in out.resolve().iterdir()
    )


def is_abandoned(out: Path) -> bool:
    """Whether a command was killed in `new_work` in this folder, and none goes on."""
    from filelock import FileLock, Timeout

    if not (is_partial(out) and is_left_over(out)):
        return False
    try:
        with FileLock(out / LOCK, timeout=0):
            return is_partial(out)  # it may have ended since
    except (Timeout, OSError):
        return False


@contextmanager
def new_work(out: Path) -> Iterator[None]:
    """Write into the new folder `out` as the only process.

    If the user stops it, what it wrote so far is removed. If it is killed, the folder
    counts as new, and the next one removes that as it begins. After an error it stays.

    Raises UserError as `only_process` does, and if another process has written into
    the folder meanwhile.
    """
    with only_process(out):
        new_folder(out)
        with whole(out):
            yield


@contextmanager
def only_process(out: Path) -> Iterator[None]:
    """Work in the folder `out`, which is made if it is missing, as the only process.

    The lock of a process that died is taken over, and what it left of files, or of a
    `new_work`, that were not whole goes. A folder that is empty at the end goes, as do
    those above it that were made for it.

    Raises UserError if another process works in it, or if it can't be made.
    """
    from filelock import FileLock, Timeout

    missing = [path for path in (out, *out.absolute().parents) if not path.exists()]
    lock = FileLock(out / LOCK)
    with reporting_write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=_WAIT)
        except Timeout:  # an OSError, too
            raise UserError(
                out,
                "another process is working in it",
                "wait until it ends, or choose another folder with --out",
            ) from None
    try:
        with reporting_write_errors(out):  # Windows removes no file that is open
            take_back(out)
        for part in (*out.glob(f"{PART}*"), *out.glob(f".plain{PART}*")):
            with suppress(OSError):  # a folder, empty, of one that tries to write
                part.rmdir() if part.is_dir() else part.unlink()
        yield
    finally:
        # While it is held: who waits for a file that is gone makes a new one.
        with suppress(PermissionError):  # Windows removes no open file
            (out / LOCK).unlink(missing_ok=True)
        lock.release()
        for folder in missing:
            with suppress(OSError):  # not empty, or gone
                folder.rmdir()


def has_epoch(out: Path) -> bool:
    """Whether a run, or any fold of it, has finished an epoch."""
    return any(
        (one / name).exists() for one in _folders(out) for name in (NETWORK, HISTORY)
    )


def is_without_epoch(out: Path) -> bool:
    """Whether a folder holds a run that ended before an epoch was done, and no more.

    Anybody may write a recipe and a split; what was set aside, a run alone.
    """
    is_run = any((folder / SKIPPED).is_file() for folder in _folders(out))
    if not is_run or has_epoch(out):
        return False
    own = {file for folder in _folders(out) for file in _before_epoch(folder)}
    own |= {out / LOCK, out / READING}
    given = {out / DATA, out / SAMPLE}
    files = (path for path in out.rglob("*") if not path.is_dir())
    return all(file in own or given & set(file.parents) for file in files)


def discard(out: Path) -> None:
    """Remove what a run wrote before its first epoch was done, and nothing else.

    Folders that are empty then go, too.
    """
    for folder in _folders(out):
        for file in _before_epoch(folder):
            file.unlink(missing_ok=True)
        logs = folder / "logs"
        for empty in (*logs.glob("*"), logs, folder / CHECKPOINT, folder):
            with suppress(OSError):  # not empty, or not there
                empty.rmdir()


def _folders(out: Path) -> tuple[Path, ...]:
    """The folders of a run's folds, if it has any, and its own."""
    return (*out.glob("fold-*"), out)


def _before_epoch(folder: Path) -> list[Path]:
    """The files, there or not, that a run writes before its first epoch is done."""
    files = [folder / name for name in (RECIPE, SKIPPED, SPLIT)]
    files += (folder / "logs").glob("*/events.out.tfevents.*")
    files += (part for part in folder.glob(f"{PART}*") if not part.is_dir())
    # The trunk that a frozen training begins with; all, if its epoch then failed.
    checkpoint = folder / CHECKPOINT
    files += [*checkpoint.glob("*.weights.h5"), *checkpoint.glob("state.*")]
    return files


def existing(folder: Path) -> Path:
    """The folder itself if it is made already, or the nearest one above it that is."""
    return next(p for p in (folder, *folder.absolute().parents) if p.is_dir())


def check_writable(
    out: Path, todo: str = "choose another folder with --out", *, where: str = ""
) -> None:
    """Raise UserError if the folder `out` can't be made or written; call it early.

    The error names `where`, by default the folder.
    """
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir():
        what = f"can't be a folder: '{there}' is a file"
        raise UserError(where or out, what, todo)
    try:
        try_to_write(there)
    except OSError as error:
        what = f"can't be written: '{there}': {error.strerror or error}"
        raise UserError(where or out, what, todo) from None


def resumable(out: Path, say: Say = print) -> Recipe:
    """The recipe of the run in `out`, to go on with it; UserError if there is none."""
    file = out / RECIPE
    if not file.is_file():
        raise UserError(out, f"contains no {RECIPE}, so it is not a run to resume")
    check_writable(out)
    return recipe(recipe_files.read(file, say, resume=True), str(file))


def network_file(path: str | Path) -> Path:
    """The network file at `path`, or in the run folder there.

    Raises UserError if there is none.
    """
    path = expand_user(path)
    path = path / NETWORK if path.is_dir() else path
    if not path.exists():
        raise UserError(path, "does not exist", "give a run folder or a .keras file")
    return path


def same_work(out: Path, settings: dict[str, Any], what: str, key: str) -> bool:
    """Whether the folder holds this work already, begun and to go on with.

    `settings` are what makes it the same, `key` the table that they have beside those
    of a recipe, and `what` it is called. Settings of earlier versions count as what
    they are translated to. Raises UserError if the folder holds something else.
    """
    import tomli_w

    file = out / RECIPE
    if not file.exists():
        new_folder(out)
        return False
    try:
        begun = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            file, f"is not valid TOML: {error}", "choose another folder with --out"
        ) from None
    if not same_settings(begun, tomllib.loads(tomli_w.dumps(settings))):
        whose = f"another {what}" if key in begun else "other work"
        raise UserError(out, f"contains {whose}", "choose another folder with --out")
    return True


def same_settings(begun: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether settings that were written down, maybe by an earlier version, are these.

    Both are plain data; a setting that is missing has its default.
    """
    defaults = Recipe().plain()
    begun = {**defaults, **translate(begun)[0]}
    if SWEEP in begun:
        vary = [_current_vary(text) for text in begun[SWEEP].get("vary", ())]
        begun[SWEEP] = {**begun[SWEEP], "vary": vary}
    return begun == {**defaults, **settings}


def _current_vary(text: str) -> str:
    """`average=0.9,0.99` of an earlier version as `ema=0.9,0.99`."""
    name, equals, values = text.partition("=")
    return current_name(name) + equals + values


def begin(out: Path, settings: dict[str, Any]) -> None:
    """Make the folder of such a work, and write its settings into it.

    Raises UserError if it can't be written.
    """
    import tomli_w

    with reporting_write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    write_text(out / RECIPE, tomli_w.dumps(settings))
