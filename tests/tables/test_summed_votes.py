"""Do the class and the votes of a question stay together when rows are merged?"""

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import table

from multitask.contracts import catalog
from multitask.data import sources
from multitask.tables.merge import merge
from tests.datasets.label_files import label_file
from tests.tables.typed_in import decided

pytestmark = pytest.mark.usefixtures("no_pictures")
NAN = np.nan
VOTES = '[votes.mood]\ncolumns = ["happy", "sad"]'
QUESTION = {"mood": {"happy": "mood_happy", "sad": "mood_sad"}}


def moods(labels):
    """The class and the votes of each row, None where it is empty."""
    rows = labels[["mood", "mood_happy", "mood_sad"]].astype(object)
    return rows.where(rows.notna(), None).to_numpy().tolist()


def sets(folder, one, other, toml=VOTES):
    """The reading of two CSV files of the same pictures, both with a declaration."""
    data = []
    for name, rows in (("one", one), ("other", other)):
        paths = [row.split(",")[0] for row in rows.split()[1:]]
        file = label_file(folder, "\n".join(rows.split()), *paths, file=f"{name}.csv")
        if "happy,sad" in rows:
            (folder / f"{file.name}.toml").write_text(toml)
        data.append(f"{name}=table:{file}")
    return sources.read_all(data)


def test_votes_of_two_data_sets_are_added(tmp_path):
    reading = sets(
        tmp_path,
        "path,happy,sad a,3,2 b,0,1 c,5,1",
        "path,happy,sad a,4,2 b,0,1 d,1,0",
    )
    assert moods(reading.table) == [
        ["happy", 7, 4], ["sad", 0, 1], ["happy", 5, 1], ["happy", 1, 0]
    ]  # fmt: skip
    [head] = catalog.heads(["mood"], reading.heads)
    np.testing.assert_allclose(head.encode(reading.table).targets[0], [7 / 11, 4 / 11])
    assert reading.notes[1] == (
        "The votes of different data sets for mood of 1 picture are added; equal ones "
        "count once."
    )
    assert reading.skipped.empty


def test_a_class_that_contradicts_votes_empties_them_too(tmp_path):
    reading = sets(
        tmp_path,
        "path,happy,sad a,3,2 b,3,3 c,1,4 d,2,2",
        "path,mood a,sad b,sad c,sad e,happy",
    )
    assert moods(reading.table) == [
        [None, None, None],
        ["sad", 3, 3],  # the class decides on the tie
        ["sad", 1, 4],
        [None, 2, 2],
        ["happy", None, None],
    ]
    [head] = catalog.heads(["mood"], reading.heads)
    assert head.labelled(reading.table).tolist() == [False, True, True, True, True]
    assert reading.skipped["reason"].tolist() == [
        "mood is happy by votes and sad of one picture, left empty; must be the same "
        "in all"
    ]
    assert "each other in mood of 1 pictures" in reading.notes[1]


def test_votes_of_a_picture_that_recurs_in_a_file_are_added(tmp_path):
    rows = ["path,happy,sad", "a,3,2", "b,0,2", "a,0,4", "a,3,2", "c,1,0"]
    file = label_file(tmp_path, "\n".join(rows), *"abc")
    (tmp_path / "labels.csv.toml").write_text(VOTES)
    reading = table.read(file, name="mine")
    assert moods(reading.table) == [["sad", 3, 6], ["sad", 0, 2], ["happy", 1, 0]]
    remarks = decided(reading)["mood"][1]
    assert "votes of different rows are added for 1 picture; equal ones" in remarks
    assert "[votes" not in remarks
    assert reading.skipped.empty


def test_rows_that_vote_and_rows_with_a_class_of_many_pictures():
    frame = pd.DataFrame(
        {
            "path": ["a", "a", "a", "b", "b", "c", "c", "d", "d"],
            "mood": [NAN, "happy", "sad", "sad", NAN, "happy", "sad", "sad", "sad"],
            "mood_happy": [2, NAN, NAN, NAN, 1, NAN, NAN, NAN, NAN],
            "mood_sad": [2, NAN, NAN, NAN, 4, NAN, NAN, NAN, NAN],
        }
    )
    merged = merge(frame, votes=QUESTION, numbered=True)
    assert moods(merged.table) == [
        [None, None, None], ["sad", 1, 4], [None, None, None], ["sad", None, None]
    ]  # fmt: skip
    assert merged.conflicts["reason"].tolist() == [
        "mood is happy in row 6 and sad in row 7 of one picture, left empty; must be "
        "the same in all",
        "mood is happy or sad by votes and happy in row 2 and sad in row 3 of one "
        "picture, left empty; must be the same in all",
    ]


def test_a_question_without_any_vote_is_merged_as_other_classes():
    frame = pd.DataFrame({"path": ["a", "a"], "mood": ["sad", NAN]})
    merged = merge(frame.assign(mood_happy=NAN, mood_sad=NAN), votes=QUESTION)
    assert moods(merged.table) == [["sad", None, None]]
