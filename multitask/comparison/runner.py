"""How are the networks of a comparison trained and measured, all alike?"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from multitask.comparison.checks import check_test_labels, check_validation_labels
from multitask.comparison.designs import Merged, Plan, merge, plans, with_merged
from multitask.comparison.measure import PeakMemory, measure_cost, measure_scores
from multitask.comparison.results import NetworkResult, read_result, write_result
from multitask.contracts.errors import Say
from multitask.contracts.head import Array, Head
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.results.design_comparison import Cell, Cost
from multitask.contracts.saving import write_text
from multitask.data import sampling
from multitask.data.split import listed_parts, listing
from multitask.experiments import checks, prepare
from multitask.experiments.notes.leaks import leakage_notes
from multitask.experiments.notes.parts import parts_notes
from multitask.experiments.prepare import Prepared
from multitask.experiments.train import train_prepared
from multitask.networks.analyzer import Analyzer
from multitask.training import loop

_TIMED_STEPS = 3  # of a network, for an estimate


@dataclass(frozen=True, kw_only=True)
class DesignRunner:
    """A trunk with all that its networks share: pictures, split, heads, merges.

    `parts` holds `path` and `split` of all pictures; `table` the rows that are compared
    on, with their labels.
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
        """Numbers (test rows,) from 0, the same for pictures of one person."""
        members = self._members[(self.table["split"] == "test").to_numpy()]
        return np.unique(members, return_inverse=True)[1]

    @property
    def _members(self) -> Array:
        """The numbers (rows,) of the groups that stay in one part."""
        members = pd.Series(self.prepared.members, index=self.prepared.table.index)
        return members[self.table.index].to_numpy()

    @property
    def caveats(self) -> tuple[str, ...]:
        """Why figures may be too good, and which parts are missing or small."""
        recipe, leaks = self.prepared.recipe, self.prepared.spec.leaks
        parts = parts_notes(recipe, self.heads, self.table, self._members)
        return (*leaks, *parts)

    def check_trunks(self, trunks: Sequence[str]) -> None:
        """Raise UserError for what the other trunks can't freeze or load."""
        for trunk in set(trunks) - {self.trunk}:
            recipe = replace(self.prepared.recipe, trunk=trunk)
            spec = prepare.network_spec(recipe, self.heads)
            checks.check_freezable(spec, recipe, self.prepared.machine)
            checks.check_weights(spec, recipe)

    def with_precision(self) -> "DesignRunner":
        """The runner with the precision that `auto` resolves to, for all networks.

        It is resolved once, and kept in a file for when the comparison goes on.
        """
        file = self.out / f"{self.trunk}.precision"
        if not file.exists():
            (plan,) = plans("multi", self.heads, ())
            prepared, table = self.prepare(plan, 0)
            batches = prepared.training(table)
            write_text(
                file, loop.resolve_precision(prepared.spec, prepared.recipe, batches)
            )
        precision = cast("Precision", file.read_text(encoding="utf-8"))
        recipe = replace(self.prepared.recipe, precision=precision)
        return replace(self, prepared=replace(self.prepared, recipe=recipe))

    def networks(self, designs: Sequence[str], seeds: int) -> list[str]:
        """The names of all networks in the order of their training, each once."""
        names = (
            self._name(plan, seed)
            for seed in range(seeds)
            for design in designs
            for plan in plans(design, self.heads, self.merges)
        )
        return list(dict.fromkeys(names))

    def run(self, design: str, seed: int, titles: Mapping[str, str], say: Say) -> Cell:
        """Train and measure the networks of a design, but those that are done.

        `titles` say by the name of a network which of all trainings it is.
        """
        results = [
            self._run(plan, seed, titles, say)
            for plan in plans(design, self.heads, self.merges)
        ]
        return Cell(
            design=design,
            trunk=self.trunk,
            seed=seed,
            precision=self.prepared.recipe.precision,
            networks=tuple(result.name for result in results),
            heads={k: v for result in results for k, v in result.heads.items()},
            cost=Cost.total([result.cost for result in results]),
        )

    def _run(
        self, plan: Plan, seed: int, titles: Mapping[str, str], say: Say
    ) -> NetworkResult:
        name = self._name(plan, seed)
        folder = self.out / name
        result = read_result(folder)
        if not result:
            say(f"{titles[name]}: {name}")
            result, scores = self._train(plan, seed, folder, titles[name], say)
            write_result(folder, result, scores)
            loop.remove_checkpoint(folder)
        return result

    def _name(self, plan: Plan, seed: int) -> str:
        return f"{self.trunk}-{seed}-{plan.name}"

    def _train(
        self, plan: Plan, seed: int, folder: Path, title: str, say: Say
    ) -> tuple[NetworkResult, dict[str, Array]]:
        """The result of a network, and its scores (test rows, labels) by head."""
        prepared, table = self.prepare(plan, seed)
        resume = loop.has_checkpoint(folder)
        with PeakMemory() as memory:
            # split.csv lists the pictures of all networks: what another one learned
            # from does not test this one.
            training = train_prepared(
                prepared,
                table,
                folder,
                parts=self.parts,
                resume=resume,
                say=say,
                title=title,
            )
        if training.outcome.interrupted:  # half a training must not count as done
            raise KeyboardInterrupt
        analyzer = Analyzer.load(folder)
        heads, scores = measure_scores(
            analyzer, prepared, plan, self.table, self.groups, say
        )
        # The peak of the epochs before a stop is unknown.
        peak = None if resume else memory.peak
        cost = measure_cost(analyzer, folder, training, peak)
        return NetworkResult(name=folder.name, heads=heads, cost=cost), scores

    def prepare(self, plan: Plan, seed: int) -> tuple[Prepared, pd.DataFrame]:
        """What a network is trained with: its heads, and the rows that they label."""
        recipe = self.prepared.recipe
        # `table` is capped already, for all networks alike.
        recipe = replace(recipe, seed=recipe.seed + seed, cap={})
        spec = replace(self.prepared.spec, heads=plan.heads, recipe=recipe.plain())
        labelled = [head.labelled(self.table) for head in plan.heads]
        table = self.table[np.any(labelled, axis=0)]
        return replace(self.prepared, recipe=recipe, spec=spec), table

    def estimate(self, designs: Sequence[str], seeds: int) -> tuple[list[Cell], float]:
        """The cells without results, and about how many seconds training them takes."""
        cells, networks = [], {}
        for design in designs:
            of_design = plans(design, self.heads, self.merges)
            networks.update({plan.name: plan for plan in of_design})
            cells += [
                Cell(
                    design=design,
                    trunk=self.trunk,
                    seed=seed,
                    precision=self.prepared.recipe.precision,
                    networks=tuple(self._name(plan, seed) for plan in of_design),
                )
                for seed in range(seeds)
            ]
        return cells, seeds * self._seconds(list(networks.values()))

    def _seconds(self, networks: Sequence[Plan]) -> float:
        """About how long training takes, by the time of a few steps.

        Heads hardly matter beside the trunk: one network is timed for all.
        """
        steps, trainings = [], []
        for plan in networks:
            prepared, table = self.prepare(plan, 0)
            batches = prepared.training(table)
            epochs = sum(stage.epochs for stage in prepared.recipe.stages())
            steps.append(batches.steps * epochs)
            trainings.append((prepared, batches))
        prepared, batches = trainings[int(np.argmax(steps))]
        step = loop.training_step(prepared.spec, prepared.recipe, batches, "float32")
        step()  # the first one traces the function
        start = time.monotonic()
        for _ in range(_TIMED_STEPS):
            step()
        return (time.monotonic() - start) / _TIMED_STEPS * sum(steps)


