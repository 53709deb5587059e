"""How does a run become a network in the box? It is copied, without its paths."""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from multitask.cli.quiet import import_tensorflow
from multitask.contracts.errors import command
from multitask.contracts.run import NETWORK
from multitask.networks.named.catalog import BUNDLED

PATHS = ("data", "weights", "split")  # settings that may hold paths of one machine


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
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Copy the run's network into the package. Its model card is written by hand."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    from multitask.networks import archive

    _, spec = archive.load(arguments.run)
    recipe = {name: value for name, value in spec.recipe.items() if name not in PATHS}
    file = arguments.into / arguments.name / NETWORK
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(arguments.run / NETWORK, file)
    # Its notes are on the reading of data that a user doesn't have.
    archive.save_spec(replace(spec, recipe=recipe, notes=()), file)
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
