"""Which detector finds faces, how fast, and what do networks answer for its crops?"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.memory import peak
from benchmarks.scenes import Scene, alone, files, hit, photos, resized, scenes
from multitask.contracts.errors import UserError, command
from multitask.contracts.recipe import TTA
from multitask.contracts.run import SPLIT
from multitask.data.split import read_split
from multitask.images.decode import Pixels, decode, resize
from multitask.images.faces.crop import Framing, crop, measure
from multitask.images.faces.detectors import DETECTORS, detect, detector
from multitask.images.faces.face import Face
from multitask.terminal.quiet import import_tensorflow

SIZES = (24, 48, 96, 200)  # pixels from the forehead to the chin
WIDTHS = (640, 1280, 4000)  # of photos that are timed
TURNED = 30.0  # most degrees
FRAMED = 500  # pictures that a framing is measured on


def parser() -> argparse.ArgumentParser:
    """The options: which faces, how many, which detectors."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="NAME=FOLDER",
        help="pictures of utkface or celeba; may be repeated",
    )
    parser.add_argument(
        "--faces", type=int, default=204, metavar="N", help="for each size and data set"
    )
    parser.add_argument(
        "--detectors", default=",".join(DETECTORS), metavar="A,B", help="(default all)"
    )
    parser.add_argument(
        "--only",
        choices=("recall", "alarms", "speed", "gain"),
        help="one of the measures",
    )
    parser.add_argument(
        "--gain", type=int, default=1000, metavar="N", help="faces whose answers count"
    )
    parser.add_argument(
        "--network", default="faces", help="or run whose answers count (default faces)"
    )
    parser.add_argument(
        "--tta", type=int, choices=TTA, metavar="N",
        help="views that its answers are averaged over (default: as in the training)",
    )  # fmt: skip
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, and print a table for each measure."""
    arguments = parser().parse_args(argv)
    names = arguments.detectors.split(",")
    for name in names:
        detector(name)
    _one_thread_each(names)
    measures = {
        "recall": partial(recall, arguments.data, names, arguments.faces),
        "alarms": partial(false_alarms, names),
        "speed": partial(speed, arguments.data[0], names),
        "gain": partial(
            gain, arguments.data, arguments.gain, arguments.network, arguments.tta
        ),
    }
    for name, rows in measures.items():
        if arguments.only in (None, name):
            print(table(pd.DataFrame(rows())), end="\n\n")
    return 0


def recall(
    data: Sequence[str], names: Sequence[str], count: int
) -> Iterator[dict[str, str]]:
    """The share of pasted faces that each detector finds, by size and turn."""
    for source in data:
        kind, paths = source.partition("=")[0], files(source, count)
        for most in (0.0, TURNED):
            recalls = {name: [_recall(p, name) for p in _lots(paths, kind, most)]
                     for name in names}  # fmt: skip
            for name, shares in recalls.items():
                turn = f"up to {most:.0f}°" if most else "upright"
                row = {"detector": name, "faces": kind, "turned": turn}
                sizes = zip(SIZES, shares, strict=True)
                yield row | {f"{size} pixels": f"{s:.3f}" for size, s in sizes}


def _lots(paths: Sequence[str], kind: str, most: float) -> Iterator[Iterator[Scene]]:
    return (scenes(paths, kind, size, most) for size in SIZES)


def _recall(lot: Iterator[Scene], name: str) -> float:
    """The share of the faces in scenes that are found."""
    hits = []
    for scene in lot:
        faces = detect(scene.pixels, name)
        hits += [any(hit(face.box, box) for face in faces) for box in scene.boxes]
    return float(np.mean(hits))


def false_alarms(names: Sequence[str]) -> Iterator[dict[str, str]]:
    """How many faces are found where there are none, by width of the photo."""
    for name in names:
        row = {"detector": name}
        for width in WIDTHS:
            counts = [len(detect(pixels, name)) for pixels in photos(width)]
            shown = f"{sum(counts)} in {np.count_nonzero(counts)} of {len(counts)}"
            row[f"{width:,} pixels"] = shown
        yield row


def speed(source: str, names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Photos per second with six faces each, and the peak memory of one, by width."""
    scene = next(scenes(files(source, 6), source.partition("=")[0], 96))
    for name in names:
        base = _peak(name, 64)
        for width in WIDTHS:
            pixels = resized(scene.pixels, width)
            row = {"detector": name, "width": f"{width:,} pixels"}
            for threads in (1, 2):
                row[_threads(threads)] = f"{_per_second(pixels, name, threads):.2f}"
            more = (_peak(name, width) - base) / 1e6
            yield row | {"memory": f"{more:,.0f} MB"}


def _threads(count: int) -> str:
    return f"photos/s, {count} thread{'s' * (count > 1)}"


