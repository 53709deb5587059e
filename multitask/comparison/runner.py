"""What are the networks of a comparison trained and measured with, all alike?"""

import contextlib
import ctypes
import gc
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from statistics import median
from typing import Any, cast

import keras
import numpy as np
import pandas as pd
import psutil

from multitask.comparison.designs import (
    Merged,
    Plan,
    combination_labels,
    merge,
    plans,
    with_merged,
)
from multitask.contracts.errors import UserError
from multitask.contracts.head import Array, Head
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.run import SPLIT
from multitask.contracts.saving import reporting_write_errors, write_text
from multitask.contracts.table import write_csv
from multitask.data import sampling
from multitask.experiments import checks, notes, prepare, scores
from multitask.experiments.evaluate import outputs
from multitask.experiments.prepare import Prepared
from multitask.networks.analyzer import Analyzer
from multitask.training import loop

Say = Callable[[str], object]
Plain = dict[str, Any]
PARTS = ("train", "val", "test")
RESULT, SCORES = "result.json", "scores.npz"
_CALLS = 15  # of a network that is timed
_EVERY = 0.1  # seconds between two looks at the memory
_TRIAL = 3  # steps of a network that an estimate is made from


@dataclass(frozen=True, kw_only=True)
class DesignRunner:
    """A trunk with all that its networks share: pictures, split, heads, merges.

    `parts` are `path` and `split` of all pictures; `table` has those that are
    compared on, with their labels.
    """

    prepared: Prepared
    parts: pd.DataFrame
    table: pd.DataFrame
    merges: tuple[Merged, ...]
    out: Path

    @property
    def heads(self) -> tuple[Head, ...]:
        return self.prepared.spec.heads

    @property
    def trunk(self) -> str:
        return self.prepared.spec.trunk

    @property
    def groups(self) -> Array:
        """Numbers (rows,) of test pictures: those of one person are alike."""
        rows = self.table.index[self.table["split"] == "test"]
        members = pd.Series(self.prepared.members, index=self.prepared.table.index)
        return np.unique(members[rows], return_inverse=True)[1]

    def check(self, trunks: Sequence[str]) -> None:
        """Raise UserError for what one of the other trunks can't do."""
        for name in set(trunks) - {self.trunk}:
            recipe = replace(self.prepared.recipe, trunk=name)
            spec = prepare.network_spec(recipe, self.heads)
            checks.check_freezable(spec, recipe, self.prepared.machine)
            checks.check_weights(spec, recipe)

    def settled(self) -> "DesignRunner":
        """The bench with the precision that `auto` comes to, one for all networks."""
        file = self.out / f"{self.trunk}.precision"
        if not file.exists():
            (every,) = plans("multi", self.heads, ())
            made, table = self._prepared(every, 0)
            write_text(
                file,
                loop.resolve_precision(made.spec, made.recipe, made.training(table)),
            )
        precision = cast("Precision", file.read_text(encoding="utf-8"))
        recipe = replace(self.prepared.recipe, precision=precision)
        return replace(self, prepared=replace(self.prepared, recipe=recipe))

    def cell(self, design: str, seed: int, say: Say) -> Plain:
        """The result of a design: of all its networks together."""
        results = [
            self._result(plan, seed, say)
            for plan in plans(design, self.heads, self.merges)
        ]
        costs = [result["cost"] for result in results]
        return {
            "design": design,
            "trunk": self.trunk,
            "seed": seed,
            "precision": self.prepared.recipe.precision,
            "networks": [result["name"] for result in results],
            "heads": {k: v for r in results for k, v in r["heads"].items()},
            "cost": {
                key: _peak_of(each) if key == "peak_mb" else sum(each)
                for key in costs[0]
                for each in [[cost[key] for cost in costs]]
            },
        }

    def _result(self, plan: Plan, seed: int, say: Say) -> Plain:
        """Train and measure a network, unless that is done."""
        name = f"{self.trunk}-{seed}-{plan.name}"
        folder = self.out / name
        if (folder / RESULT).exists():
            found: Plain = json.loads((folder / RESULT).read_text(encoding="utf-8"))
            return found
        say(f"training {name}")
        result, found = self._trained(plan, seed, folder, say)
        with reporting_write_errors(folder):
            np.savez(folder / SCORES, **found)  # type: ignore[arg-type]
        write_text(folder / RESULT, json.dumps({"name": name, **result}, indent=1))
        loop.remove_checkpoint(folder)
        return {"name": name, **result}

    def _trained(
        self, plan: Plan, seed: int, folder: Path, say: Say
    ) -> tuple[Plain, dict[str, Array]]:
        made, table = self._prepared(plan, seed)
        train, val = made.training(table), made.validation(table)
        with reporting_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # The pictures of all: what another network learnt is no test of this one.
            write_csv(self.parts, folder / SPLIT)
        begun = loop.has_checkpoint(folder)
        with _peak() as memory:
            outcome = loop.train(
                made.spec,
                made.recipe,
                train,
                val if len(val.rows) else None,
                folder,
                cache=made.machine.cache,
                resume=begun,
                say=say,
            )
        if outcome.interrupted:  # else half a training would count as finished
            raise KeyboardInterrupt
        analyzer = Analyzer.load(folder)
        heads, found = _measured(analyzer, made, self, plan, say)
        cost = {
            "parameters": analyzer.model.count_params(),
            "bytes": (folder / "network.keras").stat().st_size,
            "train_seconds": round(sum(one["seconds"] for one in outcome.history), 2),
            "pictures_trained": len(outcome.history) * train.steps * train.batch_size,
            "forward_ms_1": _milliseconds(analyzer, 1),
            "forward_ms_32": _milliseconds(analyzer, 32),
            # Of the epochs before a stop it is not known.
            "peak_mb": None if begun else round(memory[0] / 1e6, 1),
        }
        return {"heads": heads, "cost": cost}, found

    def _prepared(self, plan: Plan, seed: int) -> tuple[Prepared, pd.DataFrame]:
        """What a network is trained with: its heads, and the rows they label."""
        recipe = self.prepared.recipe
        recipe = replace(recipe, seed=recipe.seed + seed, cap={})  # the bench capped
        spec = replace(self.prepared.spec, heads=plan.heads, recipe=recipe.plain())
        labelled = [head.labelled(self.table) for head in plan.heads]
        table = self.table[np.any(labelled, axis=0)]
        return replace(self.prepared, recipe=recipe, spec=spec), table

    def estimated(
        self, designs: Sequence[str], seeds: int
    ) -> tuple[list[Plain], float]:
        """The cells without results, and about how many seconds they take."""
        cells, each = [], {}
        for design in designs:
            chosen = plans(design, self.heads, self.merges)
            for plan in chosen:
                made, table = self._prepared(plan, 0)
                train = made.training(table)
                epochs = sum(stage.epochs for stage in made.recipe.stages())
                each[plan.name] = (train.steps * epochs, made, train)
            cells += [
                {
                    "design": design,
                    "trunk": self.trunk,
                    "seed": seed,
                    "networks": [f"{self.trunk}-{seed}-{plan.name}" for plan in chosen],
                }
                for seed in range(seeds)
            ]
        # The heads hardly matter beside the trunk: one network is timed for all.
        _, made, train = max(each.values(), key=lambda one: one[0])
        step = loop.training_step(made.spec, made.recipe, train, "float32")
        step()
        began = time.monotonic()
        for _ in range(_TRIAL):
            step()
        second = (time.monotonic() - began) / _TRIAL
        return cells, seeds * second * sum(steps for steps, _, _ in each.values())


