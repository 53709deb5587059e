"""Where are the trials of a sweep recorded, so that processes can share them?

Each trial has a file `trial-NNNN/trial.json`, which only the process that trains it
writes, and always whole: whoever reads it needs no lock.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from filelock import BaseFileLock

from multitask.contracts.errors import UserError
from multitask.contracts.results.sweep_result import TrialResult
from multitask.contracts.saving import reporting_write_errors, write_text

TRIAL = "trial.json"
PRECISION = "precision"  # that all trials are computed in


@dataclass(frozen=True, kw_only=True)
class Trial(TrialResult):
    """A trial, and what is needed to go on with it after its process ended.

    Of the epoch after `died_after`, `deaths` counts how often the process ended in it
    without a word; Ctrl-C leaves `interrupted`.
    """

    deaths: int = 0
    died_after: int = 0
    interrupted: bool = False


def read_trials(out: Path) -> list[Trial]:
    """All trials in the folder of a sweep, by their number.

    Raises UserError for a file that is not the record of a trial.
    """
    trials = [_read(file) for file in out.glob(f"trial-*/{TRIAL}")]
    return sorted(trials, key=lambda trial: trial.trial)


def read_trial(out: Path, number: int) -> Trial:
    """The trial of a number; UserError as in `read_trials`."""
    return _read(out / trial_folder(number) / TRIAL)


def write_trial(out: Path, trial: Trial) -> None:
    """Record a trial; UserError if the folder can't be written."""
    values = {one.name: getattr(trial, one.name) for one in fields(trial)}
    file = out / trial_folder(trial.trial) / TRIAL
    with reporting_write_errors(out):
        file.parent.mkdir(exist_ok=True)
    write_text(file, json.dumps(values, indent=1) + "\n")


@contextmanager
def locked(lock: BaseFileLock) -> Iterator[None]:
    """Wait for a lock and hold it; UserError if its folder can't be written."""
    with reporting_write_errors(Path(lock.lock_file).parent):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def trial_folder(number: int) -> str:
    """The name of the folder of a trial.

    >>> trial_folder(7)
    'trial-0007'
    """
    return f"trial-{number:04d}"


def _read(file: Path) -> Trial:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return Trial(**{**values, "curve": tuple(values["curve"])})
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            file,
            f"is not the record of a trial ({error!r})",
            "choose another folder with --out",
        ) from None
