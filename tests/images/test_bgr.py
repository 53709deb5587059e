"""Are arrays read as OpenCV and DeepFace read them: blue first, in any number type?"""

import numpy as np
import pytest

from multitask.images.bgr import to_rgb
from multitask.images.decode import PictureError

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (5, 7, 3), np.uint8)
ALPHA = RNG.integers(0, 256, (5, 7, 1), np.uint8)


def test_an_array_is_what_opencv_writes(tmp_path):
    cv2 = pytest.importorskip("cv2", reason="needs the extra haar")
    from PIL import Image

    path = tmp_path / "a.png"
    for pixels in (RGB, np.concatenate([RGB, ALPHA], axis=2), RGB[..., 0]):
        Image.fromarray(pixels).save(path)
        read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(to_rgb(read), pixels)


def test_channels_are_turned_but_not_alpha():
    np.testing.assert_array_equal(to_rgb(RGB[..., ::-1]), RGB)
    four = np.concatenate([RGB[..., ::-1], ALPHA], axis=2)
    np.testing.assert_array_equal(to_rgb(four)[..., :3], RGB)
    np.testing.assert_array_equal(to_rgb(four)[..., 3:], ALPHA)


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.float32, np.float64])
def test_numbers_from_0_to_255_are_the_same_in_every_type(dtype):
    np.testing.assert_array_equal(to_rgb(RGB[..., ::-1].astype(dtype)), RGB)


def test_floats_up_to_1_are_shares_of_255():
    np.testing.assert_array_equal(to_rgb(RGB[..., ::-1] / 255), RGB)


def test_whole_numbers_up_to_1_are_no_shares():
    assert to_rgb(np.ones((2, 2, 3), np.int32)).max() == 1


@pytest.mark.parametrize("wrong", [-1.0, 255.5, np.nan, np.inf])
def test_other_numbers_are_refused(wrong):
    array = RGB.astype(float)
    array[2, 3, 1] = wrong
    with pytest.raises(PictureError, match="must be from 0 to 255"):
        to_rgb(array)


def test_what_holds_no_numbers_is_refused():
    with pytest.raises(PictureError, match="array of bool"):
        to_rgb(RGB > 9)
