"""Which views of a picture does a frozen trunk give its features of?"""

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

_DIGEST = 16  # bytes that stand for a view of a picture


@dataclass(frozen=True, kw_only=True)
class View(Crop):
    """One way to look at a picture, varied by lot unless that is 0."""

    lot: int = 0


def views(how: Augmentation, count: int) -> tuple[View, ...]:
    """So many different views, the first of the picture as it is.

    >>> from multitask.images.augment import parse_augmentation
    >>> [view.mirrored for view in views(parse_augmentation("flip"), 2)]
    [False, True]
    >>> len(views(parse_augmentation("none"), 9))
    1
    """
    sides = (False, True) if how.flip else (False,)
    varies = replace(how, flip=False, mixup=0.0) != Augmentation()
    lots = range(count if varies else 1)
    found = [View(mirrored=side, lot=lot) for lot, side in product(lots, sides)]
    return tuple(found[: max(1, count)])


def _row_name(picture: Pixels, how: Augmentation) -> Callable[[View], bytes]:
    """What the features of a picture's views are found by."""
    content = hashlib.blake2b(picture.tobytes(), digest_size=_DIGEST)

    def name(look: View) -> bytes:
        whole = content.copy()
        whole.update(repr((look, how if look.lot else "")).encode())
        return whole.digest()

    return name


def _seed_of(name: bytes, view: View) -> Any:
    """The seed (2,) that a view is varied by, each by its own; None if it is not."""
    if not view.lot:
        return None
    return tf.constant([0, int.from_bytes(name[:7], "little")], tf.int64)


def _render(picture: Any, view: View, lot: Any, how: Augmentation, size: int) -> Any:
    """A picture (1, side, side, 3), uint8, as a view of it (1, size, size, 3)."""
    if lot is None:
        return tf.cast(view.at(picture, size), tf.float32)
    if view.mirrored:
        picture = tf.reverse(picture, [2])
    return augment(picture, lot, replace(how, flip=False), size)[0]


def samples(
    pixels: Pixels, how: Augmentation, size: int, looks: Sequence[View]
) -> Pixels:
    """Pictures (pictures, side, side, 3) in the views that features are kept of.

    Returns uint8 (pictures, looks, size, size, 3).
    """
    made = [
        [
            _render(picture[None], look, _seed_of(name(look), look), how, size)[0]
            for look in looks
        ]
        for picture in pixels
        for name in [_row_name(picture, how)]
    ]
    return np.asarray(made).round().astype(np.uint8)
