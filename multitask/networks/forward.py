"""How are outputs computed, and the features that all heads of a network share?"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any, Literal, get_args

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from multitask.contracts.errors import UserError, first_line, nearest
from multitask.images.decode import Pixels
from multitask.networks.answers import Outputs
from multitask.networks.build import SHARED, build, cut_crops
from multitask.networks.prediction.litert import LiteRT, import_interpreter
from multitask.networks.spec import NetworkSpec

Features = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Engine = Literal["tensorflow", "litert"]  # what runs a network
ENGINES: tuple[Engine, ...] = get_args(Engine)
# The name of the features among outputs: a head's can have no hyphen.
_FEATURES = "shared-features"


class Forward:
    """The outputs and features of a network for batches, from any number of threads.

    It takes pictures that are resized already, so it leaves out the resizing inside the
    network, which wouldn't change them. Each of its functions is compiled once, by
    `engine`, for batches of all sizes: the overhead of `model.predict` is too large for
    a few pictures. They raise UserError, naming `where`, if a layer can't compute, of a
    damaged network or for want of memory.
    """

    def __init__(
        self,
        model: keras.Model,
        spec: NetworkSpec,
        where: object = "network",
        engine: Engine = "tensorflow",
    ) -> None:
        if engine not in ENGINES:
            raise UserError("engine", f"is {engine!r}", nearest(str(engine), ENGINES))
        if engine == "litert":
            import_interpreter()  # so that its absence is told before any picture
        self._spec, self._where, self.engine = spec, where, engine
        self._outputs, self._both = (
            _Compiled(partial(_resized, model, spec, has_features), where, engine)
            for has_features in (False, True)
        )

    def outputs(self, pixels: Pixels, rows: Rows, batch_size: int) -> Outputs:
        """Outputs (rows, ...) by head name for `rows` of pixels (pictures, ...)."""
        return self._run(self._outputs, pixels, rows, batch_size)

    def with_features(
        self, pixels: Pixels, rows: Rows, batch_size: int
    ) -> tuple[Outputs, Features]:
        """The outputs as above, and the features (rows, channels)."""
        outputs = self._run(self._both, pixels, rows, batch_size)
        return outputs, outputs.pop(_FEATURES)

    def _run(
        self, compiled: "_Compiled", pixels: Pixels, rows: Rows, batch_size: int
    ) -> Outputs:
        run = compiled()
        # The network takes several crops of each picture into one batch.
        batch_size = max(1, batch_size // len(self._spec.crops()))
        parts = []
        for start in range(0, len(rows), batch_size):
            with _telling(self._where):
                parts.append(run(pixels[rows[start : start + batch_size]]))
        if not parts:
            return dict(compiled.nothing)
        if len(parts) == 1:
            return parts[0]
        return {
            name: np.concatenate([part[name] for part in parts]) for name in parts[0]
        }


class _Compiled:
    """A model that is made and compiled by the first thread alone."""

    def __init__(
        self, make: Callable[[], keras.Model], where: object, engine: Engine
    ) -> None:
        self._make, self._where, self._engine = make, where, engine
        self._lock = Lock()
        self._run: Callable[[Pixels], Outputs] | None = None
        self.nothing: Outputs = {}  # the outputs (0, ...) for no pictures

    def __call__(self) -> Callable[[Pixels], Outputs]:
        with self._lock:
            if self._run is None:
                with _telling(self._where):
                    model = self._make()
                    # TensorFlow's convolutions can't take no pictures.
                    self.nothing = {
                        name: np.zeros((0, *output.shape[1:]), np.float32)
                        for name, output in model.output.items()
                    }
                    self._run = self._compile(model)
        return self._run

    def _compile(self, model: keras.Model) -> Callable[[Pixels], Outputs]:
        if self._engine == "litert":
            return LiteRT(model, self._where)
        return _traced(model)


def _traced(model: keras.Model) -> Callable[[Pixels], Outputs]:
    signature = [tf.TensorSpec(model.input.shape, tf.uint8)]
    # Without the checks of arguments that other batches would need.
    function = tf.function(
        lambda pixels: model(pixels, training=False), input_signature=signature
    ).get_concrete_function()

    def run(pixels: Pixels) -> Outputs:
        outputs: Mapping[str, Any] = function(tf.constant(pixels, tf.uint8))
        return {name: np.asarray(values) for name, values in outputs.items()}

    return run


@contextmanager
def _telling(where: object) -> Iterator[None]:
    """Turn what an engine raises into a UserError, which names the network."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        what = f"has too little memory for its outputs: {first_line(error)}"
        todo = "take fewer pictures at a time (--batch-size)"
        raise UserError(where, what, todo) from error
    # RuntimeError: of LiteRT.
    except (tf.errors.OpError, RuntimeError, ValueError, TypeError) as error:
        what = f"can't compute its outputs: {first_line(error)}"
        raise UserError(where, what, "train or copy it again") from error


def _resized(model: keras.Model, spec: NetworkSpec, has_features: bool) -> keras.Model:
    """A network for uint8 pictures (batch, side, side, 3), which it doesn't resize.

    Its outputs are those of the network by head name, and with `has_features` the
    features (batch, channels), averaged over the crops.
    """
    core = model.get_layer("core")
    if all(layer.name != "preprocessing" for layer in model.layers):
        model = build(spec, core)  # in files of early versions a head was no layer
    image = keras.Input((spec.side, spec.side, 3), dtype="uint8", name="image")
    crops = cut_crops(spec, ops.cast(image, "float32"))
    both = keras.Model(core.input, (core.output, shared_features(core)))
    raw, features = both(crops)
    outputs = {name: model.get_layer(name)(raw[name]) for name in raw}
    if has_features:
        channels = int(np.prod(features.shape[1:]))
        shape = (len(spec.crops()), -1, channels)
        outputs[_FEATURES] = ops.mean(ops.reshape(features, shape), axis=0)
    return keras.Model(image, outputs)


def shared_features(core: keras.Model) -> Any:
    """The tensor of a core that its heads begin from: what the shared layers give."""
    names = [operation.name for operation in core.operations]
    last = max(index for index, name in enumerate(names) if name in SHARED)
    # Operations come in order: the next one belongs to a head, whose input it is.
    return keras.tree.flatten(core.operations[last + 1].input)[0]
