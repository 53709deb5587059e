"""How does LiteRT run a network, which takes less time on a CPU than TensorFlow?

Per picture it needs nearly the same time in batches of any size, so a batch is done in
parts of two sizes, for each of which memory is laid out once.
"""

import tempfile
from pathlib import Path
from threading import Lock
from typing import Any

import keras
import numpy as np

from multitask.contracts.errors import UserError, first_line
from multitask.contracts.saving import MORE_SPACE, is_full
from multitask.images.decode import Pixels
from multitask.images.threads import cores
from multitask.networks.answers import Outputs
from multitask.terminal.quiet import held_back

_SIZES = (8, 1)  # pictures in a part


class LiteRT:
    """A model that LiteRT runs for uint8 pictures, from any thread, one at a time.

    The model's input is called `image`, its outputs are a dict. Raises UserError,
    naming `where`, if LiteRT isn't installed or lacks an operation of the model.
    """

    def __init__(self, model: keras.Model, where: object = "network") -> None:
        interpreter = import_interpreter()
        self._lock, self._names = Lock(), list(model.output)
        with held_back():
            try:
                content = _converted(model)
                threads = cores()
                self._runs = {
                    size: interpreter(
                        model_content=content, num_threads=threads
                    ).get_signature_runner()
                    for size in _SIZES
                }
                for size, run in self._runs.items():
                    run(image=np.zeros((size, *model.input.shape[1:]), np.uint8))
            # The converter raises errors of many kinds, some of several pages.
            except Exception as error:
                what = f"can't be run by LiteRT: {first_line(error)}"
                has_space = not (isinstance(error, OSError) and is_full(error))
                todo = "use the engine tensorflow" if has_space else MORE_SPACE
                raise UserError(where, what, todo) from error

    def __call__(self, pixels: Pixels) -> Outputs:
        """The outputs (pictures, ...) by name for one or more pictures."""
        parts, start = [], 0
        with self._lock:
            while start < len(pixels):
                size = next(s for s in _SIZES if s <= len(pixels) - start)
                parts.append(self._runs[size](image=pixels[start : start + size]))
                start += size
        return {
            name: np.concatenate([part[name] for part in parts]) for name in self._names
        }


def _converted(model: keras.Model) -> bytes:
    """A model in the format of LiteRT."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.tflite")
        model.export(file, format="litert", verbose=False)
        return file.read_bytes()


def import_interpreter() -> Any:
    """LiteRT's class of interpreters; UserError if the package is not installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        what = f"litert needs the package ai-edge-litert ({error})"
        todo = "in your clone: pip install -e '.[litert]'"
        raise UserError("engine", what, todo) from error
    return Interpreter
