"""What does a prediction take beside its slower half, and does its memory grow?"""

import sys
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

import multitask
from benchmarks.sides import Row, Setting, Target, seconds, take_turns
from multitask.images.decode import Pixels
from multitask.images.faces.parts import crop_pictures
from multitask.networks.analyzer import Analyzer

_DISTINCT = 50  # pictures that are streamed over and over


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Pictures per second of `predict` by the network `faces`, on whole pictures.

    Theirs is the slower of two: reading, decoding and resizing alone, and answers for
    pixels in memory alone. Then the resident memory of `stream`, whose figures go to
    standard error as they come: theirs is that after the first tenth of its pictures.
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
        ),
        _memory(analyzer.with_tta(1), paths, setting.streamed),
    ]


def _memory(analyzer: Analyzer, paths: list[str], count: int) -> Row:
    """The resident memory (Linux only) after many pictures, few of which differ."""
    data = [Path(path).read_bytes() for path in paths[:_DISTINCT]]
    tenth, resident = count // 10, list[float]()
    tables = analyzer.stream(islice(cycle(data), count), faces="whole")
    for done, _ in enumerate(tables, start=1):
        if done % tenth == 0:
            resident.append(_resident())
            print(f"{done:,} pictures: {resident[-1]:.4f} GB", file=sys.stderr)
    return Row(
        what=f"resident memory of stream after {count:,} pictures, or {tenth:,}",
        unit="GB",
        ours=resident[-1:],
        theirs=resident[:1],
        target=Target("<=", 1.05),
    )


def _resident() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmRSS:")[2].split()[0]) / 1e9


def _decode(paths: list[str], side: int) -> None:
    for _ in crop_pictures(paths, side, [None] * len(paths)):
        pass


def _answer(analyzer: Analyzer, pixels: Pixels) -> None:
    analyzer.outputs(pixels, np.arange(len(pixels)), batch_size=64)
