"""How good is a faces network, for whom? Prints the tables of its model card."""

import argparse
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from multitask.contracts.errors import UserError, command
from multitask.terminal.quiet import import_tensorflow

BANDS = (0, 3, 10, 20, 30, 40, 50, 60, 70)  # the ages at which FairFace's classes begin
WIDE_BANDS = (0, 10, 20, 40, 60)  # of the table by race, gender and age
_FEW = 30  # pictures: a smaller group's figures are put in brackets


def parser() -> argparse.ArgumentParser:
    """The options: which network, which pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.model_card",
        description=__doc__,
        allow_abbrev=False,
    )
    parser.add_argument("network", help="a name, a run, or a network file")
    add_pictures(parser)
    return parser


def add_pictures(parser: argparse.ArgumentParser) -> None:
    """Add the options for what networks are measured on, and where reports go."""
    parser.add_argument(
        "--data", metavar="NAME=FOLDER", help="(default that of the run)"
    )
    parser.add_argument(
        "--split", metavar="PART", help="(default test, if there is one)"
    )
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="a new folder for reports"
    )


@command
def main(argv: list[str] | None = None) -> int:
    """Measure the network, and print the tables."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    from multitask.experiments.evaluate import report
    from multitask.experiments.names import check_measurable
    from multitask.networks.named.catalog import is_named

    data = (arguments.data,) if arguments.data else ()
    file = check_measurable(arguments.network, arguments.split, bool(data))
    name = arguments.network if is_named(arguments.network) else ""
    evaluation = report(file, data, split=arguments.split, out=arguments.out, name=name)
    labels = evaluation.labels
    absent = {"gender", "race7", "age_low", "age_high"} - set(labels)
    if absent:
        todo = "give data in the layout of FairFace"
        raise UserError("--data", f"has no labels {', '.join(sorted(absent))}", todo)
    print(tables(rights(labels, evaluation.answers), labels))
    return 0


def rights(labels: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Whether each answer is right (rows, heads); for `age`, whether its class is.

    `labels` have the columns `gender`, `race7`, `age_low` and `age_high`, as those that
    the reader `fairface` returns; NaN where a label is missing.
    """
    right = pd.DataFrame(index=labels.index)
    for name in ("gender", "race7", "race"):
        if name in labels and name in answers:
            same = labels[name].astype(str) == answers[name].astype(str)
            right[name] = same.astype(float).where(labels[name].notna())
    ages = answers["age"].round()
    inside = (labels["age_low"] <= ages) & (ages <= labels["age_high"])
    right["age class"] = inside.astype(float).where(labels["age_low"].notna())
    return right


def tables(right: pd.DataFrame, labels: pd.DataFrame) -> str:
    """Markdown tables of shares and their 95% intervals: all, and by group."""
    age = bands(labels["age_low"], BANDS)
    wide = bands(labels["age_low"], WIDE_BANDS)
    gender, race = labels["gender"], labels["race7"]
    everybody = pd.Series("all", labels.index)
    groups = {
        "": [everybody],
        "By age": [age],
        "By age and gender": [wide, gender],
        "By race and gender": [race, gender],
        "By race, gender and age": [race, gender, wide],
    }
    return "\n\n".join(
        (f"### {title}\n\n" if title else "") + _table(right, keys)
        for title, keys in groups.items()
    )


def bands(lows: "pd.Series[float]", starts: tuple[int, ...]) -> "pd.Series[str]":
    """The name of the band (rows,) in which each age class begins."""
    ends = [*(str(start - 1) for start in starts[1:]), ""]
    names = [
        f"{start} to {end}" if end else f"{start} or more"
        for start, end in zip(starts, ends, strict=True)
    ]
    places = np.searchsorted(starts, lows.to_numpy(float), side="right") - 1
    places[lows.isna()] = -1  # in no band
    bands = pd.Categorical.from_codes(places.tolist(), categories=pd.Index(names))
    return pd.Series(bands, lows.index)


def _table(right: pd.DataFrame, keys: list["pd.Series[str]"]) -> str:
    levels = [pd.Categorical(key).categories.tolist() for key in keys]
    lines = [
        "| group | pictures | " + " | ".join(map(str, right)) + " |",
        "| --- | ---: |" + " --- |" * len(right.columns),
    ]
    for group in product(*levels):
        rows = np.logical_and.reduce(
            [key == value for key, value in zip(keys, group, strict=True)]
        )
        cells = [share(right[name][rows]) for name in right]
        if rows.any():
            lines.append(
                f"| {', '.join(group)} | {rows.sum():,} | {' | '.join(cells)} |"
            )
    return "\n".join(lines)


def share(right: "pd.Series[float]") -> str:
    """A share and its Wilson interval, in brackets if it is of few pictures."""
    known = right.dropna()
    if not len(known):
        return ""
    interval = stats.binomtest(int(known.sum()), len(known)).proportion_ci(
        method="wilson"
    )
    text = f"{known.mean():.3f} ({interval.low:.3f} to {interval.high:.3f})"
    return f"[{text}]" if len(known) < _FEW else text


if __name__ == "__main__":
    raise SystemExit(main())
