"""Does the network resize pictures as Pillow does, to the pixel?"""

import keras
import numpy as np
import pytest

from multitask.images.decode import resize
from multitask.images.resize import middle
from multitask.images.resize import resize as resize_inside


def noise(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), np.uint8)


SIZES = [(24, 24), (25, 31), (1, 1), (3, 200), (97, 64), (480, 641), (16, 16)]


@pytest.mark.parametrize(
    "shape", [*SIZES, (7, 7), (48, 48), (73, 75), (100, 20), (20, 300), (2000, 1501)]
)
def test_the_network_resizes_as_pictures_are_resized_to_the_pixel(shape):
    image = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(image, resize_inside(image, 24))
    pixels = noise(*shape)
    there = np.asarray(model(pixels[None]))[0]
    assert there.dtype == np.float32
    np.testing.assert_array_equal(there, resize(pixels, 24).astype(np.float32))
    np.testing.assert_array_equal(model.predict(pixels[None], verbose=0)[0], there)


def test_the_middle_is_as_far_from_all_edges_and_may_be_shifted():
    pixels = noise(10, 10)[None]
    np.testing.assert_array_equal(middle(pixels, 6), pixels[:, 2:8, 2:8])
    np.testing.assert_array_equal(middle(pixels, 6, -1, 2), pixels[:, 1:7, 4:10])
