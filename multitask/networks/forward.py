"""How are outputs computed, and the features that all heads of a network share?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from multitask.contracts.errors import UserError
from multitask.images.decode import Pixels
from multitask.networks.answers import Outputs
from multitask.networks.build import SHARED, build
from multitask.networks.spec import NetworkSpec

Features = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
_MOST_REASON = 300  # letters of an error


class Forward:
    """The outputs and features of a network for batches, from any number of threads.

    Each of its functions is traced once, for batches of all sizes: the overhead of
    `model.predict` is too large for a few pictures. They raise UserError, naming
    `where`, if a layer can't compute, of a damaged network or for want of memory.
    """

    def __init__(
        self, model: keras.Model, spec: NetworkSpec, where: object = "network"
    ) -> None:
        self._spec, self._where = spec, where
        image = [tf.TensorSpec((None, spec.side, spec.side, 3), tf.uint8)]
        self._outputs = _Traced(
            lambda: tf.function(
                lambda pixels: model(pixels, training=False), input_signature=image
            ),
            where,
        )
        self._both = _Traced(
            lambda: tf.function(_with_features(model, spec), input_signature=image),
            where,
        )

    def outputs(self, pixels: Pixels, rows: Rows, batch_size: int) -> Outputs:
        """Outputs (rows, ...) by head name for `rows` of pixels (pictures, ...)."""
        results = self._batches(self._outputs(), pixels, rows, batch_size)
        return _joined([_arrays(outputs) for outputs in results])

    def with_features(
        self, pixels: Pixels, rows: Rows, batch_size: int
    ) -> tuple[Outputs, Features]:
        """The outputs as above, and the features (rows, channels)."""
        results = list(self._batches(self._both(), pixels, rows, batch_size))
        features = np.concatenate([np.asarray(features) for _, features in results])
        return _joined([_arrays(outputs) for outputs, _ in results]), features

    def _batches(
        self, function: Any, pixels: Pixels, rows: Rows, batch_size: int
    ) -> Iterator[Any]:
        if not len(rows):
            yield _empty(function.structured_outputs)
        # The network takes several crops of each picture into one batch.
        batch_size = max(1, batch_size // len(self._spec.crops()))
        for start in range(0, len(rows), batch_size):
            batch = pixels[rows[start : start + batch_size]]
            with _telling(self._where):
                results = function(tf.constant(batch, tf.uint8))
            yield results


class _Traced:
    """A function of TensorFlow that is made and traced by the first thread alone."""

    def __init__(self, make: Callable[[], Any], where: object) -> None:
        self._make, self._lock, self._function = make, Lock(), None
        self._where = where

    def __call__(self) -> Any:
        with self._lock:
            if self._function is None:
                with _telling(self._where):
                    # Without the checks of arguments that other batches would need.
                    self._function = self._make().get_concrete_function()
        return self._function


def _arrays(outputs: Mapping[str, Any]) -> Outputs:
    return {name: np.asarray(values) for name, values in outputs.items()}


def _joined(parts: Sequence[Outputs]) -> Outputs:
    """The outputs of several batches; those of one without a copy."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@contextmanager
def _telling(where: object) -> Iterator[None]:
    """Turn what TensorFlow raises into a UserError, which names the network."""
    try:
        yield
    except (tf.errors.OpError, ValueError, TypeError, MemoryError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        what = f"can't compute its outputs: {lines[0][:_MOST_REASON]}"
        todo = "use less memory (--batch-size), or train or copy it again"
        raise UserError(where, what, todo) from error


def _empty(structure: Any) -> Any:
    """Results for no pictures, which TensorFlow's convolutions can't take."""
    return tf.nest.map_structure(
        lambda each: np.zeros((0, *each.shape[1:]), np.float32), structure
    )


def _with_features(model: keras.Model, spec: NetworkSpec) -> Callable[[Any], Any]:
    """From uint8 pictures to outputs by head name and features (batch, channels)."""
    core, crops = model.get_layer("core"), len(spec.crops())
    if all(layer.name != "preprocessing" for layer in model.layers):
        model = build(spec, core)  # in files of early versions it was no sub-model
    both = keras.Model(core.input, (core.output, shared_features(core)))
    preprocessing = model.get_layer("preprocessing")
    heads = {name: model.get_layer(name) for name in core.output}

    def forward(pixels: Any) -> Any:
        outputs, features = both(preprocessing(pixels), training=False)
        channels = int(np.prod(features.shape[1:]))
        mean = ops.mean(ops.reshape(features, (crops, -1, channels)), axis=0)
        return {name: head(outputs[name]) for name, head in heads.items()}, mean

    return forward


def shared_features(core: keras.Model) -> Any:
    """The tensor of a core that its heads begin from: what the shared layers give."""
    names = [operation.name for operation in core.operations]
    last = max(index for index, name in enumerate(names) if name in SHARED)
    # Operations come in order: the next one belongs to a head, whose input it is.
    return keras.tree.flatten(core.operations[last + 1].input)[0]
