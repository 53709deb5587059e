"""Does `analyze` behave as `deepface.DeepFace.analyze` does?

Written anew after the tests of DeepFace 0.0.103 (tests/unit/test_analyze.py and
test_analyze_numpy_batch.py, by Sefik Ilkin Serengil and contributors, MIT), with one
public-domain portrait in place of its photos.
"""

import inspect
import io
import json
import time
import warnings
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import multitask
from multitask import deepface as DeepFace
from multitask.contracts.errors import UserError
from multitask.data.framing import USUAL
from multitask.images.faces.crop import crop
from multitask.images.faces.detectors import detect

data = pytest.importorskip("skimage.data", reason="needs scikit-image")

ASTRONAUT = data.astronaut()  # RGB, (512, 512, 3), with one face
BGR = ASTRONAUT[..., ::-1]
COUPLE = np.concatenate([BGR, BGR[:, ::-1]], axis=1)
KEYS = ["age", "gender", "dominant_gender", "race", "dominant_race"]
PLACE = ["region", "face_confidence", "warning"]
NO_EMOTION = "has no head for emotion"


@pytest.fixture(scope="module")
def network():
    """The network in the box."""
    return multitask.load("faces")


@pytest.fixture
def analyze(network):
    """`analyze` with that network, saying nothing."""

    def run(img_path, *arguments, **settings):
        settings = {"network": network, "silent": True} | settings
        return DeepFace.analyze(img_path, *arguments, **settings)

    return run


@pytest.fixture(scope="module")
def emotional(tiny_trunk, tmp_path_factory):
    """An untrained network with a head for each of DeepFace's actions."""
    path = tmp_path_factory.mktemp("emotional") / "network.keras"
    names = ["age", "gender", "race7", "expression", "pose"]
    multitask.save(multitask.build(names, trunk=tiny_trunk), path)
    analyzer = multitask.load(path)
    analyzer.spec = replace(analyzer.spec, framing=USUAL)
    return analyzer


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """The portrait as a file without loss."""
    path = tmp_path_factory.mktemp("photo") / "astronaut é.png"
    Image.fromarray(ASTRONAUT).save(path)
    return path


def closed():
    """A file that was open."""
    file = io.BytesIO()
    file.close()
    return file


def is_astronaut(face):
    """Whether a face is hers, at her place in the photo."""
    region = face["region"]
    return (
        abs(region["x"] - 180) < 10
        and abs(region["y"] - 63) < 10
        and face["dominant_gender"] == "Woman"
        and 20 < face["age"] < 40
    )


# As in tests/unit/test_analyze.py


def test_one_picture_gives_a_list_of_dicts(analyze, photo):
    faces = analyze(str(photo))
    assert isinstance(faces, list)
    (face,) = faces
    assert isinstance(face, dict)
    assert list(face) == [*KEYS, *PLACE]
    assert is_astronaut(face)
    assert face["dominant_race"] == "white"
    assert 0.9 < face["face_confidence"] <= 1
    assert face["warning"] is None


@pytest.mark.parametrize("kind", [tuple, list])
def test_all_actions_may_be_a_tuple_or_a_list(photo, emotional, kind):
    actions = kind(["age", "gender", "race", "emotion"])
    (face,) = DeepFace.analyze(str(photo), actions, network=emotional)
    for key in ("age", "dominant_gender", "dominant_race", "dominant_emotion"):
        assert face.get(key) is not None
    assert face["dominant_emotion"] in face["emotion"]


def test_only_some_actions_are_answered(analyze, photo):
    (face,) = analyze(str(photo), ["age", "gender"])
    assert face.get("age") is not None
    assert face.get("dominant_gender") is not None
    assert face.get("dominant_race") is None
    assert face.get("dominant_emotion") is None


def test_an_array_is_bgr(analyze, photo):
    from_file, (from_bgr,) = analyze(photo), analyze(BGR)
    assert [from_bgr] == from_file
    (from_rgb,) = analyze(ASTRONAUT)
    assert from_rgb["race"] != from_bgr["race"]


