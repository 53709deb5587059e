"""How does a user learn what went wrong? One line: where, what, what to do."""

import argparse
import difflib
import functools
import inspect
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
Say = Callable[[str], object]  # is called with lines for the user, such as `print`
_MANY = 30  # names: nobody reads such a list if the one meant is clear
_MOST_REASON = 300  # letters of an error of a library
_LONGEST = 4000  # letters of an error, which may quote any cell
_SHOWN = 20  # of a longer list
# What a line quotes of a file must not move the cursor of a terminal, or colour it.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}")


class UserError(Exception):
    """A mistake that the user can fix, shown in one line without a traceback.

    `fault` is what is wrong with each of several things that `what` counts.

    >>> raise UserError("--epochs", "is 0, must be at least 1", "give --epochs 20")
    Traceback (most recent call last):
    multitask.UserError: --epochs: is 0, must be at least 1; give --epochs 20
    """

    __module__ = "multitask"  # where users import it from, as tracebacks show

    def __init__(
        self, where: object, what: str, todo: str = "", *, fault: str = ""
    ) -> None:
        self.where, self.what, self.todo, self.fault = where, what, todo, fault
        line = f"{where}: {what}" + (f"; {todo}" if todo else "")
        # As commands show it, with options.
        self.line = _shortened(printable(" ".join(line.split())))
        super().__init__(self.line)


def _shortened(line: str) -> str:
    """A line without the middle of what it quotes, if that is as long as a page."""
    if len(line) <= _LONGEST:
        return line
    half = _LONGEST // 2
    return f"{line[:half]} ... {line[-half:]}"


def printable(text: str) -> str:
    r"""A text in one line that neither moves the cursor of a terminal nor colours it.

    >>> printable("a\nb.jpg")
    'a�b.jpg'
    """
    return text.translate(_CONTROLS)


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


def wrong_choice(where: object, value: object, choices: Sequence[str]) -> UserError:
    """The error of a value that is none of the choices: it names the nearest.

    >>> wrong_choice("--split", "tst", ["train", "val", "test"]).line
    "--split: is 'tst', must be one of train, val, test; did you mean 'test'?"
    """
    what = f"is {value!r}, must be one of {', '.join(choices)}"
    return UserError(where, what, _meant(str(value), choices))


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and what it counts, in the plural but for one.

    >>> counted(1, "picture"), counted(1200, "class", "classes")
    ('1 picture', '1,200 classes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shortened(text: str, most: int = 40) -> str:
    """A text of at most so many letters, its end left out if it has more.

    >>> shortened("calm"), shortened("x" * 50, most=8)
    ('calm', 'xxxxx...')
    """
    return text if len(text) <= most else f"{text[: most - 3]}..."


def first_line(error: Exception, lines: int = 1, until: str = "\n") -> str:
    """The first lines of an error that say something, in at most 300 letters.

    They end before the text `until`. Libraries raise errors of several pages, or of
    nothing but their class.

    >>> first_line(OSError("\\nno space\\nTraceback ...")), first_line(MemoryError())
    ('no space', 'MemoryError')
    """
    filled = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = " ".join(filled[:lines]).partition(until)[0]
    return reason[:_MOST_REASON] or type(error).__name__


def close_name(name: str, names: Iterable[str], cutoff: float = 0.5) -> str:
    """The name that is closest to this one, ignoring case; "" if none is close.

    >>> close_name("path", ["Age", "PATH"])
    'PATH'
    """
    spelled = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), spelled, n=1, cutoff=cutoff)
    return spelled[close[0]] if close else ""


def _meant(name: str, names: Sequence[str]) -> str:
    close = close_name(name, names)
    return f"did you mean {close!r}?" if close else ""


# What a line quotes, paths and commands to copy are the user's, and stay as they are.
_VERBATIM = re.compile(
    r"""
    (?<!\w)'[^']*'(?!\w) | "[^"]*" | `[^`]*` | \bpython\ -m\ multitask\.[a-z]+\ .*$
    """,
    re.VERBOSE,
)
_OPTION = re.compile(r"(?<![\w./~-])--([a-z][a-z0-9-]*)(?:[ ](\w+)=FOLDER\b)?(?![\w-])")
_RESUME = re.compile(r"python -m multitask\.fit --resume --out (.+)$")
_RENAMED = {"merge": "merges"}
_KEYWORDS = set(_RENAMED)  # and those of all decorated functions


def add_keywords(names: Iterable[str]) -> None:
    """Have `as_python` translate the options of these names."""
    _KEYWORDS.update(names)


def as_python(line: str) -> str:
    r"""A line for the user that names settings as Python does, not as options.

    Only known names are translated, and nothing in quotes, paths or commands.

    >>> as_python("--heads: no head '--x'; write --data NAME=FOLDER")
    'heads: no head \'--x\'; write data={"NAME": "FOLDER"}'
    >>> as_python("--features: is no file; give what `predict --features` wrote")
    'features: is no file; give what `predict --features` wrote'
    """
    parts, end = list[str](), 0
    for quoted in _VERBATIM.finditer(line):
        parts += [_OPTION.sub(_keyword, line[end : quoted.start()])]
        parts += [_RESUME.sub(_resume_call, quoted[0])]
        end = quoted.end()
    return "".join([*parts, _OPTION.sub(_keyword, line[end:])])


