"""Is it as fast and as small as it should be? Prints one table of ratios."""

import argparse
import os
import platform
import sys
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path

from benchmarks.sides import Setting, table
from multitask.cli.quiet import import_tensorflow
from multitask.contracts.errors import UserError, command, nearest

MEASURES = (
    "first_pass",
    "later_passes",
    "training",
    "heads",
    "memory",
    "features",
    "overhead",
)
QUICK = partial(
    Setting,
    rounds=2,
    batches=2,
    epochs=2,
    calls=3,
    peak_pictures=400,
    frozen_trunk="mobilenet_v3_large",
    frozen_size=32,
    frozen_epochs=2,
    compared_epochs=1,
    trials=2,
)


def parser() -> argparse.ArgumentParser:
    """The options: which pictures, how many, how long."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument(
        "--data", metavar="utkface=FOLDER", help="pictures; by default drawn faces"
    )
    made.add_argument(
        "--files", type=int, metavar="N", help="use so many (default 4000, quick 200)"
    )
    made.add_argument(
        "--only", metavar="A,B", help=f"some of the measures: {', '.join(MEASURES)}"
    )
    made.add_argument(
        "--quick", action="store_true", help="see that it runs; the figures mean little"
    )
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run the measures and print their table; a missed target is no error."""
    arguments = parser().parse_args(argv)
    chosen = _chosen(arguments.only)
    files = arguments.files or (200 if arguments.quick else 4000)
    import_tensorflow()
    from benchmarks import faces

    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        made = QUICK if arguments.quick else Setting
        setting = made(paths=faces.paths(arguments.data, files, temporary))
        rows = []
        for measure in chosen:
            print(f"measuring {measure} ...", file=sys.stderr)
            rows += import_module(f"benchmarks.{measure}").rows(setting, temporary)
    source = "drawn faces" if arguments.data is None else "UTKFace"
    print(f"{len(setting.paths)} pictures ({source}), {_machine()}\n")
    print(table(rows))
    return 0


def _chosen(only: str | None) -> list[str]:
    chosen = only.split(",") if only else list(MEASURES)
    for name in chosen:
        if name not in MEASURES:
            raise UserError("--only", f"no measure {name!r}", nearest(name, MEASURES))
    return chosen


def _machine() -> str:
    import keras
    import tensorflow as tf

    versions = f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({platform.machine()}), {python}, {versions}"


if __name__ == "__main__":
    sys.exit(main())
