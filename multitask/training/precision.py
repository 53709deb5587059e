"""Which precision trains fastest on this machine?"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import TypeVar

from multitask.contracts.recipe import Precision

Name = TypeVar("Name", bound=str)
_TRIAL_STEPS = 5


def policy(precision: Precision) -> str:
    """The Keras dtype policy for training in a precision."""
    return "float32" if precision == "float32" else f"mixed_{precision}"


def has_bfloat16() -> bool:
    """Whether the hardware computes in bfloat16; emulating it would be slower."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def fastest(steps: Mapping[Name, Callable[[], object]]) -> Name:
    """The name of the step that takes the least time, by the median of a few calls.

    The steps take turns, so that other load on the machine slows all of them alike. The
    first call, which builds a graph, does not count.
    """
    seconds: dict[Name, list[float]] = {name: [] for name in steps}
    for _ in range(1 + _TRIAL_STEPS):
        for name, step in steps.items():
            start = time.monotonic()
            step()
            seconds[name].append(time.monotonic() - start)
    return min(seconds, key=lambda name: median(seconds[name][1:]))