def design_runner(
    recipe: Recipe,
    out: Path,
    merges: Sequence[str],
    say: Say,
    before: Path | pd.DataFrame | None = None,
) -> DesignRunner:
    """Read what networks are compared on; `merges` are such as `age_group+gender`.

    The split is the one of `before`: the split.csv of a comparison that goes on, or a
    table with `path` and `split`. Raises UserError for whatever the user can mend.
    """
    prepared = prepare.prepare(recipe, out, say)
    heads = prepared.spec.heads
    # Which pictures are nearly alike depends on their size: the first trunk's counts.
    if isinstance(before, pd.DataFrame):
        split = prepared.table["path"].map(before.set_index("path")["split"])
    else:
        split = prepared.split(before)
    table = prepared.table.assign(split=split)
    table = table[table["split"].notna()]
    parts = table[["path", "split"]]
    train = table[table["split"] == "train"]
    stays = sampling.capped(train, heads, recipe.cap, recipe.seed)
    table = table.drop(train.index[~stays])  # for all networks alike
    checks.check_trainable(heads, table, say)
    checks.check_validated(recipe, table)
    members = pd.Series(prepared.members, index=prepared.table.index)
    _all_measured(heads, table, members)
    made = tuple(merge(text, heads, table) for text in merges)
    table = with_merged(table, made)
    _all_watched((*heads, *(each.head for each in made)), table)
    leaks = notes.leakage_notes(recipe, table, members[table.index].to_numpy())
    spec = replace(prepared.spec, notes=(*prepared.spec.notes, *leaks))
    return DesignRunner(
        prepared=replace(prepared, spec=spec),
        parts=parts,
        table=table,
        merges=made,
        out=out,
    )


