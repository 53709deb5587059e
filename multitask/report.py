"""How does one command measure a network on labelled pictures?"""

import argparse
import sys
from pathlib import Path

from multitask.api import report
from multitask.cli import options
from multitask.contracts.errors import Parser, command
from multitask.contracts.recipe_texts import MEASURED
from multitask.contracts.run import PAGE
from multitask.terminal.quiet import import_tensorflow

__all__ = ["report", "main", "parser"]


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = Parser(
        prog="python -m multitask.report",
        description="Measure a network on labelled pictures.",
    )
    parser.add_argument("network", help="a network file, a run folder, or a name")
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
        "race*gender; may be repeated, or list several separated by commas",
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
    from multitask.contracts.run import new_folder
    from multitask.experiments import names
    from multitask.networks.named import catalog

    network = names.check_measurable(
        arguments.network, arguments.split, bool(arguments.data)
    )
    is_named = catalog.is_named(arguments.network)
    if is_named:
        arguments.out = options.default_folder(arguments.out, "report-")
    names.check_folders(arguments.data)
    if arguments.out:
        new_folder(Path(arguments.out).expanduser())
    import_tensorflow()
    from multitask.contracts import plugins
    from multitask.experiments import evaluate

    evaluation = evaluate.report(
        network,
        arguments.data,
        split=arguments.split,
        out=arguments.out,
        faces=arguments.faces or "",
        machine=machine,
        name=arguments.network if is_named else "",
        by=arguments.by,
    )
    print(plugins.text(evaluation))
    folder = evaluation.folder
    assert folder
    print(f"written to {folder}, see {folder / PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
