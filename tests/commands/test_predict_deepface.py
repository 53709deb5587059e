"""Does `predict --format deepface` write what DeepFace's users read?"""

import json

import pytest
from PIL import Image

import multitask
from multitask import deepface
from multitask.predict import main as predict

data = pytest.importorskip("skimage.data", reason="needs scikit-image")
pytestmark = pytest.mark.usefixtures("opened_once")
COMMAND = ["faces", "photos", "--format", "deepface"]


@pytest.fixture(autouse=True)
def photos(tmp_path, monkeypatch):
    """A folder with a cup and a portrait, whose faces are none and one."""
    (tmp_path / "photos").mkdir()
    Image.fromarray(data.coffee()).save(tmp_path / "photos" / "cup.png")
    Image.fromarray(data.astronaut()).save(tmp_path / "photos" / "portrait.png")
    monkeypatch.chdir(tmp_path)


def test_each_picture_is_a_list_of_faces_as_analyze_gives_them(capsys):
    assert predict(COMMAND) == 0
    printed = capsys.readouterr()
    cup, (face,) = json.loads(printed.out)
    assert cup == [{"img_path": "photos/cup.png", "error": "no face"}]
    assert face.pop("img_path") == "photos/portrait.png"
    (wanted,) = deepface.analyze("photos/portrait.png", silent=True)
    eyes = {"left_eye": None, "right_eye": None}
    wanted["region"] |= eyes
    for key in ("gender", "race"):
        assert face.pop(key) == pytest.approx(wanted.pop(key), abs=1e-3)
    assert face == wanted
    told = "--format deepface leaves out race; the key race is what the head race7 "
    assert f"{told}answers\n" in printed.err


def test_a_json_file_may_have_that_shape_and_be_replaced(capsys):
    predict(COMMAND)
    printed = capsys.readouterr().out
    for _ in range(2):
        assert predict([*COMMAND, "--out", "a.json"]) == 0
        with open("a.json", encoding="utf-8") as file:
            assert file.read() == printed
    assert predict(["faces", "photos", "--out", "a.json"]) == 2
    assert "not one of predictions" in capsys.readouterr().err


def test_only_the_heads_asked_for_are_written(capsys):
    assert predict([*COMMAND, "--heads", "race", "--largest"]) == 0
    _, (face,) = json.loads(capsys.readouterr().out)
    assert list(face) == [
        *("img_path", "race", "dominant_race", "region", "face_confidence"),
        "warning",
    ]
    assert face["warning"] is None
    assert list(face["race"]) == ["asian", "indian", "black", "white", "others"]


def test_a_table_gives_a_list_for_each_row(capsys):
    with open("boxes.csv", "w", encoding="utf-8") as file:
        file.write("path,box\n" + 2 * "photos/portrait.png,180 60 270 175\n")
    assert predict(["faces", "boxes.csv", "--format", "deepface"]) == 0
    (first,), (second,) = json.loads(capsys.readouterr().out)
    assert first == second
    assert first["region"]["w"] == 90
    assert first["face_confidence"] is None


def test_what_has_no_place_is_refused(capsys, tiny_trunk):
    multitask.save(multitask.build("pose", trunk=tiny_trunk), "pose.keras")
    assert predict(["pose.keras", "photos", "--format", "deepface"]) == 2
    message = "--format deepface: DeepFace's shape has no place for pose"
    assert message in capsys.readouterr().err
    assert predict([*COMMAND, "--labels"]) == 2
    assert "--labels: DeepFace's shape has no place" in capsys.readouterr().err
