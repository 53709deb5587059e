"""Are two people who look alike told from one picture with two labels?"""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.fft import idctn

from multitask.contracts.table import read_csv
from multitask.images.near import (
    NEAR,
    SAME,
    correlation,
    frequencies,
    perceptual_hashes,
)
from multitask.inspection.audit import audit
from tests.planted import document, scene


def twin(seed, share=0.1):
    """Another picture with a near hash, and a bit of a third one.

    Its loud frequencies are louder and the others softer, which keeps most of the bits.
    """
    low = frequencies(scene(seed, 64)).astype(float) * (np.arange(64) > 0)
    loud = np.zeros((32, 32))
    loud[:8, :8] = (np.sign(low) * np.abs(low) ** 1.5).reshape(8, 8)
    pixels = idctn(loud, norm="ortho")
    pixels = np.clip(128 + 40 * pixels / pixels.std(), 0, 255).astype(np.uint8)
    grey = Image.fromarray(pixels).convert("RGB").resize((64, 64))
    return Image.blend(grey, scene(52, 64), share)


def phash(picture):
    return int(perceptual_hashes(frequencies(picture)[None])[0])


@pytest.fixture
def checked(tables, tmp_path):
    """A function that audits pictures with labels: its facts, and the fixed table."""

    def check(pictures, **columns):
        paths = [str(tmp_path / f"{number}.png") for number in range(len(pictures))]
        for picture, path in zip(pictures, paths, strict=True):
            picture.save(path)
        data = tables(pd.DataFrame({"path": paths, **columns}), tmp_path)
        audit([data], tmp_path / "out", fix=tmp_path / "fixed.csv")
        fixed = read_csv(tmp_path / "fixed.csv")
        return document(tmp_path / "out"), fixed

    return check


def test_the_twin_is_near_in_hash_and_far_in_pixels():
    one, other = scene(1, 64), twin(1)
    assert 0 < (phash(one) ^ phash(other)).bit_count() <= NEAR
    assert correlation(frequencies(one)[None], frequencies(other)[None])[0] < SAME


def test_two_people_look_alike_and_both_stay(checked):
    facts, fixed = checked(
        [scene(1, 64), twin(1)], age=[20.0, 60.0], gender=["male", "female"]
    )
    assert facts["look_alike_pairs"] == 1
    assert (facts["duplicate_pairs"], facts["conflicting_pairs"]) == (0, 0)
    assert facts["conflicts"] == facts["pairs_within"] == {}
    [pair] = facts["pairs"]
    assert (pair["kind"], pair["conflicts"]) == ("look alike", {})
    assert pair["differences"] == {"age": ["20", "60"], "gender": ["male", "female"]}
    assert fixed["age"].tolist() == ["20.0", "60.0"]
    assert fixed["gender"].tolist() == ["male", "female"]


def test_one_picture_saved_twice_is_a_conflict_however_far_its_labels_are(
    checked, tmp_path
):
    scene(1, 64).save(tmp_path / "copy.jpg", quality=60)
    copy = Image.open(tmp_path / "copy.jpg")
    facts, fixed = checked(
        [scene(1, 64), copy], age=[20.0, 60.0], gender=["male", "female"]
    )
    assert (facts["near_pairs"], facts["conflicting_pairs"]) == (1, 1)
    assert facts["look_alike_pairs"] == 0
    assert fixed[["age", "gender"]].isna().to_numpy().tolist() == [[True, True]]


def test_equal_hashes_are_one_picture(checked):
    assert phash(scene(1, 64)) == phash(twin(1, share=0))
    facts, _ = checked([scene(1, 64), twin(1, share=0)], gender=["male", "female"])
    assert (facts["conflicting_pairs"], facts["look_alike_pairs"]) == (1, 0)


def test_near_pictures_whose_labels_agree_are_duplicates(checked):
    facts, fixed = checked([scene(1, 64), twin(1)], gender=["male", "male"])
    assert (facts["duplicate_pairs"], facts["look_alike_pairs"]) == (1, 0)
    assert len(fixed) == 1


def test_a_copy_of_one_of_two_who_look_alike_goes_for_that_one_alone(checked):
    # 2 is the picture 1 again, with another age; 0 looks like both.
    facts, fixed = checked(
        [scene(1, 64), twin(1), twin(1)],
        age=[20.0, 60.0, 65.0],
        gender=["male", "female", "female"],
    )
    assert (facts["exact_pairs"], facts["conflicting_pairs"]) == (1, 1)
    assert facts["look_alike_pairs"] == 2
    assert fixed["gender"].tolist() == ["male", "female"]
    assert fixed["age"].fillna("").tolist() == ["20.0", ""]


def test_two_who_look_alike_in_two_parts_leak_to_be_on_the_safe_side(checked):
    facts, _ = checked(
        [scene(1, 64), twin(1)], gender=["male", "female"], split=["train", "test"]
    )
    assert facts["look_alike_pairs"] == facts["leaking_pairs"] == facts["leaks"] == 1


def test_the_page_shows_who_looks_alike(checked, tmp_path):
    checked([scene(1, 64), twin(1), scene(3)], gender=["male", "female", "male"])
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<h2>Look alike<small>1 pair</small></h2>" in page
    assert '<img src="look_alike.png"' in page
    assert "gender: male | female" in page
    assert not (tmp_path / "out" / "conflicts.png").exists()
