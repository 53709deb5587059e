"""How does the network itself resize a picture exactly as Pillow does?

Training and `Analyzer.predict` resize pictures with Pillow, which is fastest. The saved
network takes raw pictures of any size, so it must do the same inside: the rounded
averages of `Image.reduce`, then Pillow's bilinear filter with its support widened when
shrinking, its fixed-point weights, and its rounding after each axis.

Pillow computes the weights in float64, which neither ONNX Runtime nor LiteRT support
everywhere. Here they are ratios of integers (int64), rounded exactly. All other values
are integers below 2^24 or such integers scaled by a power of two, hence exact in
float32, in any order and on any hardware. This holds for pictures up to 256 times the
target size; above, the last digit may differ.

Constants are NumPy arrays: TensorFlow would pass tensors into the graph as inputs,
which an exported ONNX file would then ask its user for.
"""

import math
from typing import Any

import numpy as np
from keras import ops

_ONE = 2.0**22  # as which Pillow stores a weight of 1
_LOW = 2.0**11  # a weight is multiplied in two parts of 11 bits
_SCALE = 2.0**-16  # of sums over a block, so that they stay below 256


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
    blocks, columns = blocks * _SCALE, ops.transpose(columns)
    # (2 size, height) x (batch, 3, height, width) x (width, 2 size)
    levels = _averaged(
        ops.matmul(ops.matmul(blocks, levels), columns),
        ops.sum(blocks, axis=1)[:, None] * ops.sum(columns, axis=0),
    )
    # (size, 2 size) x (batch, 3, 2 size, 2 size) -> (batch, 3, size, 2 size)
    high, low = _parts(down)
    levels = _rounded(ops.matmul(high, levels), ops.matmul(low, levels))
    # (batch, 3, size, 2 size) x (2 size, size) -> (batch, 3, size, size)
    high, low = _parts(ops.transpose(across))
    levels = _rounded(ops.matmul(levels, high), ops.matmul(levels, low))
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
    ones = ops.ones_like(line, dtype="float32")  # the length is known only at run time
    positions, length = ops.cumsum(ones) - 1.0, ops.sum(ones)
    # Halves keep quotients off whole numbers: optimizers replace divisions by products
    # with a rounded reciprocal.
    step = ops.maximum(ops.floor((length + 0.5) / size), 1.0)
    numbers = np.arange(2 * size, dtype="float32")
    block_of = ops.floor((positions + 0.5) / step)  # (length,)
    # Arithmetic rather than a comparison, as oneDNN rejects bool, too.
    blocks = 1.0 - ops.minimum(ops.absolute(block_of - numbers[:, None]), 1.0)
    exists = ops.clip(ops.max(block_of) + 1.0 - numbers, 0.0, 1.0)
    # In blocks, the last of which may be partial; like Pillow, in float32.
    return blocks, _weights(length / step, exists, size)


def _averaged(sums: Any, counts: Any) -> Any:
    """Averages from sums over `counts` pixels, rounded as `Image.reduce` does.

    Both are scaled by 2^-16. `Image.reduce` multiplies by floor(2^24 / count) out of
    2^24 instead of dividing: what that lacks to 1 / count may lower the quotient by 1.
    """
    counts = ops.maximum(counts, _SCALE)
    pixels = counts * 2.0**16
    lack = 1.0 - ops.floor(2.0**24 / pixels) * pixels * 2.0**-24
    sums = sums + ops.floor(pixels * 0.5) * _SCALE
    inverse = 1.0 / counts
    quotients = ops.floor(sums * inverse + inverse * (_SCALE / 2))
    remainders = sums - quotients * counts  # from 0 to 1
    return quotients + ops.floor(remainders - sums * lack)


def _weights(length: Any, exists: Any, size: int) -> Any:
    """The weights (size, 2 size) of Pillow's bilinear filter, as integers out of 2^22.

    `length` blocks, a fraction included, are resized to `size` pixels; `exists` is 1
    for each block that has pixels, else 0.
    """
    # Distances are integers if a block is 2 * size * unit long: above `size`, lengths
    # in float32 are multiples of 1 / unit, below they are whole.
    unit = 2 ** (23 - math.floor(math.log2(size)))
    length = ops.cast(length * unit, "int64")
    support = 2 * ops.maximum(length, size * unit)
    blocks = np.arange(1, 4 * size, 2, dtype="int64") * (size * unit)
    pixels = length * np.arange(1, 2 * size, 2, dtype="int64")[:, None]
    left, right = support + blocks - pixels, support - blocks + pixels
    heights = ops.maximum(ops.minimum(left, right), 0) * ops.cast(exists, "int64")
    total = ops.sum(heights, axis=1, keepdims=True)
    # The nearest integer to 2^22 * heights / total, estimated and then corrected by
    # the exact remainder; the estimate is off by a few units at most.
    nearest = ops.floor(_quotients(heights, total) * _ONE + 0.5)
    doubled = 2 * total
    excess = heights * int(2 * _ONE) + total - ops.cast(nearest, "int64") * doubled
    return nearest + ops.floor(_quotients(excess, doubled))


def _quotients(dividends: Any, divisors: Any) -> Any:
    """Quotients of integers in float32."""
    return ops.cast(dividends, "float32") / ops.cast(divisors, "float32")


def _parts(weights: Any) -> tuple[Any, Any]:
    """The higher and the lower 11 bits of weights, both in units of 2^11."""
    scaled = weights * (1 / _LOW)
    high = ops.floor(scaled)
    return high, scaled - high


def _rounded(high: Any, low: Any) -> Any:
    """Weighted sums of grey levels, rounded, from those by the parts of the weights."""
    one = _ONE / _LOW
    return ops.floor((high + ops.floor(low) + one / 2) * (1 / one))
