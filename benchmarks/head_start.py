"""What does a training gain by beginning from a trained network? Prints a table."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from multitask.cli.quiet import import_tensorflow
from multitask.contracts.errors import UserError, command, nearest
from multitask.contracts.head import Array

START = "faces"  # the network that trainings begin from
SETTINGS: dict[str, dict[str, Any]] = {
    "utkface": {"heads": "age,gender,race"},
    "utkface-quarter": {"heads": "age,gender,race", "epochs": 4},
    "utkface-2000": {"heads": "age,gender,race", "limit": 2000},
    "utkface-500": {"heads": "age,gender,race", "limit": 500},
    "celeba": {"heads": "attributes", "split": "70/15/15"},
    "ck": {"identity": r"(S\d+)_", "split": "70/15/15"},
}


class Pair(NamedTuple):
    """Scores (test pictures, labels) of one head: from nothing, and from `START`."""

    task: str
    head: str
    better: str
    nothing: list[Array]  # one per seed
    start: list[Array]


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
    """Train each task from nothing and from the network, and print the differences."""
    arguments = parser().parse_args(argv)
    data = {text.partition("=")[0]: text for text in arguments.data}
    names = tasks(arguments.only, data)
    import_tensorflow()
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
    by_head: dict[str, dict[str, list[Array]]] = {}
    better: dict[str, str] = {}
    for weights in ("none", arguments.weights):
        for seed in range(1, arguments.seeds + 1):
            folder = Path(arguments.out) / f"{task}-{Path(weights).stem}-{seed}"
            for name, (way, scores) in _trained(
                task, source, weights, seed, folder
            ).items():
                by_head.setdefault(name, {}).setdefault(weights, []).append(scores)
                better[name] = way
    for name, of_weights in by_head.items():
        nothing, start = of_weights["none"], of_weights[arguments.weights]
        yield Pair(task, name, better[name], nothing, start)


def _trained(
    task: str, source: str, weights: str, seed: int, folder: Path
) -> dict[str, tuple[str, Array]]:
    """Train, unless it was, and return the scores of the test part by head."""
    import multitask
    from multitask.experiments import scores

    kept = folder / "head-start.npz"
    if not kept.exists():
        print(f"training {folder.name}", flush=True)
        settings = SETTINGS[task] | {"weights": weights, "seed": seed}
        if (folder / "checkpoint").exists():
            run = multitask.fit(out=folder, resume=True)
        else:
            run = multitask.fit(data=source, out=folder, **settings)
        result = run.evaluation
        arrays: dict[str, Any] = {
            f"{head.name} {scores.better_direction(head)}": scores.scores(
                head, result.labels, result.answers
            )
            for head in result.heads
        }
        np.savez(kept, **arrays)
    with np.load(kept) as file:
        return {key.split()[0]: (key.split()[1], file[key]) for key in file.files}


def line(pair: Pair) -> str:
    """A line of the Markdown table: both means, their difference, its interval."""
    from multitask.experiments import scores

    draws = [
        scores.bootstrap(after) - scores.bootstrap(before)
        for before, after in zip(pair.nothing, pair.start, strict=True)
    ]
    means = [
        scores.mean(after) - scores.mean(before)
        for before, after in zip(pair.nothing, pair.start, strict=True)
    ]
    low, high = scores.confidence_interval(scores.with_seed_variance(draws, means))
    before = np.mean([scores.mean(each) for each in pair.nothing])
    after = np.mean([scores.mean(each) for each in pair.start])
    difference = f"{after - before:+.3f} ({low:+.3f} to {high:+.3f})"
    head = f"{pair.head} ({pair.better} is better)"
    count = f"{len(pair.start[0]):,}"
    cells = (pair.task, head, count, f"{before:.3f}", f"{after:.3f}", difference)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main())
