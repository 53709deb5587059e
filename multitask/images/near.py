"""Which pictures are near duplicates?"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import numpy.typing as npt
from PIL import Image

from multitask.images.decode import Pixels

NEAR = 4  # bits of 64 in which the hashes of near duplicates may differ
_BITS = 64

Hashes = npt.NDArray[np.uint64]


def phash(picture: Image.Image) -> int:
    """The 64-bit perceptual hash of a picture."""
    import imagehash

    bits = imagehash.phash(picture).hash
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")


def hashes(pixels: Iterable[Pixels]) -> Hashes:
    """The 64-bit perceptual hashes (pictures,) of pictures (height, width, 3)."""
    with ThreadPoolExecutor() as pool:
        values = pool.map(lambda picture: phash(Image.fromarray(picture)), pixels)
        return np.fromiter(values, np.uint64)


def near_links(hashes: Hashes) -> npt.NDArray[np.intp]:
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
