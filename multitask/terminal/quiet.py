"""How does TensorFlow start without a page of notices on the user's screen?"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import IO

from multitask.contracts.errors import UserError
from multitask.contracts.saving import MORE_SPACE
from multitask.terminal.bar import status

_LOCK = Lock()


def import_tensorflow() -> None:
    """Import TensorFlow; its notices are shown only if that fails.

    It writes its notices before any of its settings for them is read. Raises UserError
    if Keras uses another backend or is told to; what its own settings file says is
    overruled.
    """
    with _LOCK:
        _check_backend()
        _import_once()


def _check_backend() -> None:
    """Raise UserError unless Keras runs on TensorFlow, or will once it is imported."""
    if keras := sys.modules.get("keras"):
        backend = keras.config.backend()
        if backend != "tensorflow":
            raise UserError(
                "Keras",
                f"runs on {backend!r}, must run on 'tensorflow'",
                "import multitask first, or set KERAS_BACKEND=tensorflow",
            )
        return
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    os.environ["KERAS_BACKEND"] = backend
    if backend != "tensorflow":
        raise UserError("KERAS_BACKEND", f"is {backend!r}, must be 'tensorflow'")


@cache  # as other threads may write to standard error meanwhile
def _import_once() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # The status is drawn before standard error is held back, and wiped out after it.
    with status("starting TensorFlow"), held_back():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for a GPU, and says if there is none


def _temporary_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        what = f"can't be written: {error.strerror or error}"
        raise UserError("temporary files", what, MORE_SPACE) from None


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back standard error, and write it only for an error but a UserError.

    What other threads write meanwhile is held back, too. Raises UserError if no
    temporary file can be written.
    """
    sys.stderr.flush()
    with _temporary_file() as held:
        screen = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except UserError:  # whose line says it all
            raise
        except Exception:  # not for Ctrl-C, which has nothing to do with it
            held.seek(0)
            os.write(screen, held.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
