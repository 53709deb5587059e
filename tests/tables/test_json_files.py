"""Are labels in JSON read in the forms that pandas, COCO and Hugging Face write?"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.table import Reading
from multitask.tables import read as table
from tests.datasets.label_files import label_file

PICTURES = ("a.jpg", "b.jpg", "c.jpg")


def read(folder: Path, content: Any, file: str = "labels.json") -> Reading:
    text = content if isinstance(content, str) else json.dumps(content)
    return table.read(label_file(folder, text, *PICTURES, file=file), name="mine")


def rows(reading: Reading) -> list[dict[str, Any]]:
    """Every row without its empty cells and the source."""
    records = reading.table.drop(columns="source").to_dict("records")
    return [
        {str(k): Path(v).name if k == "path" else v for k, v in row.items() if v == v}
        for row in records
    ]


FRAME = pd.DataFrame(
    {
        "file": ["a.jpg", "b.jpg", "c.jpg"],
        "mood": ["up", None, "down"],
        "score": [3, 4, 5],
    }
)
EXPECTED = [
    {"path": "a.jpg", "mood": "up", "score": 3},
    {"path": "b.jpg", "score": 4},
    {"path": "c.jpg", "mood": "down", "score": 5},
]


@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "table"])
def test_every_form_of_pandas(tmp_path, orient):
    assert rows(read(tmp_path, FRAME.to_json(orient=orient))) == EXPECTED


def test_forms_by_column_and_by_picture(tmp_path):
    assert (
        rows(read(tmp_path, FRAME.to_dict("list") | {"mood": ["up", None, "down"]}))
        == EXPECTED
    )
    by_picture = FRAME.set_index("file").to_json(orient="index")
    assert rows(read(tmp_path, by_picture)) == EXPECTED
    classes = {"a.jpg": "up", "b.jpg": "down"}
    assert [row["label"] for row in rows(read(tmp_path, classes))] == ["up", "down"]


ROWS = [{"image": "a.jpg", "mood": "up"}, {"image": "b.jpg", "mood": "down"}]
MOODS = ["up", "down"]


@pytest.mark.parametrize("others", [{}, {"version": 1, "classes": ["up", "down", "?"]}])
def test_the_only_list_of_objects_is_read(tmp_path, others):
    reading = read(tmp_path, {"data": ROWS, **others})
    assert reading.table["mood"].tolist() == MOODS
    remark = reading.decisions.set_index("column")["remarks"]["(file)"]
    not_read = ", not 'version', 'classes'" if others else ""
    assert remark == f"the list 'data' is read{not_read}"


def test_several_lists_of_objects_are_refused_but_not_columns_of_them(tmp_path):
    message = "has the lists of objects 'train', 'test', must have one; write them as"
    with pytest.raises(UserError, match=message):
        read(tmp_path, {"train": ROWS[:1], "test": ROWS[1:]})
    columns = {"path": ["a.jpg", "b.jpg"], "face": [{"mood": m} for m in MOODS]}
    assert read(tmp_path, columns).table["face.mood"].tolist() == MOODS


def test_objects_by_a_key_that_is_no_picture(tmp_path):
    reading = read(tmp_path, {f"k{n}": row for n, row in enumerate(ROWS)})
    assert reading.table["mood"].tolist() == MOODS


def via(labelled: bool, region: dict[str, str] | None = None) -> dict[str, Any]:
    """A file of the VGG Image Annotator, whose keys are names with sizes."""
    regions = [{"shape_attributes": {"name": "rect"}, "region_attributes": region}]
    return {
        f"{row['image']}123": {
            "filename": row["image"],
            "size": 123,
            "regions": regions if region else [],
            "file_attributes": {"mood": row["mood"]} if labelled else {},
        }
        for row in ROWS
    }


def test_attributes_of_pictures_of_the_vgg_image_annotator(tmp_path):
    for content in (via(True), {"_via_settings": {}, "_via_img_metadata": via(True)}):
        reading = read(tmp_path, content)
        assert reading.table.columns.tolist() == ["path", "mood", "source"]
        assert reading.table["mood"].tolist() == MOODS
    decisions = read(tmp_path, via(True, {"kind": "face"})).decisions
    assert decisions["remarks"].tolist()[-1] == "regions are not read"
    with pytest.raises(UserError, match="has labels of regions only, must have"):
        read(tmp_path, via(False, {"kind": "face"}))


def test_lines_of_objects_are_told_to_end_in_jsonl(tmp_path):
    file = label_file(tmp_path, "\n".join(map(json.dumps, ROWS)), "a.jpg", "b.jpg")
    path = file.rename(tmp_path / "labels.json")
    todo = r"it has one object per line: let its name end in \.jsonl"
    with pytest.raises(UserError, match=todo):
        table.read(path, name="mine")


def test_one_object_per_line(tmp_path):
    lines = [
        {"image": "a.jpg", "labels": {"mood": "up", "score": 3}},
        {"image": "b.jpg", "labels": {"score": 4, "sure": True}},
    ]
    text = "\n\n".join(map(json.dumps, lines)) + "\n"
    assert rows(read(tmp_path, text, "labels.jsonl")) == [
        {"path": "a.jpg", "labels.mood": "up", "labels.score": 3},
        {"path": "b.jpg", "labels.score": 4, "labels.sure": 1},
    ]


# COCO


def coco(*annotations: dict[str, Any]) -> dict[str, Any]:
    return {
        "info": {"year": 2024},
        "images": [{"id": n, "file_name": name} for n, name in enumerate(PICTURES)],
        "annotations": list(annotations),
        "categories": [{"id": 1, "name": "cat"}, {"id": 7, "name": "dog"}],
    }


def test_boxes_categories_and_attributes(tmp_path):
    content = coco(
        {"id": 1, "image_id": 2, "category_id": 7, "bbox": [1, 2, 10, 20]},
        {"id": 2, "image_id": 0, "category_id": 1, "bbox": [0, 0, 2.5, 4],
         "attributes": {"fur": "long"}, "area": 10, "iscrowd": 0},
    )  # fmt: skip
    assert rows(read(tmp_path, content)) == [
        {"path": "a.jpg", "box": "0 0 2.5 4", "category": "cat", "fur": "long"},
        {"path": "b.jpg"},
        {"path": "c.jpg", "box": "1 2 11 22", "category": "dog"},
    ]


def test_several_categories_of_a_picture_without_boxes(tmp_path):
    content = coco(
        {"image_id": 0, "category_id": 1}, {"image_id": 0, "category_id": 7},
        {"image_id": 1, "category_id": 7}, {"image_id": 1, "category_id": 7},
    )  # fmt: skip
    labels = {
        row["path"]: (row.get("category_cat"), row.get("category_dog"))
        for row in rows(read(tmp_path, content))
    }
    assert labels == {"a.jpg": (1, 1), "b.jpg": (0, 1), "c.jpg": (None, None)}


def test_fields_of_images_are_labels_of_their_annotations(tmp_path):
    content = coco(
        {"image_id": 0, "category_id": 7, "bbox": [0, 0, 9, 9], "quality": 3},
        {"image_id": 0, "bbox": [9, 0, 9, 9], "quality": 1, "area": 8},
        {"image_id": 2, "category_id": 7, "bbox": [0, 0, 5, 5], "quality": 2},
    )  # fmt: skip
    for image, weather in zip(content["images"], ("sun", "rain", None), strict=True):
        image |= {"weather": weather, "split": "test", "width": 20, "license": 1}
    content["images"][0]["quality"] = 9
    content["images"][2]["path"] = "/datasets/elsewhere.jpg"
    reading = read(tmp_path, content)
    a, b = {"path": "a.jpg", "weather": "sun"}, {"path": "b.jpg", "weather": "rain"}
    found = [
        {key: row.get(key) for key in ("path", "weather", "quality", "image.quality")}
        for row in rows(reading)
    ]
    none = {"weather": None, "quality": None, "image.quality": None}
    assert found == [
        {**none, **a, "quality": 3, "image.quality": 9},
        {**none, **a, "quality": 1, "image.quality": 9},
        {**none, **b},
        {**none, "path": "c.jpg", "quality": 2},
    ]
    assert reading.table["split"].tolist() == ["test"] * 4
    assert reading.decisions["remarks"][0] == (
        "not read: width, license of images; area of annotations"
    )


def test_a_key_called_path_is_not_the_name_of_the_picture(tmp_path):
    attributes = {"path": "x/y.jpg", "category": "wild", "fur": "long"}
    content = coco(
        {"image_id": 0, "category_id": 1, "path": 3, "attributes": attributes},
        {"image_id": 1, "category_id": 7, "attributes": {"fur": "short"}},
        {"image_id": 2, "category_id": 7, "attributes": ["wet", "old"]},
    )
    first, second, third = rows(read(tmp_path, content))
    assert [row["path"] for row in (first, second, third)] == [*PICTURES]
    assert (first["attributes.path"], first["annotation.path"]) == ("x/y.jpg", 3)
    assert (first["category"], first["attributes.category"]) == ("cat", "wild")
    assert (first["fur"], second["fur"]) == ("long", "short")
    inner = {"a.jpg": {"path": "other.jpg", "age": 31}, "b.jpg": {"age": 4}}
    assert [row["path"] for row in rows(read(tmp_path, inner))] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"image_id": 9, "category_id": 1}, "annotation 1: image_id is 9, must be"),
        ({"image_id": 1, "category_id": 3}, "category_id is 3, must be one of 1, 7"),
        ({"image_id": 1, "bbox": [1, 2, 3]}, r"bbox is \[1, 2, 3\], must be"),
        ({"image_id": 1, "bbox": [1, 2, 0, 3]}, "bbox is .*left, top, width, height"),
        ({"image_id": [1], "category_id": 1}, "image_id is '.1.', must be"),
        ({"image_id": 1, "category_id": 1, "iscrowd": 1}, "iscrowd"),
    ],
)
def test_a_broken_annotation_is_listed(tmp_path, broken, reason):
    good = {"image_id": 0, "category_id": 1, "bbox": [0, 0, 9, 9]}
    reading = read(tmp_path, coco(good, broken))
    assert len(reading.skipped) == 1
    assert pd.Series(reading.skipped["reason"]).str.contains(reason).all()
    assert rows(reading)[0] == {"path": "a.jpg", "box": "0 0 9 9", "category": "cat"}


# Image folders of Hugging Face


@pytest.mark.parametrize("file", ["metadata.csv", "metadata.jsonl"])
def test_an_image_folder(tmp_path, file):
    lines = [
        {"file_name": "a.jpg", "mood": "up"},
        {"file_name": "x/b.jpg", "mood": "down"},
    ]
    text = "\n".join(map(json.dumps, lines))
    if file.endswith(".csv"):
        text = pd.DataFrame(lines).to_csv(index=False)
    label_file(tmp_path, text, "a.jpg", "x/b.jpg", file=file)
    reading = table.read(tmp_path, name="mine")
    assert rows(reading) == [
        {"path": "a.jpg", "mood": "up"},
        {"path": "b.jpg", "mood": "down"},
    ]


def test_an_image_folder_with_parts(tmp_path):
    for part in ("train", "test"):
        text = f"file_name,mood\na.jpg,{part}ing\n"
        label_file(tmp_path / part, text, "a.jpg", file="metadata.csv")
    reading = table.read(tmp_path, name="mine")
    paths = [str(tmp_path / part / "a.jpg") for part in ("test", "train")]
    assert reading.table["path"].tolist() == paths
    assert reading.table["split"].tolist() == ["test", "train"]
    assert reading.table["mood"].tolist() == ["testing", "training"]


# Mistakes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "is nested too deeply"),
        ('{"data_list": ' * 50_000, "is nested too deeply"),
        ("[1, 2]", "item 0 is 1, must be an object"),
        ('[{"path": "a.jpg"}, null]', "item 1 is None, must be an object"),
        ("{}", "is not a table of labels, but an object, {}"),
        ('{"a": 1}', "is not a table of labels, but an object with the key 'a'"),
        ('{"a": 1, "b": 2}', "table of labels, but an object with the keys 'a', 'b';"),
        ('{"a": 1, "b": 2, "c": 3, "d": 4}', "keys 'a', 'b', 'c' and 1 more; write a"),
        ('{"path": ["a.jpg"], "x": [1, 2]}', "'path' has 1 and 'x' has 2 cells"),
        ('{"columns": ["path"], "data": [["a.jpg", 3]]}', "row 1 is .* a list of 1"),
        ('{"columns": ["path"], "data": 3}', "data is 3, must be a list of rows"),
        ('{"images": [], "annotations": 3}', "annotations is 3, must be a list"),
        ('{"images": [], "annotations": []}', "has no column 'path'"),
        ('[{"path": "a.jpg", "x": ', "is not valid JSON: Expecting value"),
        ("", "is not valid JSON"),
    ],
)
def test_mistakes_are_errors_of_one_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as error:
        read(tmp_path, content)
    assert "\n" not in str(error.value)


def test_a_broken_line_is_named(tmp_path):
    with pytest.raises(UserError, match=r"line 2: is not valid JSON"):
        read(tmp_path, '{"path": "a.jpg"}\n{"path": \n', "labels.jsonl")
    with pytest.raises(UserError, match=r"line 1 is \[3\], must be an object"):
        read(tmp_path, "[3]\n", "labels.jsonl")


def test_numbers_that_no_float_holds(tmp_path):
    content = f'[{{"path": "a.jpg", "x": {10**400}}}, {{"path": "b.jpg", "x": 1e300}}]'
    assert rows(read(tmp_path, content))[1]["x"] in (1e300, "1e+300")
