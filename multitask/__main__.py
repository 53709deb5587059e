"""Which command is meant? `multitask NAME ...` calls `main` of `multitask/NAME.py`.

A room of that name has its command in `multitask/NAME/__main__.py`.
"""

import importlib
import sys
from typing import Any

from multitask import __version__
from multitask.contracts.errors import UserError, command, nearest

# Named here so that `--help` imports none of them.
COMMANDS = (
    ("fit", "train a network on labelled pictures and write a run"),
    ("predict", "predict for pictures with a trained network"),
    ("serve", "answer over HTTP, with a page to try it"),
    ("search", "find pictures by their answers"),
    ("report", "measure a network on labelled pictures"),
    ("audit", "find faults in labelled pictures before training"),
    ("compare", "compare one network with many, in quality and cost"),
    ("sweep", "search for better settings"),
    ("recipes", "list the recipes that come with the package"),
    ("trunks", "list the built-in trunks (the shared networks)"),
    ("networks", "list the trained networks that can be named"),
)


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command that the first argument names with the arguments after it.

    >>> main(["--version"])
    multitask 0.1.0
    0
    """
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name == "--version":
        print(f"multitask {__version__}")
        return 0
    known = [known for known, _ in COMMANDS]
    if name not in known:
        raise UserError("multitask", f"unknown command {name!r}", nearest(name, known))
    return int(module(name).main(rest))


def module(name: str) -> Any:
    """The module of a command, which has `main` and, if it takes options, `parser`."""
    command_module = importlib.import_module(f"multitask.{name}")
    if hasattr(command_module, "__path__"):
        command_module = importlib.import_module(f"multitask.{name}.__main__")
    return command_module


def _help() -> str:
    width = max(len(name) for name, _ in COMMANDS)
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS]
    return "\n".join(
        [
            "usage: python -m multitask.COMMAND ...",
            "       python -m multitask --version",
            "",
            "One trunk, many heads: many answers from one picture.",
            "",
            "commands:",
            *lines,
            "",
            "python -m multitask.COMMAND --help lists its options.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
