"""Where are a sweep's trials kept, and when is one given up?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.storages.journal import JournalFileBackend

from multitask.contracts import run
from multitask.contracts.errors import UserError

STORAGE = "trials.log"
_STUDY = "trials"  # Optuna's name for what the storage holds


class _StorageLock:
    """Guards Optuna's journal, and ends with its process; Optuna's own outlive it."""

    def __init__(self, file: Path) -> None:
        self._lock = FileLock(file)

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


def study_of(out: Path, settings: Mapping[str, Any], pruner: Any) -> optuna.Study:
    """Open the storage, or begin one."""
    file = (out / STORAGE).absolute()
    lock: Any = _StorageLock(file.with_name(f"{run.LOCK}-{STORAGE}"))
    lock.acquire()
    try:
        if file.exists():  # a line that a kill or a full disk cut short is none
            whole = file.read_bytes().rpartition(b"\n")
            if whole[2]:
                file.write_bytes(whole[0] + whole[1])
    finally:
        lock.release()
    text = json.dumps(settings, sort_keys=True)
    try:
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(file), lock))
        study: optuna.Study = optuna.create_study(
            study_name=_STUDY,
            storage=storage,
            load_if_exists=True,
            direction="maximize",
            pruner=pruner,
        )
        known = study.user_attrs.get("settings", text)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise UserError(
            file, f"is no storage of a sweep ({error})", "name another with --out"
        ) from None
    if known != text:
        raise UserError(file, "is of another sweep", "name another folder with --out")
    study.set_user_attr("settings", text)
    return study
