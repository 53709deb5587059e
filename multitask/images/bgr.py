"""How does an array as OpenCV reads it become the RGB pixels that `decode` takes?"""

from typing import Any

import numpy as np
import numpy.typing as npt

from multitask.images.decode import PictureError, Pixels

_MOST = 255
_BLUE_FIRST = {3: [2, 1, 0], 4: [2, 1, 0, 3]}  # the order of its channels, by number


def to_rgb(array: npt.NDArray[Any]) -> Pixels:
    """A grey, BGR or BGRA array (height, width[, channels]) as uint8 in RGB order.

    Whole numbers of other types must be from 0 to 255. Of floats, those up to 1 at most
    are shares of 255, all others are from 0 to 255, as DeepFace takes them.

    Raises PictureError for numbers outside of this range, NaN among them.

    >>> to_rgb(np.array([[[0.0, 0.5, 1.0]]])).tolist()
    [[[255, 128, 0]]]
    """
    pixels = array if array.dtype == np.uint8 else _eight_bit(array)
    order = _BLUE_FIRST.get(pixels.shape[2]) if pixels.ndim == 3 else None
    return np.ascontiguousarray(pixels if order is None else pixels[..., order])


def _eight_bit(array: npt.NDArray[Any]) -> Pixels:
    if array.dtype.kind not in "iuf":
        raise PictureError(f"is an array of {array.dtype}, must be of numbers")
    if array.size and not (array.min() >= 0 and array.max() <= _MOST):
        low, high = array.min(), array.max()
        raise PictureError(f"has values from {low} to {high}, must be from 0 to 255")
    if array.dtype.kind == "f":
        array = np.round(array * _MOST if array.size and array.max() <= 1 else array)
    return array.astype(np.uint8)
