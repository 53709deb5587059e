"""Which arithmetic is the faster one on this machine?"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import TypeVar

from multitask.contracts.recipe import Precision

Name = TypeVar("Name", bound=str)
_TRIAL_STEPS = 5


def policy(precision: Precision) -> str:
    """Keras's name for training in a precision."""
    return "float32" if precision == "float32" else f"mixed_{precision}"


def has_bfloat16() -> bool:
    """Whether there is hardware for it; elsewhere it is emulated, and never pays."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # no Linux
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def fastest(sides: Mapping[Name, Callable[[], object]]) -> Name:
    """The name of what takes the least time, in the median of a few turns.

    The sides take turns, so that whatever else the machine does falls on all of them;
    the first turn, in which graphs are built, does not count.
    """
    seconds: dict[Name, list[float]] = {name: [] for name in sides}
    for _ in range(1 + _TRIAL_STEPS):
        for name, side in sides.items():
            began = time.monotonic()
            side()
            seconds[name].append(time.monotonic() - began)
    return min(seconds, key=lambda name: median(seconds[name][1:]))
