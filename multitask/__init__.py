"""One trunk, many heads: many answers from one picture with one network.

`fit`, `report`, `audit`, `compare` and `sweep` do what the commands of their names do;
`load` opens a trained network, and `search` finds pictures by its answers. `build`,
`dataset` and `save` are for training with Keras's own `fit`. `deepface` has DeepFace's
`analyze`. TensorFlow is imported when one of them needs it. `multitask.fit` is the
function even after `import multitask.fit`; the command's module is
`sys.modules["multitask.fit"]`.

>>> import multitask
>>> run = multitask.fit(data={"utkface": "FOLDER"}, heads="age")  # doctest: +SKIP
>>> run.network.predict("photo.jpg")  # doctest: +SKIP
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = [
    "Head",
    "Machine",
    "Recipe",
    "UserError",
    "audit",
    "build",
    "compare",
    "dataset",
    "deepface",
    "fit",
    "load",
    "report",
    "save",
    "search",
    "sweep",
]
_COMMANDS = ("audit", "compare", "fit", "report", "search", "sweep")  # also modules
_CLASSES = {  # and their modules
    "Head": "head",
    "Machine": "machine",
    "Recipe": "recipe",
    "UserError": "errors",
}

# TensorFlow reads it when it is imported. By itself it computes by oneDNN only on
# processors with AVX-512; with AVX2 a training step takes half the time by it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# setup.cfg installs heads/, datasets/ and reports/ inside this package; in a
# checkout they lie beside it.
_here = Path(__file__).resolve().parent
if __name__ == "multitask" and not (_here / "heads").is_dir():
    __path__.append(str(_here.parent))

from multitask.api import compare, fit, report, sweep  # noqa: E402
from multitask.contracts.version import VERSION  # noqa: E402  (needs __path__)
from multitask.with_answers import search  # noqa: E402
from multitask.with_data import audit  # noqa: E402
from multitask.with_keras import build, dataset, load, save  # noqa: E402

__version__ = VERSION

if TYPE_CHECKING:
    from multitask import deepface as deepface
    from multitask.contracts.errors import UserError as UserError
    from multitask.contracts.head import Head as Head
    from multitask.contracts.machine import Machine as Machine
    from multitask.contracts.recipe import Recipe as Recipe


class _Face(ModuleType):
    """This package, in which `multitask.fit` is the function, not the command's module.

    Python would bind that name to the module `multitask/fit.py` as soon as something
    imports it.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _COMMANDS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import what takes its time when it is first asked for."""
    if name in _CLASSES:
        module = import_module(f"multitask.contracts.{_CLASSES[name]}")
        return getattr(module, name)
    if name == "deepface":
        return import_module("multitask.deepface")
    raise AttributeError(f"module 'multitask' has no attribute {name!r}")