@pytest.mark.parametrize("detector", ["mtcnn", "opencv", "haar", "skip"])
def test_every_detector_gives_the_same_keys(analyze, detector):
    if detector in ("opencv", "haar"):
        pytest.importorskip("cv2", reason="needs the extra haar")
    faces = analyze(
        BGR, actions=("gender",), detector_backend=detector, enforce_detection=False
    )
    for face in faces:
        assert list(face) == ["gender", "dominant_gender", *PLACE]
        gender = face["gender"]
        assert set(gender) == {"Man", "Woman"}
        assert face["dominant_gender"] == max(gender, key=gender.get)
        assert sum(gender.values()) == pytest.approx(100, abs=1e-3)
        assert isinstance(gender["Man"], float)


def test_a_list_of_files_gives_a_list_of_lists(analyze, photo, tmp_path):
    couple = tmp_path / "couple.png"
    Image.fromarray(COUPLE[..., ::-1]).save(couple)
    batch = analyze(img_path=[str(photo), photo, str(couple)])
    assert [len(faces) for faces in batch] == [1, 1, 2]
    assert batch[0] == batch[1]
    assert is_astronaut(batch[0][0])
    for face in batch[2]:
        assert 20 < face["age"] < 40


def test_a_list_of_arrays_gives_a_list_of_lists(analyze):
    batch = analyze([BGR, COUPLE])
    assert [len(faces) for faces in batch] == [1, 2]
    places = [face["region"]["x"] for face in batch[1]]
    assert min(places) < 512 < max(places)


def test_an_array_of_pictures_gives_a_list_of_lists(analyze):
    batch = analyze(np.stack([BGR, BGR[:, ::-1]]))
    assert [len(faces) for faces in batch] == [1, 1]
    assert batch[0] == analyze(BGR)


# As in tests/unit/test_analyze_numpy_batch.py


@pytest.mark.parametrize("size", [0, 1, 2])
def test_an_array_of_pictures_is_answered_as_their_list(analyze, size):
    pictures = np.full((size, 8, 12, 3), [20, 80, 220], dtype=np.uint8)
    settings = {"actions": ("age",), "detector_backend": "skip"}
    result = analyze(pictures, **settings)
    assert result == analyze(list(pictures), **settings)
    assert len(result) == size
    for (face,) in result:
        assert face["region"]["x"] == 0


def test_a_small_picture_alone_keeps_a_flat_result(analyze):
    picture = np.full((8, 12, 3), [20, 80, 220], dtype=np.uint8)
    (face,) = analyze(picture, actions=("age",), detector_backend="skip")
    assert face["region"] == {
        **{"x": 0, "y": 0, "w": 12, "h": 8},
        **{"left_eye": None, "right_eye": None},
    }
    assert face["face_confidence"] == 0


# What DeepFace's users also rely on


def test_arguments_have_its_names_and_order():
    theirs = [
        *("img_path", "actions", "enforce_detection", "detector_backend", "align"),
        *("expand_percentage", "silent", "anti_spoofing"),
    ]
    parameters = inspect.signature(DeepFace.analyze).parameters
    assert list(parameters) == [*theirs, "network"]
    assert parameters["enforce_detection"].default is True
    assert parameters["align"].default is True
    assert multitask.deepface.analyze is DeepFace.analyze


def test_answers_are_plain_json(analyze):
    faces = analyze(BGR)
    again = json.loads(json.dumps(faces))  # tuples of eyes become lists
    eyes = faces[0]["region"]["left_eye"], faces[0]["region"]["right_eye"]
    region = again[0]["region"]
    assert (tuple(region["left_eye"]), tuple(region["right_eye"])) == eyes
    assert again[0]["race"] == faces[0]["race"]


def test_the_left_eye_is_hers(analyze):
    (face,) = analyze(BGR)
    region = face["region"]
    assert region["left_eye"][0] > region["right_eye"][0]
    for x, y in (region["left_eye"], region["right_eye"]):
        assert region["x"] < x < region["x"] + region["w"]
        assert region["y"] < y < region["y"] + region["h"] / 2


@pytest.mark.parametrize("form", ["bytes", "base64", "file", "PIL", "floats", "BGRA"])
def test_a_picture_in_any_form_gives_the_same_answer(analyze, photo, form):
    alpha = np.full((512, 512, 1), 255, np.uint8)
    content = photo.read_bytes()
    picture = {
        "bytes": content,
        "base64": "data:image/png;base64," + b64encode(content).decode(),
        "file": io.BytesIO(content),
        "PIL": Image.fromarray(ASTRONAUT),
        "floats": BGR / 255,
        "BGRA": np.concatenate([BGR, alpha], axis=2),
    }[form]
    assert analyze(picture) == analyze(photo)


