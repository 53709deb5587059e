"""Is every damaged or hostile file of a campaign read, or told in one line?"""

import warnings

import pytest

from tests.faults import outcomes
from tests.faults.__main__ import KINDS, NEEDS, main, parse_cases, run

QUICK = dict.fromkeys(KINDS, 10) | {"service": 5}  # cases
del QUICK["detection"]  # which takes long
LONG = 500
pytestmark = pytest.mark.filterwarnings("ignore")


def check(kind, cases, seed):
    """Fail with the seeds of the faults, by which `case` makes them again."""
    for package in NEEDS.get(kind, ()):
        pytest.importorskip(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = run(kind, cases, seed)
    assert len(outcomes) == cases
    faults = [
        f"seed {one.seed}, {one.name}: {one.ending}\n{one.detail}"
        for one in outcomes
        if one.is_fault
    ]
    assert not faults, "\n".join(faults)
    assert {"read", "told"} & {one.ending for one in outcomes}


@pytest.mark.parametrize("kind", QUICK)
def test_a_few_damaged_files_are_told(kind):
    check(kind, QUICK[kind], seed=90_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_are_told(kind):
    check(kind, LONG, seed=0)


def test_a_campaign_has_as_many_cases_as_one_says(capsys):
    assert parse_cases("7") == dict.fromkeys(KINDS, 7)
    assert main(["--cases", "pictures=6,labels=4", "--seed", "90000"]) == 0
    _, _, *rows = capsys.readouterr().out.splitlines()
    counts = {"pictures": 0, "labels": 0}
    for row in rows:
        _, kind, _, count, read, told, faults, _ = row.split("|")
        assert int(count) == int(read) + int(told) + int(faults)
        counts[kind.strip()] += int(count)
    assert counts == {"pictures": 6, "labels": 4}


@pytest.mark.parametrize("text", ["", "-1", "many", "pictures", "prints=3", "labels=x"])
def test_other_counts_are_a_mistake(text, capsys):
    with pytest.raises(SystemExit):
        main(["--cases", text])
    assert "must be a number, or KIND=N, of pictures, labels" in capsys.readouterr().err


def test_what_takes_for_ever_is_a_fault(monkeypatch):
    monkeypatch.setattr(outcomes, "SLOW", 0.1)
    ended = outcomes.outcome("endless", 3, endless)
    assert (ended.ending, ended.is_fault) == ("hang", True)


def endless():
    while True:
        pass
