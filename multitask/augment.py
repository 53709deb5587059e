"""How are training pictures varied, so that no picture is seen twice alike?"""

from dataclasses import dataclass
from typing import Any

from multitask.errors import UserError, nearest
from multitask.resize import middle


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges of random change; 0 leaves a thing as it is.

    `rotate` in radians each way, `zoom` and `shift` as shares of the picture each way,
    `brightness` in grey levels each way, `contrast` as a share each way, `erase` the
    chance that a rectangle (15-45% of each side) is blanked out (Zhong et al. 2017,
    "Random Erasing Data Augmentation").
    """

    flip: bool = False
    rotate: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    erase: float = 0.0


PRESETS = {
    "none": Augmentation(),
    "flip": Augmentation(flip=True),
    "standard": Augmentation(
        flip=True,
        rotate=0.08,
        zoom=0.08,
        shift=0.06,
        brightness=32,
        contrast=0.25,
        erase=0.25,
    ),
}


def preset(name: str) -> Augmentation:
    """The augmentation of a name; UserError lists the names."""
    if name not in PRESETS:
        raise UserError("--augment", f"no preset {name!r}", nearest(name, PRESETS))
    return PRESETS[name]


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


def _uniform(batch: Any, seed: Any, count: int) -> list[Any]:
    """`count` independent vectors (batch,) in -1..1."""
    import tensorflow as tf

    return tf.unstack(  # type: ignore[no-any-return]
        tf.random.stateless_uniform((count, batch), seed, minval=-1.0, maxval=1.0)
    )


def _move(images: Any, seed: Any, how: Augmentation, size: int) -> tuple[Any, Any]:
    """Flip, rotate, zoom, shift and cut in one resampling; edges are continued."""
    import tensorflow as tf

    batch, width = tf.shape(images)[0], images.shape[1]
    angle, zoom, right, down, side = _uniform(batch, seed, 5)
    flipped = (side < 0) if how.flip else tf.zeros_like(side, dtype=tf.bool)
    if not (how.flip or how.rotate or how.zoom or how.shift):
        return middle(images, size), flipped
    scale = 1.0 + how.zoom * zoom
    cos, sin = (f(how.rotate * angle) * scale for f in (tf.cos, tf.sin))
    mirror = tf.where(flipped, -1.0, 1.0)
    a, b, d, e = cos * mirror, -sin, sin * mirror, cos
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
