"""Does a network answer for each face in a photo, and for a crop as it is?"""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask import UserError
from multitask.images.faces.crop import crop
from multitask.images.faces.detectors import detect

data = pytest.importorskip("skimage.data", reason="needs scikit-image")


@pytest.fixture(scope="module")
def faces():
    return multitask.load("faces")


@pytest.fixture(scope="module")
def portrait():
    return data.astronaut()


@pytest.fixture(scope="module")
def group(portrait):
    """Three faces of different sizes, the smallest turned, and a place without one."""
    canvas = Image.fromarray(data.coffee()).resize((1200, 700))
    face = Image.fromarray(portrait).crop((120, 0, 340, 220))
    canvas.paste(face.resize((300, 300)), (30, 30))
    canvas.paste(face.resize((180, 180)), (450, 200))
    turned = face.rotate(15, Image.Resampling.BICUBIC).crop((30, 30, 190, 190))
    canvas.paste(turned.resize((90, 90)), (900, 400))
    return np.asarray(canvas)


def test_a_photo_has_a_row_per_face_from_large_to_small(faces, group):
    rows = faces.predict(group)
    assert list(rows)[:5] == ["status", "path", "face", "box", "face_confidence"]
    assert rows["face"].tolist() == [0, 1, 2]
    assert (rows["status"] == "ok").all()
    assert rows.index.tolist() == [0, 0, 0]
    lefts = [int(box.split()[0]) for box in rows["box"]]
    assert 30 <= lefts[0] < 330
    assert 450 <= lefts[1] < 630
    assert 900 <= lefts[2] < 990
    assert rows["face_confidence"].between(0.7, 1).all()
    assert rows["gender"].nunique() == 1
    assert np.ptp(rows["age"]) < 8


def test_only_the_largest_face_counts_if_wanted(faces, group):
    every = faces.predict(group)
    (row,) = faces.predict(group, largest=True).to_dict("records")
    assert row["face"] == 0
    assert row["box"] == every["box"].iloc[0]
    assert row["age"] == pytest.approx(every["age"].iloc[0], abs=1e-4)


def test_a_picture_without_a_face_and_one_that_is_none_have_a_row_each(faces, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    rows = faces.predict([tmp_path / "text.jpg", data.coffee()])
    assert rows["status"].iloc[0].startswith("no picture that can be read")
    assert rows["status"].iloc[1] == "no face"
    assert (
        rows[["face", "box", "face_confidence", "age", "gender"]].isna().all(axis=None)
    )


def test_auto_keeps_a_crop_and_detect_cuts_it_again(faces, portrait):
    framing = faces.spec.framing
    cut = crop(portrait, detect(portrait)[0], framing, 160)
    kept = faces.predict(cut).iloc[0]
    assert (kept["face"], kept["box"]) == (0, None)
    assert kept["face_confidence"] > 0.7
    whole = faces.predict(cut, faces="whole").iloc[0]
    assert kept["age"] == pytest.approx(whole["age"], abs=1e-4)
    again = faces.predict(cut, faces="detect").iloc[0]
    assert again["box"] is not None
    assert again["age"] == pytest.approx(whole["age"], abs=3)


def test_whole_pictures_have_the_columns_that_they_always_had(faces, portrait):
    rows = faces.predict(portrait, faces="whole")
    assert list(rows)[:3] == ["status", "path", "box"]
    assert "face" not in rows


def test_an_index_stays_and_is_repeated_for_each_face(faces, group, portrait):
    table = pd.DataFrame({"path": [group, portrait]}, index=["many", "one"])
    rows = faces.predict(table)
    assert rows.index.tolist() == ["many"] * 3 + ["one"]


def test_a_picture_with_a_box_is_not_searched(faces, group):
    table = pd.DataFrame({"path": [group, group], "box": ["30 30 330 330", None]})
    rows = faces.predict(table)
    assert rows["box"].iloc[0] == "30 30 330 330"
    assert rows["face"].tolist() == [0, 0, 1, 2]
    assert np.isnan(rows["face_confidence"].iloc[0])
    with pytest.raises(UserError, match="faces detect: the pictures come with boxes"):
        faces.predict(table, faces="detect")


def test_a_face_that_the_border_cuts_and_many_small_ones_are_found(faces, portrait):
    face = Image.fromarray(portrait).crop((150, 20, 300, 190))
    half = np.asarray(Image.fromarray(portrait).crop((190, 20, 420, 300)))
    assert (faces.predict(half)["status"] == "ok").all()
    crowd = Image.new("RGB", (20 * 66, 10 * 75), "grey")
    for place in range(200):
        crowd.paste(face.resize((60, 68)), (place % 20 * 66 + 3, place // 20 * 75 + 3))
    rows = faces.predict(np.asarray(crowd))
    assert len(rows) == pytest.approx(200, abs=10)
    assert rows["face"].tolist() == list(range(len(rows)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"faces": "all"}, "faces: is 'all', must be 'auto', 'detect' or 'whole'"),
        ({"detector": "mtcn"}, "detector: unknown detector 'mtcn'; did you mean"),
        ({"faces": "whole", "largest": True}, "largest: has no effect, as faces whole"),
    ],
)
def test_wrong_settings_are_told(faces, portrait, settings, message):
    with pytest.raises(UserError, match=message):
        faces.predict(portrait, **settings)


def test_a_network_without_a_framing_looks_at_whole_pictures(faces, portrait):
    from dataclasses import replace

    from multitask.networks.analyzer import Analyzer

    plain = Analyzer(faces.model, replace(faces.spec, framing=None))
    assert "face" not in plain.predict(portrait)
    with pytest.raises(UserError, match="doesn't know how faces lay in its training"):
        plain.predict(portrait, faces="detect")
