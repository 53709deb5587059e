"""Does a table keep its contract, and does joining tables invent no label?"""

import numpy as np
import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.table import (
    Reading,
    any_file_name,
    as_text,
    check,
    classes_of,
    column,
    concat,
    interval,
    label_columns,
    read_csv,
    sources,
    write_csv,
)


def table(**columns):
    rows = max(len(values) for values in columns.values())
    return pd.DataFrame({"path": [f"{i}.jpg" for i in range(rows)], **columns})


def error(function, *arguments):
    with pytest.raises(UserError) as caught:
        function(*arguments)
    return str(caught.value)


def test_a_good_table_passes_with_a_fresh_index(faces):
    shuffled = faces.iloc[::-1]
    checked = check(shuffled)
    assert checked.index.tolist() == [0, 1, 2, 3, 4, 5]
    assert checked["path"].tolist() == shuffled["path"].tolist()


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (
            pd.DataFrame({"file": ["a.jpg"]}),
            "here: has no column 'path', only file; rename 'file' to 'path'",
        ),
        (
            pd.DataFrame({"path": []}),
            "here: has no rows; check the folder's layout",
        ),
        (pd.DataFrame({"path": ["a.jpg", None]}), "here: row 1 has no path"),
        (
            pd.DataFrame({"path": ["a.jpg", "b.jpg", "a.jpg"]}),
            "here: lists 'a.jpg' more than once; each picture, or box of a picture, "
            "may occur only once",
        ),
        (
            table(split=["train", "valid", np.nan]),
            "here: split is 'valid', must be one of train, val, test; did you mean "
            "'val'?",
        ),
        (
            table(age_low=[1.0]),
            "here: has 'age_low' without 'age_high'; an interval needs both",
        ),
        (
            table(age_high=[1.0]),
            "here: has 'age_high' without 'age_low'; an interval needs both",
        ),
        (
            table(age_low=[1.0, 9.0], age_high=[1.0, 8.0]),
            "here: 1.jpg: age from 9 to 8 is not an interval; fill both ends, the "
            "lower one first",
        ),
        (
            table(age_low=[1.0, np.nan], age_high=[1.0, 8.0]),
            "here: 1.jpg: age from nan to 8 is not an interval; fill both ends, the "
            "lower one first",
        ),
    ],
)
def test_a_broken_table_is_told_in_one_line(broken, line):
    assert error(check, broken, "here") == line


def test_joined_tables_keep_every_label_and_leave_the_rest_empty():
    ages = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "age": [31.0, np.nan]})
    genders = pd.DataFrame({"path": ["c.jpg"], "gender": ["male"]}, index=[7])
    joined = concat([ages, genders])
    assert joined.index.tolist() == [0, 1, 2]
    assert joined["age"].isna().tolist() == [False, True, True]
    assert joined["gender"].tolist()[2] == "male"
    assert joined["gender"].isna().tolist() == [True, True, False]


def test_a_column_empty_in_one_table_takes_the_type_of_the_other():
    empty = table(age=[np.nan, np.nan], gender=[np.nan, np.nan])
    full = table(age=[31.0], gender=["male"]).replace("0.jpg", "z.jpg")
    for tables in ([empty, full], [full, empty]):
        joined = concat(tables)
        assert pd.api.types.is_float_dtype(joined["age"])
        assert joined["gender"].dropna().tolist() == ["male"]


def test_numbers_here_and_text_there_name_both_data_sets_and_an_example():
    numbers = table(gender=[0.0, 1.0], source=["utkface", "utkface"])
    words = table(gender=["male"], source=["imfdb"]).replace("0.jpg", "z.jpg")
    for tables in ([numbers, words], [words, numbers]):
        line = error(concat, tables)
        first, second = (t["source"].iloc[0] for t in tables)
        assert line.startswith(f"{first} and {second}: disagree about 'gender': ")
        assert "text like 'male'" in line


