"""How are many pictures worked on at once, and handed over in their order?"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
TASK = 32  # most pictures that a thread works on before it hands them over


def cores() -> int:
    """The cores that this process may use, as far as the system says."""
    if hasattr(os, "process_cpu_count"):  # since Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    one: Callable[[int], Result], count: int, most: int = TASK
) -> Generator[Result, None, None]:
    """Yield `one(index)` for each index below `count` in order, on all cores.

    A thread works on up to `most` of them before it hands them over, and results for
    twice as many tasks as there are cores may wait: for large results, give 1. Who
    stops early waits for those alone that are being worked on.
    """
    if count == 1:  # threads would take longer to start than this takes
        yield one(0)
        return
    threads = cores()
    task = max(1, min(most, count // threads))
    stopped = Event()

    def several(start: int) -> list[Result]:
        indices = range(start, min(start + task, count))
        return [one(index) for index in indices if not stopped.is_set()]

    # Threads suffice: decoding and resizing do without Python's global lock. Tasks of
    # several pictures take it less often, and few tasks ahead bound what waits.
    pending: deque[Future[list[Result]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for start in range(0, count, task):
            pending.append(pool.submit(several, start))
            if len(pending) > 2 * threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)


def first_in_order(
    one: Callable[[int], Result], count: int, first: int
) -> Generator[Result, None, None]:
    """Yield as `in_order`, for a caller who may stop after the `first` results.

    Nothing after them is worked on until one more result is wanted.
    """
    yield from in_order(one, min(first, count))
    yield from in_order(lambda index: one(first + index), max(0, count - first))


def as_they_come(
    one: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Generator[list[Result], None, None]:
    """Yield `one(item)` for each item in order, in lists of what is ready by then.

    Threads work on all cores. A list has from 1 to `ahead` results, and never waits for
    the next item. Another thread reads the items, at most `ahead` of them before their
    results are taken. An error of the items or of `one` is raised after the results
    before it.
    """
    results: SimpleQueue[Future[Result] | None] = SimpleQueue()
    room, stopped = Semaphore(ahead), Event()
    pool = ThreadPoolExecutor(cores())

    def read() -> None:
        try:
            iterator = iter(items)
            while room.acquire() and not stopped.is_set():
                try:
                    item = next(iterator)
                except StopIteration:
                    break
                try:
                    results.put(pool.submit(one, item))
                except RuntimeError:
                    if not stopped.is_set():  # else the pool was just shut down
                        raise
        except BaseException as error:  # raised where the results are taken
            failed: Future[Result] = Future()
            failed.set_exception(error)
            results.put(failed)
        results.put(None)

    # A daemon: items that never come must not keep the program from its end.
    Thread(target=read, daemon=True).start()
    waiting: deque[Future[Result] | None] = deque()

    def first() -> Future[Result] | None:
        if not waiting:
            waiting.append(results.get())
        return waiting[0]

    try:
        while (future := first()) is not None:
            ready = list[Result]()
            while future is not None and (not ready or _succeeded(future)):
                ready.append(future.result())
                waiting.popleft()
                room.release()
                if len(ready) == ahead or results.empty():
                    break
                future = first()
            yield ready
    finally:
        stopped.set()
        room.release()
        pool.shutdown(wait=False, cancel_futures=True)


def _succeeded(future: Future[Result]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
