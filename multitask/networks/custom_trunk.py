"""How does a Keras model or a function of the user's become a trunk?"""

from collections.abc import Callable
from typing import Any

import keras

from multitask.contracts.errors import UserError
from multitask.networks.trunks import Trunk


def custom_trunk(trunk: keras.Model | Callable[[Any], Any], size: int) -> Trunk:
    """A trunk that is a model, or a function, from pictures to features.

    It takes float32 pictures (batch, size, size, 3) in 0..255 and gives (batch,
    features). A `size` of 0 stands for that of the model's input.

    Raises UserError if it takes or gives anything else, or if no size is known.
    """
    if not callable(trunk):
        raise UserError(
            "trunk",
            f"is of type {type(trunk).__name__}, must be a name, a keras.Model or a "
            "function",
        )

    def build(images: Any, norm: Any = None, pooling: str = "") -> Any:
        try:
            features = trunk(images)
        except (ValueError, TypeError) as error:
            raise UserError(
                "trunk", f"fails at {size}x{size} pixels: {error}"
            ) from error
        _check_features(features)
        return features

    size = _size(trunk, size)
    name = getattr(trunk, "name", getattr(trunk, "__name__", type(trunk).__name__))
    return Trunk(name=name, size=size, least=1, build=build)


def _size(trunk: Any, size: int) -> int:
    """The side in pixels of the pictures that a trunk takes."""
    shape = _input_shape(trunk)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3:
        raise UserError("trunk", f"takes {shape}, must take (batch, size, size, 3)")
    sides: set[int] = {side for side in shape[1:3] if side}
    if len(sides) > 1:
        raise UserError("trunk", f"takes {shape}, must take square pictures")
    if not sides and not size:
        raise UserError(
            "image_size",
            "is missing",
            "a trunk that takes pictures of any size needs it",
        )
    [side] = sides or {size}
    if size not in (0, side):
        raise UserError("image_size", f"is {size}, that of the trunk is {side}")
    return side


def _input_shape(trunk: Any) -> Any:
    """The shape of a model's input; of a function, one of any size."""
    if not isinstance(trunk, keras.Model):
        return None, None, None, 3
    try:
        return trunk.input_shape
    except (AttributeError, ValueError):  # not built yet
        return None, None, None, 3


def _check_features(features: Any) -> None:
    shape = getattr(features, "shape", None)
    if shape is None or len(shape) != 2:
        what = type(features).__name__ if shape is None else shape
        raise UserError(
            "trunk",
            f"gives {what}, must give (batch, features)",
            "end it with keras.layers.GlobalAveragePooling2D or Flatten",
        )