def _per_second(pixels: Pixels, name: str, threads: int, least: float = 4.0) -> float:
    """Photos per second that threads find the faces of, for `least` seconds or more."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: detect(pixels, name), range(threads)))  # warms up
        began, done = time.perf_counter(), 0
        while (seconds := time.perf_counter() - began) < least:
            list(pool.map(lambda _: detect(pixels, name), range(threads)))
            done += threads
    return done / seconds


_ONE = """
import json, sys
import skimage.data
from benchmarks.detection import _one_thread_each, detect, resized
name, width = json.loads(sys.argv[1])
_one_thread_each([name])
detect(resized(skimage.data.astronaut(), width), name)
"""


def _peak(name: str, width: int) -> int:
    """The peak memory of a process that finds the faces of one photo, in bytes."""
    return peak([sys.executable, "-c", _ONE, json.dumps([name, width])])


def gain(
    data: Sequence[str], count: int, network: str = "faces", tta: int | None = None
) -> Iterator[dict[str, str]]:
    """How alike a network answers for crops of found faces and for the pictures.

    Pictures of UTKFace are pasted into photos, found and cut out. For comparison, also
    the whole photos.
    """
    (source, *_) = [one for one in data if one.startswith("utkface=")] or [""]
    if not source:
        raise UserError(
            "--data", "has no utkface", "give it, or --only another measure"
        )
    import multitask

    analyzer = multitask.load(network)
    analyzer = analyzer.with_tta(tta) if tta else analyzer
    framing, paths = unseen(source, count, Path(network), analyzer.spec.framing)
    side = analyzer.spec.side
    originals = np.stack([resize(decode(path), side) for path in paths])
    wanted = analyzer.answers(originals, np.arange(len(paths)))
    for most in (0.0, 20.0):
        crops, whole = originals.copy(), originals.copy()
        numbers = []
        for number, scene in enumerate(_pasted(paths, most)):
            whole[number] = resize(scene.pixels, side)
            if face := largest_hit(scene):
                crops[number] = crop(scene.pixels, face, framing, side)
                numbers.append(number)
        rows = np.array(numbers, np.intp)
        turn = f"up to {most:.0f}°" if most else "upright"
        row = {"turned": turn, "found": f"{len(rows)} of {len(paths)}"}
        for what, shown in (("its crop", crops), ("the photo", whole)):
            answers = analyzer.answers(shown, rows)
            yield row | {"answered": what} | agreement(wanted.loc[rows], answers)


def unseen(
    source: str, count: int, network: Path, learnt: Framing | None
) -> tuple[Framing, list[str]]:
    """`count` pictures that a network was not trained on, and how to cut out faces.

    Of a run on these pictures they are those of its test part, with the framing that it
    learnt. The network of other pictures gets a framing measured on 500 of the source.
    """
    paths = files(source, sys.maxsize)
    parts = network / SPLIT
    if not learnt or not parts.is_file():
        return framing_of(paths[:FRAMED]), paths[FRAMED : FRAMED + count]
    table = read_split(parts)
    test = set(table.loc[table["split"] == "test", "path"])
    paths = [path for path in paths if path in test]
    if not paths:
        raise UserError("--data", f"has none of the test pictures in {parts}")
    return learnt, paths[:count]


def framing_of(paths: Sequence[str]) -> Framing:
    """The framing of pictures; UserError if too few of them have a face."""
    pictures = (decode(path) for path in paths)
    framing = measure((picture.shape, detect(picture)) for picture in pictures)
    if framing is None:
        raise UserError("--data", "has too few pictures with a face")
    return framing


def _pasted(paths: Sequence[str], most: float) -> Iterator[Scene]:
    draw, backgrounds = random.Random(0), photos(480)
    for number, path in enumerate(paths):
        photo = backgrounds[number % len(backgrounds)]
        yield alone(path, draw.uniform(-most, most), draw, photo)


def largest_hit(scene: Scene) -> Face | None:
    """The largest found face that is the pasted one."""
    faces = detect(scene.pixels)
    return next((face for face in faces if hit(face.box, scene.boxes[0])), None)


def agreement(wanted: pd.DataFrame, answers: pd.DataFrame) -> dict[str, str]:
    """The shares of equal classes, and how many years apart ages are on average."""
    same = {name: (wanted[name] == answers[name]).mean() for name in ("gender", "race")}
    years = (wanted["age"] - answers["age"]).abs().mean()
    shares = {f"same {name}": f"{share:.3f}" for name, share in same.items()}
    return shares | {"age": f"{years:.2f} years apart"}


def table(rows: pd.DataFrame) -> str:
    """A Markdown table."""
    lines = [list(rows.columns), ["---"] * rows.shape[1], *rows.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _one_thread_each(names: Sequence[str]) -> None:
    """Let only the threads that call a detector compute: their number counts."""
    import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if "haar" in names:
        import cv2

        cv2.setNumThreads(1)


if __name__ == "__main__":
    raise SystemExit(main())
