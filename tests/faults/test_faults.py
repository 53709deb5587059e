"""Is every damaged or hostile file of a campaign read, or told in one line?"""

import warnings

import pytest

from tests.faults.__main__ import KINDS, run

QUICK, LONG = 10, 500  # cases
pytestmark = pytest.mark.filterwarnings("ignore")


def check(kind, cases, seed):
    """Fail with the seeds of the faults, by which `case` makes them again."""
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_damaged_files_are_told(kind):
    check(kind, QUICK, seed=90_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_are_told(kind):
    check(kind, LONG, seed=0)
