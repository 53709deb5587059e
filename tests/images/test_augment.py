"""Does the seed alone decide how pictures vary, within the ranges that are set?"""

import numpy as np
import pytest
import tensorflow as tf

from multitask.contracts.augmentation import PRESETS, Augmentation
from multitask.images.augment import augment, samples

SEED = (3, 14)


def noise(count=32, size=20):
    shape = (count, size, size, 3)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def augmented(images, augmentation, seed=SEED, size=None):
    size = size or images.shape[1]
    seed = tf.constant(seed, tf.int64)
    out, flipped = augment(tf.constant(images), seed, augmentation, size)
    assert out.dtype == tf.float32
    assert out.shape == (len(images), size, size, 3)
    return out.numpy(), flipped.numpy()


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "none"])
def test_the_seed_alone_decides(name):
    images, augmentation = noise(), PRESETS[name]
    first, flipped = augmented(images, augmentation)
    same, flipped_again = augmented(images, augmentation)
    np.testing.assert_array_equal(first, same)
    np.testing.assert_array_equal(flipped, flipped_again)
    assert not np.array_equal(first, augmented(images, augmentation, (3, 15))[0])
    assert not np.array_equal(first, augmented(images, augmentation, (4, 14))[0])


def test_none_returns_the_pictures():
    out, flipped = augmented(noise(), PRESETS["none"])
    np.testing.assert_array_equal(out, noise())
    assert not flipped.any()


@pytest.mark.parametrize("size", [20, 21])
def test_flip_mirrors_exactly_the_rows_it_names(size):
    images = noise(400, size)
    out, flipped = augmented(images, PRESETS["flip"])
    np.testing.assert_array_equal(out[flipped], images[flipped][:, :, ::-1])
    np.testing.assert_array_equal(out[~flipped], images[~flipped])
    # 400 fair coins: 200 heads, standard deviation 10; five of them each way.
    assert 150 <= flipped.sum() <= 250


@pytest.mark.parametrize("name", ["none", "flip"])
def test_what_is_not_moved_is_cut_from_the_middle(name):
    images = noise(64, 20)
    out, flipped = augmented(images, PRESETS[name], size=14)
    cut = images[:, 3:17, 3:17]
    np.testing.assert_array_equal(out[~flipped], cut[~flipped])
    np.testing.assert_array_equal(out[flipped], cut[flipped][:, :, ::-1])


def test_a_shift_brings_the_margin_in():
    images = np.zeros((64, 20, 20, 3), np.uint8)
    images[:, :3] = 255  # the margin above the middle 14 rows
    out, _ = augmented(images, Augmentation(shift=0.1), size=14)
    above = out[:, 0, 7, 0] > 0
    # 0.1 x 20 pixels each way: half of the pictures, 32 of 64, see some of it, with a
    # deviation of 4; none two rows deep.
    assert 12 <= above.sum() <= 52
    assert not out[:, 2].any()


@pytest.mark.parametrize(
    "augmentation", [PRESETS["standard"], Augmentation(brightness=200)]
)
def test_grey_levels_stay_within_0_and_255(augmentation):
    out, _ = augmented(noise(), augmentation)
    assert out.min() >= 0
    assert out.max() <= 255


def test_brightness_moves_all_levels_of_a_picture_alike():
    images = np.full((64, 8, 8, 3), 128, np.uint8)
    change = augmented(images, Augmentation(brightness=32))[0] - 128
    assert np.ptp(change, axis=(1, 2, 3)).max() < 1e-3
    change = change[:, 0, 0, 0]
    assert np.abs(change).max() <= 32
    # 64 draws, uniform in -32..32: that all lie on one side has a probability of 2^-63.
    assert change.min() < 0 < change.max()


