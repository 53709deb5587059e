"""Is the part of a picture that a table means read, however it is written?"""

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import table as reader

from multitask.contracts.errors import UserError
from multitask.contracts.reading import box_columns
from multitask.images.decode import PictureError, decode
from multitask.networks.prediction.inputs import read_inputs
from multitask.tables.read import read_pictures
from tests.datasets.label_files import label_file

pytestmark = pytest.mark.usefixtures("no_pictures")


def boxes(folder, head, *rows, **options):
    """The reading of a table with these columns beside `path`, one picture per row."""
    names = [f"{number}.jpg" for number in range(len(rows))]
    lines = [f"{name},{row}" for name, row in zip(names, rows, strict=True)]
    file = label_file(folder, "\n".join([f"path,{head}", *lines]), *names)
    return reader.read(file, name="mine", **options)


@pytest.mark.parametrize(
    "columns",
    [
        "x,y,w,h",
        "X,Y,Width,Height",
        "face_x,face_y,face_width,face_height",
        "bbox_x,bbox_y,bbox_w,bbox_h",
        "left,top,width,height",
        "x_1,y_1,width,height",
        "x,y,dx,dy",
    ],
)
def test_four_columns_with_a_size_are_a_box(tmp_path, columns):
    reading = boxes(tmp_path, f"{columns},age", "10,20,30,40,5", "0,1,2.5,3,6", ",,,,7")
    assert reading.table["box"].iloc[:2].tolist() == ["10 20 40 60", "0 1 2.5 4"]
    assert pd.isna(reading.table["box"].iloc[2])  # the whole picture
    assert set(reading.table) == {"path", "box", "age", "source"}
    assert reading.heads == {}
    decisions = reading.decisions.set_index("column")
    assert decisions.loc[columns.split(","), "role"].tolist() == ["box"] * 4
    remark = decisions["remarks"][columns.split(",")[0]]
    assert remark == "2 boxes, left top width height"


@pytest.mark.parametrize(
    "columns",
    ["xmin,ymin,xmax,ymax", "Left,Top,Right,Bottom", "x1,y1,x2,y2", "bbox_x0,bbox_y0,"
     "bbox_x1,bbox_y1", "XMin,YMin,XMax,YMax", "min x,min y,max x,max y"],
)  # fmt: skip
def test_four_columns_with_corners_are_a_box(tmp_path, columns):
    reading = boxes(tmp_path, columns, "10,20,30,40", "-2,0,16,16")
    assert reading.table["box"].tolist() == ["10 20 30 40", "-2 0 16 16"]


def test_the_order_of_the_columns_does_not_matter(tmp_path):
    reading = boxes(tmp_path, "xmin,xmax,ymin,ymax,x", "1,3,2,9,0")
    assert reading.table["box"].tolist() == ["1 2 3 9"]
    assert reading.table["x"].tolist() == [0.0]  # nothing but a label


@pytest.mark.parametrize("name", ["box", "BBox", "face_box", "bounding box"])
def test_one_cell_holds_a_box_in_any_spelling(tmp_path, name):
    reading = boxes(
        tmp_path, name,
        *("1 2 3 4", '"[1, 2, 3, 4]"', '"1,2,3,4"', '"(1.0, 2.0, 3.0, 4.0)"'),
        *("1;2;3;4", "", '" 1  2 3 4 "'),
    )  # fmt: skip
    found = reading.table["box"]
    assert found.drop(5).tolist() == ["1 2 3 4"] * 6
    assert pd.isna(found[5])


def test_one_cell_may_hold_a_size(tmp_path):
    rows = ['"[30, 40, 10, 20]"', '"[0, 0, 5, 5]"']
    reading = boxes(tmp_path, "bbox", *rows, box="xywh")
    assert reading.table["box"].tolist() == ["30 40 40 60", "0 0 5 5"]
    (tmp_path / "labels.csv.toml").write_text('box = "xywh"')
    assert boxes(tmp_path, "bbox", *rows).table.equals(reading.table)
    (tmp_path / "labels.csv.toml").unlink()
    with pytest.raises(UserError, match=r"row 1: bbox is .*add ,box=xywh to --data"):
        boxes(tmp_path, "bbox", *rows)
    with pytest.raises(UserError, match="is 'yolo', must be '', 'xyxy' or 'xywh'"):
        boxes(tmp_path, "bbox", *rows, box="yolo")


