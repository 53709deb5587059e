"""Which settings are better? `python -m multitask.sweep` tries them."""

import argparse
import sys

from multitask.api import sweep
from multitask.cli import options
from multitask.cli.next_steps import command_line, next_steps
from multitask.contracts.errors import Parser, command
from multitask.contracts.run import BEST, PAGE
from multitask.terminal.quiet import import_tensorflow

__all__ = ["sweep", "main", "parser"]


def parser() -> argparse.ArgumentParser:
    """The command's options: those of fit, and what is varied."""
    command_line = Parser(
        prog="python -m multitask.sweep",
        description="Search for better settings.",
    )
    search = command_line.add_argument_group("search")
    search.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="KEY=A,B|LOW..HIGH[:log]",
        help="a setting and its values, or a range of them; may be repeated",
    )
    search.add_argument(
        "--trials",
        type=int,
        default=20,
        metavar="N",
        help="total number of trials, over all processes (default 20)",
    )
    search.add_argument(
        "--grid", action="store_true", help="try every combination of the values"
    )
    search.add_argument(
        "--objective",
        default="mean",
        metavar="mean|HEAD",
        help="the head whose score ranks the trials, or the mean of all (default mean)",
    )
    search.add_argument(
        "--no-prune",
        dest="prune",
        action="store_false",
        help="train every trial to the end, even if others are better",
    )
    output = options.add(command_line, without=("folds",))
    output.add_argument(
        "--out",
        metavar="FOLDER",
        help="a new folder, or that of a sweep to continue "
        "(default runs/sweep-DATE-TIME)",
    )
    return command_line


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.sweep`; returns the exit status."""
    arguments = parser().parse_args(argv)
    machine = options.machine(arguments)
    recipe = options.read(arguments)
    out = options.default_folder(arguments.out, "sweep-")
    from multitask.experiments import names

    names.check_recipe(recipe)
    names.check_folders(recipe.data)
    import_tensorflow()
    from multitask.contracts import plugins
    from multitask.tuning import sweep as library

    result = library.sweep(
        recipe,
        out,
        vary=arguments.vary,
        objective=arguments.objective,
        grid=arguments.grid,
        prune=arguments.prune,
        trials=arguments.trials,
        machine=machine,
    )
    print(plugins.text(result))
    print(f"written to {out}, see {out / PAGE}")
    train = command_line("fit", "--recipe", out / BEST)
    print(next_steps([("train with the best settings", train)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
