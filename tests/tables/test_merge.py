"""Do several rows of one picture become one, with nothing lost in silence?"""

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import table as reader

from multitask.contracts.errors import UserError
from multitask.contracts.table import check
from multitask.data import sources
from multitask.tables.merge import merge
from tests.datasets.label_files import label_file

pytestmark = pytest.mark.usefixtures("no_pictures")
LEFT = "left empty; must be the same in all"


def read(folder, text, *names):
    return reader.read(label_file(folder, text, *names), name="mine")


def cells(table, *columns):
    """Rows of some columns, None for an empty cell."""
    rows = table[list(columns)].astype(object)
    return rows.where(rows.notna(), None).to_numpy().tolist()


def test_rows_of_a_picture_fill_each_other(tmp_path):
    text = "path,mood,weather,stars\na.jpg,happy,,\nb.jpg,sad,rain,2\na.jpg,,sun,\n"
    reading = read(tmp_path, text + "./a.jpg,happy,sun,4\n", "a.jpg", "b.jpg")
    assert cells(reading.table, "mood", "weather", "stars") == [
        ["happy", "sun", 4.0],
        ["sad", "rain", 2.0],
    ]
    assert reading.skipped.empty
    remarks = reading.decisions.set_index("column")["remarks"]
    assert remarks["path"] == "2 rows merged into others of the same picture"


def test_contradicting_labels_are_set_aside_and_counted(tmp_path):
    text = (
        "path,mood,stars\na.jpg,happy,1\nb.jpg,sad,\na.jpg,sad,1\na.jpg,happy,3\n"
        "b.jpg,,5\nc.jpg,happy,3\n"
    )
    reading = read(tmp_path, text, "a.jpg", "b.jpg", "c.jpg")
    assert cells(reading.table, "mood", "stars") == [
        [None, None], ["sad", 5.0], ["happy", 3.0]
    ]  # fmt: skip
    assert cells(reading.skipped, "path", "reason") == [
        [f"{tmp_path}/a.jpg",
         f"mood is happy in row 1 and sad in row 3 of one picture, {LEFT}"],
        [f"{tmp_path}/a.jpg",
         f"stars is 1 in row 1 and 3 in row 4 of one picture, {LEFT}"],
    ]  # fmt: skip
    remarks = reading.decisions.set_index("column")["remarks"]
    assert remarks["mood"] == (
        "1 picture left empty, as rows contradict each other; [votes.mood] would count "
        "them as votes"
    )


def test_a_column_that_loses_every_label_is_an_error(tmp_path):
    text = "path,mood,x\na.jpg,happy,1\na.jpg,sad,1\n"
    with pytest.raises(
        UserError,
        match="1 of 1 pictures have rows .* in 'mood', .* row 1 and sad in row 2",
    ):
        read(tmp_path, text, "a.jpg")


def test_the_ends_of_an_interval_go_together():
    table = pd.DataFrame(
        {
            "path": ["a", "a", "b", "b", "c", "c"],
            "age": [np.nan, np.nan, 25, np.nan, 40, np.nan],
            "age_low": [20, 25, np.nan, 20, np.nan, 20],
            "age_high": [29, 29, np.nan, 29, np.nan, 29.0],
        }
    )
    merged = merge(table)
    check(merged.table)
    assert cells(merged.table, "age", "age_low", "age_high") == [
        [None, None, None], [25.0, 20.0, 29.0], [None, None, None]
    ]  # fmt: skip
    assert merged.conflicts["reason"].tolist() == [
        f"age_low is 20 and 25 of one picture, {LEFT}",
        "age is 40 and from 20 to 29 in rows of one picture, left empty",
    ]


def test_the_most_guarded_part_of_a_split_counts():
    table = pd.DataFrame({"path": list("aabbc"), "split": ["train", "test", "val", None,
                                                           "train"]})  # fmt: skip
    merged = merge(table)
    assert merged.table["split"].tolist() == ["test", "val", "train"]
    assert merged.conflicts["path"].tolist() == ["a"]


