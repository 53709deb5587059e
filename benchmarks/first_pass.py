"""How fast is the first pass over the files, compared with plain decoding?"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
from PIL import Image

from benchmarks.faces import spec
from benchmarks.sides import Row, Setting, Target, seconds, take_turns
from multitask.data.batches import decode_table


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Pictures per second: `decode_table`, and Pillow with one thread per core.

    Ours decodes, resizes and stores; theirs decodes and discards. An unmeasured turn
    before brings the files into the page cache.
    """
    side, count = spec().side, len(setting.paths)
    table = pd.DataFrame({"path": setting.paths})
    ours, theirs = take_turns(
        setting.rounds,
        lambda: count / seconds(partial(decode_table, table, side, 2.0, temporary)),
        lambda: count / seconds(partial(_pillow, setting.paths)),
    )
    return [
        Row(
            what=f"first pass: decode and resize to {side}, or decode by Pillow",
            unit="pictures/s",
            ours=ours,
            theirs=theirs,
            target=Target(">=", 0.8),
        )
    ]


def _pillow(paths: tuple[str, ...]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(_decode, paths):
            pass


def _decode(path: str) -> None:
    with Image.open(path) as image:
        image.convert("RGB")
