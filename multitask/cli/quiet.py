"""How does TensorFlow start without a page of notices on the user's screen?"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from multitask.contracts.errors import UserError


def import_tensorflow() -> None:
    """Import TensorFlow; its notices are shown only if that fails.

    It writes its notices before any of its settings for them is read. Raises UserError
    if Keras is told to use another backend; what its own settings file says is
    overruled.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    os.environ["KERAS_BACKEND"] = backend
    if backend != "tensorflow":
        raise UserError("KERAS_BACKEND", f"is {backend!r}, must be 'tensorflow'")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _held_back():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for a GPU, and says if there is none


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold back standard error, and write it only if an error is raised."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        screen = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(screen, held.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