def test_boxes_of_one_picture_are_different_faces(tmp_path):
    text = (
        "path,x,y,w,h,mood\na.jpg,0,0,9,9,sad\na.jpg,9,0,9,9,happy\n"
        "a.jpg,0,0,9.0,9,\na.jpg,,,,,calm\n"
    )
    table = read(tmp_path, text, "a.jpg").table
    assert cells(check(table), "box", "mood") == [
        ["0 0 9 9", "sad"], ["9 0 18 9", "happy"], [None, "calm"]
    ]  # fmt: skip


# Two data sets over the same files


def sets(folder, one, other, *names):
    first = label_file(folder, one, *names, file="one.csv")
    second = label_file(folder, other, file="other.csv")
    return sources.read_all([f"one=table:{first}", f"other=table:{second}"])


def test_a_label_file_per_task_makes_one_table(tmp_path):
    reading = sets(
        tmp_path,
        "path,mood\na.jpg,sad\nb.jpg,happy\n",
        "path,weather,mood\nc.jpg,sun,sad\nb.jpg,rain,happy\na.jpg,sun,\n",
        *("a.jpg", "b.jpg", "c.jpg"),
    )
    assert cells(reading.table, "mood", "weather", "source") == [
        ["sad", "sun", "one"], ["happy", "rain", "one"], ["sad", "sun", "other"]
    ]  # fmt: skip
    assert reading.skipped.empty
    assert set(reading.heads) == {"mood", "weather"}
    assert reading.notes == (
        "2 pictures are in several data sets: their labels are merged, and they count "
        "as those of the first.",
    )


def test_data_sets_that_contradict_each_other_are_told(tmp_path):
    reading = sets(
        tmp_path,
        "path,mood,split\na.jpg,sad,train\nb.jpg,happy,train\n",
        "path,mood,split\na.jpg,happy,test\nb.jpg,happy,train\n",
        *("a.jpg", "b.jpg"),
    )
    assert cells(reading.table, "mood", "split") == [[None, "test"], ["happy", "train"]]
    assert reading.skipped["reason"].tolist() == [
        f"mood is sad and happy of one picture, {LEFT}",
        "split is train and test of one picture, of which test counts first, then val",
    ]
    assert "each other in mood of 1 pictures; the first: mood is" in reading.notes[1]


def test_boxes_tell_faces_of_two_data_sets_apart(tmp_path):
    reading = sets(
        tmp_path,
        "path,box,mood\na.jpg,0 0 9 9,sad\na.jpg,9 0 18 9,happy\n",
        "path,bbox,weather\na.jpg,\"[9, 0, 18, 9]\",sun\n",
        "a.jpg",
    )  # fmt: skip
    assert cells(reading.table, "box", "mood", "weather") == [
        ["0 0 9 9", "sad", None], ["9 0 18 9", "happy", "sun"]
    ]  # fmt: skip


def test_a_person_keeps_one_name(tmp_path):
    reading = sets(
        tmp_path,
        "path,identity\na.jpg,ann\nb.jpg,bob\n",
        "path,identity\na.jpg,7\nc.jpg,7\nd.jpg,8\n",
        *("a.jpg", "b.jpg", "c.jpg", "d.jpg"),
    )
    assert reading.table["identity"].tolist() == [
        "one:ann", "one:bob", "one:ann", "other:8"
    ]  # fmt: skip
    assert reading.skipped.empty
    assert reading.notes[1] == (
        "As data sets share pictures, 1 person has several identities: 'one:ann' is "
        "also 'other:7'."
    )


