"""What does a network predict for these files? One command, one row per picture."""

import argparse
import sys
from pathlib import Path

from multitask.cli.quiet import import_tensorflow
from multitask.contracts.errors import Parser, command
from multitask.networks.predictions import FORMATS, write
from multitask.terminal.bar import bar


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    options = Parser(
        prog="multitask predict",
        description="Predict for pictures, one row per picture.",
    )
    add = options.add_argument
    add("network", help="a network file or a run folder")
    add("input", nargs="+", help="picture files, folders and globs")
    add("--heads", metavar="A,B", help="only these; by default all")
    add("--format", choices=FORMATS, default="table")
    add("--out", metavar="FILE", help="by default standard output")
    add("--batch-size", type=int, default=64, metavar="N")
    return options


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask predict`; returns the exit status."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    import multitask
    from multitask.contracts.recipe_texts import split_names
    from multitask.images.paths import expand

    analyzer = multitask.load(arguments.network)
    paths = expand(arguments.input)
    with bar("reading pictures", len(paths)) as advance:
        predictions = analyzer.predict(
            paths,
            heads=split_names(arguments.heads or "") or None,
            batch_size=arguments.batch_size,
            progress=advance,
        )
    for note in analyzer.notes:
        print(note, file=sys.stderr)
    out = Path(arguments.out) if arguments.out else None
    write(predictions, arguments.format, out)
    return 0 if (predictions["status"] == "ok").any() else 1


if __name__ == "__main__":
    sys.exit(main())
