"""How does one command make a network out of folders of labelled pictures?"""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from multitask.api import fit
from multitask.cli import keywords, options
from multitask.cli.next_steps import command_line, next_steps
from multitask.contracts.errors import Parser, command
from multitask.contracts.run import NETWORK, PAGE, RECIPE, REPORT, new_folder
from multitask.terminal.quiet import import_tensorflow

if TYPE_CHECKING:
    from multitask.experiments.run import Run

__all__ = ["fit", "main", "parser"]


def parser() -> argparse.ArgumentParser:
    """The command's options: one for every setting of a recipe, and where to write."""
    parser = Parser(
        prog="python -m multitask.fit",
        description="Train one network with many heads, and measure it.",
    )
    output = options.add(parser)
    output.add_argument(
        "--out",
        metavar="FOLDER",
        help="the new folder of the run (default runs/DATE-TIME)",
    )
    output.add_argument(
        "--resume", action="store_true", help="continue the stopped run in --out"
    )
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.fit`; returns the exit status."""
    arguments = parser().parse_args(argv)
    machine = options.machine(arguments)
    if arguments.resume:
        other = {**options.explicit(arguments), "recipe": arguments.recipe}
        settings, out = keywords.resumed(arguments.out, other)
    else:
        settings = options.read(arguments)
        out = options.default_folder(arguments.out)
        from multitask.experiments import names

        names.check_recipe(settings)
        names.check_folders(settings.data)
        new_folder(out, or_without_epoch=True)
    import_tensorflow()
    from multitask.contracts import plugins
    from multitask.experiments import run as library

    run = library.fit(settings, out, resume=arguments.resume, machine=machine)
    print(plugins.text(run.evaluation))
    print(f"written to {run.folder}, see {run.folder / REPORT / PAGE}")
    print(next_steps(_steps(run)))
    return 130 if run.interrupted else 0


def _steps(run: "Run") -> Iterator[tuple[str, str]]:
    """What to do with a run, as commands to copy."""
    folder, picture = run.folder, run.evaluation.labels["path"].iloc[0]
    if run.interrupted:
        yield "resume", command_line("fit", "--resume", "--out", folder)
    if (folder / NETWORK).exists():  # else it is the folder of several folds
        yield "predict", command_line("predict", folder, picture)
        yield (
            "measure on other pictures",
            command_line("report", folder, "--data", "NAME=FOLDER"),
        )
    yield (
        "compare with a network per head",
        command_line("compare", "--recipe", folder / RECIPE),
    )


if __name__ == "__main__":
    sys.exit(main())
