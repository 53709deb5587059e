"""Are regions enlarged, levelled and reported as DeepFace's users ask for?"""

from dataclasses import replace

import numpy as np
import pytest

from multitask.images.decode import resize
from multitask.images.faces import regions
from multitask.images.faces.crop import Framing, crop
from multitask.images.faces.face import Face
from multitask.images.faces.regions import RegionFinder

# x + iy from the middle of the eyes, in distances between them.
MEAN = np.array([-0.5, 0.5, 0.61j, -0.445 + 1.033j, 0.445 + 1.033j])
FRAMING = Framing(x=0.5, y=0.3, distance=0.4)
PHOTO = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)


def face(middle=180 + 120j, distance=40.0, degrees=0.0):
    """A face whose box reaches a distance to the left, right and top, two down."""
    points = middle + distance * np.exp(1j * np.radians(degrees)) * MEAN
    low, high = middle - distance * (1 + 1j), middle + distance * (1 + 2j)
    return Face(
        box=(low.real, low.imag, high.real, high.imag),
        confidence=0.9,
        landmarks=np.stack([points.real, points.imag], axis=1),
    )


@pytest.fixture
def find(monkeypatch):
    """The regions of a photo in which a detector finds these faces."""

    def run(*faces, photo=PHOTO, whole_if_none=False, **settings):
        monkeypatch.setattr(regions, "detect", lambda pixels, name: list(faces))
        usual = RegionFinder(size=50, detector="mtcnn", framing=FRAMING)
        finder = replace(usual, **settings)
        return finder.find(photo, whole_if_none=whole_if_none)

    return run


def test_each_face_is_cut_out_as_the_network_knows_it(find):
    there = [face(), face(300 + 200j, 20)]
    found = find(*there)
    assert found.boxes == ["140 80 220 200", "280 180 320 240"]
    assert found.confidences == [0.9, 0.9]
    for pixels, one in zip(found.pixels, there, strict=True):
        np.testing.assert_array_equal(pixels, crop(PHOTO, one, FRAMING, 50))


def test_the_left_eye_is_that_of_the_person(find):
    # The eyes are half a distance of 40 beside the middle, (180, 120).
    assert find(face()).eyes == [((200, 120), (160, 120))]


def test_eyes_outside_of_the_picture_are_unknown(find):
    # Middle at x = 10: the eyes are at -10 and 30.
    assert find(face(10 + 120j)).eyes == [((30, 120), None)]
    assert find(Face(box=(1, 1, 20, 20))).eyes == [(None, None)]


def test_a_margin_enlarges_box_and_crop_around_their_middles(find):
    (pixels,), (box,), _, _ = find(face(), margin=0.5)
    # The box of 80 x 120 at (140, 80) gets 20 and 30 pixels more on each side.
    assert box == "120 50 240 230"
    # The crop is 40 / 0.4 = 100 pixels wide, its middle 0.2 * 100 below the eyes; half
    # as large again it is 150 wide around the same middle, (180, 140).
    expected = resize(PHOTO[65:215, 105:255], 50).astype(int)
    assert np.abs(pixels - expected).max() <= 1  # from rounding


def test_a_margin_ends_at_the_picture(find):
    # The box of 80 x 120 at (-20, -20) is clipped on two sides only.
    assert find(face(20 + 20j), margin=0.5).boxes == ["0 0 80 130"]


def test_a_face_is_levelled_only_on_request(find):
    turned, upright = face(degrees=30), face()
    (level,) = find(turned).pixels
    (as_it_is,) = find(turned, level=False).pixels
    np.testing.assert_array_equal(level, crop(PHOTO, turned, FRAMING, 50))
    expected = crop(PHOTO, upright, FRAMING, 50).astype(int)
    # The same eyes, so the same crop of the upright photo, up to rounding.
    assert np.abs(as_it_is - expected).max() <= 2
    assert np.abs(level - expected).mean() > 20


def test_a_picture_that_is_a_crop_is_not_cut_again(find):
    # 100 x 100 pixels with the eyes 40 apart around (50, 30), as the framing says.
    photo = PHOTO[:100, :100]
    found = find(face(50 + 30j), photo=photo)
    np.testing.assert_array_equal(found.pixels[0], resize(photo, 50))
    assert found.boxes == ["10 0 90 100"]  # inside the picture


@pytest.mark.parametrize("settings", [{"detector": None}, {"framing": None}])
def test_without_detection_a_picture_is_one_region(find, settings):
    found = find(face(), **settings)
    np.testing.assert_array_equal(found.pixels, [resize(PHOTO, 50)])
    assert found[1:] == (["0 0 400 300"], [0.0], [(None, None)])


def test_a_picture_without_a_face_is_one_region_only_on_request(find):
    assert find() is None
    found = find(whole_if_none=True)
    np.testing.assert_array_equal(found.pixels, [resize(PHOTO, 50)])
    assert found[1:] == (["0 0 400 300"], [0.0], [(None, None)])
