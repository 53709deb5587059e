"""Which pictures are near duplicates, as they are or in a mirror?

Training and audit see a picture through the same numbers: the 64 lowest frequencies of
a grey thumbnail of the decoded picture, whatever the size of the network's input. Their
signs give the hash by which near pictures are found; mirroring a picture negates half
of them; and their correlation tells whether two pictures with near hashes are one.
"""

import hashlib
from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageStat

NEAR = 4  # bits of 64 in which the hashes of near duplicates may differ
SAME = 0.975  # the least correlation of two pictures that are one
_BITS = 64
_SIDE, _LOWEST = 32, 8  # of the thumbnail, and the frequencies of each axis
_PRODUCTS = 2**20  # correlations computed at a time, which bounds the memory
# Standard deviations of 255 levels.
BLANK = 2.0  # of the most varied colour of a picture: a flatter one shows nothing
_EMPTY = 0.5  # of the thumbnail: in a flatter one there is little but rounding

Hashes = npt.NDArray[np.uint64]
Frequencies = npt.NDArray[np.float32]
Links = npt.NDArray[np.intp]

NOTHING: Frequencies = np.zeros(_BITS, np.float32)  # of a picture that can't be read


def _cosines() -> npt.NDArray[np.float64]:
    """The lowest rows (8, 32) of the orthonormal discrete cosine transform."""
    number, place = np.arange(_LOWEST)[:, None], np.arange(_SIDE)
    waves = np.cos(np.pi * number * (2 * place + 1) / (2 * _SIDE))
    return np.asarray(waves * np.where(number, 1, np.sqrt(0.5)) * np.sqrt(2 / _SIDE))


