"""Are all near duplicates linked, mirrored ones too, and nothing else?"""

import time
from io import BytesIO
from itertools import combinations, permutations

import imagehash
import numpy as np
import pytest
from PIL import Image

from multitask.images.decode import decode_all
from multitask.images.near import (
    _WEIGHTS,
    BLANK,
    SAME,
    correlation,
    frequencies,
    group,
    links,
    mirrored,
    near_links,
    perceptual_hashes,
    spread,
)


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


def seen(pictures):
    """The frequencies (pictures, 64) of arrays."""
    found = [frequencies(Image.fromarray(picture)) for picture in pictures]
    return np.array(found, np.float32).reshape(-1, 64)


def hashes(pictures):
    return perceptual_hashes(seen(pictures))


def flipped(pixels):
    return np.ascontiguousarray(pixels[:, ::-1])


def linked(pictures):
    return sorted(map(tuple, np.sort(links(seen(pictures)), axis=1).tolist()))


def test_hashes_are_those_of_imagehash():
    for pixels in scenes(30, 32):  # which no side resizes
        bits = imagehash.phash(Image.fromarray(pixels)).hash
        expected = int.from_bytes(np.packbits(bits).tobytes(), "big")
        assert int(hashes([pixels])[0]) == expected


def test_correlations_are_those_of_thumbnails_without_their_finest_detail():
    one, other = scenes(2, 32)
    blend = (0.8 * one + 0.2 * other).astype(np.uint8)
    found = correlation(seen([one]), seen([blend]))[0]
    grey = [np.asarray(Image.fromarray(p).convert("L")).ravel() for p in (one, blend)]
    # 9 cells a side of which 8 frequencies are seen: nearly all there is.
    assert found == pytest.approx(np.corrcoef(grey)[0, 1], abs=0.01)
    assert 0.9 < found < 1
    assert np.isnan(correlation(np.zeros((1, 64), np.float32), seen([one])))


def test_the_frequencies_of_a_mirrored_picture_follow_from_its_own():
    pictures = list(scenes(20, 90))
    found = seen(map(flipped, pictures))
    np.testing.assert_allclose(found, mirrored(seen(pictures)), atol=5)
    assert np.abs(found).max() > 500


def test_a_mirrored_copy_is_linked_however_it_was_saved():
    pictures = list(scenes(20, 90))
    small = [
        np.asarray(Image.fromarray(flipped(saved_again(p))).resize((61, 64)))
        for p in pictures
    ]
    assert linked(pictures + small) == [(i, 20 + i) for i in range(20)]


def test_near_hashes_in_a_mirror_are_no_pair_if_the_pictures_do_not_correlate():
    # A cube keeps what lies above the median, so the hashes are equal. Normal numbers
    # and their cubes correlate by 3 / sqrt(15) = 0.77.
    one = np.random.default_rng(0).standard_normal((1, 64)).astype(np.float32)
    other = mirrored(one**3)
    assert perceptual_hashes(one) == perceptual_hashes(mirrored(other))
    assert links(np.concatenate([one, other])).shape == (0, 2)
    assert links(np.concatenate([one, mirrored(one)])).tolist() == [[0, 1]]


def skewed():
    """Frequencies of a picture, and of another with equal hashes in both directions."""
    one = np.random.default_rng(7).standard_normal(64).astype(np.float32)
    return one, one**3


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_mirrored_copy_is_linked_in_whichever_order_the_pictures_are(order):
    one, cubed = skewed()
    values = np.array([one, cubed, mirrored(one)])[list(order)]
    first, second, copy = (order.index(i) for i in range(3))
    groups = group(perceptual_hashes(values), values)
    assert groups.member[first] == groups.member[second] != groups.member[copy]
    assert len(groups.links) == 1
    assert len(set(components(3, links(values)))) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_the_mirror_of_each_of_equal_hashes_is_sought(order):
    # The median of a mirrored picture lies elsewhere, so that of pictures with equal
    # hashes those in a mirror can differ.
    rng = np.random.default_rng(1)
    one = rng.standard_normal(64).astype(np.float32)
    upper = one * _WEIGHTS > np.median(one * _WEIGHTS)
    other = np.where(upper, one + 9 / _WEIGHTS, one).astype(np.float32)
    other[0] = one[0]
    values = np.array([other, one, mirrored(one)])[::order]
    upright, turned = perceptual_hashes(values), perceptual_hashes(mirrored(values))
    assert upright[0 if order > 0 else 2] == upright[1]
    assert bits_apart(*turned[:2] if order > 0 else turned[1:]) > 4
    assert len(set(components(3, links(values)))) == 1