def test_contrast_keeps_the_mean_and_scales_the_deviation_within_its_share():
    images = (noise() // 4 + 96).astype(np.uint8)  # 96..159, so that nothing is clipped
    out, _ = augmented(images, Augmentation(contrast=0.25))
    np.testing.assert_allclose(out.mean((1, 2, 3)), images.mean((1, 2, 3)), rtol=1e-5)
    factor = out.std((1, 2, 3)) / images.std((1, 2, 3))
    assert 0.75 <= factor.min() < 1 < factor.max() <= 1.25


def test_a_shift_moves_the_middle_by_at_most_its_share():
    images = np.zeros((64, 21, 21, 3), np.uint8)
    images[:, 10, 10] = 255
    out, _ = augmented(images, Augmentation(shift=0.2))
    mass = out[..., 0] / out[..., 0].sum((1, 2), keepdims=True)
    down, right = np.arange(21) @ mass.sum(2).T, np.arange(21) @ mass.sum(1).T
    for way in (down, right):
        assert np.abs(way - 10).max() <= 0.2 * 21 + 1e-3
        assert way.min() < 9 < 11 < way.max()


def test_a_rotation_keeps_the_middle_and_turns_by_at_most_its_angle():
    images = np.zeros((64, 21, 21, 3), np.uint8)
    images[:, 10, 10:19] = 255  # a hand from the middle to the right
    out, _ = augmented(images, Augmentation(rotate=0.3))
    np.testing.assert_allclose(out[:, 10, 10], 255, atol=1e-2)
    mass = out[..., 0]
    down = (mass * (np.arange(21) - 10)[None, :, None]).sum((1, 2))
    right = (mass * (np.arange(21) - 10)[None, None, :]).sum((1, 2))
    angle = np.arctan2(down, right)
    assert np.abs(angle).max() <= 0.3 + 0.05  # half a pixel in nine
    assert angle.min() < -0.1 < 0.1 < angle.max()


def test_erase_blanks_one_rectangle_of_15_to_45_percent_a_side():
    size = 40
    images = noise(200, size)
    out, _ = augmented(images, Augmentation(erase=0.5))
    changed = (out != images).any(axis=3)
    hit = changed.any(axis=(1, 2))
    # 200 coins: 100, standard deviation 7.1; five of them each way.
    assert 64 <= hit.sum() <= 136
    for picture, where, original in zip(
        out[hit], changed[hit], images[hit], strict=True
    ):
        rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
        block = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        np.testing.assert_allclose(block, original.mean(), rtol=1e-4)
        # 0.45 x 40 pixels; at an edge less of it is seen, so 15% bound only the
        # rectangles that lie inside.
        for side in (rows, columns):
            assert len(side) <= 0.45 * size + 1
            if side[0] > 0 and side[-1] < size - 1:
                assert len(side) >= 0.15 * size - 1


@pytest.mark.parametrize(
    "augmentation",
    [*PRESETS.values(), Augmentation(flip=True, erase=0.5, contrast=0.5)],
)
def test_mapped_equals_eager(augmentation):
    images = noise(8)
    data = tf.data.Dataset.from_tensors((images, tf.constant(SEED, tf.int64)))
    data = data.map(lambda x, seed: augment(x, seed, augmentation, 20))
    [(mapped, flipped)] = data.as_numpy_iterator()
    eager, flipped_eager = augmented(images, augmentation)
    np.testing.assert_allclose(mapped, eager, atol=1e-3)
    np.testing.assert_array_equal(flipped, flipped_eager)


def test_a_shear_moves_rows_by_their_distance_from_the_middle():
    images = np.zeros((64, 21, 21, 3), np.uint8)
    images[:, :, 10] = 255  # a line from top to bottom
    out, _ = augmented(images, Augmentation(shear=0.3))
    mass = out[..., 0] / out[..., 0].sum(2, keepdims=True)
    at = mass @ np.arange(21) - 10  # (pictures, rows)
    np.testing.assert_allclose(at[:, 10], 0, atol=1e-3)
    np.testing.assert_allclose(at[:, 4], -at[:, 16], atol=0.05)
    assert np.abs(at[:, 16]).max() <= 0.3 * 6 + 0.05
    assert at[:, 16].min() < -0.3 < 0.3 < at[:, 16].max()


def test_saturation_leaves_the_grey_of_a_pixel_and_scales_its_colour():
    images = (noise() // 4 + 96).astype(np.uint8)  # so that nothing is clipped
    out, _ = augmented(images, Augmentation(saturation=0.5))
    grey = images.mean(3, keepdims=True)
    np.testing.assert_allclose(out.mean(3, keepdims=True), grey, rtol=1e-4)
    factor = (out - grey).std((1, 2, 3)) / (images - grey).std((1, 2, 3))
    assert 0.5 <= factor.min() < 0.8 < 1.2 < factor.max() <= 1.5


def test_samples_are_the_pictures_and_several_augmented_versions():
    images = noise(3)
    grid = samples(images, PRESETS["standard"], 14, 2)
    assert grid.shape == (3, 3, 14, 14, 3)
    assert grid.dtype == np.uint8
    np.testing.assert_array_equal(grid[:, 0], images[:, 3:17, 3:17])
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (grid[:, one] != grid[:, other]).any(axis=(1, 2, 3)).all()
