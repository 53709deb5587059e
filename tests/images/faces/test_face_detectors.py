"""Are faces found where they are, in pictures of any size, and nowhere else?"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multitask.contracts.errors import UserError
from multitask.images.faces import mtcnn
from multitask.images.faces.detectors import (
    DETECTORS,
    check_installed,
    detect,
    detector,
)

ROOT = Path(__file__).parents[3]
data = pytest.importorskip("skimage.data")
pytest.importorskip("mtcnn")

EYES = (204, 101), (246, 103)  # of the astronaut, by eye, within 3 pixels
BOX = (180, 62, 268, 173)  # from the forehead to the chin


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()


def scaled(pixels, factor):
    image = Image.fromarray(pixels)
    size = round(image.width * factor), round(image.height * factor)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def overlap(box, other):
    """Intersection over union."""
    low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
    shared = np.prod(np.maximum(high - low, 0))
    areas = [np.prod(np.subtract(b[2:], b[:2])) for b in (box, other)]
    return shared / (sum(areas) - shared)


@pytest.mark.parametrize("factor", [0.25, 0.5, 1, 2.5])
def test_a_face_is_found_in_any_size(astronaut, factor):
    (face,) = detect(scaled(astronaut, factor))
    assert overlap(face.box, np.multiply(BOX, factor)) > 0.6
    assert 0.9 < face.confidence <= 1
    assert face.landmarks is not None
    assert face.landmarks.shape == (5, 2)
    off = face.landmarks[:2] - np.multiply(EYES, factor)
    assert np.abs(off).max() < max(1.5, 5 * factor)


@pytest.mark.parametrize("degrees", [-20, 20])
def test_a_turned_face_has_turned_eyes(astronaut, degrees):
    turned = Image.fromarray(astronaut).rotate(degrees, Image.Resampling.BICUBIC)
    (face,) = detect(np.asarray(turned))
    assert face.landmarks is not None
    right, down = face.landmarks[1] - face.landmarks[0]
    expected = np.degrees(np.arctan2(2, 42)) - degrees  # rotate() is anticlockwise
    assert np.degrees(np.arctan2(down, right)) == pytest.approx(expected, abs=5)


def test_grey_pictures_are_enough(astronaut):
    grey = np.asarray(Image.fromarray(astronaut).convert("L").convert("RGB"))
    assert [overlap(face.box, BOX) > 0.6 for face in detect(grey)] == [True]


@pytest.mark.parametrize("name", ["mtcnn", "haar"])
def test_faces_come_from_large_to_small(astronaut, name):
    if name == "haar":
        pytest.importorskip("cv2")
    photo = np.full((500, 900, 3), 120, np.uint8)
    head = astronaut[10:240, 110:340]
    centres = []
    for left, side in ((20, 80), (150, 300), (520, 120)):
        photo[100 : 100 + side, left : left + side] = scaled(head, side / 230)
        centres.append(left + side / 2)
    faces = detect(photo, name)
    assert len(faces) == 3
    middles = [(face.box[0] + face.box[2]) / 2 for face in faces]
    for middle, centre in zip(middles, np.array(centres)[[1, 2, 0]], strict=True):
        assert middle == pytest.approx(centre, abs=30)
    assert [face.landmarks is None for face in faces] == [name == "haar"] * 3
    assert all(np.isnan(face.confidence) == (name == "haar") for face in faces)


def test_a_face_cut_by_the_border_is_found_and_its_box_stays_inside(astronaut):
    (face,) = detect(astronaut[:, 212:])  # through the right eye
    assert face.box[0] == 0
    assert face.box[2] == pytest.approx(268 - 212, abs=15)


def test_200_faces_are_200(astronaut):
    head = scaled(astronaut[10:240, 110:340], 64 / 230)
    faces = detect(np.tile(head, (10, 20, 1)))
    assert len(faces) == 200
    cells = {(int(f.box[0] + 8) // 64, int(f.box[1] + 8) // 64) for f in faces}
    assert len(cells) == 200


@pytest.mark.parametrize("name", ["coffee", "rocket", "chelsea"])
def test_photos_without_a_face_have_none(name):
    assert detect(getattr(data, name)()) == []


@pytest.mark.parametrize("name", ["mtcnn", "haar"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (11, 13), (300, 300)])
def test_neither_noise_nor_gradients_nor_tiny_pictures_are_faces(name, shape):
    if name == "haar":
        pytest.importorskip("cv2")
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    gradient = np.broadcast_to(np.linspace(0, 255, shape[1])[:, None], (*shape, 3))
    assert detect(noise, name) == []
    assert detect(gradient.astype(np.uint8), name) == []


def test_a_small_face_in_24_megapixels_is_found(astronaut):
    photo = np.full((4000, 6000, 3), 90, np.uint8)
    head = scaled(astronaut[10:240, 110:340], 0.5)
    photo[3000:3115, 4500:4615] = head
    (face,) = detect(photo)
    where = np.subtract(BOX, (110, 10, 110, 10)) / 2 + (4500, 3000, 4500, 3000)
    assert overlap(face.box, where) > 0.6


def test_strips_hold_every_place_once():
    for height, width in ((12, 500), (900, 500), (3001, 4001), (13, 500_000)):
        pixels = np.zeros((height, width), np.uint8)
        rows = [
            top + row
            for top, strip in mtcnn._strips(pixels)
            for row in range(0, len(strip) - 11, 2)
        ]
        assert rows == list(range(0, height - 11, 2))


def test_strips_and_the_whole_picture_give_the_same_faces(astronaut, monkeypatch):
    (whole,) = detect(astronaut)
    monkeypatch.setattr(mtcnn, "_STRIP", 20_000)
    (strips,) = detect(astronaut)
    np.testing.assert_allclose(strips.box, whole.box, atol=2)


def test_threads_find_what_one_finds_and_nothing_is_traced_again(astronaut):
    networks = mtcnn._networks()
    pictures = [scaled(astronaut, 0.3 + 0.05 * n) for n in range(8)]

    def boxes(pixels):
        return [face.box for face in mtcnn._find(networks, pixels, 24)]

    expected = [boxes(pixels) for pixels in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(boxes, pictures * 3)) == expected * 3
    counts = [network.experimental_get_tracing_count() for network in networks]
    assert counts == [1, 1, 1, 1]


def test_weights_in_the_current_folder_are_not_unpickled(tmp_path, monkeypatch):
    for name in ("pnet", "rnet", "onet"):
        (tmp_path / f"{name}.lz4").write_bytes(b"no weights")
    monkeypatch.chdir(tmp_path)
    assert mtcnn.load()(np.zeros((30, 30, 3), np.uint8), 24) == []


def test_an_unknown_detector_is_an_error_that_lists_the_names(astronaut):
    with pytest.raises(UserError, match="did you mean 'mtcnn'.*haar"):
        detect(astronaut, "mtcn")
    assert detector("haar") is DETECTORS["haar"]


@pytest.mark.parametrize(
    ("name", "package", "todo"),
    [("mtcnn", "mtcnn", "mtcnn>=1,<2"), ("haar", "cv2", r"\.\[haar\]")],
)
def test_a_missing_package_is_named_with_how_to_install_it(
    astronaut, monkeypatch, name, package, todo
):
    monkeypatch.setitem(sys.modules, package, None)
    for call in (lambda: detect(astronaut, name), lambda: check_installed(name)):
        with pytest.raises(UserError, match=f"detector {name}: .*{package}.*{todo}"):
            call()


def test_opencv_without_its_cascades_is_an_error_with_what_to_install(
    astronaut, monkeypatch, tmp_path
):
    cv2 = pytest.importorskip("cv2")
    from multitask.images.faces import haar

    monkeypatch.setattr(cv2, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(UserError, match=r"has no haarcascade.*\.\[haar\]"):
        haar.load()


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3))],
)
def test_other_arrays_are_refused(pixels):
    with pytest.raises(UserError, match="pixels: is an array .* must be"):
        detect(pixels)


@pytest.mark.parametrize("smallest", [0, -5, 11.9, float("nan")])
def test_faces_below_12_pixels_cannot_be_looked_for(astronaut, smallest):
    with pytest.raises(UserError, match="smallest: is .*, must be 12 or more"):
        detect(astronaut, smallest=smallest)


@pytest.mark.parametrize(
    "before", [pytest.param("pass", marks=pytest.mark.slow), "import tensorflow"]
)
def test_python_hears_nothing_of_tensorflow(before):
    code = (
        "import os; log = os.dup(2); os.dup2(os.open(os.devnull, os.O_WRONLY), 2); "
        f"{before}; os.dup2(log, 2); "
        "from skimage.data import astronaut; "
        "from multitask.images.faces.detectors import detect; "
        "print(len(detect(astronaut())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_the_names_that_others_have_for_a_detector_lead_to_ours():
    with pytest.raises(UserError) as error:
        detector("OpenCV")
    assert error.value.line == (
        "detector: unknown detector 'OpenCV'; did you mean 'haar', which needs the "
        "extra haar? Known: mtcnn, haar"
    )