_COSINES = _cosines()
_MIRROR = np.tile(np.array([1, -1], np.float32), _BITS // 2)  # odd columns change sign
# SciPy's transform, whose signs make the usual hash, counts the first row and column
# more than the orthonormal one, whose products correlate thumbnails.
_EDGE = np.where(np.arange(_LOWEST), 1, np.sqrt(2))
_WEIGHTS = np.outer(_EDGE, _EDGE).ravel().astype(np.float32)


def spread(picture: Image.Image) -> float:
    """The standard deviation of a picture's most varied colour, in 255 levels."""
    return max(ImageStat.Stat(picture).stddev)


def frequencies(picture: Image.Image) -> Frequencies:
    """The 64 lowest frequencies of a grey thumbnail, 32 x 32, of an RGB picture.

    In a blank picture, or one whose thumbnail is empty, there is nothing to compare.
    Its frequencies are random numbers drawn from its pixels, so that it is near to
    those with equal pixels alone.
    """
    size, filter = (_SIDE, _SIDE), Image.Resampling.LANCZOS
    # Averaged to 64 pixels or more first, which takes half of the time, or a tenth.
    small = picture.resize(size, filter, reducing_gap=2.0).convert("L")
    thumbnail = np.asarray(small, np.float64)
    varied = thumbnail.std()
    # Only a flat thumbnail can be of a blank picture, whose pixels take time to count.
    if varied < _EMPTY or (varied < 2 * BLANK and spread(picture) < BLANK):
        digest = hashlib.blake2b(repr(picture.size).encode(), digest_size=16)
        digest.update(picture.tobytes())
        seed = int.from_bytes(digest.digest(), "big")
        return np.random.default_rng(seed).standard_normal(_BITS, np.float32)
    return (_COSINES @ thumbnail @ _COSINES.T).ravel().astype(np.float32)


class Seen:
    """The frequencies (pictures, 64) of pictures that are looked at one by one.

    Those of a picture that `look` was never called with are 0.
    """

    def __init__(self, count: int) -> None:
        self.frequencies = np.zeros((count, _BITS), np.float32)

    def look(self, index: int, picture: Image.Image) -> None:
        """Remember the frequencies of the picture at this index."""
        self.frequencies[index] = frequencies(picture)


def mirrored(frequencies: Frequencies) -> Frequencies:
    """The frequencies (..., 64) of the mirrored pictures."""
    return frequencies * _MIRROR


def perceptual_hashes(frequencies: Frequencies) -> Hashes:
    """The 64-bit perceptual hashes (pictures,) of frequencies (pictures, 64).

    A bit says whether a frequency is above the median (Zauner 2010), as `phash` of
    imagehash has it.
    """
    weighted = frequencies * _WEIGHTS
    bits = weighted > np.median(weighted, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def correlation(one: Frequencies, other: Frequencies) -> npt.NDArray[np.float32]:
    """How alike (pairs,) the thumbnails of two pictures are, from their frequencies.

    That is 1 for equal ones, whatever their brightness and contrast, and NaN for
    pictures without any.
    """
    one, other = one[:, 1:], other[:, 1:]  # the first is the brightness
    length = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    alike: npt.NDArray[np.float32] = np.full_like(length, np.nan)
    product = (one * other).sum(axis=1)
    np.divide(product, length, out=alike, where=length > 0)
    return alike


class Groups(NamedTuple):
    """Pictures grouped by equal hashes.

    `member` (pictures,) is the group of each picture, `first` (groups,) one picture of
    each group. `links` (links, 2) are the pairs of groups of which any two pictures are
    near, as they are or in a mirror.
    """

    member: Links
    first: Links
    links: Links


def group(hashes: Hashes, frequencies: Frequencies) -> Groups:
    """Group pictures by their `hashes` (pictures,), and link the groups.

    Two groups are linked if their hashes differ in at most 4 bits, or if the hash of
    one and that of a mirrored picture of the other do and the `frequencies` (pictures,
    64) of that and of a picture of the one correlate, too: of 238 pairs of UTKFace
    whose hashes are near in a mirror, 24 are one photo. Whichever pictures of the two
    groups do so: the order of the pictures does not matter.
    """
    distinct, first, member = np.unique(hashes, return_index=True, return_inverse=True)
    links = [near_links(distinct), _mirror_links(distinct, member, frequencies)]
    return Groups(member, first, np.concatenate(links))


def _mirror_links(distinct: Hashes, member: Links, frequencies: Frequencies) -> Links:
    """Pairs (links, 2) of groups that are near in a mirror only."""
    whole_rows = np.ascontiguousarray(frequencies).view(f"V{4 * _BITS}").ravel()
    rows = np.unique(whole_rows, return_index=True)[1]  # one of equal pictures
    rows = rows[np.argsort(member[rows], kind="stable")]
    upright, flipped = frequencies[rows], mirrored(frequencies[rows])
    member = member[rows]
    begin = np.searchsorted(member, np.arange(len(distinct) + 1))
    one, picture = _near_pairs(distinct, perceptual_hashes(flipped)).T
    far = np.bitwise_count(distinct[one] ^ distinct[member[picture]]) > NEAR
    one, picture = one[far], picture[far]
    order = np.lexsort((member[picture], one))
    one, picture = one[order], picture[order]
    upright, flipped = _directions(upright), _directions(flipped)
    ends = np.stack([one, member[picture]], axis=1)
    starts = np.flatnonzero(np.diff(ends, axis=0, prepend=-1).any(axis=1))
    links = [
        ends[start]
        for start, end in pairwise([*starts.tolist(), len(ends)])
        if _any_correlate(
            upright[begin[one[start]] : begin[one[start] + 1]],
            flipped[picture[start:end]],
        )
    ]
    pairs = np.array(links, np.intp).reshape(-1, 2)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _directions(frequencies: Frequencies) -> Frequencies:
    """Vectors (pictures, 63) of length 1, whose products are correlations."""
    vectors = frequencies[:, 1:]
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions: Frequencies = np.zeros_like(vectors)
    np.divide(vectors, length, out=directions, where=length > 0)
    return directions


def _any_correlate(ones: Frequencies, others: Frequencies) -> bool:
    """Whether any of `ones` correlates with any of `others`, both `_directions`."""
    step = _PRODUCTS // len(others) + 1
    return any(
        bool((ones[start : start + step] @ others.T >= SAME).any())
        for start in range(0, len(ones), step)
    )


def _near_pairs(hashes: Hashes, others: Hashes) -> Links:
    """All pairs (pairs, 2): an index of distinct `hashes`, and one of near `others`."""
    count = len(hashes)
    values, place = np.unique(np.concatenate([hashes, others]), return_inverse=True)
    near, same = near_links(values), np.arange(len(values))
    ends = np.concatenate([near, near[:, ::-1], np.stack([same, same], axis=1)])
    pairs = (
        pd.DataFrame(ends, columns=["value", "near"])
        .merge(pd.DataFrame({"value": place[:count], "one": np.arange(count)}))
        .merge(pd.DataFrame({"near": place[count:], "other": np.arange(len(others))}))
    )
    return pairs[["one", "other"]].to_numpy(np.intp)


def links(frequencies: Frequencies) -> Links:
    """Pairs of indices (links, 2) of pictures, by their `frequencies` (pictures, 64).

    They connect each picture with all of its near duplicates, mirrored ones too.
    """
    groups = group(perceptual_hashes(frequencies), frequencies)
    equal = groups.first[groups.member], np.arange(len(frequencies))
    chains = np.stack(equal, axis=1)[equal[0] != equal[1]]
    return np.concatenate([chains, groups.first[groups.links]])


def near_links(hashes: Hashes) -> Links:
    """Pairs of indices (links, 2) of `hashes` (pictures,) that differ in <= 4 bits.

    The links connect each picture with all of its near duplicates; those with equal
    hashes are linked in a chain rather than each with each.

    Hashes are split into 6 bands. If at most 4 bits differ, at least two bands are
    equal, so comparing only pictures that share two bands misses none and takes
    nearly linear time.

    >>> near_links(np.array([0, 2**63, 2**62 - 1, 7, 0], np.uint64)).tolist()
    [[0, 1], [0, 3], [0, 4], [1, 3]]
    """
    distinct, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    equal = np.flatnonzero(np.diff(inverse[order]) == 0)
    links = [np.stack([order[equal], order[equal + 1]], axis=1)]
    cuts = np.linspace(0, _BITS, NEAR + 3).astype(int)
    bands = [
        (distinct >> np.uint64(low)) & np.uint64(2 ** int(high - low) - 1)
        for low, high in zip(cuts[:-1], cuts[1:], strict=True)
    ]
    for one, other in combinations(range(len(bands)), 2):
        earlier = [bands[i] for i in range(other) if i != one]
        keys = bands[one] << np.uint64(32) | bands[other]
        pairs = _near_in_buckets(distinct, keys, earlier)
        links += [first[pair] for pair in pairs]
    ends = np.sort(np.concatenate(links), axis=1)
    return np.asarray(ends[np.lexsort((ends[:, 1], ends[:, 0]))], np.intp)


def _near_in_buckets(
    distinct: Hashes, keys: Hashes, earlier_bands: Sequence[Hashes]
) -> list[npt.NDArray[np.intp]]:
    """Links among hashes with equal keys: neighbours 1, 2, ... places apart.

    Pairs that also share one of the `earlier_bands` are left out: another pair of bands
    links them.
    """
    order = np.argsort(keys, kind="stable")
    ordered, links = keys[order], []
    for distance in range(1, len(order)):
        same = np.flatnonzero(ordered[distance:] == ordered[:-distance])
        if not len(same):
            break
        left, right = order[same], order[same + distance]
        near = np.bitwise_count(distinct[left] ^ distinct[right]) <= NEAR
        left, right = left[near], right[near]
        for band in earlier_bands:
            fresh = band[left] != band[right]
            left, right = left[fresh], right[fresh]
        links.append(np.stack([left, right], axis=1))
    return links