def test_many_copies_with_equal_hashes_are_linked_as_fast_as_few():
    one, cubed = skewed()
    noise = np.random.default_rng(2).standard_normal((6000, 64)).astype(np.float32)
    several = np.repeat([one, mirrored(cubed)], 3000, axis=0) * (1 + noise * 1e-6)
    equal = np.repeat([one, mirrored(one)], 50_000, axis=0)
    start = time.process_time()
    for pictures, expected in ((several, 0), (equal, 1)):
        found = group(perceptual_hashes(pictures), pictures)
        assert (found.member.max(), len(found.links)) == (1, expected)
    assert time.process_time() - start < 5


def test_a_picture_that_is_its_own_mirror_image_makes_no_odd_pair():
    halves = [p[:, :45] for p in scenes(10, 90)]
    whole = [np.concatenate([half, flipped(half)], axis=1) for half in halves]
    assert linked(whole) == []
    assert linked([*whole, *whole]) == [(i, 10 + i) for i in range(10)]
    # Equal in a mirror and as it is, it is one pair, not two.
    groups = group(hashes(whole), seen(whole))
    assert len(groups.first) == 10


def test_blank_pictures_are_linked_only_if_all_their_pixels_are_equal():
    flat = [np.full((40, 40, 3), level, np.uint8) for level in (255, 128, 255)]
    noisy = flat[1].copy()
    noisy[3, 3] += 1
    assert linked([*flat, noisy, flat[0][:30]]) == [(0, 2)]


@pytest.mark.parametrize(("share", "is_linked"), [(0.05, True), (0.025, False)])
def test_a_dark_picture_is_linked_to_its_copy_unless_it_is_blank(share, is_linked):
    [pixels] = scenes(1, 160)
    dark = (pixels * share).round().astype(np.uint8)
    assert (spread(Image.fromarray(dark)) >= BLANK) == is_linked
    grey = np.asarray(Image.fromarray(dark).convert("L"))
    assert 0.5 < grey.std() < 2.5
    copies = [dark, saved_again(dark, 95)]
    assert linked(copies) == [(0, 1)] * is_linked
    assert linked([dark, dark]) == [(0, 1)]


def test_texture_that_a_thumbnail_averages_away_is_linked_only_to_equal_pixels():
    rng = np.random.default_rng(3)
    noise = [rng.choice([90, 110], (640, 640, 1)).repeat(3, 2) for _ in range(2)]
    papers = [np.asarray(pixels, np.uint8) for pixels in noise]
    assert spread(Image.fromarray(papers[0])) > 5 * BLANK / 2
    assert linked([*papers, papers[1]]) == [(1, 2)]


def test_groups_link_what_comparing_each_with_each_finds():
    rng = np.random.default_rng(2)
    base = rng.standard_normal((120, 64), np.float32)
    noise = rng.standard_normal((120, 64)) * rng.uniform(0, 0.3, (120, 1))
    turned = np.where(rng.random((120, 1)) < 0.5, mirrored(base), base) + noise
    values = np.concatenate([base, turned]).astype(np.float32)
    upright, reflected = (perceptual_hashes(v) for v in (values, mirrored(values)))
    near = np.bitwise_count(upright[:, None] ^ upright[None]) <= 4
    turned_near = np.bitwise_count(upright[:, None] ^ reflected[None]) <= 4
    alike = np.array([correlation(values, mirrored(v[None])) for v in values]) >= SAME
    either = near | (turned_near & alike) | (turned_near & alike).T
    expected = {(i, j) for i, j in np.argwhere(either).tolist() if i < j}
    mirrors = [pair for pair in expected if not near[pair]]
    assert len(mirrors) > 20
    assert len(expected) - len(mirrors) > 20
    assert (turned_near & ~alike).sum() > 0  # near in a mirror, but no pair
    member, *_, between = group(upright, values)
    linked = np.eye(member.max() + 1, dtype=bool)
    linked[tuple(between.T)] = True
    found = np.argwhere((linked | linked.T)[member][:, member])
    assert {(i, j) for i, j in found.tolist() if i < j} == expected
    assert len(between) == len(np.unique(np.sort(between, axis=1), axis=0))


def test_what_is_seen_is_the_box_in_full_size_whatever_the_network_sees():
    [pixels] = scenes(1, 100)
    looks: dict[int, Image.Image] = {}
    for size, margin in ((8, 0.0), (64, 0.5)):
        [(_, shown)] = decode_all(
            [pixels], size, ["20 20 70 80"], margin, looks.__setitem__
        )
        assert np.shape(shown) == (size, size, 3)
        np.testing.assert_array_equal(np.asarray(looks.pop(0)), pixels[20:80, 20:70])


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
    assert linked([]) == []


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
