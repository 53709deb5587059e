"""Do commands that are killed go on, and end as one that nobody killed?"""

import signal
import sys

import pytest

from tests.faults import kills

SEED = 21


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked and killed")
@pytest.mark.parametrize(
    ("command", "cases"),
    [
        ("fit", 20),
        ("compare", 6),
        ("sweep", 6),
        ("predict", 6),
        ("report", 4),
        ("audit", 4),
    ],
)
def test_killed_commands_go_on_and_end_the_same(command, cases, tmp_path):
    outcomes = list(kills.campaign(command, cases, SEED, tmp_path))
    assert len(outcomes) == cases
    assert [outcome for outcome in outcomes if outcome.problem] == []


def test_kills_come_between_epochs_and_at_all_files():
    drawn = list(kills.kills(100, epochs=4, events=80, seed=3))
    between = [kill.number for kill in drawn if kill.place == "between epochs"]
    files = [kill.number for kill in drawn if kill.place == "at a file"]
    assert (len(between), len(files)) == (60, 40)
    assert set(between) == {2, 3, 4}
    assert all(2 * i < number <= 2 * i + 2 for i, number in enumerate(files))


def test_signals_are_drawn_and_what_does_not_train_is_killed_at_files():
    drawn = list(kills.kills(20, epochs=0, events=80, seed=3))
    assert {kill.place for kill in drawn} == {"at a file"}
    assert {kill.by for kill in drawn} == {signal.SIGKILL, signal.SIGTERM}
    (only,) = kills.kills(1, epochs=0, events=80, seed=3, signals=["TERM"])
    assert only.by == signal.SIGTERM
