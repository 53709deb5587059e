"""What goes on, and how far is it? Shown on a terminal, and nothing elsewhere."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeVar

T = TypeVar("T")


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal on which a line can be drawn anew."""
    from rich.console import Console  # here, as it takes its time to import

    return stream.isatty() and not Console(file=stream).is_dumb_terminal


@contextmanager
def bar(title: str, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error; the function it gives advances it by so many.

    It starts at `done` of `total`.

    >>> with bar("reading", 2) as advance:  # nothing is shown here: no terminal
    ...     advance(2)
    """
    if not is_terminal(sys.stderr):
        yield lambda count: None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    # What goes to standard output may be piped, and stays where it belongs.
    with progress.Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as display:
        task = display.add_task(title, total=total, completed=done)
        yield lambda count: display.advance(task, count)


@contextmanager
def status(what: str) -> Iterator[None]:
    """Show on standard error what goes on until it is done.

    No bar or other status may be shown meanwhile.

    >>> with status("opening the network"):  # nothing is shown here: no terminal
    ...     pass
    """
    if not is_terminal(sys.stderr):
        yield
        return
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    with Live(
        Spinner("dots", what),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ):
        yield


def track(items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """Yield the items, and show a bar of how many of `total` are done.

    >>> list(track("ab", "reading", 2))
    ['a', 'b']
    """
    with bar(title, total) as advance:
        for item in items:
            yield item
            advance(1)
