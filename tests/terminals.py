"""How do tests see what a terminal shows?"""

import fcntl
import os
import re
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """What was written to a terminal."""

    def __init__(self) -> None:
        self.raw = ""

    @property
    def lines(self) -> list[str]:
        """The lines that remain in the end, as on a terminal that never scrolls."""
        lines, row = [""], 0
        for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)", self.raw):
            if part == "\n":
                row += 1
                lines += [""] * (row == len(lines))
            elif part == "\x1b[2K":
                lines[row] = ""
            elif match := re.fullmatch(r"\x1b\[(\d*)A", part):
                row -= int(match[1] or 1)
            elif part != "\r" and not _CONTROL.fullmatch(part):
                lines[row] += part
        return "\n".join(line.rstrip() for line in lines).rstrip().splitlines()


@contextmanager
def terminal(
    monkeypatch: pytest.MonkeyPatch, *streams: str, width: int = 80, height: int = 24
) -> Iterator[Screen]:
    """Make `stdout` or `stderr` a terminal, as long as the block runs."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    screen, chunks = Screen(), []

    def read() -> None:
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # Linux says so at the end
                return
            if not chunk:
                return
            chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as patch, open(slave, "w", encoding="utf-8") as file:
        for variable in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            patch.delenv(variable, raising=False)
        patch.setenv("TERM", "xterm-256color")
        for stream in streams:
            patch.setattr(sys, stream, file)
        yield screen
        file.flush()
    reader.join()
    os.close(master)
    screen.raw = b"".join(chunks).decode()
