"""Is one network as good as several, on these pictures, and what does each cost?"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.comparison import checks, differences
from multitask.comparison.notes import comparison_notes, unanswered_notes
from multitask.comparison.runner import DesignRunner, design_runner
from multitask.contracts import plugins, run
from multitask.contracts.errors import Say, counted
from multitask.contracts.head import Array
from multitask.contracts.machine import Machine
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import SPLITS
from multitask.contracts.results.design_comparison import (
    DESIGNS,
    Cell,
    DesignComparison,
)
from multitask.contracts.run import SPLIT
from multitask.contracts.saving import replacing
from multitask.contracts.table import any_file_name, write_csv
from multitask.experiments import revisions
from multitask.experiments.notes.training import frozen_notes
from multitask.metrics import scores
from multitask.metrics.baselines import constant_answers


@any_file_name()
def compare(
    recipe: Recipe,
    out: str | Path,
    *,
    designs: Sequence[str] = (),
    trunks: Sequence[str] = (),
    merges: Sequence[str] = (),
    seeds: int = 1,
    dry_run: bool = False,
    say: Say = print,
    machine: Machine = Machine(),  # noqa: B008  (it is frozen)
) -> DesignComparison:
    """Train designs of networks on the same split, and measure answers and cost.

    `designs` are some of `single`, `merged` and `multi`, by default all, `merged` only
    if there are `merges`: heads to join, such as `age_group+gender`. `trunks` are by
    default the recipe's. Each network is trained with `seeds` seeds. `say` receives
    lines about the progress.

    Writes `compare.json`, `compare.csv`, `compare.png` and `index.html` into the folder
    `out`, and a folder per network. Called again, a comparison goes on where it was
    stopped, and may have more seeds. A `dry_run` trains nothing: it says about how long
    the training takes, and returns the cells without results.

    Raises UserError for anything that the user can fix.
    """
    designs = tuple(designs) or (DESIGNS if merges else ("single", "multi"))
    checks.check_request(designs, trunks, merges, seeds)
    settings = _settings(recipe, designs, trunks, merges)
    trunks = tuple(trunks) or (recipe.trunk,)
    checks.check_recipe(recipe, trunks)
    out = expand_user(out)
    run.same_work(out, settings, "comparison", "compare")
    with nullcontext() if dry_run else run.only_process(out):
        return _compare(
            recipe, out, settings,
            designs=designs, trunks=trunks, merges=merges, seeds=seeds,
            dry_run=dry_run, say=say, machine=machine,
        )  # fmt: skip


def _compare(
    recipe: Recipe,
    out: Path,
    settings: dict[str, Any],
    *,
    designs: Sequence[str],
    trunks: Sequence[str],
    merges: Sequence[str],
    seeds: int,
    dry_run: bool,
    say: Say,
    machine: Machine,
) -> DesignComparison:
    """Begin a comparison in its folder, or go on with it; `settings` tell it."""
    resumed = run.same_work(out, settings, "comparison", "compare")
    begun = resumed and (out / SPLIT).exists()
    recipe = revisions.recorded(recipe, out)
    parts: Path | pd.DataFrame | None = out / SPLIT if begun else None
    cells: list[Cell] = []
    groups: dict[str, Array] = {}
    seconds = 0.0
    for trunk in trunks:
        runner = design_runner(
            replace(recipe, trunk=trunk), out, merges, say, parts, machine
        )
        parts = runner.parts  # of the first trunk, for all
        checks.check_heads(runner.heads, designs)
        for note in runner.caveats if trunk == trunks[0] else ():
            say(note)
        if dry_run:
            planned, estimate = runner.estimate(designs, seeds)
            cells += planned
            seconds += estimate
            continue
        if not begun:  # not before all checks
            _begin(runner, trunks, settings)
            begun = True
        groups[trunk] = runner.groups
        place = trunks.index(trunk), len(trunks)
        cells += _train(runner, designs, seeds, place, say)
    result = _result(runner, cells, groups, seeds)
    if dry_run:
        say(_estimate(recipe, seconds))
    else:
        plugins.write_reports(result, out)
    return result


def _settings(
    recipe: Recipe, designs: Sequence[str], trunks: Sequence[str], merges: Sequence[str]
) -> dict[str, Any]:
    """What makes a comparison the same; it goes on with other numbers of seeds."""
    request = {"designs": designs, "trunks": trunks, "merges": merges}
    listed = {key: list(names) for key, names in request.items()}
    return {**recipe.plain(), "compare": listed}


def _begin(
    runner: DesignRunner, trunks: Sequence[str], settings: dict[str, Any]
) -> None:
    """Make the folder of a comparison, if all trunks can be trained as the recipe says.

    Raises UserError if one can't, or if the folder can't be written.
    """
    runner.check_trunks(trunks)
    run.begin(runner.out, settings)
    revisions.record(runner.prepared.recipe, runner.out)
    # Last: with a split, the comparison goes on.
    with replacing(runner.out / SPLIT) as part:
        write_csv(runner.parts, part)


def _train(
    runner: DesignRunner,
    designs: Sequence[str],
    seeds: int,
    place: tuple[int, int],
    say: Say,
) -> list[Cell]:
    """Train and measure all designs on one trunk, seed by seed.

    `place` is the number of the trunk, from 0, and how many trunks there are.
    """
    runner = runner.with_precision()
    names = runner.networks(designs, seeds)
    number, trunks = place
    count = trunks * len(names)
    titles = {
        name: f"training {number * len(names) + i} of {count}"
        for i, name in enumerate(names, 1)
    }
    try:
        return [
            runner.run(design, seed, titles, say)
            for seed in range(seeds)
            for design in designs
        ]
    except KeyboardInterrupt:
        say("stopped; the same command, given again, goes on")
        raise


def _result(
    runner: DesignRunner, cells: Sequence[Cell], groups: dict[str, Array], seeds: int
) -> DesignComparison:
    """The comparison of cells; `runner` is that of any trunk."""
    recipe, out, heads = runner.prepared.recipe, runner.out, runner.heads
    rows = {part: int((runner.table["split"] == part).sum()) for part in SPLITS}
    test = runner.table[runner.table["split"] == "test"]
    constants = {
        head.name: scores.scores(head, test, constant_answers(head, test))
        for head in heads
    }
    return DesignComparison(
        title=out.name,
        rows=rows,
        metrics={head.name: head.metric for head in heads},
        better={head.name: scores.better_direction(head) for head in heads},
        merged=tuple(merge.name for merge in runner.merges),
        cells=tuple(cells),
        means=differences.means(out, cells, heads, groups, constants),
        differences=differences.to_single(out, cells, heads, groups),
        notes=(
            *runner.prepared.spec.notes,
            *runner.caveats,
            *frozen_notes(recipe),
            *comparison_notes(recipe, rows, seeds),
            *unanswered_notes(cells),
        ),
        folder=out,
        constants={name: scores.mean(each) for name, each in constants.items()},
    )


def _estimate(recipe: Recipe, seconds: float) -> str:
    """How long training takes, in words."""
    minutes = max(1, round(seconds / 60))
    less = "; less, as frozen layers are computed once" * recipe.caches_features
    return f"about {counted(minutes, 'minute')}, by the time of a few steps{less}"
