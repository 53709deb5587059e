"""What does a training gain by beginning from a trained network? Prints a table."""

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from multitask.contracts.errors import UserError, command, nearest
from multitask.contracts.head import Array
from multitask.contracts.run import REPORT_JSON
from multitask.terminal.quiet import import_tensorflow

if TYPE_CHECKING:
    from multitask.contracts.evaluation import Evaluation

START = "faces"  # the network that trainings begin from
HEADER = """\
| task | head | test pictures | from scratch | from the network | difference (95%) |
| --- | --- | ---: | ---: | ---: | --- |"""
SETTINGS: dict[str, dict[str, Any]] = {
    "utkface": {"heads": "age,gender,race"},
    "utkface-quarter": {"heads": "age,gender,race", "epochs": 4},
    "utkface-2000": {"heads": "age,gender,race", "limit": 2000},
    "utkface-500": {"heads": "age,gender,race", "limit": 500},
    "celeba": {"heads": "attributes", "split": "70/15/15"},
    "ck": {"split": "70/15/15"},  # by the subjects in the names of the files
}


class Scores(NamedTuple):
    """The scores (test pictures, labels) of a head, and which pictures show one person.

    `groups` (test pictures,) are numbers from 0; `better` is lower or higher.
    """

    better: str
    values: Array
    groups: Array


class Pair(NamedTuple):
    """The scores of a head, one per seed: from scratch, and from the network."""

    task: str
    head: str
    nothing: list[Scores]
    start: list[Scores]


def parser() -> argparse.ArgumentParser:
    """The options: which data sets, which tasks, how many seeds."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.head_start", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="NAME=FOLDER",
        help="utkface=, celeba= or ck=folder:FOLDER (CK+48); may be repeated",
    )
    parser.add_argument(
        "--only", metavar="A,B", help=f"some of the tasks: {', '.join(SETTINGS)}"
    )
    parser.add_argument("--weights", default=START, help=f"(default {START})")
    parser.add_argument(
        "--seeds", type=int, default=1, help="trainings each (default 1)"
    )
    parser.add_argument(
        "--out", default="runs/head-start", help="what is there is not trained again"
    )
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Train each task from scratch and from the network, and print the differences."""
    arguments = parser().parse_args(argv)
    data = {text.partition("=")[0]: text for text in arguments.data}
    names = tasks(arguments.only, data)
    import_tensorflow()
    print(HEADER)
    for task in names:
        source = data[task.partition("-")[0]]
        for pair in _pairs(task, source, arguments):
            print(line(pair), flush=True)
    return 0


def tasks(only: str | None, data: dict[str, str]) -> list[str]:
    """The tasks asked for, of the data sets that are given.

    Raises UserError for an unknown task, or one without its data set.
    """
    if not only:
        return [task for task in SETTINGS if task.partition("-")[0] in data]
    names = only.split(",")
    for task in names:
        if task not in SETTINGS:
            raise UserError("--only", f"no task {task!r}", nearest(task, SETTINGS))
        if task.partition("-")[0] not in data:
            raise UserError("--only", f"{task} needs --data {task.partition('-')[0]}=")
    return names


def _pairs(task: str, source: str, arguments: argparse.Namespace) -> Iterator[Pair]:
    """The pairs of a task's heads. Both sides have the network's trunk and pictures."""
    from multitask.networks.named import catalog
    from multitask.networks.named.description import describe

    file = catalog.find(arguments.weights)
    network = describe(file)
    shared = SETTINGS[task] | {
        "data": source, "trunk": network["trunk"], "image_size": network["size"]
    }  # fmt: skip
    sides: list[list[dict[str, Scores]]] = []
    for weights, version in (("none", b""), (arguments.weights, file.read_bytes())):
        sides.append([])
        for seed in range(1, arguments.seeds + 1):
            settings = shared | {"weights": weights, "seed": seed}
            name = f"{task}-{seed}-{_digest(settings, version)}"
            sides[-1].append(_trained(settings, Path(arguments.out) / name))
    nothing, start = sides
    for head in nothing[0]:
        yield Pair(task, head, [s[head] for s in nothing], [s[head] for s in start])


def _digest(settings: dict[str, Any], weights: bytes) -> str:
    """Eight letters that differ if a setting or the file of weights does."""
    text = json.dumps(settings, sort_keys=True).encode()
    return hashlib.sha256(text + weights).hexdigest()[:8]


def _trained(settings: dict[str, Any], folder: Path) -> dict[str, Scores]:
    """Train, unless it was, and return the scores of the test part by head."""
    import multitask

    scores_file = folder / "head-start.npz"
    if not scores_file.exists():
        print(f"training {folder.name}: {settings}", flush=True)
        if (folder / REPORT_JSON).exists():  # stopped before its scores were kept
            evaluation = multitask.report(folder)
        elif (folder / "recipe.toml").exists():
            evaluation = multitask.fit(out=folder, resume=True).evaluation
        else:
            evaluation = multitask.fit(out=folder, **settings).evaluation
        np.savez(scores_file, **_arrays(evaluation))
    with np.load(scores_file) as file:
        return {
            key.split()[0]: Scores(key.split()[1], file[key], file["groups"])
            for key in file.files
            if key != "groups"
        }


def _arrays(evaluation: "Evaluation") -> dict[str, Any]:
    """The scores of each head, and the groups, as `_trained` keeps them."""
    from multitask.metrics import scores

    labels = evaluation.labels
    groups = np.arange(len(labels))
    if "identity" in labels:
        groups = pd.factorize(labels["identity"].fillna("of " + labels["path"]))[0]
    return {"groups": groups} | {
        f"{head.name} {scores.better_direction(head)}": scores.scores(
            head, labels, evaluation.answers
        )
        for head in evaluation.heads
    }


def line(pair: Pair) -> str:
    """A line of the Markdown table: both means, their difference, its interval."""
    from multitask.metrics import scores

    seeds = list(zip(pair.nothing, pair.start, strict=True))
    draws = [
        scores.bootstrap(after.values, after.groups)
        - scores.bootstrap(before.values, before.groups)
        for before, after in seeds
    ]
    differences = [scores.mean(b.values) - scores.mean(a.values) for a, b in seeds]
    spread = scores.with_seed_variance(draws, differences)
    low, high = scores.confidence_interval(spread)
    before, after = (
        float(np.mean([scores.mean(each.values) for each in side]))
        for side in (pair.nothing, pair.start)
    )
    cells = (
        pair.task,
        f"{pair.head} ({pair.start[0].better} is better)",
        f"{len(pair.start[0].values):,}",
        f"{before:.3f}",
        f"{after:.3f}",
        f"{after - before:+.3f} ({low:+.3f} to {high:+.3f})",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main())