def test_one_open_file_may_be_given_twice(analyze, photo):
    class Slow(io.BytesIO):
        def read(self, size=-1):
            time.sleep(0.05)  # in which another thread could read
            return super().read(size)

    file = Slow(photo.read_bytes())
    faces = analyze([file] * 4, detector_backend="skip")
    assert faces == [analyze(photo, detector_backend="skip")] * 4
    with pytest.raises(ValueError, match=r"img_path\[1\]: is a file that gives str"):
        analyze([file, io.StringIO("text")], detector_backend="skip")


def test_large_faces_come_first(analyze):
    small = np.asarray(Image.fromarray(ASTRONAUT).resize((256, 256)))[..., ::-1]
    both = np.zeros((512, 768, 3), np.uint8)
    both[:256, :256], both[:, 256:] = small, BGR
    first, second = analyze(both, ["age"])
    assert first["region"]["x"] > 256 > second["region"]["x"]


def test_the_network_sees_the_face_as_it_knows_faces(analyze, network):
    (there,) = detect(ASTRONAUT)
    shown = crop(ASTRONAUT, there, network.spec.framing, network.spec.side)
    wanted = network.answers(shown[None], np.arange(1), probabilities=True).iloc[0]
    (face,) = analyze(BGR)
    assert face["age"] == round(wanted["age"])
    assert face["gender"]["Woman"] == pytest.approx(100 * wanted["gender_female"])
    assert face["race"]["white"] == pytest.approx(100 * wanted["race7_white"])


def test_without_align_a_turned_face_is_not_levelled(analyze):
    turned = np.asarray(Image.fromarray(ASTRONAUT).rotate(25))[..., ::-1]
    (level,), (as_it_is,) = analyze(turned), analyze(turned, align=False)
    (upright,) = analyze(BGR)
    assert level["region"] == as_it_is["region"]
    white = upright["race"]["white"]
    off = [abs(one["race"]["white"] - white) for one in (level, as_it_is)]
    assert off[0] < off[1]


def test_expand_percentage_enlarges_the_region(analyze):
    (face,), (more,) = analyze(BGR), analyze(BGR, expand_percentage=20)
    for side in ("w", "h"):  # edges are whole pixels
        assert more["region"][side] == pytest.approx(1.2 * face["region"][side], abs=2)
    assert more["age"] != face["age"] or more["race"] != face["race"]


def test_a_picture_without_a_face_is_an_error_as_there(analyze):
    with pytest.raises(ValueError, match="Face could not be detected"):
        analyze(np.zeros((224, 224, 3)))
    with pytest.raises(DeepFace.FaceNotDetected, match=r"^img_path\[1\]: Face could"):
        analyze([BGR, np.zeros((224, 224, 3))])


def test_or_is_answered_whole_if_detection_is_not_enforced(analyze):
    black = np.zeros((200, 300, 3))
    (face,) = analyze(black, enforce_detection=False)
    assert face["region"]["w"] == 300
    assert face["region"]["h"] == 200
    assert face["face_confidence"] == 0
    assert [face] == analyze(black, detector_backend="skip")


def test_a_detector_without_confidence_gives_none(analyze):
    pytest.importorskip("cv2", reason="needs the extra haar")
    (face,) = analyze(BGR, ["gender"], detector_backend="opencv")
    assert face["face_confidence"] is None
    assert face["region"]["left_eye"] is None


# What is refused, and said


def test_an_action_that_the_network_lacks_is_said_once(analyze, network, emotional):
    with pytest.warns(UserWarning, match=NO_EMOTION):
        DeepFace.analyze(BGR, network=network)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analyze(BGR)
        DeepFace.analyze(BGR, network=emotional)


