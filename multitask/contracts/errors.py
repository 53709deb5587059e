"""How does a user learn what went wrong? One line: where, what, what to do."""

import argparse
import difflib
import functools
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

Say = Callable[[str], object]  # is given lines for the user, such as `print`
_MANY = 30  # names: nobody reads such a list if the one meant is clear
_SHOWN = 20  # of a longer list


class UserError(Exception):
    """A mistake of the user, shown in one line without a traceback.

    >>> raise UserError("--epochs", "is 0, must be at least 1", "give --epochs 20")
    Traceback (most recent call last):
    multitask.UserError: --epochs: is 0, must be at least 1; give --epochs 20
    """

    __module__ = "multitask"  # where users import it from, as tracebacks show

    def __init__(self, where: object, what: str, todo: str = "") -> None:
        line = f"{where}: {what}" + (f"; {todo}" if todo else "")
        super().__init__(" ".join(line.split()))


def nearest(name: object, known: Iterable[object]) -> str:
    """Say which known name was probably meant, or list them all.

    >>> nearest("gendre", ["age", "gender"])
    "did you mean 'gender'? Known: age, gender"
    """
    names = [str(k) for k in known]
    meant = _meant(str(name), names)
    if not meant:
        return f"known: {listed(names)}"
    return meant if len(names) > _MANY else f"{meant} Known: {listed(names)}"


def listed(names: Iterable[object]) -> str:
    """Names separated by commas, of a long list only the first ones.

    >>> listed("abc"), listed(range(50))[-16:]
    ('a, b, c', '19 and 30 others')
    """
    texts = [str(name) for name in names]
    if len(texts) <= _MANY:
        return ", ".join(texts) or "none"
    return f"{', '.join(texts[:_SHOWN])} and {len(texts) - _SHOWN} others"


def close_name(name: str, names: Iterable[str], cutoff: float = 0.5) -> str:
    """The name that is closest to this one, upper and lower case alike; "" if none is.

    >>> close_name("path", ["Age", "PATH"])
    'PATH'
    """
    spelled = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), spelled, n=1, cutoff=cutoff)
    return spelled[close[0]] if close else ""


def _meant(name: str, names: Sequence[str], cutoff: float = 0.5) -> str:
    close = close_name(name, names, cutoff)
    return f"did you mean {close!r}?" if close else ""


_AS_PYTHON = (  # options with their values, then options alone
    (r"multitask fit --resume --out '?(.+?)'?$", r'fit(out="\1", resume=True)'),
    (r"--data (\w+)=(\w+)", r'data={"\1": "\2"}'),
    (r"--merge\b", "merges"),
)
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)")


def as_python(line: str) -> str:
    """A line for the user that names settings as Python does, not as options.

    >>> as_python("--batch-size: is 0, must be 1 or more")
    'batch_size: is 0, must be 1 or more'
    """
    for pattern, text in _AS_PYTHON:
        line = re.sub(rf"(?<![\w-]){pattern}", text, line)
    return _OPTION.sub(lambda option: option[1].replace("-", "_"), line)


def in_python(say: Say) -> Say:
    """Have lines for the user name settings as Python does."""

    @functools.wraps(say)  # so that the live display knows `print`
    def translated(line: str) -> object:
        return say(as_python(line))

    return translated


@contextmanager
def python_spelling() -> Iterator[None]:
    """Have a UserError name settings as Python does; also decorates a function."""
    try:
        yield
    except UserError as error:
        error.args = (as_python(str(error)),)
        raise


def command(main: Callable[[list[str] | None], int]) -> Callable[..., int]:
    """Decorate a `main(argv)` so that a UserError prints one line and returns 2."""

    @functools.wraps(main)
    def guarded(argv: list[str] | None = None) -> int:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # for `tail -f` of a log file
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


class Parser(argparse.ArgumentParser):
    """Options of a command, whose mistakes are UserErrors: one line, no usage.

    >>> parser = Parser(prog="multitask fit")
    >>> _ = parser.add_argument("--epochs", type=int)
    >>> parser.parse_args(["--epohcs", "3"])
    Traceback (most recent call last):
    multitask.UserError: --epohcs: is no option; did you mean '--epochs'?
    """

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> argparse.Namespace:
        parsed: argparse.Namespace
        parsed, others = self.parse_known_args(args, namespace)
        if not others:
            return parsed
        name = others[0].partition("=")[0]
        if not name.startswith("-"):
            raise UserError(name, "is not expected here", f"see {self.prog} --help")
        shown = [a for a in self._actions if a.help != argparse.SUPPRESS]
        options = [o for action in shown for o in action.option_strings]
        todo = _meant(name, options, 0.7) or f"see {self.prog} --help"
        raise UserError(name, "is no option", todo)

    def error(self, message: str) -> NoReturn:
        """Raise a UserError where argparse would exit."""
        match = re.fullmatch(r"argument ([^:]+): (.*)", message, re.DOTALL)
        where, what = match.groups() if match else (self.prog, message)
        raise UserError(where, what, "" if match else f"see {self.prog} --help")