def test_persons_of_one_data_set_are_one_if_another_says_so(tmp_path):
    reading = sets(
        tmp_path,
        "path,identity\n0.jpg,p1\n1.jpg,p2\n5.jpg,p1\n7.jpg,p3\n",
        "path,identity\n0.jpg,x\n1.jpg,x\n2.jpg,x\n",
        *(f"{n}.jpg" for n in (0, 1, 2, 5, 7)),
    )
    assert reading.table["identity"].tolist() == [
        "one:p1", "one:p1", "one:p1", "one:p3", "one:p1"
    ]  # fmt: skip
    assert "'one:p1' is also 'one:p2', 'other:x'" in reading.notes[1]
    assert reading.skipped.empty


def test_two_identities_of_a_face_in_one_file_are_one_person(tmp_path):
    rows = "a.jpg,ann,1\na.jpg,anna,1\nb.jpg,anna,2\nc.jpg,cem,3\nd.jpg,ann,2\n"
    names = [f"{n}.jpg" for n in "abcd"]
    reading = read(tmp_path, f"path,identity,stars\n{rows}", *names)
    assert reading.table["identity"].tolist() == ["ann", "ann", "cem", "ann"]
    assert reading.skipped["reason"].tolist() == [
        "identity is ann in row 1 and anna in row 2 of one picture, which are one "
        "person"
    ]
    remarks = reading.decisions.set_index("column")["remarks"]
    assert remarks["identity"] == "rows of 1 picture differ: they are one person"


def rated(pictures, twice):
    """A CSV of some pictures, of which the first ones have two different moods."""
    rows = [f"{n}.jpg,{mood},{n},W{n}" for n in range(pictures) for mood in ["calm"]]
    again = [f"{n}.jpg,wild,{n},V{n}" for n in range(twice)]
    return "\n".join(["path,mood,stars,worker_id", *rows, *again, ""])


def test_more_than_a_tenth_of_contradictions_is_an_error(tmp_path):
    names = [f"{n}.jpg" for n in range(40)]
    message = (
        "6 of 40 pictures have rows that contradict each other in 'mood', the first: "
        r"mood is calm in row 1 and wild in row 41 of one picture; keep one row .*"
        r"\[votes.mood\]"
    )
    with pytest.raises(UserError, match=message):
        read(tmp_path, rated(40, 6), *names)
    few = read(tmp_path, rated(40, 3), *names)
    assert few.table["mood"].notna().sum() == 37
    assert len(few.skipped) == 3  # who labelled them is no label


def test_some_contradictions_are_no_reason_to_refuse_a_table(tmp_path):
    text = "path,mood\na.jpg,happy\na.jpg,sad\nb.jpg,sad\nb.jpg,calm\nc.jpg,happy\n"
    file = label_file(tmp_path, text + "d.jpg,sad\n", *(f"{n}.jpg" for n in "abcd"))
    reading = sources.read_all([f"mine=table:{file}"])
    assert cells(reading.table, "mood") == [[None], [None], ["happy"], ["sad"]]
    assert len(reading.skipped) == 2


@pytest.mark.parametrize(
    ("column", "cells", "is_advised"),
    [
        ("stars", ["1", "4", "5"], True),
        ("mood", ["calm", "wild", "sad"], True),
        ("age", ["31", "34", "20"], False),
        ("age", ["20-29", "30-39", "40-49"], False),
        ("weight", ["61.5", "62", "70"], False),
        ("year", ["1990", "1991", "2000"], False),
    ],
)
def test_votes_are_advised_for_classes_alone(tmp_path, column, cells, is_advised):
    one, other, third = cells
    text = f"path,{column}\na,{one}\na,{other}\nb,{third}\nc,{one}\n"
    remarks = read(tmp_path, text, *"abc").decisions["remarks"]
    assert remarks.str.contains("1 picture left empty").any()
    assert remarks.str.contains("[votes", regex=False).any() == is_advised
    with pytest.raises(UserError) as error:
        read(tmp_path, f"path,{column}\na,{one}\na,{other}\n", "a")
    assert ("[votes" in str(error.value)) == is_advised
