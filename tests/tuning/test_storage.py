"""Are trials read back as they were recorded?"""

import pytest
from filelock import FileLock

from multitask.contracts.errors import UserError
from multitask.tuning.storage import (
    Trial,
    locked,
    read_trial,
    read_trials,
    write_trial,
)

STOPPED = Trial(
    trial=1,
    folder="trial-0001",
    state="running",
    settings={"dropout": 0.1 + 0.2, "batch-size": 16, "trunk": "cnn"},
    deaths=1,
    died_after=2,
    interrupted=True,
)
COMPLETE = Trial(
    trial=10000,
    folder="trial-0002",
    state="complete",
    settings={"dropout": 0.3},
    score=0.75,
    heads={"gender": 0.75},
    epoch=2,
    seconds=1.5,
    curve=(0.5, 0.75),
)


def test_trials_are_read_as_they_were_recorded_in_order_of_their_numbers(tmp_path):
    nine = Trial(trial=9999, folder="trial-9999", state="fail", settings={}, reason="x")
    for trial in (COMPLETE, nine, STOPPED):
        write_trial(tmp_path, trial)
    assert read_trials(tmp_path) == [STOPPED, nine, COMPLETE]
    assert read_trial(tmp_path, 1) == STOPPED


def test_a_trial_that_cannot_be_recorded_names_its_folder(tmp_path):
    (tmp_path / "trial-0001").touch()  # a file, where a folder is needed
    with pytest.raises(UserError, match="trial-0001: can't be written: File exists"):
        write_trial(tmp_path, STOPPED)


def test_a_lock_is_held_until_the_block_ends(tmp_path):
    lock = FileLock(tmp_path / ".lock")
    with locked(lock):
        assert lock.is_locked
    assert not lock.is_locked


def test_a_lock_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / ".lock").mkdir()  # where a file is needed
    lock = FileLock(tmp_path / ".lock")
    with pytest.raises(UserError, match="lock: can't be written: Is a d"), locked(lock):
        pass


def test_a_folder_without_a_record_is_no_trial(tmp_path):
    (tmp_path / "trial-0000").mkdir()
    assert read_trials(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"no JSON", b"[1]", b"{}", b'{"curve": [], "trial": 0}', b"\xff{}"],
)
def test_a_damaged_record_is_refused(tmp_path, content):
    write_trial(tmp_path, STOPPED)
    (tmp_path / "trial-0001" / "trial.json").write_bytes(content)
    with pytest.raises(
        UserError, match="trial-0001/trial.json: is not the record of a tri"
    ):
        read_trials(tmp_path)
