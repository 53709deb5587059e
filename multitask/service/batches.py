"""How do faces that arrive together share a batch?

One thread owns the network and takes whatever waits, while others decode pictures and
find faces. A face that comes alone is answered at once: the thread waits for others
only while they are being cut out, and no longer than a few milliseconds.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

import numpy as np

from multitask.images.decode import Pixels

Row = dict[str, Any]  # the answers about one face, by column
Predict = Callable[[Pixels], Sequence[Row]]  # of (faces, side, side, 3)

_LINGER = 0.005  # seconds


@dataclass(frozen=True, eq=False, kw_only=True)
class _Job:
    """The faces (faces, side, side, 3) of one picture, and their rows to come."""

    pixels: Pixels
    future: "Future[Sequence[Row]]" = field(default_factory=Future)


class Batches:
    """A thread that calls `predict` with the faces that wait, `size` of them at most.

    Only a picture with more faces makes a larger batch. `observe` is called with the
    number of faces in each batch and its seconds.
    """

    def __init__(
        self,
        predict: Predict,
        *,
        size: int = 64,
        observe: Callable[[int, float], object] = lambda faces, seconds: None,
    ) -> None:
        self._predict, self._observe, self._size = predict, observe, size
        self._jobs: deque[_Job] = deque()
        self._changed = Condition()
        self._coming = 0  # pictures that are being cut
        self._closed = False
        self._thread = Thread(target=self._run, name="network", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether faces are answered."""
        return self._thread.is_alive()

    def expect(self, pictures: int) -> None:
        """Say that so many pictures come soon or, with a negative number, have come."""
        with self._changed:
            self._coming += pictures
            self._changed.notify()

    def submit(self, pixels: Pixels) -> "Future[Sequence[Row]]":
        """A row for each face of a picture (faces, side, side, 3), to come.

        A future that is cancelled before its batch begins costs nothing. Raises
        RuntimeError after `close`.
        """
        job = _Job(pixels=pixels)
        with self._changed:
            if self._closed:
                raise RuntimeError("the network's thread has ended")
            self._jobs.append(job)
            self._changed.notify()
        return job.future

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while jobs := self._take():
            # A future that runs can't be cancelled any more.
            jobs = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if jobs:
                self._answer(jobs)

    def _take(self) -> list[_Job]:
        """The next batch; empty only at the end."""
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            end = time.monotonic() + _LINGER
            while self._coming and not self._closed and self._waiting() < self._size:
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            batch: list[_Job] = []
            faces = 0
            while self._jobs and (
                not batch or faces + len(self._jobs[0].pixels) <= self._size
            ):
                batch.append(self._jobs.popleft())
                faces += len(batch[-1].pixels)
            return batch

    def _waiting(self) -> int:
        return sum(len(job.pixels) for job in self._jobs)

    def _answer(self, jobs: Sequence[_Job]) -> None:
        began = time.perf_counter()
        try:
            rows = self._predict(np.concatenate([job.pixels for job in jobs]))
        except Exception as error:
            if len(jobs) > 1:  # so that the others of the batch are answered
                for job in jobs:
                    self._answer([job])
                return
            jobs[0].future.set_exception(error)
            return
        self._observe(len(rows), time.perf_counter() - began)
        start = 0
        for job in jobs:
            end = start + len(job.pixels)
            job.future.set_result(rows[start:end])
            start = end
