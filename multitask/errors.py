"""How does a user learn what went wrong? One line: where, what, what to do."""

import difflib
import functools
import os
import sys
from collections.abc import Callable, Iterable

_MANY = 30  # names, which nobody reads if the one meant is clear


class UserError(Exception):
    """A mistake of the user, told in one line without a traceback.

    >>> raise UserError("--epochs", "is 0, must be at least 1", "give --epochs 20")
    Traceback (most recent call last):
    multitask.errors.UserError: --epochs: is 0, must be at least 1; give --epochs 20
    """

    def __init__(self, where: object, what: str, todo: str = "") -> None:
        line = f"{where}: {what}" + (f"; {todo}" if todo else "")
        super().__init__(" ".join(line.split()))


def nearest(name: object, known: Iterable[object]) -> str:
    """Say which known name was probably meant, or list them all.

    >>> nearest("gendre", ["age", "gender"])
    "did you mean 'gender'? Known: age, gender"
    """
    names = [str(k) for k in known]
    listed = ", ".join(names) if names else "none"
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    if not close:
        return f"known: {listed}"
    meant = f"did you mean {close[0]!r}?"
    return meant if len(names) > _MANY else f"{meant} Known: {listed}"


def command(main: Callable[[list[str] | None], int]) -> Callable[..., int]:
    """Make a `main(argv)` print a UserError as one line and return 2 for it."""

    @functools.wraps(main)
    def guarded(argv: list[str] | None = None) -> int:
        try:
            status = main(argv)
            sys.stdout.flush()  # here, as the interpreter's own at exit can't be caught
            return status
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130
        except BrokenPipeError:  # `multitask predict ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    return guarded
