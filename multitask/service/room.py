"""How many pixels are in memory at once, and how many threads work on them?"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


class Room:
    """A pool of threads that work on so many `pixels` at a time, in order of arrival.

    Work on more than that runs alone.
    """

    def __init__(self, pool: Executor, pixels: int) -> None:
        self._pool, self._most = pool, pixels
        self._turn, self._freed = asyncio.Lock(), asyncio.Event()
        self.used = 0

    async def run(self, pixels: int, work: Callable[[], T]) -> T:
        """The result of work on so many pixels, once there is room.

        Room is given back when the work ends, even if nobody waits for it any more, as
        a thread can't be stopped.
        """
        pixels = min(pixels, self._most)
        async with self._turn:
            while self.used + pixels > self._most:
                self._freed.clear()
                await self._freed.wait()
            self.used += pixels
        loop = asyncio.get_running_loop()

        def give_back() -> None:
            self.used -= pixels
            self._freed.set()

        try:
            future = self._pool.submit(work)
        except RuntimeError:  # the pool is closed
            give_back()
            raise
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(give_back))
        return await asyncio.wrap_future(future)
