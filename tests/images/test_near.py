"""Are all near duplicates linked, and nothing else?"""

import time
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from multitask.images.near import hashes, near_links


def scenes(count, size=72):
    rng = np.random.default_rng(0)
    for _ in range(count):
        small = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
        yield np.asarray(small.resize((size, size), Image.Resampling.BICUBIC))


def saved_again(pixels, quality=75):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def bits_apart(one, other):
    return np.bitwise_count(one ^ other)


def test_saving_a_picture_again_leaves_its_hash_near():
    pictures = list(scenes(50))
    values = hashes(pictures)
    assert values.dtype == np.uint64
    assert (bits_apart(values, hashes(map(saved_again, pictures))) <= 4).all()
    lighter = [np.clip(p.astype(int) + 10, 0, 255).astype(np.uint8) for p in pictures]
    assert np.mean(bits_apart(values, hashes(lighter)) <= 4) > 0.9


def test_different_pictures_have_distant_hashes():
    values = hashes(scenes(50))
    distances = [bits_apart(a, b) for a, b in combinations(values, 2)]
    # Half of the bits of two unrelated pictures differ, by 32 of 64.
    assert 28 < np.mean(distances) < 36
    assert min(distances) > 4


def test_hashes_of_nothing_are_none():
    assert hashes([]).shape == (0,)


def changed(numbers, bits, rng):
    """Each number with `bits` of its bits flipped."""
    for place, number in enumerate(numbers):
        flipped = rng.choice(64, size=bits[place], replace=False).astype(np.uint64)
        yield number ^ np.bitwise_or.reduce(
            np.uint64(1) << flipped, initial=np.uint64(0)
        )


@pytest.fixture(scope="module")
def mixed_hashes():
    """3,000 hashes, of which half are others with 0 to 7 bits changed."""
    rng = np.random.default_rng(3)
    base = rng.integers(0, 2**64, 1500, dtype=np.uint64)
    near = np.array(list(changed(base, rng.integers(0, 8, 1500), rng)), np.uint64)
    return rng.permutation(np.concatenate([base, near]))


def components(count, links):
    """Numbers of connected components by a plain union-find."""
    root = list(range(count))

    def top(i):
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for one, other in links:
        root[top(one)] = top(other)
    return [top(i) for i in range(count)]


def brute_links(values):
    distance = np.bitwise_count(values[:, None] ^ values[None])
    return [(i, j) for i, j in np.argwhere(distance <= 4) if i < j]


def together(numbers):
    """Which rows share a number, whatever the number is."""
    sets: dict[int, list[int]] = {}
    for row, number in enumerate(numbers):
        sets.setdefault(int(number), []).append(row)
    return sorted(sets.values())


def test_near_links_are_those_of_comparing_each_with_each(mixed_hashes):
    expected = brute_links(mixed_hashes)
    # 1,500 x 5/8 changed by 0 to 4 bits, deviation 19
    assert 850 < len(expected) < 1025
    links = near_links(mixed_hashes)
    assert (links[:, 0] < links[:, 1]).all()
    # All hashes differ but by the changes, so a link is one pair and none is chained.
    assert sorted(map(tuple, links)) == sorted(expected)


def test_following_links_among_equal_hashes_reaches_all_that_are_near():
    rng = np.random.default_rng(4)
    base = rng.integers(0, 2**64, 20, dtype=np.uint64)
    values = rng.choice(base, 400)  # each about 20 times
    values[::7] ^= np.uint64(5)
    expected = components(400, brute_links(values))
    links = near_links(values)
    assert together(components(400, links)) == together(expected)
    assert len(links) < 1000  # comparing each with each, it would be near 4,000


@pytest.mark.parametrize("count", [0, 1])
def test_few_hashes_have_no_links(count):
    assert near_links(np.zeros(count, np.uint64)).shape == (0, 2)


@pytest.mark.slow
def test_200_000_hashes_are_linked_in_a_minute():
    rng = np.random.default_rng(5)
    base = rng.integers(0, 2**64, 190_000, dtype=np.uint64)
    near = list(changed(base[:10_000], np.full(10_000, 4), rng))
    values = np.concatenate([base, np.array(near, np.uint64)])
    start = time.perf_counter()
    links = near_links(values)
    assert time.perf_counter() - start < 60
    expected = {(i, 190_000 + i) for i in range(10_000)}
    assert expected <= set(map(tuple, links.tolist()))
