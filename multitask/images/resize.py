"""How does the network itself resize a picture, just as Pillow does?

Training and inference shrink pictures with Pillow, the fastest at hand. The saved
network takes raw pictures of any size, so it must do the same inside, with nothing but
plain operations: the rounded averages of `Image.reduce`, then Pillow's bilinear filter
with its support widened when shrinking, its weights in fixed point, its rounding after
each axis. All sums are of whole numbers below 2^24, so they are exact in float32, in
whatever order and on whatever hardware (up to pictures 256 times the size asked for;
beyond that, last digits may round).
"""

from collections.abc import Callable
from typing import Any

from keras import ops

_BITS = 22  # of a weight's fraction, as in Pillow
_PART = 8  # bits of a weight that are multiplied at a time


def resize(images: Any, size: int) -> Any:
    """Resize whole grey levels (batch, height, width, 3) to (batch, size, size, 3).

    Equal to the pixel to `pictures.resize`; float32.
    """
    # Stacked channels, not a transposition: TensorFlow would move that before the cast,
    # where oneDNN complains of uint8 on processors without AVX-512.
    levels = ops.stack([images[..., i] for i in range(3)], axis=1)
    levels = ops.cast(levels, "float32")  # (batch, 3, height, width)
    blocks, down = _blocks_and_weights(images[0, :, 0, 0], size)
    columns, across = _blocks_and_weights(images[0, 0, :, 0], size)
    columns = ops.transpose(columns)
    # (2 size, height) x (batch, 3, height, width) x (width, 2 size)
    levels = _averaged(
        ops.matmul(ops.matmul(blocks, levels), columns),
        ops.sum(blocks, axis=1)[:, None] * ops.sum(columns, axis=0),
    )
    # (size, 2 size) x (batch, 3, 2 size, 2 size) -> (batch, 3, size, 2 size)
    levels = _rounded(lambda part: ops.matmul(part, levels), down)
    # (batch, 3, size, 2 size) x (2 size, size) -> (batch, 3, size, size)
    rows = levels
    levels = _rounded(lambda part: ops.matmul(rows, ops.transpose(part)), across)
    return ops.transpose(levels, (0, 2, 3, 1))


def middle(images: Any, size: int, down: int = 0, right: int = 0) -> Any:
    """The middle (batch, size, size, 3) of pictures (batch, side, side, 3).

    Or what lies some pixels down and right of it.
    """
    start = (images.shape[1] - size) // 2
    top, left = start + down, start + right
    return images[:, top : top + size, left : left + size]


def _blocks_and_weights(line: Any, size: int) -> tuple[Any, Any]:
    """How one axis shrinks, for a `line` (length,) of pixels along it.

    Returns which pixels make a block, 0 or 1 (2 size, length): as many as fit `size`
    times into the line, so that there are less than 2 size blocks; and weights
    (size, 2 size) of blocks, whole numbers out of 2^22.
    """
    ones = ops.ones_like(line, dtype="float64")  # its length is known only when run
    places, length = ops.cumsum(ones) - 1.0, ops.sum(ones)
    step = ops.maximum(ops.floor(length / size), 1.0)
    numbers = ops.arange(2 * size, dtype="float64")
    # 1 where the block is the number's, by arithmetic: oneDNN complains of bool, too.
    away = ops.absolute(ops.floor(places / step) - numbers[:, None])
    blocks = 1.0 - ops.minimum(away, 1.0)
    # Pillow takes the length in blocks, the last of which may not be whole, as float32.
    parts = ops.cast(ops.cast(length / step, "float32"), "float64")
    weights = _weights(numbers, ops.ceil(length / step), parts, size)
    return ops.cast(blocks, "float32"), weights


def _averaged(sums: Any, counts: Any) -> Any:
    """Sums over `counts` pixels to averages, rounded as `Image.reduce` does."""
    counts = ops.maximum(ops.cast(counts, "float64"), 1.0)
    sums = ops.cast(sums, "float64") + ops.floor(counts / 2.0)
    share = ops.floor(2.0**24 / counts)
    return ops.cast(ops.floor(sums * share / 2.0**24), "float32")


def _weights(places: Any, count: Any, length: Any, size: int) -> Any:
    """Weights (size, places) as whole numbers out of 2^22.

    Of the places the first `count` are there, and `length` of them are resized.
    """
    scale = length / size
    support = ops.maximum(scale, 1.0)
    centers = (ops.arange(size, dtype="float64")[:, None] + 0.5) * scale  # (size, 1)
    first = ops.floor(ops.maximum(centers - support + 0.5, 0.0))
    end = ops.floor(ops.minimum(centers + support + 0.5, count))
    inside = (first <= places) & (end > places)
    distance = ops.absolute((centers - places - 0.5) * (1.0 / support))
    weights = ops.cast(inside, "float64") * ops.maximum(1.0 - distance, 0.0)
    weights = weights / ops.sum(weights, axis=1, keepdims=True)
    return ops.floor(weights * 2.0**_BITS + 0.5)


def _rounded(product: Callable[[Any], Any], weights: Any) -> Any:
    """Weighted sums of grey levels, by their `product` with the weights, rounded.

    The weights are taken in parts of 8 bits, lowest first, and what a part leaves
    over its 8 bits is carried to the next.
    """
    middle = ops.floor(weights / 2.0**_PART)
    high = ops.floor(middle / 2.0**_PART)
    parts = [weights - 2.0**_PART * middle, middle - 2.0**_PART * high, high]
    low, middle, high = (product(ops.cast(part, "float32")) for part in parts)
    middle = middle + ops.floor(low / 2.0**_PART)
    high = high + ops.floor(middle / 2.0**_PART)
    one = 2.0 ** (_BITS - 2 * _PART)
    return ops.clip(ops.floor((high + one / 2) / one), 0.0, 255.0)