def _keyword(option: re.Match[str]) -> str:
    name, reader = option[1].replace("-", "_"), option[2]
    if name not in _KEYWORDS:
        return option[0]
    name = _RENAMED.get(name, name)
    if not reader:
        return name
    value = f'{{"{reader}": "FOLDER"}}'
    return f"{name}={value}" if name == "data" else f"{name} {reader}=FOLDER"


def _resume_call(command: re.Match[str]) -> str:
    folder = shlex.split(command[1])[0]
    return f"multitask.fit(out={folder!r}, resume=True)"


def in_python(say: Say) -> Say:
    """A `say` that is called with each line as `as_python` translates it."""

    @functools.wraps(say)  # so that the live display knows `print`
    def translated(line: str) -> object:
        return say(as_python(line))

    return translated


def python_spelling(function: F) -> F:
    """Decorate a function so that its UserErrors name settings as Python does.

    Commands still show options (`UserError.line`). A keyword that the function does not
    have is a UserError that names the nearest one.
    """
    parameters = inspect.signature(function).parameters
    add_keywords(parameters)
    takes_any = inspect.Parameter.VAR_KEYWORD in {p.kind for p in parameters.values()}

    @functools.wraps(function)
    def translating(*values: Any, **keywords: Any) -> Any:
        for name in keywords:
            if not takes_any and name not in parameters:
                known = [other for other in parameters if other != "self"]
                raise UserError(name, "unknown setting", nearest(name, known))
        try:
            return function(*values, **keywords)
        except UserError as error:
            error.args = (as_python(error.line),)
            raise

    return cast(F, translating)


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
            print(error.line, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130
        except BrokenPipeError:  # `python -m multitask.predict ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    return guarded


_MARK = "\0"  # which no word of a command line can hold


def _marked(words: Sequence[str]) -> list[str]:
    """Words of which those after `--` are no options.

    Parsing options and words apart, as argparse does if they are mixed, loses the `--`.
    """
    end = [*words, "--"].index("--") + 1
    after = (_MARK + word if word.startswith("-") else word for word in words[end:])
    return [*words[:end], *after]


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(one) for one in value]
    return value.removeprefix(_MARK) if isinstance(value, str) else value


class Parser(argparse.ArgumentParser):
    """Options of a command, whose mistakes are UserErrors: one line, no usage.

    >>> parser = Parser(prog="python -m multitask.fit")
    >>> _ = parser.add_argument("--epochs", type=int)
    >>> parser.parse_args(["--epohcs", "3"])
    Traceback (most recent call last):
    multitask.UserError: --epohcs: unknown option; did you mean '--epochs'?
    """

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords, allow_abbrev=False)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> argparse.Namespace:
        parsed: argparse.Namespace
        # Options may stand between the words: which of them are missing is known last.
        words = _marked(sys.argv[1:] if args is None else args)
        parsed, others = self.parse_known_intermixed_args(words, namespace)
        for name, value in vars(parsed).items():
            setattr(parsed, name, _unmarked(value))
        others = [word for word in others if word != "--"]
        if not others:
            return parsed
        name = others[0].partition("=")[0]
        if not name.startswith("-"):
            name = _unmarked(others[0])
            raise UserError(name, "unexpected argument", f"see {self.prog} --help")
        shown = [a for a in self._actions if a.help != argparse.SUPPRESS]
        options = [o for action in shown for o in action.option_strings]
        # Without their dashes, which make all of them alike.
        bare, names = name.strip("-"), [option.strip("-") for option in options]
        close = close_name(bare, names, 0.7)
        whole = [option for option in names if bare and option.startswith(bare)]
        close = close or (whole[0] if len(whole) == 1 else "")
        meant = [option for option in options if option.strip("-") == close]
        todo = f"did you mean {meant[-1]!r}?" if close else f"see {self.prog} --help"
        raise UserError(name, "unknown option", todo)

    def error(self, message: str) -> NoReturn:
        """Raise a UserError where argparse would exit."""
        match = re.fullmatch(r"argument ([^:]+): (.*)", message, re.DOTALL)
        where, what = match.groups() if match else (self.prog, message)
        what = re.sub(
            r"invalid int value: (.*)", r"is \1, must be a whole number", what
        )
        todo = "" if match else f"see {self.prog} --help"
        choice = re.fullmatch(r"invalid choice: (.*) \(choose from (.*)\)", what)
        if choice:
            wrong, names = (text.replace("'", "") for text in choice.groups())
            raise wrong_choice(where, wrong, names.split(", "))
        raise UserError(where, what, todo)
