"""Which pictures does a network warn of? Faces as in its training, and others."""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from benchmarks.detection import table
from benchmarks.scenes import photos
from multitask.contracts.errors import UserError, command
from multitask.images.decode import Pixels, decode, resize
from multitask.terminal.quiet import import_tensorflow

if TYPE_CHECKING:
    from multitask.networks.analyzer import Analyzer

_RECIPE = "faces"  # of the bundled network


def parser() -> argparse.ArgumentParser:
    """The options: which network, which pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unlike", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("network", help="a name, a run, or a network file")
    parser.add_argument(
        "--learn",
        metavar="fairface=FOLDER",
        help="first put what is known of these training pictures into the network's "
        f"file, split as by the recipe {_RECIPE}",
    )
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="faces to measure on; the first is also turned, blurred and so on",
    )
    parser.add_argument(
        "--pictures", type=int, default=1000, metavar="N", help="of each data set"
    )
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Learn if wanted, then print the share of warnings for each kind of picture."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    from multitask.networks.analyzer import Analyzer
    from multitask.networks.named import catalog

    file = catalog.find(arguments.network)
    if arguments.learn:
        learn(file, arguments.learn)
    network = Analyzer.load(file)
    if network.training is None:
        what = "does not know its training pictures"
        raise UserError(arguments.network, what, "give them with --learn")
    rows = [
        {
            "pictures": name,
            "number": f"{len(pictures):,}",
            "warned": share(network, pictures),
        }
        for name, pictures in kinds(arguments.data, arguments.pictures)
    ]
    print(table(pd.DataFrame(rows)))
    return 0


def learn(file: Path, source: str) -> None:
    """Put what is known of the pictures that a network was trained on into its file."""
    from multitask.contracts.recipe import recipe
    from multitask.contracts.recipe_files import path, read
    from multitask.experiments.outputs import training_features
    from multitask.experiments.prepare import prepare
    from multitask.networks import archive
    from multitask.networks.analyzer import Analyzer

    # Where faces lie in the pictures doesn't matter, and takes its time.
    changed = {"data": (source,), "faces": "whole"}
    settings = recipe(read(path(_RECIPE)) | changed)
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(settings, Path(folder), print)
        parts = prepared.table.assign(split=prepared.split())
        known = training_features(
            Analyzer.load(file), prepared.pixels, parts, settings.seed
        )
    if known is None:
        raise UserError(source, "has too few pictures")
    before = file.stat().st_size
    archive.save_training(known, file)
    size = file.stat().st_size
    print(f"{file}: {size / 1e6:.2f} MB, {(size - before) / 1e3:+.1f} kB")


def share(network: "Analyzer", pictures: Sequence[Pixels]) -> str:
    """The share of pictures that are warned of."""
    assert network.training is not None
    small = np.stack([resize(each, network.spec.side) for each in pictures])
    features = network.features(small, np.arange(len(small)))
    return f"{network.training.unlike(features).mean():.3f}"


def kinds(data: Sequence[str], count: int) -> Iterator[tuple[str, list[Pixels]]]:
    """Kinds of pictures by name, with pixels of any size."""
    from multitask.data import sources

    first = list[Pixels]()
    for source in data:
        paths = sources.read_all([source]).table["path"].sample(frac=1, random_state=0)
        faces = [decode(path) for path in paths[:count]]
        first = first or faces
        yield source.partition("=")[0], faces
    if first:
        yield from changed(data[0].partition("=")[0], first[:300])
    yield "drawn faces", drawn(300)
    yield "crops of photos without people", crops(300)
    yield (
        "frames of one colour",
        [np.full((100, 100, 3), value, np.uint8) for value in range(0, 256, 15)],
    )
    draw = np.random.default_rng(0)
    yield "noise", [draw.integers(0, 256, (100, 100, 3), np.uint8) for _ in range(50)]


def changed(name: str, faces: Sequence[Pixels]) -> Iterator[tuple[str, list[Pixels]]]:
    """The faces turned, blurred, darkened and cut."""
    yield f"{name}, upside down", [face[::-1, ::-1].copy() for face in faces]
    yield f"{name}, on the side", [np.rot90(face).copy() for face in faces]
    for share in (0.02, 0.04, 0.08):
        blurred = [
            np.asarray(Image.fromarray(face).filter(ImageFilter.GaussianBlur(radius)))
            for face in faces
            for radius in [share * face.shape[1]]
        ]
        yield f"{name}, blurred by {share:.0%} of the width", blurred
    dark = [(face * 0.05).astype("u1") for face in faces]
    yield f"{name}, at 5% of the brightness", dark
    yield f"{name}, negatives", [255 - face for face in faces]
    yield (
        f"{name}, grey",
        [np.repeat(face.mean(2, keepdims=True), 3, 2).astype("u1") for face in faces],
    )
    yield f"{name}, left halves", [face[:, : face.shape[1] // 2] for face in faces]


def drawn(count: int) -> list[Pixels]:
    """Faces of the sample, which are drawings."""
    from multitask.datasets import sample

    with tempfile.TemporaryDirectory() as folder:
        faces = sample.read(Path(folder), count=count).table["path"]
        return [decode(path) for path in faces]


def crops(count: int) -> list[Pixels]:
    """Squares of photos without people."""
    scenes, draw = photos(), np.random.default_rng(0)
    squares = []
    for number in range(count):
        photo = scenes[number % len(scenes)]
        side = int(draw.integers(80, min(photo.shape[:2])))
        top = int(draw.integers(0, photo.shape[0] - side))
        left = int(draw.integers(0, photo.shape[1] - side))
        squares.append(photo[top : top + side, left : left + side])
    return squares


if __name__ == "__main__":
    raise SystemExit(main())