def test_boxes_of_one_picture_are_different_faces():
    both = pd.DataFrame({"path": ["a", "a", "a"], "box": ["0 0 8 8", "8 0 16 8", None]})
    assert len(check(both)) == 3
    assert "lists 'a' more than once" in error(check, both.assign(box="0 0 8 8"))
    assert "lists 'a' more than once" in error(check, both.assign(box=None))


def test_a_reading_has_nothing_set_aside_unless_told():
    reading = Reading(table=table(age=[1.0]))
    assert list(reading.skipped) == ["path", "reason"]
    assert len(reading.skipped) == 0


def test_a_column_that_a_table_lacks_is_empty_with_its_index():
    rows = table(age=[1.0, 2.0]).set_index(pd.Index([5, 7]))
    assert column(rows, "age").tolist() == [1.0, 2.0]
    missing = column(rows, "race")
    assert missing.isna().all()
    assert missing.index.tolist() == [5, 7]


def test_sources_name_the_data_set_of_each_row_or_nothing():
    rows = table(source=["a", None, 3])
    assert sources(rows).tolist() == ["a", "", "3"]
    assert sources(table(age=[1.0, 2.0])).tolist() == ["", ""]


def test_the_columns_of_a_label_are_its_own_and_those_of_its_interval():
    assert label_columns(["age", "year"]) == (
        *("age", "age_low", "age_high"),
        *("year", "year_low", "year_high"),
    )
    assert label_columns([]) == ()


def test_an_interval_is_what_is_known_of_a_number():
    nan = np.nan
    rows = table(
        age=[31, nan, nan, 5], age_low=[nan, 20, nan, 0], age_high=[nan, 29, nan, 9]
    ).set_index(pd.Index([4, 3, 2, 1]))
    ends = interval(rows, "age")
    assert ends.index.tolist() == [4, 3, 2, 1]
    assert list(ends) == ["low", "high"]
    # An exact number wins over the interval beside it.
    np.testing.assert_array_equal(ends, [[31, 31], [20, 29], [nan, nan], [5, 5]])


def test_an_interval_needs_no_column_of_exact_numbers():
    rows = table(age_low=["20", None], age_high=["29", None])  # as of a CSV file
    np.testing.assert_array_equal(interval(rows, "age"), [[20, 29], [np.nan] * 2])
    assert interval(rows, "year").isna().to_numpy().all()
    with pytest.raises(ValueError, match="young"):
        interval(table(age=["young"]), "age")


def test_whole_numbers_are_classes_without_a_point_in_the_order_of_numbers():
    ages = pd.Series([10.0, 9.0, np.nan, 10.0])
    assert as_text(ages).fillna("-").tolist() == ["10", "9", "-", "10"]
    assert classes_of(ages) == ("9", "10")
    assert classes_of(pd.Series(["b", None, "a"])) == ("a", "b")
    # Beside text, numbers are text, too.
    assert classes_of(pd.Series([10, 9, "a"], dtype=object)) == ("10", "9", "a")


@any_file_name()
def test_a_written_table_is_read_as_text_with_names_that_are_not_utf_8(tmp_path):
    rows = pd.DataFrame({"path": ["caf\udce9.jpg", "b.jpg"], "age": [3.0, np.nan]})
    write_csv(rows, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes().startswith(b"path,age\ncaf\xe9.jpg,")
    assert read_csv(tmp_path / "table.csv").fillna("").to_numpy().tolist() == [
        ["caf\udce9.jpg", "3.0"],
        ["b.jpg", ""],
    ]


def test_a_name_with_a_line_break_stays_in_its_row(tmp_path):
    rows = pd.DataFrame({"path": ["a\rb.jpg", "c\nd.jpg"], "split": ["train", "val"]})
    write_csv(rows, tmp_path / "table.csv")
    assert read_csv(tmp_path / "table.csv").to_numpy().tolist() == rows.values.tolist()
