"""How well does a network of a comparison answer, and what does it cost?"""

import contextlib
import ctypes
import gc
import sys
import threading
import time
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from statistics import median

import keras
import numpy as np
import pandas as pd
import psutil

from multitask.comparison.designs import Plan, combination_labels
from multitask.contracts.errors import Say
from multitask.contracts.head import Array, Head
from multitask.contracts.recipe_texts import SPLITS, ThresholdRule
from multitask.contracts.results.design_comparison import Cost, HeadScores
from multitask.contracts.run import NETWORK
from multitask.experiments.calibrate import calibrate
from multitask.experiments.outputs import network_outputs
from multitask.experiments.prepare import Prepared
from multitask.experiments.train import Training
from multitask.metrics import scores
from multitask.networks.analyzer import Analyzer
from multitask.networks.answers import Outputs, finite, read_all, rows_of

_TIMED_CALLS = 15  # after one that is not timed
_SAMPLING_SECONDS = 0.1  # between two measurements of the memory


def measure_scores(
    analyzer: Analyzer,
    prepared: Prepared,
    plan: Plan,
    table: pd.DataFrame,
    groups: Array,
    say: Say,
) -> tuple[dict[str, HeadScores], dict[str, Array]]:
    """The scores of each head that a network answers, and those of each test picture.

    `table` has the labels and the `split` of all pictures, `groups` (test rows,) the
    same number for test pictures that are drawn together. The second result is an array
    (test rows, labels) per head.
    """
    merged = plan.merged
    if merged:  # a combination that training lacks counts as a wrong answer
        labels = combination_labels(merged.parts, table)
        table = table.assign(**{merged.name: labels})
    parts = {part: table[table["split"] == part] for part in SPLITS}
    size = min(len(parts["train"]), len(parts["test"]))
    parts["train"] = parts["train"].sample(size, random_state=prepared.recipe.seed)
    outputs = {
        part: network_outputs(
            analyzer,
            prepared.recipe,
            prepared.machine,
            prepared.pixels,
            rows.index.to_numpy(),
            say,
        )
        for part, rows in parts.items()
        if len(rows)
    }
    heads = {head.name: head for head in analyzer.heads}
    if merged:
        for each in outputs.values():
            each |= merged.part_outputs(each[merged.head.name])
        heads = {merged.name: merged.head} | {part.name: part for part in merged.parts}
    rule = prepared.recipe.threshold_rule
    by_head = {
        name: _scores_by_part(head, parts, outputs, rule)
        for name, head in heads.items()
    }
    test = {
        name: _unanswered(head, parts["test"], outputs["test"])
        for name, head in heads.items()
    }
    return (
        {
            name: _head_scores(by_part, groups, test[name])
            for name, by_part in by_head.items()
        },
        {name: by_part["test"] for name, by_part in by_head.items()},
    )


def _scores_by_part(
    head: Head,
    parts: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Outputs],
    rule: ThresholdRule | None,
) -> dict[str, Array]:
    """Scores (rows, labels) of a head for each part.

    The head is calibrated on the validation part, if there is one, and its thresholds
    are chosen by the `rule`. Scores are NaN for outputs that are no numbers.
    """
    known = {part: finite([head], each) for part, each in outputs.items()}
    if "val" in known and known["val"].any():
        val = known["val"]
        of_val = rows_of(outputs["val"], val)
        (head,), _ = calibrate([head], parts["val"][val], of_val, rule)
    by_part = {}
    for part, each in outputs.items():
        table = parts[part]
        answers = read_all([head], each, table.index.to_numpy())
        values = scores.scores(head, table, answers)
        by_part[part] = np.where(known[part][:, None], values, np.nan)
    return by_part


def _unanswered(head: Head, table: pd.DataFrame, outputs: Outputs) -> int:
    """How many labelled rows of a `table` have outputs that are no numbers."""
    return int((~finite([head], outputs) & head.labelled(table)).sum())


def _head_scores(
    by_part: Mapping[str, Array], groups: Array, unanswered: int
) -> HeadScores:
    """The mean of each part's scores; a part may have no label of a head."""
    known = {
        part: mean
        for part, each in by_part.items()
        if not isnan(mean := scores.mean(each))
    }
    ci = None
    if "test" in known:
        draws = scores.bootstrap(by_part["test"], groups)
        ci = scores.confidence_interval(draws)
    return HeadScores(
        train=known.get("train"),
        val=known.get("val"),
        test=known.get("test"),
        ci=ci,
        unanswered=unanswered,
    )


def measure_cost(
    analyzer: Analyzer, folder: Path, training: Training, peak: float | None
) -> Cost:
    """What the network in `folder` cost; `peak` is the most memory in bytes, if known.

    Its speed is measured on blank pictures of the network's size, decoded already.
    """
    history, batches = training.outcome.history, training.batches
    return Cost(
        parameters=analyzer.model.count_params(),
        bytes=(folder / NETWORK).stat().st_size,
        train_seconds=round(sum(epoch["seconds"] for epoch in history), 2),
        pictures_trained=len(history) * batches.steps * batches.batch_size,
        forward_ms_1=_milliseconds(analyzer, 1),
        forward_ms_32=_milliseconds(analyzer, 32),
        peak_mb=None if peak is None else round(peak / 1e6, 1),
    )


def _milliseconds(analyzer: Analyzer, count: int) -> float:
    """The median time of answering `count` pictures."""
    side = analyzer.spec.side
    pixels, rows = np.zeros((count, side, side, 3), np.uint8), np.arange(count)
    times = []
    for _ in range(1 + _TIMED_CALLS):
        start = time.perf_counter()
        analyzer.outputs(pixels, rows)
        times.append(1000 * (time.perf_counter() - start))
    return round(median(times[1:]), 3)  # the first call traces the function


class PeakMemory:
    """A context that measures the most memory that the process holds inside it.

    `peak` is in bytes and includes the pictures in memory. What earlier networks left
    behind is freed on entry, as far as possible.
    """

    peak = 0

    def __enter__(self) -> "PeakMemory":
        keras.utils.clear_session()
        gc.collect()
        if sys.platform == "linux":
            with contextlib.suppress(AttributeError, OSError):  # no glibc
                ctypes.CDLL(None).malloc_trim(0)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._stopped.wait(_SAMPLING_SECONDS):
            self.peak = max(self.peak, process.memory_info().rss)

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join()
