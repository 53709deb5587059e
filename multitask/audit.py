"""What is wrong with these labelled pictures, before a network learns from them?"""

import argparse
import sys
from itertools import chain, count
from pathlib import Path

from multitask.cli import options
from multitask.cli.next_steps import command_line, next_steps
from multitask.contracts.errors import Parser, command
from multitask.contracts.run import PAGE
from multitask.terminal.quiet import import_tensorflow
from multitask.with_data import audit

__all__ = ["audit", "main", "parser"]


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = Parser(
        prog="python -m multitask.audit",
        description="Find faults in labelled pictures that would harm training.",
    )
    options.add_data(parser, default=[])
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="a new folder for the report (default runs/audit-DATE-TIME)",
    )
    parser.add_argument(
        "--heads", metavar="A,B", help="heads to check (default: all that have labels)"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with status 1 if there is any fault"
    )
    parser.add_argument(
        "--fix",
        metavar="FILE",
        help="write a table without unusable and duplicate pictures (.csv, .parquet)",
    )
    parser.add_argument(
        "--faces",
        choices=("auto", "detect", "whole"),
        default="whole",
        help="list pictures without a face and those with several, which --fix keeps; "
        "auto: but not in data sets that show few faces; whole: look for none "
        "(default whole, as a search takes 10 to 30 times as long as reading)",
    )
    options.add_damaged(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.audit`; returns the exit status."""
    arguments = parser().parse_args(argv)
    out = options.default_folder(arguments.out, "audit-")
    # Imported here, as pandas takes its time and `--help` doesn't need it.
    from multitask.contracts import plugins
    from multitask.contracts.recipe_texts import check_some_heads, split_names
    from multitask.inspection import audit as library

    heads: tuple[str, ...] = ()
    if arguments.heads is not None:
        heads = split_names(arguments.heads)
        check_some_heads(heads)
    if arguments.faces != "whole":
        import_tensorflow()
    findings = library.audit(
        arguments.data, out, heads=heads, fix=arguments.fix, faces=arguments.faces,
        damaged=arguments.damaged,
    )  # fmt: skip
    print(plugins.text(findings))
    print(f"written to {out}, see {out / PAGE}")
    if arguments.fix:
        print(f"cleaned table: {arguments.fix}")
        data = ["--data", f"table={arguments.fix}"]
        train = command_line("fit", *data, *_heads(arguments))
        print(next_steps([("train on the cleaned table", train)]))
    elif findings.wrong():
        print(next_steps([("write a table without these faults", _fix(arguments))]))
    if not arguments.strict:
        return 0
    wrong = ", ".join(f"{number} {name}" for name, number in findings.wrong().items())
    print(f"strict: {wrong or 'nothing wrong'}")
    return 1 if wrong else 0


def _fix(arguments: argparse.Namespace) -> str:
    """The same command with `--fix` and a file that is new."""
    words = [word for each in arguments.data for word in ("--data", each)]
    numbered = (Path(f"clean-{number}.csv") for number in count(2))
    new = next(p for p in chain([Path("clean.csv")], numbered) if not p.exists())
    return command_line("audit", *words, *_heads(arguments), "--fix", new)


def _heads(arguments: argparse.Namespace) -> list[str]:
    return ["--heads", arguments.heads] if arguments.heads else []


if __name__ == "__main__":
    sys.exit(main())
