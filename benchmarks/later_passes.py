"""How fast are the passes after the first, against a generator that reads anew?"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.faces import batches, spec
from benchmarks.sides import Row, Setting, Target, seconds, take_turns
from multitask.contracts.augmentation import parse_augmentation

_FASTER = 20  # so many times more batches a round for ours, to be timed as long
_ENDLESS = 1_000_000  # epochs


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Batches a second: `Batches.shuffled`, plain and varied, against a generator.

    The generator opens, resizes and stacks the same files in one thread, as the usual
    Keras one does. It varies nothing: the varied row has more to do and no target.
    """
    held = batches(setting.paths, setting.batch_size, temporary)
    size, heads = held.batch_size, spec().heads
    plain, varied = (
        iter(held.shuffled(heads, parse_augmentation(name), 0, _ENDLESS))
        for name in ("none", "standard")
    )
    usual = _generator(setting.paths, size, held.pixels.shape[1])
    many = setting.batches * _FASTER
    figures = take_turns(
        setting.rounds,
        lambda: _rate(plain, many),
        lambda: _rate(usual, setting.batches),
        lambda: _rate(varied, many),
    )
    return [
        Row(
            what=f"later passes: {what}, or a generator",
            unit="batches/s",
            ours=ours,
            theirs=figures[1],
            target=target,
        )
        for what, ours, target in (
            ("shuffled", figures[0], Target(">=", _FASTER)),
            ("shuffled and varied", figures[2], None),
        )
    ]


def _rate(source: Iterator[Any], count: int) -> float:
    def take() -> None:
        for _ in range(count):
            next(source)

    return count / seconds(take)


def _generator(
    paths: tuple[str, ...], batch_size: int, size: int
) -> Iterator[tuple[Any, list[str]]]:
    """Batches (batch, size, size, 3) float32 and their files, without end."""
    order = random.Random(0)
    while True:
        left = order.sample(paths, len(paths))
        for start in range(0, len(left) - batch_size + 1, batch_size):
            chosen = left[start : start + batch_size]
            yield np.stack([_open(path, size) for path in chosen]), chosen


def _open(path: str, size: int) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((size, size)), np.float32)
