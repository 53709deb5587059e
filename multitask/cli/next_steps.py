"""What can the user do next? Commands to copy, with the real paths."""

import shlex
from collections.abc import Iterable


def command_line(*words: object) -> str:
    """A command of this package as the shell needs it.

    >>> command_line("report", "runs/my run", "--data", "NAME=FOLDER")
    "multitask report 'runs/my run' --data NAME=FOLDER"
    """
    return shlex.join(["multitask", *map(str, words)])


def next_steps(steps: Iterable[tuple[str, str]]) -> str:
    """Lines for what each step does and its command.

    >>> print(next_steps([("train", "multitask fit"), ("answer", "multitask predict")]))
    Next:
      train   multitask fit
      answer  multitask predict
    """
    listed = list(steps)
    width = max(len(what) for what, _ in listed)
    return "\n".join(["Next:", *(f"  {what:<{width}}  {do}" for what, do in listed)])
