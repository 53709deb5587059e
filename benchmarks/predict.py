"""How much longer does a prediction take than its slower half, decoding or network?"""

from functools import partial
from pathlib import Path

import numpy as np

import multitask
from benchmarks.sides import Row, Setting, Target, seconds, take_turns
from multitask.images.decode import Pixels
from multitask.images.faces.parts import crop_pictures
from multitask.networks.analyzer import Analyzer


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Pictures per second of `predict` by the network `faces`, on whole pictures.

    Theirs is the slower of two: reading, decoding and resizing alone, and answers for
    pixels in memory alone.
    """
    paths, count = list(setting.paths), len(setting.paths)
    analyzer = multitask.load("faces")
    pixels = np.zeros((count, analyzer.spec.side, analyzer.spec.side, 3), np.uint8)
    sides = take_turns(
        setting.rounds,
        lambda: count / seconds(lambda: analyzer.predict(paths, faces="whole")),
        lambda: count / seconds(partial(_decode, paths, analyzer.spec.side)),
        lambda: count / seconds(partial(_answer, analyzer, pixels)),
    )
    ours, decoded, answered = sides
    slower = [min(pair) for pair in zip(decoded, answered, strict=True)]
    return [
        Row(
            what="predict whole pictures, or the slower of decoding and network alone",
            unit="pictures/s",
            ours=ours,
            theirs=slower,
            target=Target(">=", 0.85),
        )
    ]


def _decode(paths: list[str], side: int) -> None:
    for _ in crop_pictures(paths, side, [None] * len(paths)):
        pass


def _answer(analyzer: Analyzer, pixels: Pixels) -> None:
    analyzer.outputs(pixels, np.arange(len(pixels)), batch_size=64)
