"""What can the user do next? Commands to copy, with the real paths."""

import shlex
from collections.abc import Iterable


def command_line(name: str, *words: object) -> str:
    """A command of this package as the shell needs it.

    >>> command_line("report", "runs/my run", "--data", "NAME=FOLDER")
    "python -m multitask.report 'runs/my run' --data NAME=FOLDER"
    """
    return shlex.join(["python", "-m", f"multitask.{name}", *map(str, words)])


def next_steps(steps: Iterable[tuple[str, str]]) -> str:
    """Lines for what each step does and its command.

    >>> print(next_steps([(name, command_line(name)) for name in ("fit", "predict")]))
    Next:
      fit      python -m multitask.fit
      predict  python -m multitask.predict
    """
    listed = list(steps)
    width = max(len(what) for what, _ in listed)
    return "\n".join(["Next:", *(f"  {what:<{width}}  {do}" for what, do in listed)])
