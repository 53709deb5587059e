"""Are labels read as what they mean, however they are spelled?"""

import os

import pytest
from multitask.datasets import folder, table

from multitask.contracts.errors import UserError
from tests.datasets.label_files import label_file
from tests.tables.typed_in import decided, labels, read

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("gender", ["Male", "m", "F", " WOMAN"], ["male", "male", "female", "female"]),
        ("expression", ["happy", "Sad", "FEAR"], ["happiness", "sadness", "fear"]),
        ("race7", ["East Asian", "Latino_Hispanic"], ["east_asian", "latino_hispanic"]),
        ("race", ["Southeast Asian", "Caucasian"], ["asian", "white"]),
        ("age_group", ["Elderly", "kid"], ["old", "child"]),
        ("Smiling", ["True", "No", "1", "f"], [1.0, 0.0, 1.0, 0.0]),
        ("indoor", ["Yes", "no", "YES"], [1.0, 0.0, 1.0]),
        ("indoor", ["True", "False", "unknown"], [1.0, 0.0, None]),
        ("indoor", ["y", "N"], [1.0, 0.0]),
    ],
)
def test_words_are_read_as_labels(tmp_path, column, cells, expected):
    assert labels(tmp_path, column, *cells) == expected


def test_a_cell_that_is_neither_yes_nor_no_is_set_aside(tmp_path):
    cells = ["Yes", "no", "yes", "No"] * 3
    reading = read(tmp_path, "indoor", *cells, "maybe")
    assert reading.table["indoor"].tolist()[:12] == [1, 0, 1, 0] * 3
    assert reading.table["indoor"].isna().sum() == 1
    [reason] = reading.skipped["reason"]
    assert reason == "row 13: indoor is 'maybe', left empty; must be yes or no"
    assert reading.heads["indoor"] == {"kind": "sigmoid"}


@pytest.mark.parametrize(
    ("cell", "ends"),
    [
        ("31", (31, 31)),
        ("060Y", (60, 60)),
        ("018M", (1.5, 1.5)),
        ("42 years", (42, 42)),
        ("20-29", (20, 29)),
        ("20 to 29", (20, 29)),
        ('"(25, 32)"', (25, 32)),
        ('"[20, 30)"', (20, 29)),
        ('"(20, 30]"', (21, 30)),
        ("20s", (20, 29)),
        ("70+", (70, 116)),
        ("more than 70", (70, 116)),
        ("70 and over", (70, 116)),
        ("under 20", (0, 19)),
        ("<= 20", (0, 20)),
        ("03-Sep", (3, 9)),  # what a spreadsheet makes of 3-9
        ("Oct-19", (10, 19)),
        ("03. Sep", (3, 9)),
        ("Okt 19", (10, 19)),
        ("1. Mai", (1, 5)),
        ("Dez. 20", (12, 20)),
        ("9-March", (3, 9)),
    ],
)
def test_ages_are_numbers_and_intervals(tmp_path, cell, ends):
    row = read(tmp_path, "age", cell, "5").table.iloc[0]
    if ends[0] == ends[1]:
        assert row["age"] == ends[0]
    else:
        assert (row["age_low"], row["age_high"]) == ends
        assert row["age"] != row["age"]


def test_dates_of_a_workbook_among_ages_are_the_intervals_that_were_typed(tmp_path):
    # 3-9 in any language, 10-19 in English (10/19) and elsewhere (October 2019).
    cells = ["2024-09-03", "2024-10-19", "2019-10-01", "2024-10-01", "20-29", "31"]
    reading = read(tmp_path, "age", *cells, "40-49", "70+")
    lows, highs = (reading.table[f"age_{end}"].tolist() for end in ("low", "high"))
    assert lows[:5] == [3, 10, 10, 1, 20]
    assert highs[:5] == [9, 19, 19, 10, 29]
    assert "'2024-09-03' is 3 to 9" in decided(reading)["age"][1]
    renamed = read(tmp_path, "Age", "9/3/2024", "20-29")
    assert renamed.table["age_low"].tolist() == [3, 20]


def test_dates_alone_are_no_ages_and_a_lone_first_of_a_month_is_unclear(tmp_path):
    todo = "format the column as text and write what was typed, such as 10-19, or"
    with pytest.raises(UserError, match=f"age is '2024-09-03', must be .*; {todo}"):
        read(tmp_path, "age", "2024-09-03", "2023-10-19", "31")
    with pytest.raises(UserError, match=f"age is '2024-10-01', must be .*; {todo}"):
        read(tmp_path, "age", "2024-10-01", "20-29", "31")


def test_dates_among_classes_that_are_intervals_are_what_was_typed(tmp_path):
    cells = ["0-2", "2024-09-03", "03-Sep", "3-9", "20-29", "30-39", "over 70"]
    reading = read(tmp_path, "bracket", *cells, *cells)
    bracket = reading.table["bracket"].tolist()[: len(cells)]
    assert bracket == ["0-2", "3-9", "3-9", "3-9", "20-29", "30-39", "over 70"]
    remarks = decided(reading)["bracket"][1]
    assert remarks == "'2024-09-03' is 3-9, '03-Sep' is 3-9"
    others = ["03-Sep", "04-Sep", "20-29", "04-Sep", "20-29", "03-Sep"]  # mostly dates
    assert read(tmp_path, "bracket", *others).table["bracket"].tolist() == others


