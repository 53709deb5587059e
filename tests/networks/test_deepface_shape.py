"""Do answers in DeepFace's shape say what the table says, under DeepFace's names?"""

import json

import numpy as np
import pandas as pd
import pytest
from multitask.heads.distribution import Distribution
from multitask.heads.sigmoid import Sigmoid
from multitask.heads.softmax import Softmax
from PIL import Image

from multitask.contracts import catalog
from multitask.images.upright import upright_size
from multitask.networks.answers import read_all
from multitask.networks.prediction.deepface import (
    ACTIONS,
    answers,
    left_out,
    questions,
    region,
    with_deepface,
)
from multitask.networks.prediction.formats import closing, text

HEADS = catalog.heads(["age", "gender", "race", "race7", "expression", "pose"])
RACES = ["asian", "indian", "black", "white", "middle eastern", "latino hispanic"]
EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def table(heads, count=3):
    """Rows of `predict` with probabilities: random answers of heads for whole files."""
    rng = np.random.default_rng(0)
    outputs = {}
    for head in heads:
        size = len(head.classes) or (
            len(head.values) if isinstance(head, Distribution) else len(head.columns)
        )
        outputs[head.name] = rng.dirichlet(np.ones(size), count).astype(np.float32)
    rows = read_all(heads, outputs, np.arange(count), probabilities=True)
    return rows.assign(status="ok", path=[f"{n}.jpg" for n in range(count)], box=None)


def pictures(rows):
    """What the format `deepface` writes of rows, in two parts, read again."""
    shaped = with_deepface(rows, HEADS)
    begins = np.flatnonzero(rows["face"].fillna(0) == 0) if "face" in rows else [0]
    last = begins[-1] if len(begins) else 0
    parts = [part for part in (shaped.iloc[:last], shaped.iloc[last:]) if len(part)]
    written = [text(p, "deepface", first=n == 0) for n, p in enumerate(parts)]
    return json.loads("".join(written) + closing("deepface"))


def test_keys_and_classes_are_those_of_deepface_in_its_order():
    for face in answers(table(HEADS), HEADS):
        assert list(face) == [
            *("emotion", "dominant_emotion", "age"),
            *("gender", "dominant_gender", "race", "dominant_race"),
        ]
        assert list(face["emotion"]) == EMOTIONS
        assert list(face["gender"]) == ["Woman", "Man"]
        assert list(face["race"]) == RACES
        assert isinstance(face["age"], int)
        for action in ("emotion", "gender", "race"):
            assert sum(face[action].values()) == pytest.approx(100, abs=1e-3)
            most = max(face[action], key=face[action].get)
            assert face[f"dominant_{action}"] == most
        assert json.loads(json.dumps(face)) == face


def test_shares_are_the_probabilities_in_per_cent():
    rows = table(HEADS)
    for (_, row), face in zip(rows.iterrows(), answers(rows, HEADS), strict=True):
        assert face["age"] == round(row["age"])
        assert face["gender"]["Man"] == pytest.approx(100 * row["gender_male"])
        asian = row["race7_east_asian"] + row["race7_southeast_asian"]
        assert face["race"]["asian"] == pytest.approx(100 * asian)
        latino = row["race7_latino_hispanic"]
        assert face["race"]["latino hispanic"] == pytest.approx(100 * latino)
        assert face["emotion"]["sad"] == pytest.approx(100 * row["expression_sadness"])


def test_two_classes_that_are_one_of_deepface_may_win_together():
    (head,) = catalog.heads(["race7"])
    # white .4, black 0, indian 0, east Asian .35, southeast Asian .25, others 0
    output = np.array([[0.4, 0, 0, 0.35, 0.25, 0, 0]], np.float32)
    rows = read_all([head], {"race7": output}, np.arange(1), probabilities=True)
    assert rows["race7"].tolist() == ["white"]
    (face,) = answers(rows, [head])
    assert face["dominant_race"] == "asian"
    assert face["race"]["asian"] == pytest.approx(60)


def test_without_race7_the_five_classes_of_race_are_kept():
    heads = catalog.heads(["race"])
    (face, *_) = answers(table(heads), heads)
    assert list(face["race"]) == ["asian", "indian", "black", "white", "others"]


