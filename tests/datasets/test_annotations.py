"""Are annotation files of mmpretrain read as what they mean?"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from multitask.datasets import table

from multitask.contracts.errors import UserError
from tests.datasets.label_files import label_file


def annotated(folder: Path, items: Sequence[object], **more: object) -> Path:
    content = {"metainfo": {"tasks": ["gender", "wear", "kind"]}, "data_list": items}
    return label_file(
        folder,
        json.dumps(content | more),
        "a.jpg",
        "b.jpg",
        "c.jpg",
        file="labels.json",
    )


def test_annotations_of_many_tasks(tmp_path):
    file = annotated(
        tmp_path,
        [
            {"img_path": "a.jpg", "gt_label": {"gender": 0, "wear": [1, 0, 1]}},
            {"img_path": "b.jpg", "gt_label": {"gender": 1, "kind": 2}},
            {"img_path": "c.jpg", "gt_label": {"wear": [0, 0, 1], "kind": None}},
        ],
    )
    reading = table.read(file, name="mine")
    nan = np.nan
    expected = {
        "gender": [0, 1, nan],
        "wear_0": [1, nan, 0],
        "wear_1": [0, nan, 0],
        "wear_2": [1, nan, 1],
        "kind": [nan, 2, nan],
    }
    for column, labels in expected.items():
        np.testing.assert_equal(reading.table[column].tolist(), labels)
    # Nobody says that class 0 is what the named head calls male.
    columns = ["wear_0", "wear_1", "wear_2"]
    assert reading.heads == {
        "wear": {"kind": "sigmoid", "columns": columns},
        "gender": {"kind": "sigmoid"},
    }
    assert reading.skipped.empty


def test_numbered_classes_of_a_named_head_are_its_own(tmp_path):
    labels = [{"expression": 4}, {"expression": 1}]
    items = [
        {"img_path": f"{name}.jpg", "gt_label": label}
        for name, label in zip("ab", labels, strict=True)
    ]
    heads = table.read(annotated(tmp_path, items, metainfo={}), name="mine").heads
    classes = ["0", "1", "2", "3", "4"]
    assert heads == {"expression": {"kind": "softmax", "classes": classes}}


def test_a_task_that_no_picture_has_brings_no_head(tmp_path):
    items = [{"img_path": "a.jpg", "gt_label": {"gender": None, "wear": [1, 0, 1]}}]
    heads = table.read(annotated(tmp_path, items), name="mine").heads
    assert list(heads) == ["wear"]


def test_a_class_number_that_is_too_large_is_an_error(tmp_path):
    items = [{"img_path": "a.jpg", "gt_label": {"gender": 20240101}}]
    with pytest.raises(UserError, match="must be a class number below 50"):
        table.read(annotated(tmp_path, items), name="mine")


@pytest.mark.parametrize("where", ["beside", "in metainfo"])
def test_annotations_may_lie_beside_their_pictures(tmp_path, where):
    prefix: dict[str, object] = {
        "data_root": "..",
        "data_prefix": {"img_path": "train"},
    }
    more = prefix if where == "beside" else {"metainfo": prefix}
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "x.jpg").touch()
    items = [{"img_path": "x.jpg", "gt_label": {"gender": 0}}]
    reading = table.read(annotated(tmp_path / "notes", items, **more), name="mine")
    assert reading.table["path"].map(os.path.isfile).tolist() == [True]


def test_unusable_labels_are_listed(tmp_path):
    items: list[object] = [
        {"img_path": "a.jpg", "gt_label": {"gendre": 0, "wear": [1, 0, 0]}},
        {"img_path": "b.jpg", "gt_label": {"gender": {"x": 1}, "wear": [1, 0]}},
        {"gt_label": {}},
        {"img_path": "c.jpg", "gt_label": 3},
        {"img_path": "c.jpg", "gt_label": {"wear": [1, 1, 0]}},
    ]
    reading = table.read(annotated(tmp_path, items), name="mine")
    assert len(reading.table) == 3
    for reason, message in zip(
        reading.skipped["reason"],
        [
            "label 'gendre' is no task; did you mean 'gender'?",
            "gender is {'x': 1}, left empty",
            "item 2 has no img_path",
            "item 3 has a gt_label without tasks",
            "wear is '[1, 0]' in row 2, left empty; must be 3 times 0 or 1",
        ],
        strict=True,
    ):
        assert message in reason


# Lists are class numbers, or yes and no in order


def wear(folder: Path, *labels: object, **more: object) -> Any:
    """The columns of the task wear, one label per picture."""
    items = [
        {"img_path": f"{name}.jpg", "gt_label": {"wear": label}}
        for name, label in zip("abc", labels, strict=False)
    ]
    return table.read(annotated(folder, items, **more), name="mine")


def cells(reading: Any) -> list[list[float]]:
    columns = reading.heads["wear"]["columns"]
    rows: list[list[float]] = reading.table[columns].values.tolist()
    return rows


NAN = np.nan


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([[0, 2], [1], [2]], [[1, 0, 1], [0, 1, 0], [0, 0, 1]]),
        ([[0, 2], [], None], [[1, 0, 1], [0, 0, 0], [NAN] * 3]),
        ([[3], [0, 1]], [[0, 0, 0, 1], [1, 1, 0, 0]]),
        ([[0, 1], [1]], [[1, 1], [0, 1]]),  # of different lengths
    ],
)
def test_class_numbers(tmp_path, labels, expected):
    reading = wear(tmp_path, *labels)
    np.testing.assert_equal(cells(reading), expected)
    assert reading.skipped.empty


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([[1, None, 0], [0, 1, 1]], [[1, NAN, 0], [0, 1, 1]]),
        ([[1, -1, 0], [-1, -1, 1]], [[1, NAN, 0], [NAN, NAN, 1]]),
        ([[True, False], [False, True]], [[1, 0], [0, 1]]),
        ([[0, 0], [0, 1], [1, 0]], [[0, 0], [0, 1], [1, 0]]),
    ],
)
def test_yes_no_and_unknown(tmp_path, labels, expected):
    reading = wear(tmp_path, *labels)
    np.testing.assert_equal(cells(reading), expected)
    assert reading.skipped.empty


@pytest.mark.parametrize("labels", [[[0, 1], [1, 0]], [[1], [0]], [[0, 2], [1, 1]]])
def test_lists_that_could_be_either_are_not_guessed(tmp_path, labels):
    with pytest.raises(UserError, match=r"wear is \[.*\], which may be class"):
        wear(tmp_path, *labels)


@pytest.mark.parametrize(
    ("form", "expected"),
    [("numbers", [[1, 1], [1, 1]]), ("yes/no", [[0, 1], [1, 0]])],
)
def test_a_declaration_says_which(tmp_path, form, expected):
    text = f'[column.wear]\nseveral = "{form}"\n'
    (tmp_path / "labels.json.toml").write_text(text)
    assert cells(wear(tmp_path, [0, 1], [1, 0])) == expected


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([[0, 2], [2, 2], [1]], "wear is '[2, 2]' in row 2, left empty; must be class"),
        (
            [[0, 2], [3, "x"], [3]],
            "wear is '[3, \"x\"]' in row 2, left empty; must be class",
        ),
        ([[1, 1, 0], [1, 5, 0], [0, 0, 1]], "wear is '[1, 5, 0]' in row 2, left empty"),
        ([[1, 1, 0], "shirt", [0, 0, 1]], "wear is 'shirt' in row 2, left empty; must"),
    ],
)
def test_one_bad_list_is_left_empty_and_told(tmp_path, labels, reason):
    declared = {"metainfo": {"tasks": ["wear"]}}
    (tmp_path / "labels.json.toml").write_text(
        '[column.wear]\nseveral = "numbers"\n' if labels[0] == [0, 2] else ""
    )
    reading = wear(tmp_path, *labels, **declared)
    assert [r for r in reading.skipped["reason"] if not r.startswith(reason)] == []
    assert len(reading.skipped) == 1
    assert np.isnan(cells(reading)).all(axis=1).tolist() == [False, True, False]


def test_a_class_of_minus_one_is_missing(tmp_path):
    labels = [{"gender": 0, "kind": -0.5}, {"gender": -1, "kind": -1}, {"gender": 1}]
    items = [
        {"img_path": f"{name}.jpg", "gt_label": label}
        for name, label in zip("abc", labels, strict=True)
    ]
    reading = table.read(annotated(tmp_path, items), name="mine")
    np.testing.assert_equal(reading.table["gender"].tolist(), [0, NAN, 1])
    # A number from -1 to 0 is no class.
    np.testing.assert_equal(reading.table["kind"].tolist(), [-0.5, -1, NAN])


@pytest.mark.parametrize(
    ("task", "labels", "expected", "remark"),
    [
        ("valence", [-1, 0, 1, 2], [-1, 0, 1, 2], "-1 is a value; "),
        ("hair", [0, 2, -1, 1], [0, 2, NAN, 1], "not annotated: 1 '-1'"),
        ("gender", [0, -1, 1, -1], [0, NAN, 1, NAN], "not annotated: 2 '-1'"),
        ("hat", [1, -1, -1, 1], [1, NAN, NAN, 1], "not annotated: 2 '-1'"),
        ("hat", [-1, -1, -1, -1], [NAN] * 4, "not annotated: 4 '-1'"),
        ("offset", [-1, -2, 3, 0], [-1, -2, 3, 0], "-1 is a value; "),
    ],
)
def test_minus_one_is_emptied_aloud_or_stays(tmp_path, task, labels, expected, remark):
    items = [
        {"img_path": f"{name}.jpg", "gt_label": {task: label, "mood": number % 2}}
        for number, (name, label) in enumerate(zip("abcd", labels, strict=True))
    ]
    (tmp_path / "d.jpg").touch()
    file = annotated(tmp_path, items, metainfo={})
    reading = table.read(file, name="mine")
    np.testing.assert_equal(reading.table[task].astype(float).tolist(), expected)
    remarks = reading.decisions.set_index("column")["remarks"]
    assert remark in remarks[task]


def test_minus_one_of_named_classes_is_counted(tmp_path):
    labels = [{"hair": 0}, {"hair": -1}, {"hair": 1}]
    items = [
        {"img_path": f"{name}.jpg", "gt_label": label}
        for name, label in zip("abc", labels, strict=True)
    ]
    tasks = [{"name": "hair", "categories": ["dark", "fair"]}]
    file = annotated(tmp_path, items, metainfo={"tasks": tasks})
    reading = table.read(file, name="mine")
    assert reading.table["hair"].tolist() == ["dark", NAN, "fair"]
    remarks = reading.decisions.set_index("column")["remarks"]
    assert remarks["hair"] == "not annotated: 1 '-1'"


def test_tasks_may_name_their_classes(tmp_path):
    tasks = [
        {"name": "gender", "type": "single-label", "categories": ["female", "male"]},
        {"name": "wear", "type": "multi-label", "categories": ["shirt", "coat"]},
    ]
    items = [
        {"img_path": "a.jpg", "gt_label": {"gender": 0, "wear": [1, 1]}},
        {"img_path": "b.jpg", "gt_label": {"gender": 1, "wear": [0, 1]}},
        {"img_path": "c.jpg", "gt_label": {"gender": 2, "wear": [0, 0]}},
    ]
    file = annotated(tmp_path, items, metainfo={"tasks": tasks})
    reading = table.read(file, name="mine")
    assert reading.table["gender"].tolist() == ["female", "male", NAN]
    assert reading.heads == {
        "wear": {"kind": "sigmoid", "columns": ["wear_shirt", "wear_coat"]}
    }
    assert cells(reading) == [[1, 1], [0, 1], [0, 0]]
    [reason] = reading.skipped["reason"]
    assert reason == "gender is 2, left empty; must be a class from 0 to 1 (item 2)"


@pytest.mark.parametrize(
    "gender",
    [
        ["female", "male"],
        {"categories": ["female", "male"]},
        {"classes": ["female", "male"], "type": "single-label"},
    ],
)
def test_tasks_may_be_an_object_with_classes_by_name(tmp_path, gender):
    tasks = {"gender": gender, "wear": {"categories": ["shirt", "coat"]}, "kind": {}}
    items = [
        {"img_path": "a.jpg", "gt_label": {"gender": 0, "wear": [1, 1], "kind": 2}},
        {"img_path": "b.jpg", "gt_label": {"gender": 1, "wear": [0, 1], "kind": 0}},
        {"img_path": "c.jpg", "gt_label": {"gender": 5, "wear": [0, 0], "kind": 1}},
    ]
    file = annotated(tmp_path, items, metainfo={"tasks": tasks})
    reading = table.read(file, name="mine")
    assert reading.table["gender"].tolist() == ["female", "male", NAN]
    assert cells(reading) == [[1, 1], [0, 1], [0, 0]]
    assert reading.heads["kind"]["classes"] == ["0", "1", "2"]
    [reason] = reading.skipped["reason"]
    assert reason == "gender is 5, left empty; must be a class from 0 to 1 (item 2)"


@pytest.mark.parametrize("gender", ["male", 2, {"categories": 2}, {"classes": "male"}])
def test_an_object_of_tasks_has_lists_of_classes(tmp_path, gender):
    items = [{"img_path": "a.jpg", "gt_label": {"gender": 0}}]
    file = annotated(tmp_path, items, metainfo={"tasks": {"gender": gender}})
    with pytest.raises(UserError, match=r"metainfo\.tasks is not a list of names"):
        table.read(file, name="mine")
