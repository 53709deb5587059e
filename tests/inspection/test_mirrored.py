"""Are mirrored copies found, listed and dropped like other duplicates?"""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from multitask.contracts import catalog
from multitask.contracts.table import read_csv
from multitask.images.near import mirrored, perceptual_hashes
from multitask.inspection.audit import audit
from multitask.inspection.clean import clean
from multitask.inspection.duplicates import duplicates
from multitask.inspection.label_intervals import label_intervals
from tests.planted import document, inspected, scene

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


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_pairs_in_a_mirror_do_not_depend_on_the_order_of_the_rows(order):
    # A picture and another with its hash, and the mirror image of the first alone.
    one = np.random.default_rng(7).standard_normal(64).astype(np.float32)
    values = np.array([one, one**3, mirrored(one)])[list(order)]
    first, second, copy = (order.index(i) for i in range(3))
    files = inspected(perceptual_hashes(values)).assign(frequencies=list(values))
    table = pd.DataFrame({"path": list("abc"), "gender": "male"})
    labels = label_intervals(catalog.heads(["gender"]), table)
    found = duplicates(table, files, labels)
    assert (found.pairs, found.mirrored) == (2, 1)
    pairs = found.listed[["left", "right", "mirrored"]].itertuples(index=False)
    near = {frozenset(pair): turned for *pair, turned in pairs}
    assert near == {
        frozenset((first, second)): False,
        frozenset((first, copy)): True,
    }
    left = {"abc".index(path) for path in clean(table, files, labels)["path"]}
    assert not any(pair <= left for pair in near)
    for gone in {0, 1, 2} - left:
        assert any(pair - {gone} <= left for pair in near if gone in pair)
    # The other picture is no mirror image: it stays beside that, whoever comes first.
    assert left == ({first} if order[0] == 0 else {second, copy})


def test_a_picture_flipped_in_memory_is_as_near_as_its_pixels(checked):
    facts, _ = checked(gender=["male", "male", "female"])
    [first, second] = facts["pairs"][0]["paths"]
    one, other = Image.open(first), ImageOps.mirror(Image.open(second)).resize((90, 90))
    assert np.abs(np.asarray(one, float) - np.asarray(other, float)).mean() < 12