def design_runner(
    recipe: Recipe,
    out: Path,
    merges: Sequence[str],
    say: Say,
    parts: Path | pd.DataFrame | None = None,
    machine: Machine = Machine(),  # noqa: B008  (it is frozen)
) -> DesignRunner:
    """Read the pictures of a comparison; `merges` are texts such as `age_group+gender`.

    `parts` is the split to keep: the split.csv of a comparison that goes on, or a table
    with `path` and `split`. Raises UserError for anything that the user can fix.
    """
    prepared = prepare.prepare(recipe, out, say, machine=machine)
    heads = prepared.spec.heads
    # All trunks have the split of the first.
    if isinstance(parts, pd.DataFrame):
        split = listed_parts(prepared.table, parts)
    else:
        split = prepared.split(parts)
    table = prepared.table.assign(split=split)
    table = table[table["split"].notna()]
    parts = listing(table)
    train = table[table["split"] == "train"]
    capped = sampling.capped(train, heads, recipe.cap, recipe.seed)
    table = table.drop(train.index[~capped])  # for all networks alike
    checks.check_trainable(heads, table, say)
    checks.check_validated(recipe, table)
    members = pd.Series(prepared.members, index=prepared.table.index)
    check_test_labels(heads, table, members)
    merged = tuple(merge(text, heads, table) for text in merges)
    table = with_merged(table, merged)
    check_validation_labels((*heads, *(each.head for each in merged)), table)
    leaks = leakage_notes(recipe, table, members[table.index].to_numpy())
    spec = replace(prepared.spec, leaks=leaks)
    return DesignRunner(
        prepared=replace(prepared, spec=spec),
        parts=parts,
        table=table,
        merges=merged,
        out=out,
    )