def test_classes_are_known_in_other_spellings():
    heads = [
        Softmax(name="sex", classes=("Female", "MALE")),
        Softmax(name="ethnicity", classes=("Latino_Hispanic", "East Asian", "martian")),
        Softmax(name="emotion", classes=("Anger", "contempt", "Happy")),
    ]
    (face, *_) = answers(table(heads), heads)
    assert list(face["gender"]) == ["Woman", "Man"]
    assert list(face["race"]) == ["asian", "latino hispanic", "martian"]
    assert list(face["emotion"]) == ["angry", "happy", "contempt"]


def test_heads_without_a_place_are_named():
    assert left_out(HEADS) == ("race", "pose")
    others = [
        Softmax(name="age", classes=("young", "old")),  # no number
        Softmax(name="gender", classes=("female", "unknown")),  # no men
        Softmax(name="emotion", classes=("calm", "tense")),
        Sigmoid(name="race"),
    ]
    assert questions(others) == {}
    assert left_out(others) == ("age", "gender", "emotion", "race")
    assert set(questions(HEADS)) == set(ACTIONS)


def test_a_probability_whose_name_is_taken_is_found():
    heads = [*catalog.heads(["gender"]), Sigmoid(name="gender_male")]
    rows = table(heads)
    assert set(rows["gender_male"]) <= {0, 1}
    shares = [face["gender"]["Man"] for face in answers(rows, heads)]
    assert shares == pytest.approx(list(100 * rows["gender_male_probability"]))


def test_names_depend_on_all_heads_of_the_network():
    heads = [*catalog.heads(["gender"]), Sigmoid(name="gender_male")]
    rows = table(heads).drop(columns="gender_male")
    (face, *_) = answers(rows, heads[:1], among=heads)
    assert face["gender"]["Man"] == pytest.approx(
        100 * rows["gender_male_probability"].iloc[0]
    )


def test_a_picture_is_a_list_of_its_faces():
    rows = table(HEADS, 4).assign(
        path=["a.jpg", "a.jpg", "b.jpg", "c.jpg"],
        status=["ok", "ok", "no face", "ok"],
        face=pd.array([0, 1, None, 0], "Int64"),
        box=["1 2 31 42", "5 6 15 26", None, "0 0 9 9"],
        face_confidence=[0.996, 0.9, np.nan, np.nan],
    )
    first, second, third = pictures(rows)
    assert [face["region"]["x"] for face in first] == [1, 5]
    assert first[0]["region"] == region("1 2 31 42")
    assert list(first[0])[0] == "img_path"
    assert [face["face_confidence"] for face in first] == [1.0, 0.9]
    assert second == [{"error": "no face", "img_path": "b.jpg"}]
    assert third[0]["face_confidence"] is None
    assert third[0]["img_path"] == "c.jpg"
    wanted = answers(rows.iloc[[0, 1, 3]], HEADS)
    for face, answer in zip([*first, *third], wanted, strict=True):
        assert {key: face[key] for key in answer} == answer


def test_rows_of_whole_pictures_are_one_picture_each(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (30, 20)).save(path)
    rows = table(HEADS, 2).assign(path=[str(path), "gone.jpg"])
    first, second = pictures(rows)
    assert first[0]["region"] == region("0 0 30 20")
    assert second[0]["region"] is None
    assert "age" in second[0]
    assert first[0]["face_confidence"] is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_of_a_picture_is_that_in_which_it_is_shown(orientation, tmp_path):
    from multitask.images.decode import decode

    path = tmp_path / "a.jpg"
    image = Image.new("RGB", (30, 20))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    size = upright_size(path)
    assert size is not None
    assert decode(path).shape == (*size[::-1], 3)


def test_no_rows_are_no_pictures():
    none = with_deepface(table(HEADS).iloc[:0], HEADS)
    assert json.loads(text(none, "deepface", first=True) + closing("deepface")) == []


def test_a_name_that_utf_8_can_not_hold_is_written(tmp_path):
    path = tmp_path / "\udce9.png"  # the byte E9, as Latin-1 writes é
    try:
        Image.new("RGB", (30, 20)).save(path)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    path_column = pd.Series([str(path)], dtype=object)
    ((face,),) = pictures(table(HEADS, 1).assign(path=path_column))
    assert face["img_path"].endswith("\N{REPLACEMENT CHARACTER}.png")
    assert face["region"]["w"] == 30