def test_an_age_fills_the_interval_that_a_table_has(tmp_path):
    reading = read(tmp_path, "age,age_low,age_high", "20-29,,", ",3,9", "31,,")
    table = reading.table[["age", "age_low", "age_high"]].fillna(-1)
    assert table.to_numpy().tolist() == [[-1, 20, 29], [-1, 3, 9], [31, -1, -1]]


def test_no_age_is_set_aside_or_an_error(tmp_path):
    rest = ["20-29"] * 10
    reading = read(tmp_path, "age", *rest, "29-20")
    assert reading.skipped["reason"].tolist() == [
        "row 11: age is '29-20', left empty; must be a number or an interval such as "
        "20-29"
    ]
    assert reading.table["age_low"].notna().sum() == 10
    with pytest.raises(UserError, match="row 2: age is 'adult', must be a number or"):
        read(tmp_path, "age", "20-29", "adult", "31")


def test_classes_that_differ_in_case_or_blanks_are_one(tmp_path):
    cells = ["drama", "Drama", "Drama", "film noir", "Film  Noir", "filmnoir", " Drama"]
    reading = read(tmp_path, "genre", *cells)
    genre = ["Drama"] * 3 + ["film noir"] * 3 + ["Drama"]
    assert reading.table["genre"].tolist() == genre
    assert reading.heads["genre"]["classes"] == ["Drama", "film noir"]
    role, remarks = decided(reading)["genre"]
    assert (role, remarks.split(", ")) == (
        "label",
        [
            "'drama' is Drama",
            "'Film  Noir' is film noir",
            "'filmnoir' is film noir",
        ],
    )


def test_other_texts_stay_as_they_are(tmp_path):
    cells = ["Yes", "no", "maybe", "Yes", "no", "maybe"]
    assert labels(tmp_path, "indoor", *cells) == cells
    codes = ["001", "002", "001"]
    assert labels(tmp_path, "code", *codes, toml='text = ["code"]') == codes


def test_another_spelling_of_a_declared_class(tmp_path):
    toml = '[column.sky]\nclasses = ["Very clear", "clouds"]'
    cells = ["very_clear", "Clouds", "VERY CLEAR"]
    expected = ["Very clear", "clouds", "Very clear"]
    assert labels(tmp_path, "sky", *cells, toml=toml) == expected
    with pytest.raises(UserError, match="row 4: sky is 'fog', must be Very clear or"):
        labels(tmp_path, "sky", *cells, "fog", toml=toml)


def test_what_was_translated_is_reported(tmp_path):
    reading = read(tmp_path, "gender,indoor,age", "Male,Yes,70+", "f,No,5", "male,Yes,")
    assert decided(reading) == {
        "path": ("path", ""),
        "gender": ("label", "'Male' is male, 'f' is female"),
        "indoor": ("label", "'Yes' is 1, 'No' is 0"),
        "age": ("label", "'70+' is 70 to 116"),
    }


def test_folders_of_classes_are_spelled_alike(tmp_path):
    label_file(tmp_path, "", "East Asian/a.jpg", "Latino_Hispanic/b.jpg")
    reading = folder.read(tmp_path, name="race7")
    assert sorted(reading.table["race7"]) == ["east_asian", "latino_hispanic"]


def test_t_f_and_n_are_three_classes_and_codes_are_reported(tmp_path):
    reading = read(tmp_path, "kind,code", "t,007", "f,7", "n,8", "t,12")
    assert reading.table["kind"].tolist() == ["t", "f", "n", "t"]
    assert reading.table["code"].tolist() == [7, 7, 8, 12]
    assert "'007' is 7; text = [\"code\"] in the TOML" in decided(reading)["code"][1]


@pytest.mark.parametrize("times", [1, 10])
def test_zeros_before_numbers_are_kept_however_often_a_cell_repeats(tmp_path, times):
    cells = ["007", "7", "07", "12"] * times
    toml = 'text = ["code"]'
    assert labels(tmp_path, "code", *cells, toml=toml) == cells
    rows = [
        f"{cell},{cell},{kind}"
        for cell, kind in zip(cells, "abcd" * times, strict=True)
    ]
    reading = read(tmp_path / "persons", "identity,code,kind", *rows)
    assert reading.table["identity"].tolist() == cells
    assert "'007' is 7; text = [\"code\"] in the TOML" in decided(reading)["code"][1]


@pytest.mark.parametrize("boxes", [1, 10])
def test_a_name_without_an_ending_keeps_its_zeros(tmp_path, boxes):
    rows = [
        f"{picture},{5 * box},0,4,4,{mood}\n"
        for picture, mood in (("000", "sad"), ("0", "happy"))
        for box in range(boxes)
    ]
    content = "image_id,x,y,w,h,mood\n" + "".join(rows)
    file = label_file(tmp_path, content, "0.png", "000.png")
    reading = table.read(file, name="mine")
    names = reading.table["path"].map(os.path.basename)
    assert names.tolist() == ["000.png"] * boxes + ["0.png"] * boxes
    assert reading.table["mood"].tolist() == ["sad"] * boxes + ["happy"] * boxes
