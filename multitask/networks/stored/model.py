"""How is a Keras model opened from a file that anybody may have written?"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

# Keras has no public name for these two.
from keras.src.backend.common import global_state
from keras.src.saving.serialization_lib import SafeModeScope

from multitask.contracts.errors import UserError, first_line
from multitask.contracts.saving import MORE_SPACE, is_full
from multitask.networks.stored import members

_SLACK = 2**20  # bytes of weights, such as seeds, that a file does not hold
# Settings by which Keras goes on to make one tensor after the other.
_COUNTS = ("num", "indices_or_sections", "num_splits", "num_ops", "power_iterations")
_MOST_COUNT = 1000
_UNINITIALIZED = "uninitialized_variables"


def load_model(
    path: Path, what: str = "is damaged", todo: str = "train or copy it again"
) -> keras.Model:
    """Open a `.keras` file whose members `members.read` has checked.

    Whatever the process allows, no code in the file is run, and no layers are made that
    need much more memory than its weights. Raises UserError, with `what` and the reason
    and then `todo`, for any file that Keras can't open.
    """
    with safely(path, what, todo):
        config = json.loads(members.read_member(path, members.CONFIG_MEMBER) or b"null")
        _check_counts(path, config)
        weights = members.read_member(path, members.WEIGHTS_MEMBER)
        if weights is not None:
            _check_size(path, config, members.check_weights(path, weights))
        del weights
        model = keras.models.load_model(path, compile=False)
        if not isinstance(model, keras.Model):
            raise members.refused(path, f"holds a {type(model).__name__}, no model")
        return model


@contextmanager
def safely(
    path: Path, what: str, todo: str = "train or copy it again"
) -> Iterator[None]:
    """Run no code of a file, and turn every error that it causes into a UserError."""
    try:
        with SafeModeScope(True):
            yield
    except UserError:
        raise
    # Damage may be anywhere, and Keras, HDF5 and TensorFlow then raise anything.
    except Exception as error:
        if isinstance(error, OSError) and is_full(error):
            # Keras unpacks the file in a folder for temporary ones.
            why = f"can't be unpacked for want of space ({error.strerror})"
            raise UserError(path, why, MORE_SPACE) from None
        raise UserError(path, f"{what}: {_reason(error)}", todo) from error


def _reason(error: Exception) -> str:
    """An error in few words: Keras names a layer in one line, and says how in the next.

    It goes on to list variables.
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return first_line(error, lines=2, until=". Target variable")


def _check_counts(path: Path, config: Any) -> None:
    """Raise UserError for a setting of a layer that would keep Keras busy for ever."""
    if isinstance(config, dict):
        for name in _COUNTS:
            count = config.get(name)
            if isinstance(count, int) and count > _MOST_COUNT:
                what = f"has a layer whose {name} is above {_MOST_COUNT:,}"
                raise members.refused(path, what)
    if isinstance(config, (dict, list)):
        for part in config.values() if isinstance(config, dict) else config:
            _check_counts(path, part)


def _check_size(path: Path, config: Any, stored: int) -> None:
    """Raise UserError if the layers need more memory than the weights in the file.

    They are made without any memory for their weights.
    """
    before = list(global_state.get_global_attribute(_UNINITIALIZED) or ())
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(
                {**config, "compile_config": None}
            )
        shapes = [weight.shape for weight in getattr(model, "weights", ())]
    finally:
        # Else the next scope that is left would initialize them.
        global_state.set_global_attribute(_UNINITIALIZED, before)
    needed = sum(4 * math.prod(shape) for shape in shapes)
    if needed > stored + _SLACK:
        what = f"has layers of {needed:,} bytes, but weights of {stored:,} bytes"
        raise members.refused(path, what)
