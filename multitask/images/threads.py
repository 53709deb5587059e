"""How are many pictures worked on at once, and handed over in their order?"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
_TASK = 32  # most pictures that a thread works on before it hands them over


def in_order(one: Callable[[int], Result], count: int) -> Iterator[Result]:
    """Yield `one(index)` for each index below `count` in order, on all cores."""
    cores = os.cpu_count() or 1
    task = max(1, min(_TASK, count // cores))

    def several(start: int) -> list[Result]:
        return [one(i) for i in range(start, min(start + task, count))]

    # Threads suffice: decoding and resizing do without Python's global lock. Tasks of
    # several pictures take it less often, and few tasks ahead bound what waits.
    pending: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        for start in range(0, count, task):
            pending.append(pool.submit(several, start))
            if len(pending) > 2 * cores:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
