"""Are annotation files of mmpretrain read as what they mean?"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

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
    items = [{"img_path": "a.jpg", "gt_label": {"gender": None, "wear": [1, 0]}}]
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
        {"img_path": "a.jpg", "gt_label": {"gendre": 0, "wear": [1, 0]}},
        {"img_path": "b.jpg", "gt_label": {"gender": {"x": 1}, "wear": [1, 0, 1]}},
        {"gt_label": {}},
        {"img_path": "c.jpg", "gt_label": 3},
        {"img_path": "c.jpg"},
    ]
    reading = table.read(annotated(tmp_path, items), name="mine")
    assert len(reading.table) == 3
    for reason, message in zip(
        reading.skipped["reason"],
        [
            "label 'gendre' is no task; did you mean 'gender'?",
            "gender is {'x': 1}, left empty",
            "wear is [1, 0, 1], left empty; must be 2 times 0 or 1",
            "item 2 has no img_path",
            "item 3 has a gt_label without tasks",
        ],
        strict=True,
    ):
        assert message in reason
