"""Is the table of predictions readable at any width?"""

import numpy as np
import pandas as pd

from multitask.networks.prediction.table import text

NAN = np.nan


def table(**columns):
    rows = len(next(iter(columns.values())))
    start = {"path": [f"{i}.png" for i in range(rows)], "status": "ok", "box": None}
    return pd.DataFrame({**start, **columns})


def test_an_answer_and_how_sure_it_is_share_a_cell():
    faces = table(
        age=[31.4142, 7.0],
        age_low=[25.0, 3.0],
        age_high=[38.0, 11.5],
        gender=["female", "male"],
        gender_confidence=np.array([0.981, 1.0], np.float32),
        gender_male=[0.019, 1.0],
    )
    assert text(faces).splitlines() == [
        "path   age              gender      gender_male",
        "0.png  31.4 (25 to 38)  female .98  .02",
        "1.png  7 (3 to 11.5)    male 1.00   1.00",
    ]


def test_a_picture_without_an_answer_shows_why():
    faces = table(
        Smiling=pd.array([1, None], dtype="Int64"), Smiling_confidence=[0.75, NAN]
    )
    faces.loc[1, "status"] = "no such file: must be one"
    assert text(faces).splitlines() == [
        "path   status        Smiling",
        "0.png  ok            1 .75",
        "1.png  no such file",
    ]


def test_boxes_are_shown_if_there_are_any():
    faces = table(age=[30.0, 0.125], age_low=[NAN, NAN], age_high=[NAN, NAN])
    faces["box"] = ["1 2 3 4", None]
    assert text(faces).splitlines() == [
        "path   box      age",
        "0.png  1 2 3 4  30",
        "1.png           0.125",
    ]


def test_what_is_too_wide_for_a_terminal_follows_below():
    faces = table(**{f"label{i}": [f"answer{i}"] for i in range(6)})
    lines = text(faces, width=40).splitlines()
    assert max(map(len, lines)) <= 40
    # path 5, then three columns of 2 + 7: 32; a fourth would make 41.
    assert lines[0].split() == ["path", "label0", "label1", "label2"]
    assert lines[2] == ""
    assert lines[3].split() == ["path", "label3", "label4", "label5"]
    assert len(text(faces).splitlines()) == 2


def test_a_long_path_keeps_its_end_on_a_terminal():
    faces = table(label=["yes"])
    faces["path"] = "/a/very/long/way/to/the/folder/of/the/faces/1234.png"
    assert faces["path"][0] in text(faces)
    shown = text(faces, width=80).splitlines()[1].split()[0]
    assert len(shown) == 40
    assert shown == "..." + faces["path"][0][-37:]


def test_a_head_may_be_called_as_a_column_of_videos():
    named = table(
        time=["day", "night"],
        time_confidence=[0.9, 0.8],
        start=[3.0, 7.0],
        start_low=[2.0, 6.0],
        start_high=[4.0, 8.0],
    )
    assert text(named).splitlines() == [
        "path   time       start",
        "0.png  day .90    3 (2 to 4)",
        "1.png  night .80  7 (6 to 8)",
    ]


def test_a_path_can_not_break_the_line():
    lines = text(table(path=["a\nb.png", "\x1b[2J.png"], Smiling=[1, 0])).splitlines()
    mark = "\N{REPLACEMENT CHARACTER}"
    assert lines[1:] == [f"a{mark}b.png   1", f"{mark}[2J.png  0"]


def test_a_face_has_its_number_and_confidence_in_one_column():
    rows = pd.DataFrame(
        {
            "status": ["ok", "ok", "no face"],
            "path": ["a.jpg", "a.jpg", "b.jpg"],
            "face": pd.Series([0, 1, None], dtype="Int64"),
            "box": ["0 0 8 8", "9 9 12 12", None],
            "face_confidence": np.array([0.99, np.nan, np.nan], np.float32),
            "gender": ["male", "female", None],
            "gender_confidence": [0.9, 0.8, np.nan],
        }
    )
    header, *lines = text(rows).splitlines()
    assert header.split() == ["path", "status", "box", "face", "gender"]
    assert lines[0].split()[-4:] == ["0", ".99", "male", ".90"]
    assert lines[1].split()[-3:] == ["1", "female", ".80"]
    assert lines[2].split() == ["b.jpg", "no", "face"]


def test_a_picture_without_a_file_has_an_empty_cell():
    assert text(table(path=["a.png", None], Smiling=[1, 0])).splitlines() == [
        "path   Smiling",
        "a.png  1",
        "       0",
    ]
