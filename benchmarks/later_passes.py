"""How fast are later passes, compared with a generator that rereads the files?"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.faces import batches, spec
from benchmarks.sides import Row, Setting, Target, seconds, take_turns
from multitask.contracts.augmentation import parse_augmentation

_FASTER = 20  # times as many batches per round for ours, so that both are timed as long
_ENDLESS = 1_000_000  # epochs


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Batches per second: `Batches.shuffled`, plain and augmented, and a generator.

    The generator opens, resizes and stacks the same files in one thread, as the usual
    Keras one does. It does not augment: the augmented row has more to do, so it has no
    target.
    """
    data = batches(setting.paths, setting.batch_size, temporary)
    size, heads = data.batch_size, spec().heads
    plain, augmented = (
        iter(data.shuffled(heads, parse_augmentation(name), 0, _ENDLESS))
        for name in ("none", "standard")
    )
    generator = _generator(setting.paths, size, data.pixels.shape[1])
    many = setting.batches * _FASTER
    figures = take_turns(
        setting.rounds,
        lambda: _rate(plain, many),
        lambda: _rate(generator, setting.batches),
        lambda: _rate(augmented, many),
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
            ("shuffled and augmented", figures[2], None),
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
    """Endless batches (batch, size, size, 3), float32, and their files."""
    order = random.Random(0)
    while True:
        shuffled = order.sample(paths, len(paths))
        for start in range(0, len(shuffled) - batch_size + 1, batch_size):
            files = shuffled[start : start + batch_size]
            yield np.stack([_open(path, size) for path in files]), files


def _open(path: str, size: int) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((size, size)), np.float32)
