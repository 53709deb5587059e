"""How many pixels may be decoded at once? Large pictures wait for each other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST = 100_000_000  # pixels: the largest picture, or several that have as many
FREE = 2_000_000  # pixels of a picture that never waits
_thread = threading.local()


class Room:
    """A number of pixels that threads take a share of, each for one picture."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._free = most, most
        self._changed = threading.Condition()

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Keep what `take` takes within until the end, when the picture is gone."""
        before = getattr(_thread, "taken", None)
        _thread.taken = 0
        try:
            yield
        finally:
            with self._changed:
                self._free += _thread.taken
                self._changed.notify_all()
            _thread.taken = before

    def take(self, pixels: int) -> None:
        """Wait until there is room for a picture of so many pixels.

        It does nothing for small ones, outside a `lease`, and within one that holds a
        picture already, as threads would wait for each other.
        """
        if pixels <= FREE or getattr(_thread, "taken", None) != 0:
            return
        wanted = min(pixels, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        _thread.taken = wanted


ROOM = Room()
