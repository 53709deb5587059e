"""Does the network resize pictures as Pillow does, to the pixel?"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from multitask.images.decode import resize
from multitask.images.resize import _averaged, _blocks_and_weights, middle
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


def pillow_weights(length, size):
    """The weights (size, 2 size) that Pillow computes in float64 (Resample.c).

    `length` pixels were reduced to blocks first, the last of which may be partial.
    """
    step = max(1, length // size)
    scale = float(np.float32(length / step)) / size
    support = max(scale, 1.0)
    centers = (np.arange(size) + 0.5) * scale
    first = np.maximum(np.trunc(centers - support + 0.5), 0)
    end = np.minimum(np.trunc(centers + support + 0.5), -(-length // step))
    rows, sums = np.arange(size), np.zeros(size)
    weights = np.zeros((size, 2 * size + 8))
    for tap in range(2 * int(np.ceil(support)) + 1):
        blocks = first + tap
        distance = np.abs((blocks - centers + 0.5) * (1.0 / support))
        weight = np.where((distance < 1.0) & (blocks < end), 1.0 - distance, 0.0)
        weights[rows, blocks.astype(int)] = weight
        sums += weight
    return np.trunc(0.5 + weights / sums[:, None] * (1 << 22))[:, : 2 * size]


def assert_weights(size, lengths):
    signature = [tf.TensorSpec((None,), tf.uint8)]
    compute = tf.function(lambda line: _blocks_and_weights(line, size), signature)
    for length in lengths:
        blocks, weights = compute(tf.zeros((length,), tf.uint8))
        block_of = np.arange(length) // max(1, length // size)
        numbers = np.arange(2 * size)[:, None]
        np.testing.assert_array_equal(blocks, block_of == numbers)
        np.testing.assert_array_equal(
            weights, pillow_weights(length, size), f"{length} pixels to {size}"
        )


def test_weights_are_those_of_pillow_to_the_last_bit():
    assert_weights(24, range(1, 200))
    assert_weights(72, [1, 71, 72, 73, 143, 144, 145, 200, 217, 1999, 3000, 4000])


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 72, 96, 112, 224, 252])
def test_weights_are_those_of_pillow_for_all_lengths(size):
    assert_weights(size, [*range(1, 1000), *range(1000, 4001, 7)])


@pytest.mark.parametrize("count", [1, 2, 3, 97, 256, 257, 3025, 65_536])
def test_averages_are_those_of_image_reduce(count):
    """Pillow: (sum + count // 2) * (2^24 // count) >> 24 (Reduce.c)."""
    sums = np.unique(np.linspace(0, 255 * count, 50_000).astype(np.int64))
    # Where the quotient steps, too.
    steps = np.arange(1, 255)[:, None] * count - count // 2 + np.arange(-2, 3)
    sums = np.union1d(sums, steps.clip(0, 255 * count))
    scale = np.float32(2**-16)
    averages = _averaged(
        tf.constant(sums.astype(np.float32) * scale), tf.constant(count * scale)
    )
    expected = ((sums + count // 2) * (2**24 // count)) >> 24
    np.testing.assert_array_equal(averages, expected)


def test_the_middle_is_as_far_from_all_edges_and_may_be_shifted():
    pixels = noise(10, 10)[None]
    np.testing.assert_array_equal(middle(pixels, 6), pixels[:, 2:8, 2:8])
    np.testing.assert_array_equal(middle(pixels, 6, -1, 2), pixels[:, 1:7, 4:10])
