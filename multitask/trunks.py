"""Which trunks can `--trunk` name? The command `python -m multitask.trunks`."""

import sys

from multitask.contracts.errors import Parser, command
from multitask.networks.trunks import table
from multitask.terminal.quiet import import_tensorflow


def parser() -> Parser:
    """The command's options."""
    options = Parser(
        prog="python -m multitask.trunks",
        description="List the trunks that --trunk accepts.",
    )
    options.add_argument(
        "--time",
        action="store_true",
        help="also measure how fast each is on this machine",
    )
    return options


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.trunks`; returns the exit status."""
    arguments = parser().parse_args(argv)
    if arguments.time:
        import_tensorflow()
    lines = table(arguments.time)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join(cells).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