def test_a_declaration_says_which_columns_are_the_box(tmp_path):
    declaration = tmp_path / "labels.csv.toml"
    roles = "".join(f'[column.{name}]\nrole = "box"\n' for name in "abcd")
    declaration.write_text(roles)
    reading = boxes(tmp_path, "d,a,b,c,x,y,w,h", "4,1,2,3,9,9,9,9")
    assert reading.table["box"].tolist() == ["1 2 3 4"]
    assert reading.table["w"].tolist() == [9.0]
    declaration.write_text('[column.x]\nrole = "label"\n')
    assert "box" not in boxes(tmp_path, "x,y,w,h", "1,2,3,4").table
    declaration.write_text('[column.x]\nrole = "box"\n[column.y]\nrole = "box"\n')
    with pytest.raises(UserError, match="2 columns are declared as box, x, y; declare"):
        boxes(tmp_path, "x,y,w,h", "1,2,3,4")


BIG = int("1" * 320)  # more than a float can hold
SIZED = "must be left top width height in pixels, width and height above 0"
CORNERS = (
    "must be left top right bottom in pixels, right greater than left, bottom greater "
    "than top"
)


@pytest.mark.parametrize(
    ("columns", "wrong", "says"),
    [
        ("x,y,w,h", "1,2,-3,4", f"x, y, w, h is '1, 2, -3, 4', {SIZED}"),
        ("x,y,w,h", "1,2,,4", f"x, y, w, h is '1, 2, , 4', {SIZED}"),
        ("x1,y1,x2,y2", "3,2,1,4", f"x1, y1, x2, y2 is '3, 2, 1, 4', {CORNERS}"),
        ("x1,y1,x2,y2", "1,2,3,four", f"x1, y1, x2, y2 is '1, 2, 3, four', {CORNERS}"),
        ("box", "1 2 3", f"box is '1 2 3', {CORNERS}"),
        ("box", "0.1 0.2 0.3 0.4", f"box is '0.1 0.2 0.3 0.4', {CORNERS}"),
        ("x,y,w,h", f"1,2,3,{9 * BIG}", f"x, y, w, h is '1, 2, 3, {9 * BIG}', {SIZED}"),
        ("box", "1 2 1 4", f"box is '1 2 1 4', {CORNERS}"),
        ("box", "whole", f"box is 'whole', {CORNERS}"),
    ],
)
def test_a_wrong_box_is_set_aside_with_its_row(tmp_path, columns, wrong, says):
    rows = ["1 2 3 4" if columns == "box" else "1,2,3,4"] * 11
    rows[4] = wrong
    reading = boxes(tmp_path, columns, *rows)
    path = str(tmp_path / "4.jpg")
    assert reading.skipped.to_numpy().tolist() == [[path, f"row 5: {says}"]]
    assert len(reading.table) == 10
    assert path not in set(reading.table["path"])


def test_many_wrong_boxes_are_an_error(tmp_path):
    with pytest.raises(UserError, match="row 2: x, y, w, h is '5, 5, 0, 4', must be"):
        boxes(tmp_path, "x,y,w,h", "1,2,3,4", "5,5,0,4")


NORMALIZED = ["0.5,0.5,0.2,0.3", "0.4,0.5,0.25,0.4", "0.1,0.15,0.2,0.3"]


@pytest.mark.parametrize(
    ("columns", "meaning"),
    [("x,y,w,h", "left top width height"), ("box", "left top right bottom")],
)
def test_normalized_boxes_are_told_as_such(tmp_path, columns, meaning):
    rows = [f'"{row}"' if columns == "box" else row for row in NORMALIZED]
    with pytest.raises(UserError) as told:
        boxes(tmp_path, columns, *rows)
    file = tmp_path / "labels.csv"
    assert told.value.line == (
        f"--data mine: '{file}': the boxes in {columns.replace(',', ', ')} seem to be "
        f"normalized (0 to 1), such as '0.5, 0.5, 0.2, 0.3', must be {meaning} in "
        "pixels; multiply those from left to right by the picture's width, those from "
        "top to bottom by its height"
    )


