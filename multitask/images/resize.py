"""How does the network itself resize a picture exactly as Pillow does?

Training and `Analyzer.predict` resize pictures with Pillow, which is fastest. The saved
network takes raw pictures of any size, so it must do the same inside, with plain
operations only: the rounded averages of `Image.reduce`, then Pillow's bilinear filter
with its support widened when shrinking, its fixed-point weights, and its rounding after
each axis. All sums are of integers below 2^24, so they are exact in float32, in any
order and on any hardware (for pictures up to 256 times the target size; above, the last
digit may differ).
"""

from collections.abc import Callable
from typing import Any

from keras import ops

_BITS = 22  # of a weight's fraction, as in Pillow
_PART = 8  # bits of a weight that are multiplied at a time


def resize(images: Any, size: int) -> Any:
    """Resize images (batch, height, width, 3) of integers to (batch, size, size, 3).

    Pixels equal those of `multitask.images.decode.resize`, but are float32.
    """
    # Stack channels rather than transpose: TensorFlow would move a transposition before
    # the cast, where oneDNN rejects uint8 on processors without AVX-512.
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
    """The centre crop (batch, size, size, 3) of pictures (batch, side, side, 3).

    `down` and `right` shift it by pixels.
    """
    start = (images.shape[1] - size) // 2
    top, left = start + down, start + right
    return images[:, top : top + size, left : left + size]


def _blocks_and_weights(line: Any, size: int) -> tuple[Any, Any]:
    """The blocks of pixels and their weights for one axis.

    `line` (length,) are the pixels along the axis. Returns blocks (2 size, length), 1
    where a pixel belongs to a block, else 0; a block has as many pixels as fit `size`
    times into the line, so that there are fewer than 2 size blocks. And the weights
    (size, 2 size) of the blocks, as integers out of 2^22.
    """
    ones = ops.ones_like(line, dtype="float64")  # the length is known only at run time
    positions, length = ops.cumsum(ones) - 1.0, ops.sum(ones)
    step = ops.maximum(ops.floor(length / size), 1.0)
    numbers = ops.arange(2 * size, dtype="float64")
    # Arithmetic rather than a comparison, as oneDNN rejects bool, too.
    distance = ops.absolute(ops.floor(positions / step) - numbers[:, None])
    blocks = 1.0 - ops.minimum(distance, 1.0)
    # Like Pillow, in float32: the length in blocks, the last of which may be partial.
    block_count = ops.cast(ops.cast(length / step, "float32"), "float64")
    weights = _weights(numbers, ops.ceil(length / step), block_count, size)
    return ops.cast(blocks, "float32"), weights


def _averaged(sums: Any, counts: Any) -> Any:
    """Averages from sums over `counts` pixels, rounded as `Image.reduce` does."""
    counts = ops.maximum(ops.cast(counts, "float64"), 1.0)
    sums = ops.cast(sums, "float64") + ops.floor(counts / 2.0)
    share = ops.floor(2.0**24 / counts)
    return ops.cast(ops.floor(sums * share / 2.0**24), "float32")


def _weights(blocks: Any, count: Any, length: Any, size: int) -> Any:
    """The weights (size, blocks) of Pillow's bilinear filter, as integers out of 2^22.

    Only the first `count` of the `blocks`, numbers from 0, exist, and `length` of them,
    a fraction included, are resized to `size` pixels.
    """
    scale = length / size
    support = ops.maximum(scale, 1.0)
    centers = (ops.arange(size, dtype="float64")[:, None] + 0.5) * scale  # (size, 1)
    first = ops.floor(ops.maximum(centers - support + 0.5, 0.0))
    end = ops.floor(ops.minimum(centers + support + 0.5, count))
    inside = (first <= blocks) & (end > blocks)
    distance = ops.absolute((centers - blocks - 0.5) * (1.0 / support))
    weights = ops.cast(inside, "float64") * ops.maximum(1.0 - distance, 0.0)
    weights = weights / ops.sum(weights, axis=1, keepdims=True)
    return ops.floor(weights * 2.0**_BITS + 0.5)


def _rounded(product: Callable[[Any], Any], weights: Any) -> Any:
    """Weighted sums of grey levels, rounded; `product` multiplies weights by levels.

    The weights are split into parts of 8 bits, lowest first, and what exceeds the 8
    bits of one part is carried to the next.
    """
    middle = ops.floor(weights / 2.0**_PART)
    high = ops.floor(middle / 2.0**_PART)
    parts = [weights - 2.0**_PART * middle, middle - 2.0**_PART * high, high]
    low, middle, high = (product(ops.cast(part, "float32")) for part in parts)
    middle = middle + ops.floor(low / 2.0**_PART)
    high = high + ops.floor(middle / 2.0**_PART)
    one = 2.0 ** (_BITS - 2 * _PART)
    return ops.clip(ops.floor((high + one / 2) / one), 0.0, 255.0)
