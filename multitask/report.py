"""How good is a network on these labelled pictures?"""

import argparse
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.cli.quiet import import_tensorflow
from multitask.contracts.errors import Parser, UserError, command
from multitask.contracts.run import SKIPPED, SPLIT, new_folder

if TYPE_CHECKING:
    import pandas as pd

    from multitask.contracts.evaluation import Evaluation

PARTS = ("train", "val", "test", "all")
_TAIL = 4  # names of a path by which a picture is known again


def report(
    network: str | Path,
    data: Sequence[str] = (),
    *,
    split: str | None = None,
    out: str | Path | None = None,
) -> "tuple[Evaluation, Path]":
    """Measure a network file or run on data sets `NAME=FOLDER` and write a report.

    By default the data are the run's own, and `split` is `test` where the run (or the
    data) says which pictures that is, else `all`. The report goes into `out`, or into
    a new folder beside the network. Returns what it measured, and that folder.

    Raises UserError for whatever the user can mend.
    """
    import pandas as pd

    from multitask.contracts import plugins
    from multitask.contracts.evaluation import Evaluation
    from multitask.contracts.run import HISTORY
    from multitask.contracts.table import write_csv
    from multitask.data.batches import decode_table
    from multitask.data.labels import set_aside
    from multitask.data.sources import absolute, check_labelled, read_all
    from multitask.networks.analyzer import Analyzer

    network = Path(network).expanduser()
    run = network if network.is_dir() else network.parent
    analyzer = Analyzer.load(network)
    spec = analyzer.spec
    folder = new_folder(Path(out).expanduser() if out else _next(run))
    sets = absolute(data or spec.recipe.get("data", ()))
    if not sets:
        raise UserError("--data", "names no data set", "write --data NAME=FOLDER")
    reading = read_all(sets, run / "sample")
    table, part, doubts = _part(reading.table, split, run, own=not data)
    table, wrong = set_aside(table, analyzer.heads)
    check_labelled(analyzer.heads, table, every=False)
    table, pixels, unreadable = decode_table(table, spec.side, 2.0, run)
    history = run / HISTORY
    result = Evaluation(
        title=f"{run.resolve().name} on {', '.join(sets)}",
        split=part,
        labels=table,
        answers=analyzer.answers(pixels, table.index.to_numpy()),
        heads=analyzer.heads,
        notes=tuple(dict.fromkeys((*analyzer.notes, *reading.notes, *doubts))),
        history=pd.read_csv(history) if history.exists() and not data else None,
    )
    plugins.write_reports(result, folder)
    skipped = pd.concat([reading.skipped, wrong, unreadable], ignore_index=True)
    try:
        write_csv(skipped, folder / SKIPPED)
    except OSError as error:
        raise UserError(folder, f"can't be written: {error.strerror}") from None
    return result, folder


def _next(run: Path) -> Path:
    """The first of report, report-2, report-3, ... that is not there."""
    names = ("report" + (f"-{i}" if i > 1 else "") for i in count(1))
    return next(run / name for name in names if not (run / name).exists())


def _part(
    table: "pd.DataFrame", wanted: str | None, run: Path, own: bool
) -> "tuple[pd.DataFrame, str, list[str]]":
    """The rows of the part to be measured, its name, and what speaks against them.

    Where the run knows a picture, its split counts, so that nobody measures by
    accident what was trained on. Of its own data, it knows all that count.
    """
    from multitask.contracts.table import read_csv

    known = run / SPLIT
    doubts: list[str] = []
    if own and not known.exists():
        doubts.append(
            "These are the data that the network was made of, and no split.csv beside "
            "it says of which pictures: figures are of what it learnt from, too."
        )
    if known.exists():
        trained = read_csv(known).set_index("path")["split"]
        split = table["path"].map(trained)
        if own and split.isna().all():
            raise UserError(
                known,
                f"lists no picture that is there now, the first as "
                f"{trained.index[0]!r}",
                "name the data by --data: they were moved since the training",
            )
        if own:
            table, split = table[split.notna()], split.dropna()
        else:
            split, doubts = _moved(table, split, trained)
        if "split" in table:
            split = split.fillna(table["split"])
        table = table.assign(split=split).reset_index(drop=True)
    has_split = "split" in table and table["split"].notna().any()
    part = wanted or ("test" if has_split else "all")
    if part == "all":
        return table, part, doubts
    rows = table["split"] == part if has_split else None
    if rows is not None and not wanted and "source" in table:
        # All of a data set without parts, beside one that has them.
        rows |= table["split"].isna().groupby(table["source"]).transform("all")
    if rows is None or not rows.any():
        parts = table["split"].dropna().unique() if has_split else ()
        raise UserError(
            "--split",
            f"the data has no picture in part {part!r}",
            "use --split " + " or ".join([*sorted(parts), "all"]),
        )
    return table[rows].reset_index(drop=True), part, doubts


def _moved(
    table: "pd.DataFrame", split: "pd.Series[str]", trained: "pd.Series[str]"
) -> "tuple[pd.Series[str], list[str]]":
    """The split (rows,), also of data sets that lie elsewhere than in the training.

    A picture is known again by the end of its path, long enough that no two of the
    training (its `path` is the index) end alike. Most of a set must be known so.
    """
    paths = trained.index.to_series().map(Path)
    for length in range(1, _TAIL + 1):
        tails = paths.map(lambda path, n=length: path.parts[-n:])
        if tails.is_unique:
            break
    else:
        return split, []
    parts = dict(zip(tails, trained, strict=True))
    found = table["path"].map(lambda path: parts.get(Path(path).parts[-length:]))
    sources = table["source"] if "source" in table else split.map(lambda part: "")
    unknown = split.isna().groupby(sources).transform("all")
    moved = unknown & (found.notna().groupby(sources).transform("mean") > 0.5)
    if not moved.any():
        return split, []
    return split.where(~moved, found), [
        f"{int((moved & found.notna()).sum()):,} pictures were taken for those that "
        "the network was made of, by the ends of their paths: they are in the parts "
        "that those were in."
    ]


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = Parser(
        prog="multitask report", description="Measure a network on labelled pictures."
    )
    made.add_argument("network", help="a network file or a run folder")
    made.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="labelled pictures (may be repeated); by default those of the run",
    )
    made.add_argument(
        "--split",
        choices=PARTS,
        help="which part; by default test where the run knows it, else all",
    )
    made.add_argument("--out", metavar="FOLDER", help="a new folder for the report")
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask report`; returns the exit status."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    comparison, folder = report(
        arguments.network, arguments.data, split=arguments.split, out=arguments.out
    )
    from multitask.contracts import plugins

    print(plugins.text(comparison))
    print(f"written to {folder}, see {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
