"""Which rows does a network give for a video, and are a person's answers averaged?

The faces are squares whose red says how likely they are male.
"""

import gc
import sys
import weakref
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

import multitask
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.images import camera
from multitask.images.faces.crop import Framing
from multitask.images.faces.detectors import DETECTORS, Detector
from multitask.images.faces.face import Face
from multitask.images.faces.parts import FaceFinder
from multitask.images.video import Frame, Step
from multitask.networks.unlike import UNLIKE
from multitask.networks.video import predict
from multitask.networks.video.predict import Reader, predict_video
from tests.images.clips import cut, write_clip

pytest.importorskip("av")
pytest.importorskip("edgefirst.tracker")

SIDE, SIZE = 60, (320, 200)
INSIDE = Framing(x=0.5, y=0.5, distance=0.8)  # the crop is half as wide as the square
(GENDER,) = catalog.heads(["gender"])


def find(pixels, smallest):
    """The squares that are brighter than the background."""
    marks, _ = ndimage.label(pixels[..., 2] > 120)
    return [
        Face(box=(float(x.start), float(y.start), float(x.stop), float(y.stop)))
        for y, x in ndimage.find_objects(marks)
    ]


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    """A detector of squares."""
    entry = Detector(
        name="squares", load=lambda: find, package="scipy", install="",
        landmarks=False, tensorflow=False, good_for="tests",
    )  # fmt: skip
    monkeypatch.setitem(DETECTORS, "squares", entry)


def outputs(pixels):
    """The probabilities of the crops' red and of the rest."""
    red = pixels[..., 0].mean(axis=(1, 2)) / 255
    male, female = (GENDER.classes.index(name) for name in ("male", "female"))
    shares = np.zeros((len(pixels), 2), np.float32)
    shares[:, male], shares[:, female] = red, 1 - red
    return {"gender": shares}


def reader(whole=False, largest=False, warns=False):
    """A network whose answers are those of `outputs`.

    If it `warns`, a crop is unlike the training pictures that is more red than not.
    """
    find = FaceFinder(
        framing=INSIDE, keep_crops=True, detector="squares", largest=largest
    )
    return Reader(
        outputs=lambda pixels: (
            outputs(pixels), pixels[..., 0].mean(axis=(1, 2)) > 127 if warns else None
        ),
        warns=warns, side=16, find=None if whole else find, heads=[GENDER],
        selected=[GENDER], probabilities=True,
    )  # fmt: skip


def picture(*faces):
    """A dark picture with squares: (left, top, probability of male)."""
    image = Image.new("RGB", SIZE, (20, 20, 20))
    for left, top, male in faces:
        color = (round(255 * male), 120, 200)
        image.paste(color, (left, top, left + SIDE, top + SIDE))
    return image


def rows(path, every=1, persons=False, average=True, **settings):
    """All rows of a video."""
    parts = predict_video(
        path, every, reader(**settings), persons=persons, average=average
    )
    return pd.concat(parts)


# At 5 frames per second: one who moves, and another one from the third frame on.
MALE = [0.9, 0.45, 0.45, 0.5, 0.7, 0.6]


@pytest.fixture
def two(tmp_path):
    """A video of two persons."""
    shown = [
        picture((10 + 10 * number, 20, male), *[(240, 120, 0.1)] * (number >= 2))
        for number, male in enumerate(MALE)
    ]
    return write_clip(tmp_path / "two.mp4", shown, rate=5, crf="1")


def test_each_face_in_each_frame_is_a_row_with_its_persons_answers_so_far(two):
    table = rows(two)
    assert list(table) == [
        *("status", "path", "time", "person", "box", "face_confidence"),
        *("gender", "gender_confidence", "gender_male", "gender_female"),
    ]
    assert set(table["status"]) == {"ok"}
    assert set(table["path"]) == {str(two)}
    assert table["time"].tolist() == [0, 0.2, 0.4, 0.4, 0.6, 0.6, 0.8, 0.8, 1, 1]
    assert table.index.tolist() == list(range(10))
    first = table[table["person"] == 0]
    second = table[table["person"] == 1]
    means = np.cumsum(MALE) / np.arange(1, 7)
    np.testing.assert_allclose(first["gender_male"], means, atol=0.02)
    np.testing.assert_allclose(second["gender_male"], 0.1, atol=0.02)
    assert first["gender"].tolist() == ["male"] * 6  # though two frames say female
    for number, box in enumerate(first["box"]):
        places = np.array(box.split(), int)
        left = 10 + 10 * number
        assert np.abs(places - [left, 20, left + SIDE, 20 + SIDE]).max() <= 1


def test_without_averages_an_answer_is_that_for_the_frame(two):
    table = rows(two, average=False)
    first = table[table["person"] == 0]
    np.testing.assert_allclose(first["gender_male"], MALE, atol=0.02)
    assert first["gender"].tolist()[1] == "female"