def _all_measured(
    heads: Sequence[Head], table: pd.DataFrame, members: "pd.Series[int]"
) -> None:
    """Raise UserError for a head that can't be compared on the test part."""
    train, test = (table[table["split"] == part] for part in ("train", "test"))
    for head in heads:
        labelled = head.labelled(test)
        if not labelled.any():
            raise UserError(
                head.where,
                "has no label in the test part",
                "choose another --split, or give more people: pictures of one, or "
                "nearly alike, stay in one part",
            )
        if members[test.index[labelled]].nunique() < 2:
            raise UserError(
                head.where,
                "is labelled in the test part for one person alone, or for pictures "
                "nearly alike",
                "intervals need two of them or more: choose another --split",
            )
        if head.answer_type == "class" and head.strata(train).any().sum() < 2:
            raise UserError(
                head.where, "a single class is left in training, must be two"
            )


def _all_watched(heads: Sequence[Head], table: pd.DataFrame) -> None:
    """Raise UserError for a head whose network would have no best epoch."""
    val = table[table["split"] == "val"]
    for head in heads:
        if len(val) and not head.labelled(val).any():
            raise UserError(
                head.where,
                "has no label in the validation part, by which the best epoch of each "
                "network is chosen",
                "choose another --split",
            )


def _measured(
    analyzer: Analyzer, made: Prepared, bench: DesignRunner, plan: Plan, say: Say
) -> tuple[Plain, dict[str, Array]]:
    """Scores by head and part with an interval, and those of each test picture."""
    recipe, pixels, table = made.recipe, made.pixels, bench.table
    if plan.merged:  # a combination that training lacks is answered wrong
        labels = combination_labels(plan.merged.parts, table)
        table = table.assign(**{plan.merged.name: labels})
    parts = {part: table[table["split"] == part] for part in PARTS}
    size = min(len(parts["train"]), len(parts["test"]))
    parts["train"] = parts["train"].sample(size, random_state=recipe.seed)
    said = {
        part: outputs(
            analyzer, recipe, made.machine, pixels, rows.index.to_numpy(), say
        )
        for part, rows in parts.items()
        if len(rows)
    }
    heads: Plain = {}
    kept: dict[str, Array] = {}
    for name, head, read in _questions(analyzer.heads, plan):
        if "val" in said:
            head = head.calibrate(parts["val"], read(said["val"]))
        each = {}
        for part, outs in said.items():
            answers = head.read(read(outs)).set_axis(parts[part].index)
            each[part] = scores.scores(head, parts[part], answers)
        # A combination or a head may have no label in a part.
        means = {part: scores.mean(found) for part, found in each.items()}
        known = {part: value for part, value in means.items() if not isnan(value)}
        test = each["test"]
        ends: list[float | None] = [None, None]
        if "test" in known:
            ends = [*scores.confidence_interval(scores.bootstrap(test, bench.groups))]
        heads[name] = {**known, "ci": ends}
        kept[name] = test
    return heads, kept


def _questions(heads: Sequence[Head], plan: Plan) -> Iterator[Any]:
    """Each question that a network answers: its name, head, and how to get outputs."""
    for head in heads:
        name = plan.merged.name if plan.merged else head.name
        yield name, head, lambda outs, head=head: outs[head.name]
    if plan.merged:
        merged = plan.merged
        for part in merged.parts:
            yield (
                part.name,
                part,
                lambda outs, part=part: merged.outputs(outs[merged.head.name])[
                    part.name
                ],
            )


def _milliseconds(analyzer: Analyzer, count: int) -> float:
    side = analyzer.spec.side
    pixels = np.zeros((count, side, side, 3), np.uint8)
    rows, took = np.arange(count), []
    for _ in range(1 + _CALLS):
        began = time.perf_counter()
        analyzer.outputs(pixels, rows)
        took.append(1000 * (time.perf_counter() - began))
    return round(median(took[1:]), 3)


@contextlib.contextmanager
def _peak() -> Iterator[list[float]]:
    """The most memory (bytes) that the process held inside, its pictures among it.

    What networks before have left is given back first.
    """
    keras.utils.clear_session()
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # no glibc
            ctypes.CDLL(None).malloc_trim(0)
    process = psutil.Process()
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY):
            most[0] = max(most[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def _peak_of(peaks: Sequence[float | None]) -> float | None:
    """That of networks trained one after the other, if each one's is known."""
    known = [peak for peak in peaks if peak is not None]
    return max(known) if len(known) == len(peaks) else None
