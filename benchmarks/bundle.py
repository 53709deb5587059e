"""How does a run become a network in the box? In float16, and without its paths."""

import argparse
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.contracts.errors import command
from multitask.contracts.run import NETWORK
from multitask.networks.named.catalog import BUNDLED
from multitask.terminal.quiet import import_tensorflow

if TYPE_CHECKING:
    import pandas as pd

# Settings that may hold paths of one machine.
PATHS = ("data", "weights", "teacher", "split")
_PICTURES = 2_000  # that float16 and float32 are compared on


def parser() -> argparse.ArgumentParser:
    """The options: which run, which name."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bundle", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("run", type=Path, help="the folder of a run")
    parser.add_argument("name", help="of the network, such as faces")
    parser.add_argument(
        "--into", type=Path, default=BUNDLED, help="the folder of bundled networks"
    )
    parser.add_argument(
        "--compare",
        metavar="NAME=FOLDER",
        help="pictures on which the copy is compared with the run",
    )
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Copy the run's network into the package. Its model card is written by hand."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    from multitask.networks import archive
    from multitask.networks.analyzer import Analyzer

    network, spec = archive.load(arguments.run)
    recipe = {name: value for name, value in spec.recipe.items() if name not in PATHS}
    file = arguments.into / arguments.name / NETWORK
    file.parent.mkdir(parents=True, exist_ok=True)
    # Its notes are on the reading of data that a user doesn't have.
    halved = replace(spec, recipe=recipe | {"storage": "float16"}, notes=())
    archive.save(network, halved, file)
    if known := Analyzer.load(arguments.run).training:
        archive.save_training(known, file)
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB")
    if arguments.compare:
        print(_comparison(arguments.run / NETWORK, file, arguments.compare))
    return 0


def _comparison(run: Path, copy: Path, source: str) -> str:
    """How many answers about random pictures are the same, or how far numbers are."""
    import multitask
    from multitask.data import sources

    paths = sources.read_all([source]).table["path"].tolist()
    paths = random.Random(0).sample(paths, min(_PICTURES, len(paths)))
    tables = [multitask.load(str(file)).predict(paths) for file in (run, copy)]
    lines = [f"{(tables[0]['status'] == 'ok').sum():,} pictures, float16 and float32:"]
    for head in multitask.load(str(run)).heads:
        lines += [_difference(name, *tables) for name in head.columns]
    return "\n".join(lines)


def _difference(name: str, own: "pd.DataFrame", other: "pd.DataFrame") -> str:
    if own[name].dtype.kind == "f":
        return f"{name}: differs by {(own[name] - other[name]).abs().max():.4f} at most"
    return f"{name}: equal in {(own[name] == other[name]).mean():.4f}"


if __name__ == "__main__":
    raise SystemExit(main())
