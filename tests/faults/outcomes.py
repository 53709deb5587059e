"""What came of each case of a campaign, and how is a whole campaign told?"""

import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType

import numpy as np

from multitask.contracts.errors import UserError

SLOW = 30.0  # seconds after which a case counts as a hang
Rng = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one case ended: `read`, `told` in one line, or a fault, `detail` says which.

    `name` says what was done to the input, which `seed` makes again.
    """

    name: str
    seed: int
    ending: str
    detail: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it should not have ended so."""
        return self.ending not in ("read", "told")


def outcome(name: str, seed: int, case: Callable[[], str]) -> Outcome:
    """Run a case, which says how it ended."""
    ended, is_late = _timed(name, seed, case, SLOW)
    if is_late:  # as it may only have waited for other processes
        ended, is_late = _timed(name, seed, case, 2 * SLOW)
    return replace(ended, ending="hang") if is_late else ended


def _timed(
    name: str, seed: int, case: Callable[[], str], seconds: float
) -> tuple[Outcome, bool]:
    """How a case ended, and whether it took so many seconds."""
    start = time.monotonic()
    try:
        with _interrupted(seconds):
            ending, detail = case(), ""
    except UserError as error:
        ending, detail = "told", error.line
        if "\n" in str(error):
            ending = "told in several lines"
    except Exception:
        ending, detail = "traceback", traceback.format_exc()
    ended = Outcome(name=name, seed=seed, ending=ending, detail=detail)
    return ended, time.monotonic() - start >= seconds


@contextmanager
def _interrupted(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer, where the system can interrupt it."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {seconds} seconds")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def table(kind: str, outcomes: list[Outcome]) -> Iterator[str]:
    """The lines of a campaign: what was done, how often, and how it ended."""
    for name in sorted({one.name for one in outcomes}):
        ended = [one.ending for one in outcomes if one.name == name]
        read, told = ended.count("read"), ended.count("told")
        faults = len(ended) - read - told
        yield f"| {kind} | {name} | {len(ended):,} | {read:,} | {told:,} | {faults} |"


def damaged(data: bytes, rng: Rng) -> tuple[str, bytes]:
    """Bytes with some of them cut off, flipped, overwritten, put in or moved."""
    size = max(1, len(data))
    start = int(rng.integers(size))
    length = int(rng.integers(1, 1 + min(size, 2000)))
    noise = rng.integers(0, 256, length, np.uint8).tobytes()
    changes = {
        "cut short": lambda: data[:start],
        "bits flipped": lambda: _flipped(data, int(rng.integers(1, 10)), rng),
        "overwritten by noise": lambda: data[:start] + noise + data[start + length :],
        "noise put in": lambda: data[:start] + noise + data[start:],
        "a part left out": lambda: data[:start] + data[start + length :],
        "a part repeated": lambda: data[: start + length] + data[start:],
        "zeros": lambda: data[:start] + bytes(length) + data[start + length :],
    }
    name = str(rng.choice(list(changes)))
    return name, changes[name]()


def _flipped(data: bytes, count: int, rng: Rng) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(0, max(1, len(data)), count if data else 0):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)