def test_an_action_asked_for_that_the_network_lacks_is_an_error(analyze):
    with pytest.raises(ValueError, match=f"{NO_EMOTION} .*its heads: age, gender"):
        analyze(BGR, ["age", "emotion"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"actions": ["agee"]}, "unknown action 'agee'; did you mean 'age'"),
        ({"actions": []}, "actions: is empty; name some of emotion, age"),
        ({"anti_spoofing": True}, "anti_spoofing: is not here"),
        ({"detector_backend": "retinaface"}, "no detector 'retinaface'; use one of"),
        ({"detector_backend": None}, "no detector None"),
        ({"expand_percentage": -5}, "expand_percentage: is -5, must be"),
        ({"expand_percentage": "5"}, "expand_percentage: is '5', must be"),
        ({"network": "facse"}, "facse: is not a known network"),
        ({"network": 3}, "network: is of type int"),
    ],
)
def test_a_wrong_argument_is_one_line_and_a_value_error(analyze, settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        analyze(BGR, **settings)
    assert isinstance(caught.value, UserError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ("nowhere.jpg", "^img_path nowhere.jpg: no such file"),
        ("data:image/png;base64,@", "^img_path data:image/png;base64: is a data URI"),
        ("A" * 200, "^img_path A{60}...: "),
        (
            "/9j/4AAQ" * 500,  # base64 of a JPEG, and nothing before it
            r"^img_path [/9j4AQ]{60}\.\.\.: no such file; base64 begins with "
            "data:image/jpeg;base64,$",
        ),
        (None, "^img_path: is of type NoneType"),
        (BGR - 300.0, "^img_path: has values from -300"),
        (BGR[:0], "^img_path: is an array of shape"),
        (io.StringIO("a"), "binary mode"),
        (closed(), "^img_path: can't be read: I/O operation on closed file"),
        ([BGR, "nowhere.jpg"], r"^img_path\[1\] nowhere.jpg: no such file"),
        ([[BGR]], r"^img_path\[0\]: is of type list"),
    ],
)
def test_a_picture_that_is_none_is_named(analyze, picture, message):
    with pytest.raises(DeepFace.AnalyzeError, match=message):
        analyze(picture)


def test_arguments_of_older_versions_are_refused(analyze):
    with pytest.raises(UserError, match="prog_bar: unknown setting; known: img_path"):
        analyze(BGR, prog_bar=False)


def test_a_network_that_does_not_know_how_faces_lie_answers_only_whole(emotional):
    spec = replace(emotional.spec, framing=None)
    blind = emotional.with_heads(emotional.heads)
    blind.spec = spec
    with pytest.raises(ValueError, match="does not know how faces lay"):
        DeepFace.analyze(BGR, network=blind)
    (face,) = DeepFace.analyze(BGR, detector_backend="skip", network=blind)
    assert face["region"]["w"] == 512


def test_a_network_without_any_of_its_heads_is_an_error(tiny_trunk, tmp_path):
    path = tmp_path / "network.keras"
    multitask.save(multitask.build(["pose"], trunk=tiny_trunk), path)
    with pytest.raises(ValueError, match="no head for emotion, age, gender, race"):
        DeepFace.analyze(BGR, network=path)


@pytest.mark.parametrize("name", ["verify", "find", "represent", "stream"])
def test_what_else_deepface_does_is_refused_by_name(name):
    with pytest.raises(AttributeError, match=f"multitask.deepface.*{name!r}"):
        getattr(DeepFace, name)


def test_a_network_is_opened_once_until_its_file_changes(emotional, tmp_path):
    path = tmp_path / "network.keras"
    multitask.save(multitask.build(["age", "gender"], trunk="tiny"), path)
    DeepFace.analyze(BGR, detector_backend="skip", silent=True, network=path)
    opened = DeepFace._loaded.cache_info().misses
    DeepFace.analyze(BGR, detector_backend="skip", silent=True, network=str(path))
    assert DeepFace._loaded.cache_info().misses == opened
    multitask.save(multitask.build(["age"], trunk="tiny"), path)
    (face,) = DeepFace.analyze(BGR, detector_backend="skip", silent=True, network=path)
    assert list(face) == ["age", "region", "face_confidence"]  # knows no training


def test_the_example_of_the_page_is_what_analyze_returns(analyze):
    docs = Path(__file__).parents[1] / "docs"
    page = (docs / "from-deepface.md").read_text(encoding="utf-8")
    written = json.loads(page.partition("```json\n")[2].partition("```")[0])
    faces = analyze(docs / "images" / "portrait.jpg", ["age", "gender", "race"])
    (shown,), (face,) = written, json.loads(json.dumps(faces))
    assert list(shown) == list(face)
    for key in ("gender", "race"):  # other processors may differ in the last digits
        assert shown.pop(key) == pytest.approx(face.pop(key), abs=0.05)
    assert shown == face