def test_persons_are_rows_of_their_own(two):
    table = rows(two, persons=True)
    assert list(table)[:6] == ["status", "path", "person", "start", "end", "frames"]
    assert table["person"].tolist() == [0, 1]
    assert table["start"].tolist() == [0, 0.4]
    assert table["end"].tolist() == [1, 1]
    assert table["frames"].tolist() == [6, 4]
    # (0.9 + 0.45 + 0.45 + 0.5 + 0.7 + 0.6) / 6 = 0.6
    np.testing.assert_allclose(table["gender_male"], [0.6, 0.1], atol=0.02)


def test_people_of_two_shots_are_two_persons_though_they_stand_at_one_place(tmp_path):
    man, woman = picture((100, 60, 0.9)), picture((110, 60, 0.1))
    woman.paste((90, 80, 20), (0, 0, 320, 55))  # another wall behind her
    woman.paste((20, 90, 70), (200, 0, 320, 200))
    shown = [man] * 3 + [woman] * 3 + [man] * 3
    table = rows(write_clip(tmp_path / "a.mp4", shown, rate=5, crf="1"), persons=True)
    assert table["person"].tolist() == [0, 1, 2]
    assert table["frames"].tolist() == [3, 3, 3]
    assert table["start"].tolist() == [0, 0.6, 1.2]
    np.testing.assert_allclose(table["gender_male"], [0.9, 0.1, 0.9], atol=0.02)


def test_only_the_frames_that_are_asked_for_count(two):
    table = rows(two, every="0.4s", persons=True)
    assert table["frames"].tolist() == [3, 2]
    # The frames at 0, 0.4 and 0.8 s: (0.9 + 0.45 + 0.7) / 3
    np.testing.assert_allclose(table["gender_male"], [0.6833, 0.1], atol=0.02)
    assert rows(two, every=3)["time"].tolist() == [0, 0.6, 0.6]


def test_only_the_largest_face_of_each_frame_is_followed_if_asked(tmp_path):
    shown = [picture((10, 20, 0.9), (150, 20, 0.2), (150, 60, 0.2))] * 3
    path = write_clip(tmp_path / "clip.mp4", shown, rate=5, crf="1")
    table = rows(path, largest=True)
    assert table["person"].tolist() == [0, 0, 0]
    np.testing.assert_allclose(table["gender_male"], 0.2, atol=0.02)


def test_persons_who_left_are_given_while_the_video_goes_on(tmp_path):
    shown = [picture((10, 20, 0.9))] * 5 + [picture()] * 60 + [picture((9, 9, 0.2))] * 5
    path = write_clip(tmp_path / "clip.mp4", shown, rate=5)
    parts = list(predict_video(path, 1, reader(), persons=True, average=True))
    assert [part["person"].tolist() for part in parts] == [[0], [1]]
    assert [part["start"].tolist() for part in parts] == [[0], [13]]
    assert [part.index.tolist() for part in parts] == [[0], [1]]


def test_frames_without_faces_are_rows_without_answers(tmp_path):
    shown = [picture(), picture((10, 20, 0.9)), picture()]
    path = write_clip(tmp_path / "clip.mp4", shown, rate=5)
    table = rows(path)
    assert table["status"].tolist() == ["no face", "ok", "no face"]
    assert table["gender"].isna().tolist() == [True, False, True]
    assert table["person"].isna().tolist() == [True, False, True]
    assert table["time"].tolist() == [0, 0.2, 0.4]


