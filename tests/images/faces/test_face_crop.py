"""Do faces lie in their crops as the framing says?"""

import numpy as np
import pytest
from PIL import Image

from multitask.images.decode import resize
from multitask.images.faces.crop import Framing, crop, is_crop, measure
from multitask.images.faces.face import Face

# x + iy from the middle of the eyes, in distances between them.
MEAN = np.array([-0.5, 0.5, 0.61j, -0.445 + 1.033j, 0.445 + 1.033j])
FRAMING = Framing(x=0.5, y=0.3, distance=0.4, pictures=500)


def face(middle, distance, degrees=0.0):
    """A face whose landmarks are the mean face, turned clockwise."""
    points = middle + distance * np.exp(1j * np.radians(degrees)) * MEAN
    low, high = middle - distance * (1 + 1j), middle + distance * (1 + 2j)
    return Face(
        box=(low.real, low.imag, high.real, high.imag),
        confidence=0.9,
        landmarks=np.stack([points.real, points.imag], axis=1),
    )


def places(width, height):
    """A picture that shows where its pixels are: red is x, green is y."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, 0 * x], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0, 20, -35, 90, 180])
@pytest.mark.parametrize("aspect", [1.0, 0.8])
def test_eyes_lie_where_the_framing_has_them(degrees, aspect):
    framing = Framing(x=0.5, y=0.3, distance=0.4, aspect=aspect)
    there = face(32 + 30j, 10, degrees)
    shown = crop(places(64, 64) * 4, there, framing, 100)
    # Pixels of the crop whose middles are the eyes: (0.3, 0.3) and (0.7, 0.3).
    for x, (across, down) in zip((30, 70), there.landmarks[:2], strict=True):
        around = shown[29:31, x - 1 : x + 1].astype(float).mean(axis=(0, 1))
        np.testing.assert_allclose(around[:2] / 4 + 0.5, [across, down], atol=0.4)


@pytest.mark.parametrize("size", [37, 100, 200])
def test_a_face_already_in_its_place_is_resized_as_training_pictures_are(size):
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (25, 25, 3), np.uint8)
    whole = np.asarray(Image.fromarray(small).resize((200, 200)))
    photo = np.full((400, 500, 3), 90, np.uint8)
    photo[60:260, 110:310] = whole
    there = face(110 + 60j + complex(0.5 * 200, 0.3 * 200), 0.4 * 200)
    shown = crop(photo, there, FRAMING, size)
    assert shown.shape == (size, size, 3)
    difference = shown.astype(int) - resize(whole, size)
    inner = difference[2:-2, 2:-2]
    assert np.abs(inner).max() <= 2


def test_a_large_face_is_averaged_not_sampled():
    stripes = np.zeros((1600, 1600, 3), np.uint8)
    stripes[::2] = 255
    shown = crop(stripes, face(800 + 700j, 480, 5), FRAMING, 60)
    assert np.abs(shown.astype(int) - 127).max() <= 4


def test_what_lies_beyond_the_picture_repeats_its_border():
    pixels = np.full((100, 100, 3), 40, np.uint8)
    pixels[:, 0] = 200
    shown = crop(pixels, face(0 + 50j, 40), FRAMING, 50)
    # The crop is 100 pixels wide, its middle the border.
    assert (shown[:, :24] == 200).all()
    assert np.abs(shown[:, 28:].astype(int) - 40).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3)])
@pytest.mark.parametrize("middle", [0j, 500 + 500j, -300 - 300j])
def test_any_face_in_any_picture_gives_a_crop(shape, middle):
    pixels = np.full((*shape, 3), 77, np.uint8)
    for distance in (0.01, 3, 400):
        assert (crop(pixels, face(middle, distance, 15), FRAMING, 24) == 77).all()


def test_a_huge_face_takes_little_memory(monkeypatch):
    sizes, pad = [], np.pad

    def watched(array, *others, **keywords):
        sizes.append(array.size)
        return pad(array, *others, **keywords)

    monkeypatch.setattr(np, "pad", watched)
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    crop(pixels, face(2000 + 1500j, 4000), FRAMING, 48)
    assert max(sizes) < 1_000_000


def test_a_face_without_landmarks_gets_the_usual_place_of_the_eyes():
    upright = face(125 + 120j, 20)
    side = 20 / 0.394  # eyes are at 0.503 and 0.388 of the box, 0.394 apart
    left, top = 125 - 0.503 * side, 120 - 0.388 * side
    boxed = Face(box=(left, top, left + side, top + side))
    by_box = crop(places(250, 250), boxed, FRAMING, 80)
    by_landmarks = crop(places(250, 250), upright, FRAMING, 80)
    assert np.abs(by_box.astype(int) - by_landmarks).max() <= 1


def test_landmarks_at_one_point_leave_the_box():
    boxed = Face(box=(100, 101, 150, 151))
    point = Face(box=boxed.box, landmarks=np.full((5, 2), 125.0))
    by_box = crop(places(250, 250), boxed, FRAMING, 80)
    by_point = crop(places(250, 250), point, FRAMING, 80)
    np.testing.assert_array_equal(by_box, by_point)


def test_a_face_in_profile_keeps_its_scale():
    """Eyes half as far apart make a face that is at most a quarter larger."""
    frontal = face(125 + 120j, 20)
    points = np.array(frontal.landmarks)
    points[:2, 0] = 125 + (points[:2, 0] - 125) / 2
    profile = Face(box=frontal.box, landmarks=points)
    pixels = places(250, 250)
    wide, narrow = (
        np.ptp(crop(pixels, one, FRAMING, 80)[..., 0].astype(int))
        for one in (frontal, profile)
    )
    assert 0.75 < narrow / wide <= 1


def around(framing, count, spread=0.01, side=200):
    """Pictures whose faces lie as the framing says, more or less."""
    rng = np.random.default_rng(1)
    height = round(side / framing.aspect)
    for _ in range(count):
        x, y = rng.normal([framing.x, framing.y], spread)
        there = face(complex(x * side, y * height), framing.distance * side)
        yield (height, side, 3), [there]


def test_framing_is_the_median_which_ignores_outliers():
    framing = Framing(x=0.48, y=0.35, distance=0.3, aspect=0.8)
    faces = [*around(framing, 60), *around(Framing(x=0.9, y=0.9, distance=0.1), 15)]
    measured = measure(faces)
    assert measured is not None
    assert measured.pictures == 75
    assert measured.x == pytest.approx(0.48, abs=0.01)
    assert measured.y == pytest.approx(0.35, abs=0.01)
    assert measured.distance == pytest.approx(0.3, abs=0.001)
    assert measured.aspect == pytest.approx(0.8)


def test_framing_needs_20_faces_in_half_of_the_pictures():
    blank: tuple[tuple[int, ...], list[Face]] = ((9, 9, 3), [])
    assert measure([]) is None
    assert measure(around(FRAMING, 19)) is None
    assert measure(around(FRAMING, 20)) is not None
    assert measure([*around(FRAMING, 20), *[blank] * 20]) is not None
    assert measure([*around(FRAMING, 20), *[blank] * 21]) is None


def test_photos_whose_faces_lie_anywhere_have_no_framing():
    rng = np.random.default_rng(1)
    places = rng.uniform(20, 180, (60, 2)) @ [1, 1j]
    assert measure(((200, 200, 3), [face(place, 30)]) for place in places) is None
    group = ((shape, faces * 2) for shape, faces in around(FRAMING, 60))
    assert measure(group) is None


def test_a_picture_is_a_crop_if_its_one_face_lies_as_the_framing_says():
    shape, (one,) = next(around(FRAMING, 1))
    assert is_crop(shape, [one], FRAMING)
    assert not is_crop(shape, [], FRAMING)
    assert not is_crop(shape, [one, one], FRAMING)
    assert not is_crop((200, 260, 3), [one], FRAMING)
    middle = complex(100, 60)
    assert not is_crop(shape, [face(middle, 50)], FRAMING)
    assert not is_crop(shape, [face(middle + 40, 80)], FRAMING)
    assert not is_crop(shape, [face(middle, 80, 35)], FRAMING)
    assert is_crop(shape, [face(middle + 20j, 60, 20)], FRAMING)


def test_a_crop_is_a_crop():
    pixels, where = places(250, 250), face(125 + 120j, 20, 20)
    shown = crop(pixels, where, FRAMING, 96)
    there = face(complex(0.5 * 96, 0.3 * 96), 0.4 * 96)
    assert is_crop(shown.shape, [there], FRAMING)
    assert not is_crop(pixels.shape, [where], FRAMING)
