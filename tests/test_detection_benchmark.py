"""Does the benchmark of detectors count what it says?"""

import random

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmarks import detection, scenes
from multitask.contracts.errors import UserError
from multitask.images.faces.crop import Framing

pytest.importorskip("skimage")

RED = (230, 10, 20)


@pytest.fixture
def pictures(tmp_path):
    """Eight red pictures with UTKFace's names."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(8):
        name = f"{20 + number}_1_0_2017010100000000{number}.jpg.chip.jpg"
        Image.new("RGB", (200, 200), RED).save(folder / name, quality=100)
    return folder


def is_red(pixels):
    return np.abs(pixels.astype(int) - RED).max(axis=-1) < 12


@pytest.mark.parametrize("size", [24, 200])
def test_faces_are_where_the_boxes_say_and_as_high(pictures, size):
    paths = scenes.files(f"utkface={pictures}", 8)
    lots = list(scenes.scenes(paths, "utkface", size, most=30))
    assert [len(lot.boxes) for lot in lots] == [6, 2]
    for scene in lots:
        assert scene.pixels.shape == (427, 640, 3)
        for left, top, right, bottom in scene.boxes:
            assert bottom - top == pytest.approx(size, abs=1)
            middle = round((top + bottom) / 2), round((left + right) / 2)
            assert is_red(scene.pixels[middle])
        assert is_red(scene.pixels).mean() < 0.9 * len(scene.boxes) / 6


def test_a_picture_alone_is_pasted_whole(pictures):
    (path,) = scenes.files(f"utkface={pictures}", 1)
    photo = np.zeros((320, 480, 3), np.uint8)
    scene = scenes.alone(path, 0, random.Random(1), photo)
    assert is_red(scene.pixels).sum() == 200 * 200
    left, top, _, _ = scene.boxes[0]
    assert is_red(scene.pixels[round(top), round(left)])


def test_files_are_always_the_same_and_skip_those_of_another_part(pictures):
    source = f"utkface={pictures}"
    assert scenes.files(source, 8)[3:5] == scenes.files(source, 2, skip=3)


def test_a_run_is_asked_about_its_test_pictures_with_the_framing_it_learnt(
    pictures, tmp_path
):
    source, learnt = f"utkface={pictures}", Framing(x=0.5, y=0.3, distance=0.4)
    paths = scenes.files(source, 8)
    rows = [
        f"{path},{'test' if n in (2, 5, 6) else 'train'}\n"
        for n, path in enumerate(paths)
    ]
    (tmp_path / "split.csv").write_text("path,split\n" + "".join(rows))
    unseen = detection.unseen(source, 2, tmp_path, learnt)
    assert unseen == (learnt, [paths[2], paths[5]])
    (tmp_path / "split.csv").write_text("path,split\na.jpg,train\nb.jpg,test\n")
    with pytest.raises(UserError, match="has none of the test pictures in "):
        detection.unseen(source, 2, tmp_path, learnt)


def test_a_network_of_other_pictures_gets_a_framing_of_those_it_is_not_asked_about(
    pictures, tmp_path, monkeypatch
):
    source, measured = f"utkface={pictures}", list[str]()
    monkeypatch.setattr(detection, "FRAMED", 3)
    monkeypatch.setattr(detection, "framing_of", measured.extend)
    _, asked = detection.unseen(
        source, 4, tmp_path, Framing(x=0.5, y=0.3, distance=0.4)
    )
    assert measured + asked == scenes.files(source, 7)


def test_photos_are_cut_to_one_shape():
    shapes = {photo.shape for photo in scenes.photos(90)}
    assert shapes == {(60, 90, 3)}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((10, 10, 30, 30), True),
        ((10, 5, 30, 44), True),  # 39 is less than twice as high
        ((10, 0, 30, 41), False),  # 41 is more
        ((15, 15, 25, 25.5), True),
        ((15, 15, 25, 24), False),  # less than half
        ((31, 10, 51, 30), False),  # its middle is to the right
    ],
)
def test_a_hit_lies_in_the_face_and_is_as_large(found, expected):
    assert scenes.hit(found, (10, 10, 30, 30)) is expected


def test_agreement_is_that_of_classes_and_years():
    wanted = pd.DataFrame(
        {"gender": list("mmff"), "race": list("wwwb"), "age": [20.0, 30, 40, 50]}
    )
    answers = pd.DataFrame(
        {"gender": list("mmfm"), "race": list("wwbw"), "age": [21.0, 28, 40, 49]}
    )
    assert detection.agreement(wanted, answers) == {
        "same gender": "0.750",
        "same race": "0.500",
        "age": "1.00 years apart",
    }


def test_other_data_sets_are_refused(tmp_path):
    with pytest.raises(UserError, match="no faces at known places"):
        scenes.files(f"fairface={tmp_path}", 1)


def test_an_unknown_detector_is_one_line(capsys):
    assert detection.main(["--data", "utkface=x", "--detectors", "mtcn"]) == 2
    assert "did you mean 'mtcnn'" in capsys.readouterr().err