@pytest.mark.parametrize(
    "columns", ["x_center,y_center,width,height", "bbox_cx,bbox_cy,bbox_w,bbox_h"]
)
def test_centres_and_sizes_of_boxes_become_no_head(tmp_path, columns):
    names = columns.replace(",", ", ")
    seem = f"{names} seem to be the centre and the size of a box"
    with pytest.raises(UserError, match=rf"{seem}, normalized \(0 to 1\), such as"):
        boxes(tmp_path, columns, *NORMALIZED)
    with pytest.raises(UserError, match=rf"{seem}, such as '30, 40, 20, 30', must be"):
        boxes(tmp_path, columns, "30,40,20,30", "50,60,22,33")
    with pytest.raises(UserError, match=rf"{seem}, such as '30, 40, 20, 30', must be"):
        read_pictures(tmp_path / "labels.csv", "table")
    roles = [f'[column.{name}]\nrole = "label"\n' for name in columns.split(",")]
    (tmp_path / "labels.csv.toml").write_text("".join(roles))
    reading = boxes(tmp_path, columns, *NORMALIZED)
    assert "box" not in reading.table
    assert reading.table[columns.split(",")[0]].tolist() == [0.5, 0.4, 0.1]


def test_a_point_in_a_picture_and_its_size_are_no_box(tmp_path):
    # A box around the first point with this size would begin left of its picture.
    reading = boxes(tmp_path, "x_center,y_center,width,height", "10,40,48,48")
    assert reading.table["x_center"].tolist() == [10.0]


def test_marks_of_eyes_and_sizes_of_pictures_are_no_box():
    assert box_columns(["left_eye_x", "left_eye_y", "width", "height"]) is None
    assert box_columns(["mouth_x1", "mouth_y1", "mouth_x2", "mouth_y2"]) is None
    assert box_columns(["x", "y", "width"]) is None


def test_a_frame_to_predict_may_give_boxes_as_a_table_does():
    picture = np.zeros((20, 20), np.uint8)
    frame = pd.DataFrame({"path": [picture, picture], "x": [1, 9], "y": [2, 9]})
    sized = frame.assign(w=[3, 1], h=[4, 1])
    assert read_inputs(sized).boxes == ["1 2 4 6", "9 9 10 10"]
    lists = frame[["path"]].assign(bbox=pd.Series([[1, 2, 3, 4], None], dtype=object))
    assert read_inputs(lists).boxes == ["1 2 3 4", None]
    wrong = read_inputs(frame.assign(w=[3, -1], h=[4, 1])).boxes
    assert wrong[0] == "1 2 4 6"
    with pytest.raises(PictureError, match="box '9 9 -1 1' has right -1 before"):
        decode(np.zeros((20, 20), np.uint8), wrong[1])


def test_a_margin_enlarges_a_box_within_its_picture():
    pixels = np.arange(400, dtype=np.uint16).reshape(20, 20).astype(np.uint8)
    whole = decode(pixels)
    assert np.array_equal(decode(pixels, "8 6 12 14", 0.25), whole[4:16, 7:13])
    assert np.array_equal(decode(pixels, "0 0 4 4", 0.5), whole[:6, :6])
    with pytest.raises(PictureError, match="must be 'left top right bottom'"):
        decode(pixels, "12 6 8 14", 0.25)


def test_a_word_for_none_is_the_whole_picture(tmp_path):
    reading = boxes(tmp_path, "x,y,w,h", "1,2,3,4", "NA,N/A,nan,?", "None,,-,null")
    assert reading.table["box"].isna().tolist() == [False, True, True]
    (tmp_path / "labels.csv.toml").write_text('missing = ["no face"]')
    reading = boxes(tmp_path, "box", "1 2 3 4", "no face", "unknown")
    assert reading.table["box"].isna().tolist() == [False, True, True]
    assert reading.skipped.empty


def test_a_side_left_of_the_picture_is_a_number(tmp_path):
    reading = boxes(tmp_path, "x,y,w,h", "-1,0,9,9", "0,-1,9,9")
    assert reading.table["box"].tolist() == ["-1 0 8 9", "0 -1 9 8"]


def test_a_box_of_many_different_texts_is_no_list(tmp_path):
    rows = [f"{n}.jpg,{n},2,5,6,{n % 2}" for n in range(30)]
    names = [f"{n}.jpg" for n in range(30)]
    text = "\n".join(["path,x,y,w,h,mood", *rows, ""])
    reading = reader.read(label_file(tmp_path, text, *names), name="mine")
    assert "box" not in reading.decisions["column"].tolist()
    assert reading.table["box"].iloc[29] == "29 2 34 8"
