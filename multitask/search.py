"""Which pictures show what I look for? One command, on answers that predict wrote."""

import argparse
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

from multitask.contracts.errors import Parser, UserError, command
from multitask.contracts.paths import expand_user
from multitask.terminal.tell import tell
from multitask.with_answers import find_like, search, write_sheet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["main", "parser", "search"]
_EPILOG = """\
examples of expressions, in single quotes for the shell:
  'Smiling > 0.8 and age < 30 and not Eyeglasses'
  '(20 <= age < 30 or age_high < 25) and gender == "female"'
  'race in ("asian", "black") and `East Asian` is not missing'
  '"holiday" in path and status == "ok"'

A yes/no label alone means answered yes, `not` before it answered no, and a number is
compared with its probability. A missing answer matches neither.

exit status:
  0  rows were found
  1  none was; lines on standard error say how many each part of the expression leaves
  2  a mistake in the command
"""


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    options = Parser(
        prog="python -m multitask.search",
        description="Find pictures by their answers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = options.add_argument
    add("answers", help="a file of predict --out: .csv, .json, .jsonl or .parquet")
    add(
        "expression",
        nargs="*",
        help="comparisons in quotes, joined by and, or, not (with --sort or --like, "
        "default: all rows)",
    )
    add(
        "--like",
        metavar="PHOTO",
        help="find the rows most like this photo, or the largest face in it; needs "
        "--features",
    )
    add(
        "--features",
        metavar="FILE.npy",
        help="what predict --features wrote with the answers",
    )
    add(
        "--network",
        metavar="NAME",
        help="the network of the features (default: the one that wrote them)",
    )
    _add_output(options)
    return options


def _add_output(options: argparse.ArgumentParser) -> None:
    """The options that say which rows are written, in which order, and where."""
    add = options.add_argument
    add(
        "--top",
        type=int,
        metavar="N",
        help="at most N rows (default: all found, or 20 with --like)",
    )
    add(
        "--sort",
        metavar="COLUMN",
        help="sort by this column, the highest first; a yes/no label by its "
        "probability (default: the order of the file)",
    )
    add("--ascending", action="store_true", help="sort the lowest first")
    add(
        "--sheet",
        metavar="FILE",
        help="write a contact sheet of the pictures found (.jpg, .png, .webp)",
    )
    add(
        "--out",
        metavar="FILE",
        help="write the rows to a file, in the format of its extension as predict does",
    )


@command
def main(argv: list[str] | None = None) -> int:
    """Run `python -m multitask.search`; returns the exit status."""
    arguments = parser().parse_args(argv)
    words = arguments.expression
    if len(words) > 1:
        what = f"has {len(words)} parts"
        todo = f"write quotes for the shell: {shlex.quote(' '.join(words))}"
        raise UserError("expression", what, todo)
    # Imported here, as pandas takes its time and `--help` doesn't need it.
    from multitask.images.sheet import check_count, check_sheet
    from multitask.networks.prediction.file import check_target, write_rows
    from multitask.networks.prediction.formats import resolve_format
    from multitask.retrieval import find

    form = resolve_format(arguments.out, None)
    out = expand_user(arguments.out) if arguments.out else None
    if out:
        answers = expand_user(arguments.answers)
        if out.exists() and answers.exists() and answers.samefile(out):
            raise UserError(f"--out {out}", "is the file to search", "name another")
        check_target(out, form)
    if arguments.sheet:
        check_sheet(expand_user(arguments.sheet))
    like = find_like(arguments.like, arguments.features, arguments.network, say=tell)
    matches = find.find(
        arguments.answers,
        words[0] if words else None,
        like=like,
        top=arguments.top,
        sort=arguments.sort,
        ascending=arguments.ascending,
    )
    for note in matches.notes:
        tell(note)
    if not matches.matched:
        return 1
    if arguments.sheet:
        check_count(len(matches.rows))
    if out:
        write_rows(matches.rows, out, form)
    if arguments.sheet:
        write_sheet(matches, arguments.sheet, say=tell)
    if not out and not arguments.sheet:
        _print(matches.rows)
    shown = len(matches.rows)
    first = f", the first {shown:,} of them given" if shown < matches.matched else ""
    tell(f"{matches.matched:,} of {matches.total:,} rows match{first}")
    for path in filter(None, (arguments.out, arguments.sheet)):
        tell(f"written to {path}")
    return 0


def _print(rows: "pd.DataFrame") -> None:
    from multitask.networks.prediction.formats import text

    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else None
    print(text(rows, "table", first=True, width=width), end="")


if __name__ == "__main__":
    sys.exit(main())
