"""What is wrong with these labelled pictures, before a network learns from it?"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.cli import options
from multitask.contracts import run
from multitask.contracts.errors import Parser, UserError, command

if TYPE_CHECKING:
    from multitask.inspection.findings import Findings


def audit(
    data: Sequence[str],
    out: str | Path,
    *,
    heads: Sequence[str] = (),
    fix: str | Path | None = None,
) -> "Findings":
    """Look through data sets `NAME=FOLDER` without training, and write what is found.

    The new folder `out` gets `audit.json`, `index.html` and pictures; `fix` is a file
    for the table without the bad and doubled pictures (`multitask.inspection.clean` has
    the rules). Without `heads`, all that the data has labels for are looked at.

    Raises UserError for whatever the user can mend.
    """
    from multitask.contracts import catalog
    from multitask.data.sources import absolute, check_labelled, read_all, takes_name
    from multitask.inspection import clean
    from multitask.inspection import findings as quality
    from multitask.reports import _audit

    if not data:
        raise UserError("--data", "names no data set", "write --data NAME=FOLDER")
    out = run.new_folder(Path(out).expanduser())
    target = clean.check_target(Path(fix).expanduser()) if fix else None
    if heads and not any(map(takes_name, data)):
        catalog.heads(heads)  # a name that is wrong is told before the long work
    reading = read_all(absolute(data))
    asked = tuple(heads) or catalog.labelled(reading.table, reading.heads)
    made = [h.resolve(reading.table) for h in catalog.heads(asked, reading.heads)]
    findings = quality.inspect(reading.table, made, reading.skipped, reading.notes)
    if heads:
        check_labelled(made, findings.table)
    _audit.write(findings, ", ".join(data), out)
    if target:
        left = clean.clean(findings.table, findings.files, findings.labels)
        clean.write(left, target)
    return findings


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = Parser(
        prog="multitask audit",
        description="Look through labelled pictures for what harms a training.",
    )
    made.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="labelled pictures (may be repeated)",
    )
    made.add_argument("--out", metavar="FOLDER", help="a new folder for the findings")
    made.add_argument(
        "--heads", metavar="A,B", help="only these; by default all that are labelled"
    )
    made.add_argument(
        "--strict", action="store_true", help="exit with status 1 if anything is wrong"
    )
    made.add_argument(
        "--fix",
        metavar="FILE",
        help="write the table without bad and doubled pictures (.csv, .parquet)",
    )
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask audit`; returns the exit status."""
    arguments = parser().parse_args(argv)
    out = options.default_folder(arguments.out, "audit-")
    from multitask.contracts.recipe_texts import split_names

    heads = split_names(arguments.heads) if arguments.heads else ()
    findings = audit(arguments.data, out, heads=heads, fix=arguments.fix)
    from multitask.reports import _audit

    print(_audit.text(findings))
    if arguments.fix:
        print(f"cleaned table: {arguments.fix}")
    print(f"written to {out}, see {out / 'index.html'}")
    if not arguments.strict:
        return 0
    wrong = ", ".join(f"{count} {name}" for name, count in findings.wrong().items())
    print(f"strict: {wrong or 'nothing wrong'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
