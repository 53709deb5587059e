"""Which settings of a recipe are better? Trials of them, and the best one."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pandas as pd
from filelock import FileLock

from multitask.contracts import plugins, run
from multitask.contracts.errors import Say, UserError, counted, nearest
from multitask.contracts.machine import Machine
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.results.sweep_result import SweepResult
from multitask.contracts.run import SPLIT, SWEEP
from multitask.contracts.saving import (
    replacing,
    reporting_write_errors,
    write_text,
)
from multitask.contracts.table import any_file_name, write_csv
from multitask.data.split import listing
from multitask.experiments import revisions
from multitask.experiments.prepare import Prepared, prepare
from multitask.training import loop
from multitask.tuning import space
from multitask.tuning.journal import import_journal
from multitask.tuning.search import import_optuna
from multitask.tuning.space import MEAN, Dimension, parse_dimension
from multitask.tuning.storage import PRECISION, locked
from multitask.tuning.summary import summary
from multitask.tuning.trials import Trials, caveats_of
from multitask.tuning.variants import check_variants


@any_file_name()
def sweep(
    recipe: Recipe,
    out: str | Path,
    *,
    vary: Sequence[str],
    objective: str = MEAN,
    grid: bool = False,
    prune: bool = True,
    trials: int = 20,
    machine: Machine = Machine(),  # noqa: B008  (it is frozen)
    say: Say = print,
) -> SweepResult:
    """Train variants of a recipe, and find out which settings are the best.

    `vary` lists settings and their values, such as `dropout=0.3,0.5` or
    `learning-rate=1e-5..1e-2:log`. With `grid`, or if there are no more than `trials`,
    all combinations are tried; otherwise Optuna proposes them. `objective` is a head
    or the mean of all; with `prune`, a trial that is worse than the median ends early.

    The folder `out` gets `best.toml` (a recipe), `sweep.json`, `sweep.csv`,
    `index.html` and one folder per trial, of which the best keeps its network. Another
    call with the same arguments goes on, also with more `trials`; several processes may
    share the folder. A trial that fails is recorded with its reason.

    Raises UserError for whatever the user can correct, and if all trials fail.
    """
    dimensions, combinations = _plan(recipe, vary, grid, trials)
    if combinations:
        say(f"{counted(len(combinations), 'combination')}, one trial each")
    out = expand_user(out)
    options = {"objective": objective, "grid": grid, "prune": prune}
    settings = {**recipe.plain(), SWEEP: {"vary": list(vary), **options}}
    run.same_work(out, settings, "sweep", SWEEP)
    with reporting_write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    with locked(FileLock(out / run.READING)):
        begun_from = revisions.recorded(recipe, out)
        prepared = prepare(begun_from, out, say, machine=machine)
    _check_heads(objective, dimensions, [head.name for head in prepared.spec.heads])
    lock = FileLock(out / run.LOCK)
    with locked(lock):
        table = _begin(prepared, out, settings)
        import_journal(out, settings, dimensions)
        base = _with_precision(prepared, table, out, dimensions)
    caveats = caveats_of(prepared, table)
    for note in caveats:
        say(note)
    work = Trials(
        base=base,
        prepared=prepared,
        parts=listing(table),
        caveats=caveats,
        out=out,
        dimensions=dimensions,
        combinations=combinations,
        objective=objective,
        prune=prune,
        count=trials,
        lock=lock,
        say=say,
    )
    return _run(work)


def _plan(
    recipe: Recipe, vary: Sequence[str], grid: bool, trials: int
) -> tuple[tuple[Dimension, ...], list[dict[str, Any]]]:
    """What is varied, and its combinations if all of them are to be tried.

    Raises UserError for what can't be, before anything is read.
    """
    dimensions = tuple(parse_dimension(text) for text in vary)
    if not dimensions:
        raise UserError("--vary", "is missing", "write --vary KEY=A,B or KEY=LOW..HIGH")
    if trials < 1:
        raise UserError("--trials", f"is {trials}, must be 1 or more")
    if recipe.folds:
        raise UserError("--folds", "can't be combined with sweep", "leave it out")
    check_variants(recipe, dimensions)
    counts = (math.inf if d.is_range else len(d.values) for d in dimensions)
    if grid or math.prod(counts) <= trials:
        return dimensions, space.grid(dimensions)
    import_optuna()
    return dimensions, []


def _check_heads(
    objective: str, dimensions: Sequence[Dimension], heads: Sequence[str]
) -> None:
    """Raise UserError for an objective or a varied setting of an unknown head."""
    names = [("--objective", objective, [MEAN, *heads])]
    for one in dimensions:
        if one.head:
            names.append((f"--vary {one.name}", one.head, ["all", *heads]))
    for where, name, known in names:
        if name not in known:
            raise UserError(where, f"unknown head {name!r}", nearest(name, known))


def _begin(prepared: Prepared, out: Path, settings: dict[str, Any]) -> pd.DataFrame:
    """The pictures with the split of all trials, which the first process records."""
    file = out / SPLIT
    begun = run.same_work(out, settings, "sweep", SWEEP) and file.exists()
    parts = prepared.split(file if begun else None)
    table = prepared.table.assign(split=parts)
    if not begun:
        run.begin(out, settings)
        revisions.record(prepared.recipe, out)
        with replacing(file) as part:  # last: with a split, the sweep goes on
            write_csv(listing(table), part)
    return table


def _with_precision(
    prepared: Prepared, table: pd.DataFrame, out: Path, dimensions: Sequence[Dimension]
) -> Recipe:
    """The recipe with the precision of all trials, which the first process times."""
    recipe = prepared.recipe
    if any(dimension.setting == "precision" for dimension in dimensions):
        return recipe
    file = out / PRECISION
    if not file.exists():
        training = prepared.training(table)
        precision = loop.resolve_precision(prepared.spec, recipe, training)
        write_text(file, precision)
    precision = cast(Precision, file.read_text(encoding="utf-8").strip())
    return replace(recipe, precision=precision)


def _run(trials: Trials) -> SweepResult:
    """Train the trials and write the reports, also after Ctrl-C or an error.

    Raises UserError if all trials failed.
    """
    try:
        trials.run()
    except KeyboardInterrupt:
        trials.say("stopped; the same command, given again, goes on")
        raise
    finally:
        with locked(trials.lock):
            result = summary(trials)
            plugins.write_reports(result, trials.out)
    states = {trial.state for trial in result.trials}
    if states == {"fail"}:
        raise UserError(
            f"all {len(result.trials)} trials",
            f"failed, the first: {result.trials[0].reason}",
        )
    if "running" in states:
        trials.say(
            "Another process is still training a trial; the report leaves it out."
        )
    return result
