"""Is one network as good as many, on these pictures, and what does each cost?"""

import argparse
import sys

from multitask.api import compare
from multitask.cli import options
from multitask.cli.next_steps import command_line, next_steps
from multitask.contracts.errors import Parser, command
from multitask.contracts.recipe_texts import split_names
from multitask.contracts.results.design_comparison import DESIGNS
from multitask.contracts.run import PAGE
from multitask.terminal.quiet import import_tensorflow

__all__ = ["compare", "main", "parser"]


def parser() -> argparse.ArgumentParser:
    """The command's options: those of fit, and what is compared."""
    parser = Parser(
        prog="python -m multitask.compare",
        description="Compare one network with many, in quality and cost.",
    )
    parser.add_argument(
        "--designs",
        metavar="A,B",
        help=f"some of {', '.join(DESIGNS)} (default: all, merged only with --merge)",
    )
    parser.add_argument(
        "--trunks",
        metavar="A,B",
        help="trunks to compare (default: that of the recipe)",
    )
    parser.add_argument(
        "--merge",
        action="append",
        default=[],
        metavar="A+B",
        help="heads that the merged design joins; may be repeated",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="train everything this many times, each with another seed (default 1)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="train nothing; list the networks and estimate the time",
    )
    output = options.add(parser, without=("folds",))
    output.add_argument(
        "--out",
        metavar="FOLDER",
        help="a new folder, or that of a comparison to continue "
        "(default runs/compare-DATE-TIME)",
    )
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.compare`; returns the exit status."""
    arguments = parser().parse_args(argv)
    recipe, machine = options.read(arguments), options.machine(arguments)
    out = options.default_folder(arguments.out, "compare-")
    trunks = split_names(arguments.trunks or "")
    from multitask.experiments import names

    names.check_recipe(recipe, trunks)
    names.check_folders(recipe.data)
    import_tensorflow()
    from multitask.comparison import study
    from multitask.contracts import plugins

    result = study.compare(
        recipe,
        out,
        designs=split_names(arguments.designs or ""),
        trunks=trunks,
        merges=arguments.merge,
        seeds=arguments.seeds,
        dry_run=arguments.dry_run,
        machine=machine,
    )
    print(plugins.text(result))
    if not arguments.dry_run:
        print(f"written to {out}, see {out / PAGE}")
        network = out / result.cells[-1].networks[0]
        print(next_steps([("predict", command_line("predict", network, "PICTURE"))]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
