"""How is `multitask.fit` both a command's module and the function behind it?"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_LIBRARY = {  # where the function of each command is, in rooms that import TensorFlow
    "audit": "multitask.inspection.audit",
    "compare": "multitask.comparison.study",
    "fit": "multitask.experiments.run",
    "report": "multitask.experiments.evaluate",
    "sweep": "multitask.tuning.sweep",
}


class CommandModule(ModuleType):
    """A command's module that holds the function of its name and can be called as it.

    Python binds `multitask.fit` to the module as soon as something imports it, so
    `multitask.fit(...)` and `from multitask.fit import fit` must both work on that.
    """

    def __getattr__(self, name: str) -> Any:
        short = self.__name__.rpartition(".")[2]
        if name != short:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LIBRARY[short]), short)

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        function = getattr(self, self.__name__.rpartition(".")[2])
        return function(*arguments, **settings)


def as_function(name: str) -> None:
    """Make the module of a command callable, unless it is run by `python -m`."""
    if name != "__main__":
        sys.modules[name].__class__ = CommandModule
