"""Is the package as fast and as small as it should be? Prints a table of ratios."""

import argparse
import os
import platform
import sys
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path

from benchmarks.sides import Setting, table
from multitask.contracts.errors import UserError, command, nearest
from multitask.terminal.quiet import import_tensorflow

MEASURES = (
    "first_pass",
    "later_passes",
    "training",
    "heads",
    "memory",
    "features",
    "overhead",
    "predict",
    "tables",
    "reports",
)
QUICK = partial(
    Setting,
    rounds=2,
    batches=2,
    epochs=2,
    calls=3,
    peak_pictures=400,
    huge_side=3000,
    frozen_trunk="mobilenet_v3_large",
    frozen_size=32,
    frozen_epochs=2,
    compared_epochs=1,
    trials=2,
    table_rows=1000,
    report_rows=400,
    streamed=400,
)


def parser() -> argparse.ArgumentParser:
    """The options: which pictures, how many, which measures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--data", metavar="utkface=FOLDER", help="pictures; by default faces drawn here"
    )
    parser.add_argument(
        "--files",
        type=int,
        metavar="N",
        help="number of pictures (default 4000, with --quick 200)",
    )
    parser.add_argument(
        "--only", metavar="A,B", help=f"some of the measures: {', '.join(MEASURES)}"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only check that they run; the figures mean little",
    )
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Run the measures and print their table; a missed target is not an error."""
    arguments = parser().parse_args(argv)
    measures = _measures(arguments.only)
    files = arguments.files or (200 if arguments.quick else 4000)
    import_tensorflow()
    from benchmarks import faces

    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        cls = QUICK if arguments.quick else Setting
        setting = cls(paths=faces.paths(arguments.data, files, temporary))
        rows = []
        for measure in measures:
            print(f"measuring {measure} ...", file=sys.stderr)
            rows += import_module(f"benchmarks.{measure}").rows(setting, temporary)
    source = "drawn faces" if arguments.data is None else "UTKFace"
    print(f"{len(setting.paths)} pictures ({source}), {_machine()}\n")
    print(table(rows))
    return 0


def _measures(only: str | None) -> list[str]:
    names = only.split(",") if only else list(MEASURES)
    for name in names:
        if name not in MEASURES:
            raise UserError("--only", f"no measure {name!r}", nearest(name, MEASURES))
    return names


def _machine() -> str:
    import keras
    import tensorflow as tf

    versions = f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({platform.machine()}), {python}, {versions}"


if __name__ == "__main__":
    sys.exit(main())
