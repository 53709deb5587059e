"""How are training pictures varied, so that no picture is seen twice alike?"""

from typing import Any

import numpy as np

from multitask.contracts.augmentation import Augmentation
from multitask.images.decode import Pixels
from multitask.images.resize import middle


def augment(images: Any, seed: Any, how: Augmentation, size: int) -> tuple[Any, Any]:
    """Vary a batch (batch, side, side, 3) of uint8; the same `seed` (2,) varies alike.

    Returns float32 images (batch, size, size, 3) in 0..255, from about the middle of
    the pictures, and which of them were flipped: bool (batch,).
    """
    import tensorflow as tf

    seeds = tf.unstack(tf.random.split(seed, 3))
    images = tf.cast(images, tf.float32)
    images, flipped = _move(images, seeds[0], how, size)
    images = _relight(images, seeds[1], how)
    if how.erase:
        images = _erase(images, seeds[2], how.erase)
    return tf.clip_by_value(images, 0.0, 255.0), flipped


def mix(inputs: Any, seed: Any, how: Augmentation) -> tuple[Any, Any]:
    """Lay each of a batch (batch, ...), float32, over the one before it.

    Returns the batch and the share (batch,) that each has left of itself.
    """
    import tensorflow as tf

    batch = tf.shape(inputs)[0]
    # What is very small comes out as 0, and both may.
    lots = tf.random.stateless_gamma((2, batch), _fold_in(seed), how.mixup) + 1e-9
    share = lots[0] / (lots[0] + lots[1])
    own = tf.reshape(share, (-1, *[1] * (len(inputs.shape) - 1)))
    return own * inputs + (1.0 - own) * partner(inputs), share


def partner(of_each: Any) -> Any:
    """What that which each of a batch is mixed with has, such as its label."""
    import tensorflow as tf

    return tf.roll(of_each, 1, axis=0)


def samples(pixels: Pixels, how: Augmentation, size: int, count: int) -> Pixels:
    """Pictures (pictures, side, side, 3) as they are and `count` times varied.

    Returns uint8 (pictures, 1 + count, size, size, 3).
    """
    import tensorflow as tf

    ways = []
    for number in range(count):
        seed = tf.constant([number, 0], tf.int64)
        images, _ = augment(tf.constant(pixels), seed, how, size)
        ways.append(mix(images, seed, how)[0] if how.mixup else images)
    made = np.stack([middle(pixels, size), *(way.numpy() for way in ways)], axis=1)
    return made.round().astype(np.uint8)


def _uniform(batch: Any, seed: Any, count: int) -> list[Any]:
    """`count` independent vectors (batch,) in -1..1."""
    import tensorflow as tf

    return tf.unstack(  # type: ignore[no-any-return]
        tf.random.stateless_uniform((count, batch), seed, minval=-1.0, maxval=1.0)
    )


def _fold_in(seed: Any) -> Any:
    import tensorflow as tf

    return tf.random.experimental.stateless_fold_in(seed, 1)


def _move(images: Any, seed: Any, how: Augmentation, size: int) -> tuple[Any, Any]:
    """Flip, rotate, zoom, shift and cut in one resampling; edges are continued."""
    import tensorflow as tf

    batch, width = tf.shape(images)[0], images.shape[1]
    angle, zoom, right, down, side = _uniform(batch, seed, 5)
    flipped = (side < 0) if how.flip else tf.zeros_like(side, dtype=tf.bool)
    if not (how.flip or how.rotate or how.zoom or how.shift or how.shear):
        return middle(images, size), flipped
    scale = 1.0 + how.zoom * zoom
    cos, sin = (f(how.rotate * angle) * scale for f in (tf.cos, tf.sin))
    mirror = tf.where(flipped, -1.0, 1.0)
    a, b, d, e = cos * mirror, -sin, sin * mirror, cos
    if how.shear:
        # A stream of its own: the others are drawn as without it.
        [lot] = _uniform(batch, _fold_in(seed), 1)
        b, e = b + cos * how.shear * lot, e + sin * how.shear * lot
    # From places around the middle of the result to places in the picture.
    to, start = (size - 1) / 2, (width - 1) / 2
    shift = how.shift * width
    c = start - to * (a + b) + shift * right
    f = start - to * (d + e) + shift * down
    zero = tf.zeros_like(a)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, c, d, e, f, zero, zero], axis=1),
        output_shape=(size, size),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return moved, flipped


def _relight(images: Any, seed: Any, how: Augmentation) -> Any:
    import tensorflow as tf

    if how.saturation:
        [lot] = _uniform(tf.shape(images)[0], _fold_in(seed), 1)
        grey = tf.reduce_mean(images, axis=3, keepdims=True)
        factor = (1.0 + how.saturation * lot)[:, None, None, None]
        images = grey + (images - grey) * factor
    if not (how.brightness or how.contrast):
        return images
    light, contrast = (
        v[:, None, None, None] for v in _uniform(tf.shape(images)[0], seed, 2)
    )
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    # (x - mean) * c + mean + b, with one multiplication a pixel
    factor = 1.0 + how.contrast * contrast
    return images * factor + (mean * (1.0 - factor) + how.brightness * light)


def _erase(images: Any, seed: Any, chance: float) -> Any:
    import tensorflow as tf

    batch, size = tf.shape(images)[0], images.shape[1]
    x, y, width, height, lot = (0.5 + v / 2 for v in _uniform(batch, seed, 5))
    places = (tf.range(size, dtype=tf.float32)[None] + 0.5) / size  # (1, size)

    def span(center: Any, share: Any) -> Any:
        half = (0.15 + 0.3 * share)[:, None] / 2
        return tf.abs(places - center[:, None]) < half  # (batch, size)

    inside = span(y, height)[:, :, None] & span(x, width)[:, None, :]
    inside &= (lot < chance)[:, None, None]
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return tf.where(inside[..., None], mean, images)
