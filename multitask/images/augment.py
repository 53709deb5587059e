"""How are training pictures augmented, so that none is shown twice alike?"""

from typing import Any

import numpy as np

from multitask.contracts.augmentation import Augmentation
from multitask.images.decode import Pixels
from multitask.images.resize import middle

_GEOMETRIC = ("flip", "rotate", "zoom", "shift", "shear")


def augment(
    images: Any, seed: Any, augmentation: Augmentation, size: int
) -> tuple[Any, Any]:
    """Augment a batch of uint8 images (batch, side, side, 3).

    Returns float32 images (batch, size, size, 3) in 0..255, crops near the centre of
    the pictures, and which of them were flipped, bool (batch,). The same `seed` (2,)
    gives the same result.
    """
    import tensorflow as tf

    seeds = tf.unstack(tf.random.split(seed, 3))
    images = tf.cast(images, tf.float32)
    images, flipped = _transform(images, seeds[0], augmentation, size)
    images = _adjust_colour(images, seeds[1], augmentation)
    if augmentation.erase:
        images = _erase(images, seeds[2], augmentation.erase)
    return tf.clip_by_value(images, 0.0, 255.0), flipped


def mix(inputs: Any, seed: Any, augmentation: Augmentation) -> tuple[Any, Any]:
    """Mix each of a float32 batch (batch, ...) with the one before it.

    Returns the mixed batch and the share (batch,) that each has of its own input.
    """
    import tensorflow as tf

    batch = tf.shape(inputs)[0]
    # Very small values may underflow to 0, in both rows at once.
    gammas = (
        tf.random.stateless_gamma((2, batch), _fold_in(seed), augmentation.mixup) + 1e-9
    )
    share = gammas[0] / (gammas[0] + gammas[1])
    own = tf.reshape(share, (-1, *[1] * (len(inputs.shape) - 1)))
    return own * inputs + (1.0 - own) * partner(inputs), share


def partner(values: Any) -> Any:
    """The values (batch, ...), such as labels, of what `mix` mixes each input with."""
    import tensorflow as tf

    return tf.roll(values, 1, axis=0)


def samples(
    pixels: Pixels, augmentation: Augmentation, size: int, count: int
) -> Pixels:
    """Pictures (pictures, side, side, 3) as they are and augmented `count` times.

    Returns uint8 (pictures, 1 + count, size, size, 3).
    """
    import tensorflow as tf

    versions = []
    for number in range(count):
        seed = tf.constant([number, 0], tf.int64)
        images, _ = augment(tf.constant(pixels), seed, augmentation, size)
        if augmentation.mixup:
            images, _ = mix(images, seed, augmentation)
        versions.append(images.numpy())
    grid = np.stack([middle(pixels, size), *versions], axis=1)
    return grid.round().astype(np.uint8)


def _uniform(batch: Any, seed: Any, count: int) -> list[Any]:
    """`count` independent vectors (batch,) in -1..1."""
    import tensorflow as tf

    return tf.unstack(  # type: ignore[no-any-return]
        tf.random.stateless_uniform((count, batch), seed, minval=-1.0, maxval=1.0)
    )


def _fold_in(seed: Any) -> Any:
    """Another seed, derived from this one."""
    import tensorflow as tf

    return tf.random.experimental.stateless_fold_in(seed, 1)


def _transform(
    images: Any, seed: Any, augmentation: Augmentation, size: int
) -> tuple[Any, Any]:
    """Flip, rotate, zoom, shift, shear and crop in one resampling.

    What lies beyond an edge repeats the edge's pixels.
    """
    import tensorflow as tf

    batch, width = tf.shape(images)[0], images.shape[1]
    angle, zoom, right, down, side = _uniform(batch, seed, 5)
    flipped = (side < 0) if augmentation.flip else tf.zeros_like(side, dtype=tf.bool)
    if not any(getattr(augmentation, name) for name in _GEOMETRIC):
        return middle(images, size), flipped
    scale = 1.0 + augmentation.zoom * zoom
    cos, sin = (f(augmentation.rotate * angle) * scale for f in (tf.cos, tf.sin))
    mirror = tf.where(flipped, -1.0, 1.0)
    a, b, d, e = cos * mirror, -sin, sin * mirror, cos
    if augmentation.shear:
        # A seed of its own, so that the other values are those drawn without shear.
        [slope] = _uniform(batch, _fold_in(seed), 1)
        b = b + cos * augmentation.shear * slope
        e = e + sin * augmentation.shear * slope
    # The matrix maps pixels of the result, centred, to pixels of the picture.
    to, start = (size - 1) / 2, (width - 1) / 2
    shift = augmentation.shift * width
    c = start - to * (a + b) + shift * right
    f = start - to * (d + e) + shift * down
    zero = tf.zeros_like(a)
    transformed = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, c, d, e, f, zero, zero], axis=1),
        output_shape=(size, size),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return transformed, flipped


def _adjust_colour(images: Any, seed: Any, augmentation: Augmentation) -> Any:
    """Change saturation, contrast and brightness."""
    import tensorflow as tf

    if augmentation.saturation:
        [change] = _uniform(tf.shape(images)[0], _fold_in(seed), 1)
        grey = tf.reduce_mean(images, axis=3, keepdims=True)
        factor = (1.0 + augmentation.saturation * change)[:, None, None, None]
        images = grey + (images - grey) * factor
    if not (augmentation.brightness or augmentation.contrast):
        return images
    light, contrast = (
        v[:, None, None, None] for v in _uniform(tf.shape(images)[0], seed, 2)
    )
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    # (x - mean) * c + mean + b, with one multiplication per pixel
    factor = 1.0 + augmentation.contrast * contrast
    return images * factor + (mean * (1.0 - factor) + augmentation.brightness * light)


def _erase(images: Any, seed: Any, probability: float) -> Any:
    """Fill a random rectangle with the picture's mean, in some of the pictures."""
    import tensorflow as tf

    batch, size = tf.shape(images)[0], images.shape[1]
    x, y, width, height, draw = (0.5 + v / 2 for v in _uniform(batch, seed, 5))
    positions = (tf.range(size, dtype=tf.float32)[None] + 0.5) / size  # (1, size)

    def span(center: Any, share: Any) -> Any:
        half = (0.15 + 0.3 * share)[:, None] / 2
        return tf.abs(positions - center[:, None]) < half  # (batch, size)

    inside = span(y, height)[:, :, None] & span(x, width)[:, None, :]
    inside &= (draw < probability)[:, None, None]
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return tf.where(inside[..., None], mean, images)
