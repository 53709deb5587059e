"""Whom do networks answer worse? Prints one table, a column for each network."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.model_card import add_pictures, bands, share
from multitask.contracts.errors import UserError, command
from multitask.terminal.quiet import import_tensorflow

CHILDREN = (0, 3, 13)  # the ages at which the bands of gender begin
AGES = (0, 3, 13, 30, 40, 50, 60, 70, 80, 90)  # and those of age


def parser() -> argparse.ArgumentParser:
    """The options: which networks, which pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.groups", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("networks", nargs="+", help="names, runs, or network files")
    add_pictures(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Measure each network on the pictures, and print the table."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    from multitask.experiments.evaluate import report
    from multitask.experiments.names import check_measurable
    from multitask.networks.named.catalog import is_named

    data = (arguments.data,) if arguments.data else ()
    columns, pictures = {}, None
    for number, network in enumerate(arguments.networks, 1):
        file = check_measurable(network, arguments.split, bool(data))
        out = Path(arguments.out) / str(number)
        name = network if is_named(network) else ""
        evaluation = report(file, data, split=arguments.split, out=out, name=name)
        paths = set(evaluation.labels["path"])
        if pictures not in (None, paths):
            todo = "begin both with the same --split and --seed, or give --data"
            raise UserError(network, "is measured on other pictures", todo)
        pictures = paths
        cells = dict(groups(evaluation.labels, evaluation.answers))
        if not cells:
            todo = "give pictures with labels of gender, race or age"
            raise UserError(network, "answers none of the labels", todo)
        columns[network] = pd.Series(cells)
    print(table(pd.DataFrame(columns)))
    return 0


def groups(labels: pd.DataFrame, answers: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """The name of each group with its pictures, and how good the answers about it are.

    Heads that either lacks are left out, and so are ages that are known as intervals.
    """
    both = [name for name in ("gender", "race", "age") if name in labels]
    right = {
        name: (labels[name] == answers[name]).astype(float).where(labels[name].notna())
        for name in both
        if name in answers and name != "age"
    }
    ages = labels["age"].astype(float) if "age" in both else None
    if "gender" in right and ages is not None:
        for band, rows in _rows(bands(ages, CHILDREN)):
            yield f"gender, age {band}{_count(rows)}", share(right["gender"][rows])
    if "race" in right:
        for name, rows in _rows(labels["race"]):
            yield f"race, {name}{_count(rows)}", share(right["race"][rows])
    for name, values in right.items():
        yield f"{name}, all{_count(values.notna())}", share(values)
    if ages is not None and "age" in answers:
        errors = answers["age"].astype(float) - ages
        for band, rows in [*_rows(bands(ages, AGES)), ("all", ages.notna())]:
            yield f"age {band}{_count(rows)}: bias, error", _error(errors[rows])


def table(columns: pd.DataFrame) -> str:
    """A Markdown table with a row per group and a column per network."""
    lines = [
        f"| group (pictures) | {' | '.join(map(str, columns))} |",
        "| --- |" + " --- |" * len(columns.columns),
    ]
    for name, *cells in columns.fillna("").itertuples():
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _rows(group: "pd.Series[Any]") -> Iterator[tuple[str, "pd.Series[bool]"]]:
    for name in pd.Categorical(group).categories:
        rows = group == name
        if rows.any():
            yield str(name), rows


def _count(rows: "pd.Series[bool]") -> str:
    return f" ({rows.sum():,})"


def _error(errors: "pd.Series[float]") -> str:
    """The mean error with its standard error, and the mean absolute error, in years."""
    bias = f"{errors.mean():+.1f}"
    if len(errors) > 1:
        bias += f" ± {errors.std() / np.sqrt(len(errors)):.1f}"
    return f"{bias}, {errors.abs().mean():.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
