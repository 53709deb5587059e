"""Are several networks measured only on pictures that none of them learned from?"""

import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.experiments.held_out import held_out_by_all

PATHS = [f"{name}.jpg" for name in "abcdefgh"]


@pytest.fixture
def run(tmp_path):
    """A run's folder whose split.csv has these parts of the first pictures."""

    def run(name, parts):
        (tmp_path / name).mkdir()
        names = {"r": "train", "v": "val", "t": "test"}
        table = pd.DataFrame(
            {"path": PATHS[: len(parts)], "split": [names[p] for p in parts]}
        )
        table.to_csv(tmp_path / name / "split.csv", index=False)
        return tmp_path / name

    return run


def paths(table):
    return "".join(table["path"].str[0])


TABLE = pd.DataFrame({"path": PATHS})


def test_only_pictures_of_all_test_parts_are_left_and_the_others_counted(run):
    runs = {"one": (run("one", "rrvttttt"), True), "two": (run("two", "rttrvtt"), True)}
    table, part, notes = held_out_by_all(TABLE, runs, None)
    # one tests defgh, two tests bcfg: d trained two, e chose its epoch, h is not in
    # two; b trained one, c chose its epoch.
    assert (paths(table), part) == ("fg", "test")
    assert notes == (
        "Of 7 pictures that one of the networks holds out, 2 measure all. Left out: "
        "1 that one learned from; 1 that two learned from; 1 by which the best epoch "
        "of one was chosen; 1 by which the best epoch of two was chosen; 1 that are "
        "not among those of two.",
    )


def test_runs_without_a_common_picture_are_an_error(run):
    runs = {"one": (run("one", "rrtt"), True), "two": (run("two", "ttrr"), True)}
    with pytest.raises(UserError) as error:
        held_out_by_all(TABLE, runs, None)
    assert str(error.value) == (
        "one and two: hold out no picture in common: 2 that one learned from; 2 that "
        "two learned from; train them with the same --split, or give other pictures "
        "with --data"
    )


def test_the_same_split_leaves_nothing_out(run):
    runs = {"one": (run("one", "rrtt"), True), "two": (run("two", "rvtt"), True)}
    table, _, notes = held_out_by_all(TABLE, runs, None)
    assert (paths(table), notes) == ("cd", ())


def test_of_other_data_all_that_nobody_learned_from_is_left(run, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    runs = {"one": (run("one", "rrvt"), False), "bare": (bare, False)}
    table, part, _ = held_out_by_all(TABLE, runs, "all")
    assert (paths(table), part) == ("cdefgh", "all")
    table, part, _ = held_out_by_all(TABLE, runs, None)
    assert (paths(table), part) == ("d", "test")
