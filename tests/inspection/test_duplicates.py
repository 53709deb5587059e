"""Are duplicate pictures and contradicting labels counted as by comparing all pairs?"""

import time
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multitask.contracts import catalog
from multitask.inspection.duplicates import LISTED, duplicates
from multitask.inspection.files import inspect_files
from multitask.inspection.label_intervals import label_intervals
from tests.planted import inspected


def counted(hashes, **columns):
    table = pd.DataFrame({"path": [str(i) for i in range(len(hashes))], **columns})
    heads = catalog.heads(["gender"])
    return duplicates(table, inspected(hashes), label_intervals(heads, table))


def test_an_interval_conflicts_with_what_lies_outside_of_it(ages):
    labels = label_intervals(catalog.heads(["age"]), ages)
    conflicting = {
        (i, j)
        for i, j in combinations(range(5), 2)
        if labels.gaps(np.array([i]), np.array([j])).any()
    }
    # 25 lies in 20-29 but not in 29-40; these two share 29; 30 is only in the latter.
    assert conflicting == {(0, 2), (0, 3), (1, 3)}


def test_each_label_of_many_conflicts_by_itself(faces):
    heads = catalog.heads(["gender", "attributes[Smiling,Young]"])
    labels = label_intervals(heads, faces)
    assert labels.names == ("gender", "Smiling", "Young")
    # a: male, Smiling, Young unknown; c: gender unknown, not Smiling, not Young
    assert labels.gaps(np.array([0]), np.array([2])).tolist() == [[0, 1, 0]]


def test_equal_pictures_are_pairs_each_with_each():
    result = counted([7] * 4 + [2**40 - 1] * 2)
    assert result.pairs == 4 * 3 // 2 + 1
    assert len(result.listed) == 7


def test_a_picture_between_two_makes_them_no_pair():
    # 4 bits from the first to the second, 4 more to the third, 8 between them.
    result = counted([0, 0b1111, 0b11111111])
    assert result.listed[["left", "right"]].to_numpy().tolist() == [[0, 1], [1, 2]]


def test_counts_are_those_of_comparing_each_with_each():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**64, 12, dtype=np.uint64)
    bits = np.uint64(1) << rng.integers(0, 64, (300, 3)).astype(np.uint64)
    hashes = rng.choice(base, 300) ^ bits[:, 0]
    hashes[::2] ^= bits[::2, 1] | bits[::2, 2]
    columns = {
        "gender": rng.choice(np.array(["male", "female", None]), 300),
        "split": rng.choice(np.array(["train", "test", None]), 300),
        "source": rng.choice(["a", "b"], 300),
    }
    result = counted(hashes, **columns)
    gender, split, source = columns.values()
    pairs = [
        (i, j)
        for i, j in combinations(range(300), 2)
        if int(hashes[i] ^ hashes[j]).bit_count() <= 4
    ]
    differ = [
        sum(c[i] != c[j] and None not in (c[i], c[j]) for i, j in pairs)
        for c in (gender, split)
    ]
    assert len(pairs) > 500
    assert result.pairs == len(pairs)
    assert [result.conflicting, result.leaking] == differ
    across = sum(source[i] != source[j] for i, j in pairs)
    assert result.sources["a", "b"] == across
    assert sum(result.sources.values()) == len(pairs)
    listed = map(tuple, result.listed[["left", "right"]].to_numpy().tolist())
    assert sorted(listed) == pairs


def test_pairs_too_many_to_list_are_counted_all_the_same():
    genders = ["male"] * 5_000 + ["female"] * 10
    result = counted([1] * 5_010, gender=genders)
    assert result.pairs == 5_010 * 5_009 // 2
    assert result.conflicting == 5_000 * 10
    assert len(result.listed) == LISTED
    assert (result.listed["score"] > 0).all()


def test_blank_pictures_are_pairs_only_if_all_pixels_are_equal(tmp_path):
    names = [str(tmp_path / f"{name}.png") for name in "abcd"]
    for name, level in zip(names, (255, 128, 255, 254), strict=True):
        Image.new("RGB", (40, 40), (level, level, 128)).save(name)
    table = pd.DataFrame({"path": names})
    files = inspect_files(table)
    assert files["blank"].all()
    result = duplicates(table, files, label_intervals([], table))
    assert result.listed[["left", "right"]].to_numpy().tolist() == [[0, 2]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("each", "bits"), [(1, 0), (10, 2), (100, 0), (1000, 0), (20, 4)]
)
def test_200_000_hashes_are_paired_in_a_minute(each, bits):
    rng = np.random.default_rng(each)
    hashes = rng.integers(0, 2**64, 200_000 // each, dtype=np.uint64).repeat(each)
    for _ in range(bits):
        turned = rng.integers(0, 64, len(hashes)).astype(np.uint64)
        hashes ^= np.uint64(1) << turned
    start = time.process_time()
    result = counted(hashes, gender=rng.choice(["male", "female"], len(hashes)))
    assert time.process_time() - start < 60
    if bits <= 2:  # two with 2 bits turned are 4 apart at most: each with each
        assert result.pairs == 200_000 // each * (each * (each - 1) // 2)
        assert result.conflicting == pytest.approx(result.pairs / 2, rel=0.02)
