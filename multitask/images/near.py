"""Which pictures are nearly the same?"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import numpy.typing as npt
from PIL import Image

from multitask.images.decode import Pixels

NEAR = 4  # bits of 64 by which the hashes of near-identical pictures may differ


_BITS = 64


Hashes = npt.NDArray[np.uint64]


def phash(picture: Image.Image) -> int:
    """The perceptual hash of a picture, 64 bits."""
    import imagehash

    bits = imagehash.phash(picture).hash
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")


def hashes(pixels: Iterable[Pixels]) -> Hashes:
    """Perceptual hashes (pictures,) of pictures (height, width, 3), 64 bits each."""
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda picture: phash(Image.fromarray(picture)), pixels)
        return np.fromiter(found, np.uint64)


def near_links(found: Hashes) -> npt.NDArray[np.intp]:
    """Link (links, 2) pictures whose hashes differ in at most 4 of 64 bits.

    Following the links leads from each picture to all that are near; equal ones are
    linked in a chain, not each with each. Hashes are cut into 6 bands. With at most 4
    bits changed, two bands at least are equal, so only pictures that share two bands
    are compared: nothing is missed, in nearly linear time.

    >>> near_links(np.array([0, 2**63, 2**62 - 1, 7, 0], np.uint64)).tolist()
    [[0, 1], [0, 3], [0, 4], [1, 3]]
    """
    distinct, first, place = np.unique(found, return_index=True, return_inverse=True)
    order = np.argsort(place, kind="stable")
    equal = np.flatnonzero(np.diff(place[order]) == 0)
    links = [np.stack([order[equal], order[equal + 1]], axis=1)]
    cuts = np.linspace(0, _BITS, NEAR + 3).astype(int)
    bands = [
        (distinct >> np.uint64(low)) & np.uint64(2 ** int(high - low) - 1)
        for low, high in zip(cuts[:-1], cuts[1:], strict=True)
    ]
    for one, other in combinations(range(len(bands)), 2):
        before = [bands[i] for i in range(other) if i != one]
        keys = bands[one] << np.uint64(32) | bands[other]
        pairs = _near_in_buckets(distinct, keys, before)
        links += [first[pair] for pair in pairs]
    found = np.sort(np.concatenate(links), axis=1)
    return np.asarray(found[np.lexsort((found[:, 1], found[:, 0]))], np.intp)


def _near_in_buckets(
    distinct: Hashes, keys: Hashes, before: Sequence[Hashes]
) -> list[npt.NDArray[np.intp]]:
    """Links among those with equal keys: neighbours 1, 2, ... places apart.

    Those with an equal band `before` were found by that band already.
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
        for band in before:
            fresh = band[left] != band[right]
            left, right = left[fresh], right[fresh]
        links.append(np.stack([left, right], axis=1))
    return links
