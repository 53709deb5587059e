"""Are mirrored copies found, listed and dropped like other duplicates?"""

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from multitask.contracts import catalog
from multitask.contracts.table import read_csv
from multitask.inspection.audit import audit
from multitask.inspection.label_intervals import label_intervals
from tests.planted import document, scene

POSES = ("left", "frontal", "right")


@pytest.fixture
def checked(tables, tmp_path):
    """A function that audits a picture, its mirror image as JPEG, and another one.

    It returns the facts, and the paths of the fixed table.
    """

    def check(**columns):
        paths = [str(tmp_path / name) for name in ("0.png", "1.jpg", "2.png")]
        scene(2, 90).save(paths[0])
        ImageOps.mirror(scene(2, 90)).resize((70, 72)).save(paths[1], quality=80)
        scene(3, 90).save(paths[2])
        data = tables(pd.DataFrame({"path": paths, **columns}), tmp_path)
        audit([data], tmp_path / "out", fix=tmp_path / "fixed.csv")
        fixed = read_csv(tmp_path / "fixed.csv")
        return document(tmp_path / "out"), fixed

    return check


def test_a_mirrored_copy_is_a_duplicate_that_says_so(checked, tmp_path):
    facts, fixed = checked(gender=["male", "male", "female"])
    assert (facts["duplicate_pairs"], facts["mirrored_pairs"]) == (1, 1)
    assert facts["exact_pairs"] == facts["near_pairs"] == facts["look_alike_pairs"] == 0
    [pair] = facts["pairs"]
    assert (pair["kind"], pair["conflicts"]) == ("mirrored", {})
    assert pair["bits"] <= 4
    assert [path[-5:] for path in pair["paths"]] == ["0.png", "1.jpg"]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert f"<td>mirrored, {pair['bits']} bits apart</td>" in page
    assert fixed["gender"].tolist() == ["male", "female"]


def test_labels_of_a_mirrored_copy_conflict_and_leak_like_others(checked):
    facts, fixed = checked(
        gender=["male", "female", "female"], split=["train", "test", "train"]
    )
    assert (facts["conflicting_pairs"], facts["leaking_pairs"]) == (1, 1)
    assert facts["pairs"][0]["conflicts"] == {"gender": ["male", "female"]}
    assert facts["pairs"][0]["splits"] == ["train", "test"]
    assert fixed["gender"].fillna("").tolist() == ["", "female"]


@pytest.mark.parametrize(
    ("copy", "conflicts"), [("right", 0), ("left", 1), ("frontal", 1), (None, 0)]
)
def test_left_becomes_right_in_a_mirror_and_is_no_conflict(checked, copy, conflicts):
    facts, fixed = checked(pose=["left", copy, "frontal"])
    assert facts["mirrored_pairs"] == 1
    assert facts["conflicting_pairs"] == conflicts
    assert fixed["pose"].fillna("").tolist() == ["" if conflicts else "left", "frontal"]


def test_classes_change_places_only_where_a_picture_is_mirrored():
    head = catalog.from_config(
        "pose", {"kind": "softmax", "classes": POSES, "mirror": [["left", "right"]]}
    )
    table = pd.DataFrame({"pose": ["left", "right", "left", "frontal", None]})
    labels = label_intervals([head], table)
    left, right = np.array([0, 0, 0, 3, 0]), np.array([1, 2, 3, 3, 4])
    upright, mirrored = np.zeros(5, bool), np.ones(5, bool)
    assert labels.gaps(left, right).ravel().tolist() == [1, 0, 1, 0, 0]
    assert labels.gaps(left, right, upright).ravel().tolist() == [1, 0, 1, 0, 0]
    assert labels.gaps(left, right, mirrored).ravel().tolist() == [0, 1, 1, 0, 0]
    # Nobody is labelled right: two who face left can't be mirror images all the same.
    labels = label_intervals([head], table[2:].reset_index(drop=True))
    pair = np.array([0]), np.array([0]), np.array([True])
    assert labels.gaps(*pair).tolist() == [[1]]


def test_a_picture_flipped_in_memory_is_as_near_as_its_pixels(checked):
    facts, _ = checked(gender=["male", "male", "female"])
    [first, second] = facts["pairs"][0]["paths"]
    one, other = Image.open(first), ImageOps.mirror(Image.open(second)).resize((90, 90))
    assert np.abs(np.asarray(one, float) - np.asarray(other, float)).mean() < 12