def test_a_video_without_faces_says_so_in_one_row_of_persons(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", [picture()] * 3, rate=5)
    assert set(rows(path)["status"]) == {"no face"}
    table = rows(path, persons=True)
    assert table["status"].tolist() == ["no face"]
    assert table.dtypes["gender_male"] == rows(path).dtypes["gender_male"]
    assert table["gender"].isna().all()


@pytest.mark.parametrize("persons", [False, True])
def test_a_video_that_breaks_off_has_a_last_row_that_says_so(tmp_path, persons):
    shown = [picture((10 + number, 20, 0.9)) for number in range(60)]
    path = write_clip(tmp_path / "clip.mkv", shown, rate=5, crf="1")
    table = rows(cut(path, 0.5), persons=persons)
    assert table["status"].str.match(r"breaks off at \d.\d of 12.0 s").tolist() == (
        [False] * (len(table) - 1) + [True]
    )
    assert table["gender"].notna().tolist() == [True] * (len(table) - 1) + [False]
    assert table["person"].dropna().unique().tolist() == [0]


@pytest.mark.parametrize("persons", [False, True])
def test_a_video_without_a_frame_that_can_be_read_says_this_alone(tmp_path, persons):
    path = write_clip(tmp_path / "clip.mkv", [picture((10, 20, 0.9))] * 5, rate=5)
    data = path.read_bytes()
    # Behind the header, frames are in clusters: leave the start of the first one.
    path.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75") + 12])
    table = rows(path, persons=persons)
    assert table["status"].tolist() == ["has no frame that can be read"]
    assert table["gender"].isna().all()


def test_networks_without_a_framing_answer_for_whole_frames(two):
    table = rows(two, whole=True)
    assert list(table)[:4] == ["status", "path", "time", "gender"]
    assert table["time"].tolist() == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert table["gender_male"].between(0.05, 0.3).all()
    with pytest.raises(UserError, match="--persons: needs faces to follow"):
        rows(two, whole=True, persons=True)


def test_wrong_options_are_refused_at_once(two, monkeypatch):
    def start(every=1, persons=False, average=True, **settings):
        predict_video(two, every, reader(**settings), persons=persons, average=average)

    with pytest.raises(UserError, match="--every: is '0'"):
        start(every="0")
    with pytest.raises(UserError, match="--persons: gives averages"):
        start(persons=True, average=False)
    monkeypatch.setitem(sys.modules, "edgefirst.tracker", None)
    with pytest.raises(UserError, match="needs the package edgefirst-tracker"):
        start()


def test_memory_does_not_grow_with_the_length_of_a_video(monkeypatch):
    held: weakref.WeakSet[Frame] = weakref.WeakSet()
    most = 0

    class Long:
        """A video of 500 frames that remembers which of them are still held."""

        name, rate, is_camera, fault = "long.mp4", 5.0, False, ""

        def frames(self, step):
            nonlocal most
            for number in range(500):
                pixels = np.asarray(picture((number % 200, 20, 0.5))).copy()
                held.add(frame := Frame(time=number / 5, pixels=pixels))
                most = max(most, len(held))
                del pixels
                yield frame

    gc.collect()
    video: Any = Long()
    parts = predict.predict_persons(video, Step(frames=1), reader())
    assert sum(part["frames"].sum() for part in parts) == 500
    assert most <= 3


def test_each_frame_of_a_camera_is_answered_at_once(monkeypatch):
    pattern = camera.Device("testsrc=size=64x48:rate=10:duration=2", "lavfi", {})
    monkeypatch.setattr(camera, "device", lambda name: pattern)
    parts = list(
        predict_video("camera:0", 5, reader(whole=True), persons=False, average=True)
    )
    assert all(len(part) == 1 for part in parts)
    table = pd.concat(parts)
    assert set(table["path"]) == {"camera:0"}
    assert set(table["time"].dropna()) <= {0, 0.5, 1, 1.5}
    assert table["status"].iloc[-1] == "stopped at 2.0 s"


def test_a_moving_face_is_one_person(tmp_path):
    data = pytest.importorskip("skimage.data")
    face = Image.fromarray(data.astronaut()).crop((140, 0, 320, 200))

    def shown():
        for number in range(50):
            image = Image.new("RGB", (640, 360), (90, 110, 100))
            image.paste(face, (20 + 8 * number, 60))
            yield image

    path = write_clip(tmp_path / "clip.mp4", shown())
    network = multitask.load("faces")
    parts = network.predict_video(path, every=5, heads="gender")
    table = pd.concat(parts)
    assert table["person"].tolist() == [0] * 10
    assert table["time"].tolist()[:4] == [0, 0.2, 0.4, 0.6]
    assert set(table["gender"]) == {"female"}
    lefts = np.array([int(box.split()[0]) for box in table["box"]])
    assert np.abs(np.diff(lefts) - 40).max() <= 8  # 5 frames of 8 pixels


def test_what_is_unlike_the_training_pictures_has_a_warning(two, tmp_path):
    table = rows(two, warns=True)
    assert list(table)[:7] == [
        "status", "path", "time", "person", "box", "face_confidence", "warning"
    ]  # fmt: skip
    man = table[table["person"] == 0]
    # Each frame for itself: .9 .45 .45 .5 .7 .6, of which .5 is 128 of 255.
    far = [word == UNLIKE for word in man["warning"]]
    assert far[:3] + far[4:] == [True, False, False, True, True]
    assert table["warning"][table["person"] == 1].isna().all()
    persons = rows(two, persons=True, warns=True)
    assert list(persons)[:7] == [
        "status", "path", "person", "start", "end", "frames", "warning"
    ]  # fmt: skip
    # Of six frames at least three are far, and most only if the fourth is.
    expected = UNLIKE if far[3] else None
    assert persons.sort_values("person")["warning"].tolist() == [expected, None]
    whole = rows(two, whole=True, warns=True)
    assert list(whole)[:4] == ["status", "path", "time", "warning"]
    assert whole["warning"].isna().all()  # frames are dark
    empty = rows(write_clip(tmp_path / "a.mp4", [picture()] * 3, rate=5), warns=True)
    assert empty["warning"].isna().all()
    assert "warning" not in rows(two)
