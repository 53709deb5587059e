"""Of which views of a picture does a frozen trunk compute features?"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import tensorflow as tf

from multitask.contracts.augmentation import Augmentation
from multitask.images.augment import augment
from multitask.images.decode import Pixels
from multitask.networks.spec import Crop

DIGEST_SIZE = 16  # bytes of the name of a view of a picture


@dataclass(frozen=True, kw_only=True)
class View(Crop):
    """One way to see a picture, randomly augmented unless `lot` is 0.

    Views with different lots are augmented differently. The `repr` of a view is part of
    the names of cached features.
    """

    lot: int = 0


def views(augmentation: Augmentation, count: int) -> tuple[View, ...]:
    """At most `count` different views, the first of the picture as it is.

    >>> from multitask.contracts.augmentation import parse_augmentation
    >>> [view.mirrored for view in views(parse_augmentation("flip"), 2)]
    [False, True]
    >>> len(views(parse_augmentation("none"), 9))
    1
    """
    mirrored = (False, True) if augmentation.flip else (False,)
    is_random = replace(augmentation, flip=False, mixup=0.0) != Augmentation()
    lots = range(count if is_random else 1)
    ordered = [View(mirrored=side, lot=lot) for lot, side in product(lots, mirrored)]
    return tuple(ordered[: max(1, count)])


def row_namer(picture: Pixels, augmentation: Augmentation) -> Callable[[View], bytes]:
    """A function from a view of the picture to the name of its row in the cache."""
    content = hashlib.blake2b(picture.tobytes(), digest_size=DIGEST_SIZE)

    def row_name(view: View) -> bytes:
        digest = content.copy()
        digest.update(repr((view, augmentation if view.lot else "")).encode())
        return digest.digest()

    return row_name


def view_seed(row_name: bytes, view: View) -> Any:
    """The seed (2,) of a view's own augmentation; None if it is not augmented."""
    if not view.lot:
        return None
    return tf.constant([0, int.from_bytes(row_name[:7], "little")], tf.int64)


def render(
    picture: Any, view: View, seed: Any, augmentation: Augmentation, size: int
) -> Any:
    """A view, float32 (1, size, size, 3), of a picture, uint8 (1, side, side, 3)."""
    if seed is None:
        return tf.cast(view.at(picture, size), tf.float32)
    if view.mirrored:
        picture = tf.reverse(picture, [2])
    return augment(picture, seed, replace(augmentation, flip=False), size)[0]


def samples(
    pixels: Pixels, augmentation: Augmentation, size: int, views: Sequence[View]
) -> Pixels:
    """Render views of pictures (pictures, side, side, 3) as features are computed of.

    Returns uint8 (pictures, views, size, size, 3).
    """
    rendered = []
    for picture in pixels:
        row_name = row_namer(picture, augmentation)
        seeds = [view_seed(row_name(view), view) for view in views]
        rendered.append(
            [
                render(picture[None], view, seed, augmentation, size)[0]
                for view, seed in zip(views, seeds, strict=True)
            ]
        )
    return np.asarray(rendered).round().astype(np.uint8)
