"""One trunk, many heads: many answers out of one picture with one network.

`fit`, `report`, `audit`, `compare` and `sweep` do what the commands of their names do;
`load` opens a trained network. TensorFlow is imported when one of them is called.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

__all__ = [
    "Recipe",
    "UserError",
    "audit",
    "compare",
    "fit",
    "load",
    "report",
    "sweep",
]
_COMMANDS = ("audit", "compare", "fit", "report", "sweep")
_CLASSES = {"Recipe": "recipe", "UserError": "errors"}  # and their modules

# TensorFlow reads it when it is imported. By itself it computes by oneDNN only on
# processors with AVX-512; with AVX2 a training step takes half the time by it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# setup.cfg installs heads/, datasets/ and reports/ inside this package; in a
# checkout they lie beside it.
_here = Path(__file__).resolve().parent
if __name__ == "multitask" and not (_here / "heads").is_dir():
    __path__.append(str(_here.parent))

from multitask.contracts.version import VERSION  # noqa: E402  (needs __path__)

__version__ = VERSION

if TYPE_CHECKING:
    from multitask.contracts.errors import UserError as UserError
    from multitask.contracts.recipe import Recipe as Recipe
    from multitask.networks.analyzer import Analyzer


def load(path: str | Path) -> "Analyzer":
    """Open a trained network, a file or that of a run folder, for inference.

    Raises UserError if `path` is no network of this package.

    See `multitask.networks.analyzer.Analyzer` for what the result can do. TensorFlow is
    imported here, not by `import multitask`.
    """
    from multitask.networks.analyzer import Analyzer

    return Analyzer.load(path)


def __getattr__(name: str) -> Any:
    """Import what takes its time when it is first asked for."""
    if name in _COMMANDS:  # modules that can be called
        return import_module(f"multitask.{name}")
    if name in _CLASSES:
        module = import_module(f"multitask.contracts.{_CLASSES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'multitask' has no attribute {name!r}")
