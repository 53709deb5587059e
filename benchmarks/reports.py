"""How long does a report take once all answers are known, and in how much memory?"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.faces import repeated
from benchmarks.memory import peak
from benchmarks.sides import Row, Setting, Target
from multitask.contracts import catalog, plugins
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.head import Head

_SECONDS, _GIGABYTES = 30.0, 1.5  # the limits


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Seconds and GB of a whole report on answers at random, and their limits.

    Five heads answer, one of them 40 yes/no labels; each number has an interval from
    1,000 resamples, in all and for each of about 100 groups. If there are too few
    pictures, links with other names repeat them.
    """
    count = setting.report_rows
    pictures = repeated(setting.paths, count, temporary / "reported")
    out = temporary / "report"
    module = [sys.executable, "-m", "benchmarks.reports"]
    size = peak([*module, str(pictures), str(out)]) / 1e9
    took = float((out / "seconds.txt").read_text(encoding="utf-8"))
    what = f"report on {count:,} pictures, 5 heads, 40 labels"
    within = Target("<=", 1)
    return [
        Row(
            what=f"{what}: time without predictions, or the limit",
            unit="s",
            ours=[took],
            theirs=[_SECONDS],
            target=within,
        ),
        Row(
            what=f"{what}: peak memory, or the limit",
            unit="GB",
            ours=[size],
            theirs=[_GIGABYTES],
            target=within,
        ),
    ]


def drawn(pictures: Path) -> Evaluation:
    """Labels at random of all pictures of a folder, and answers mostly right."""
    rng = np.random.default_rng(0)
    paths = sorted(map(str, pictures.iterdir()))
    named = ["age", "gender", "race", "expression", "attributes"]  # which are 40 labels
    heads = tuple(catalog.heads(named))
    labels: dict[str, Any] = {"path": paths}
    answers: dict[str, Any] = {}
    for head in heads:
        for name in head.columns:
            truth, given = _column(head, rng, len(paths))
            labels[name], answers[name] = truth, given
            if head.answer_type == "number":
                answers[f"{name}_low"] = given - rng.uniform(3, 12, len(paths))
                answers[f"{name}_high"] = given + rng.uniform(3, 12, len(paths))
            else:
                answers[f"{name}_confidence"] = rng.uniform(0.5, 1, len(paths))
    return Evaluation(
        title="drawn",
        split="test",
        labels=pd.DataFrame(labels),
        answers=pd.DataFrame(answers),
        heads=heads,
    )


def _column(head: Head, rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """The labels and the answers (rows,) of a column, every eighth of them wrong."""
    if head.answer_type == "number":
        truth = rng.integers(0, 90, count).astype(float)
        return truth, truth + rng.normal(0, 6, count)
    if head.answer_type == "labels":
        yes = rng.random(count) < rng.random()
        return yes.astype(float), (yes ^ (rng.random(count) < 1 / 8)).astype(int)
    classes = np.array(head.classes, dtype=object)
    truth = rng.choice(classes, count)
    wrong = rng.random(count) < 1 / 8
    return truth, np.where(wrong, rng.choice(classes, count), truth)


def main(argv: list[str] | None = None) -> int:
    """Write a report on the pictures of a folder, and how many seconds it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args(argv)
    evaluation = drawn(arguments.pictures)
    began = time.perf_counter()
    plugins.write_reports(evaluation, arguments.out)
    plugins.text(evaluation)
    took = time.perf_counter() - began
    (arguments.out / "seconds.txt").write_text(f"{took}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
