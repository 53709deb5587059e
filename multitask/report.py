"""How does one command measure a network on labelled pictures?"""

import argparse
import sys
from typing import TYPE_CHECKING

from multitask.api import report
from multitask.cli import options
from multitask.contracts.errors import Parser, command
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe_texts import MEASURED
from multitask.contracts.run import PAGE
from multitask.terminal.quiet import import_tensorflow

if TYPE_CHECKING:
    from multitask.contracts.evaluation import Evaluation
    from multitask.contracts.machine import Machine
    from multitask.contracts.results.side_by_side import SideBySide

__all__ = ["report", "main", "parser"]


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = Parser(
        prog="python -m multitask.report",
        description="Measure a network on labelled pictures, or several side by side.",
    )
    parser.add_argument(
        "networks",
        nargs="+",
        metavar="NETWORK",
        help="a network file, a run folder, or a name; several are measured on the "
        "pictures that all of them hold out",
    )
    options.add_data(parser, "those of the run", [])
    parser.add_argument(
        "--split",
        choices=MEASURED,
        help="part to measure (default: test if the run or the data has one, else all)",
    )
    parser.add_argument(
        "--faces",
        choices=("auto", "detect", "whole"),
        help="measure the face in each picture (auto: unless it is a crop of one), or "
        "whole pictures (default: as in the training)",
    )
    parser.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="A*B",
        help="measure these sub-groups, too: those of two columns together, such as "
        "race*gender; may be repeated, or list several separated by commas (default: "
        "those of each labelled column)",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="a new folder for the report (default: in the run; for a name, "
        "runs/report-DATE-TIME)",
    )
    options.add_memory(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.report`; returns the exit status."""
    arguments = parser().parse_args(argv)
    machine = options.machine(arguments)
    from multitask.experiments import names

    names.check_folders(arguments.data)
    measure = _side_by_side if len(arguments.networks) > 1 else _alone
    result: Evaluation | SideBySide = measure(arguments, machine)
    from multitask.contracts import plugins

    print(plugins.text(result))
    folder = result.folder
    assert folder
    print(f"written to {folder}, see {folder / PAGE}")
    return 0


def _alone(arguments: argparse.Namespace, machine: "Machine") -> "Evaluation":
    """Measure one network."""
    from multitask.contracts.run import new_folder
    from multitask.experiments import names
    from multitask.networks.named import catalog

    (given,) = arguments.networks
    file = names.check_measurable(given, arguments.split, bool(arguments.data))
    is_named = catalog.is_named(given)
    if is_named:
        arguments.out = options.default_folder(arguments.out, "report-")
    if arguments.out:
        new_folder(expand_user(arguments.out))
    import_tensorflow()
    from multitask.experiments import evaluate

    return evaluate.report(
        file,
        arguments.data,
        split=arguments.split,
        out=arguments.out,
        faces=arguments.faces or "",
        machine=machine,
        name=given if is_named else "",
        by=arguments.by,
    )


def _side_by_side(arguments: argparse.Namespace, machine: "Machine") -> "SideBySide":
    """Measure several networks on the same pictures."""
    from multitask.contracts.run import new_folder
    from multitask.experiments import names

    names.check_no_groups(arguments.by)
    files = names.check_side_by_side(
        arguments.networks, arguments.split, bool(arguments.data)
    )
    out = new_folder(options.default_folder(arguments.out, "report-"))
    import_tensorflow()
    from multitask.comparison.side_by_side import measure_side_by_side

    return measure_side_by_side(
        files,
        arguments.data,
        out=out,
        split=arguments.split,
        faces=arguments.faces or "",
        machine=machine,
    )


if __name__ == "__main__":
    sys.exit(main())
