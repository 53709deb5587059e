"""Is the fastest precision recognized, also on a busy machine?"""

import time
from pathlib import Path

import pytest

from multitask.training import precision


def test_the_first_turn_and_single_slow_ones_do_not_decide(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    # Seconds per turn. With the first turn, the medians would be 5 and 3; the means
    # without it are 4.2 and 3: only the medians without it, 1 and 3, are right.
    turns = {"quick": iter([9, 1, 9, 1, 9, 1]), "slow": iter([3] * 6)}

    def step(name):
        clock[0] += next(turns[name])

    steps = {name: lambda name=name: step(name) for name in turns}
    assert precision.fastest(steps) == "quick"


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("float32", "float32"),
        ("bfloat16", "mixed_bfloat16"),
        ("float16", "mixed_float16"),
    ],
)
def test_weights_stay_in_float32(name, policy):
    assert precision.policy(name) == policy


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu avx512f", False),
        ("flags : fpu avx512_bf16", True),
        ("flags : fpu amx_bf16", True),
    ],
)
def test_a_cpu_has_bfloat16_if_its_flags_say_so(monkeypatch, flags, expected):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: flags)
    assert precision.has_bfloat16() == expected


def test_a_gpu_has_bfloat16(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert precision.has_bfloat16()


def test_a_system_without_flags_counts_as_without_bfloat16(monkeypatch):
    import tensorflow as tf

    def read_text(path, encoding):
        raise FileNotFoundError

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(Path, "read_text", read_text)
    assert not precision.has_bfloat16()
