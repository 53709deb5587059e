"""How does one command make a network out of folders of labelled pictures?"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from multitask.cli import options
from multitask.cli.quiet import import_tensorflow
from multitask.contracts import run
from multitask.contracts.errors import Parser, UserError, command
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import NETWORK, RECIPE, SKIPPED, SPLIT
from multitask.contracts.saving import reporting_write_errors, write_text
from multitask.training import views

if TYPE_CHECKING:
    import pandas as pd

    from multitask.contracts.evaluation import Evaluation
    from multitask.data.batches import Batches
    from multitask.experiments.prepare import Prepared
    from multitask.images.decode import Pixels

_CALIBRATED = 1000  # pictures of the validation part that are enough for it
_SHOWN, _WAYS = 6, 4  # training pictures in the report, ways that each is varied
Say = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a fit made: its folder, the comparison on the test part, how it ended."""

    folder: Path
    evaluation: "Evaluation"
    interrupted: bool


def fit(
    recipe: Recipe, out: str | Path, *, resume: bool = False, say: Say = print
) -> Run:
    """Train one network with many heads and write it, measured, into the folder `out`.

    The folder holds `network.keras`, `recipe.toml`, `history.csv`, `split.csv`,
    `skipped.csv`, `logs/` and `report/`. With `folds` in the recipe it holds a folder
    `fold-1`, `fold-2`, ... with such a run each, and a `report/` over all pictures,
    each answered by the network that did not see it. With `resume` it is one that a
    fit was stopped in, and `recipe` the one in it. `say` is given lines about what goes
    on.

    Raises UserError for whatever the user can mend.
    """
    from multitask.experiments.prepare import prepare

    out = Path(out).expanduser()
    if not resume:
        run.new_folder(out)
    elif _finished(out):
        raise UserError(out, "is finished, there is nothing to resume")
    prepared = prepare(recipe, out, say, resume)
    if recipe.folds:
        return _cross_validate(prepared, out, resume, say)
    parts = prepared.split(out / SPLIT if resume else None)
    return _one(prepared, parts, out, out, resume, say)


def _finished(out: Path) -> bool:
    """Whether a run is measured, and has no checkpoint left to go on from."""
    from multitask.training import loop

    return (out / "report" / "report.json").exists() and not loop.has_checkpoint(out)


def _one(
    prepared: "Prepared",
    parts: "pd.Series[str]",
    out: Path,
    whole: Path,
    resume: bool,
    say: Say,
) -> Run:
    """Train and measure one network on the `parts` (rows,) of the prepared pictures.

    Its run is `out`, which `whole` is or has among its folds.
    """
    from multitask.data.coverage import describe_epoch
    from multitask.experiments.checks import check_trainable, check_validated
    from multitask.experiments.notes import frozen_notes, leakage_notes
    from multitask.training import loop

    recipe, spec = prepared.recipe, prepared.spec
    table = prepared.table.assign(split=parts)
    check_trainable(spec.heads, table, say)
    check_validated(recipe, table)
    found = leakage_notes(recipe, table, prepared.members)
    for note in found:
        say(note)
    spec = replace(spec, notes=(*spec.notes, *found))
    _write(out, recipe, table, prepared.skipped, say)
    train, val = prepared.training(table), prepared.validation(table)
    say(describe_epoch(table, train))
    try:
        outcome = loop.train(
            spec, recipe, train, val if len(val.rows) else None, out, resume, say
        )
    except KeyboardInterrupt:
        say(f"stopped before an epoch was done; --resume --out {whole} goes on")
        raise
    if outcome.interrupted:
        epoch = len(outcome.history)
        say(f"stopped after epoch {epoch}; --resume --out {whole} goes on")
    say(f"best epoch {outcome.best_epoch}, trained in {outcome.precision}")
    # What `auto` chose belongs to the recipe that repeats the run.
    chosen = replace(recipe, precision=outcome.precision)
    write_text(out / RECIPE, chosen.to_toml())
    varied = _varied(recipe, train)
    stage = chosen.stages()[outcome.stage - 1]
    notes = frozen_notes(recipe)
    comparison = _measure(out, stage, table, prepared.pixels, varied, notes, say)
    if not outcome.interrupted:
        loop.remove_checkpoint(out)
    return Run(folder=out, evaluation=comparison, interrupted=outcome.interrupted)


def _cross_validate(prepared: "Prepared", out: Path, resume: bool, say: Say) -> Run:
    """A run a fold, and a report in which each picture was answered unseen."""
    import pandas as pd

    from multitask.contracts import plugins
    from multitask.contracts.evaluation import Evaluation
    from multitask.experiments.notes import frozen_notes

    recipe, heads, count = prepared.recipe, prepared.spec.heads, prepared.recipe.folds
    dealt = _folds(prepared)
    runs: list[Run] = []
    with reporting_write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / RECIPE, recipe.to_toml())
    for number, parts in enumerate(dealt, 1):
        folder = out / f"fold-{number}"
        say(f"fold {number} of {count}")
        begun = resume and (folder / RECIPE).exists()
        if begun:
            parts = prepared.split(folder / SPLIT)
        if begun and _finished(folder):
            table = prepared.table.assign(split=parts)
            varied = _varied(recipe, prepared.training(table))
            notes = frozen_notes(recipe)
            again = _measure(folder, recipe, table, prepared.pixels, varied, notes, say)
            runs.append(Run(folder=folder, evaluation=again, interrupted=False))
            continue
        runs.append(_one(prepared, parts, folder, out, begun, say))
        if runs[-1].interrupted:
            break
    measured = tuple(run.evaluation for run in runs)
    pooled = Evaluation(
        title=f"{out.name}, {len(runs)} folds",
        split="test",
        labels=pd.concat([c.labels for c in measured]),
        answers=pd.concat([c.answers for c in measured]),
        heads=heads,
        notes=measured[0].notes,
        folds=measured,
    )
    interrupted = runs[-1].interrupted
    if not interrupted:
        plugins.write_reports(pooled, out / "report")
    return Run(folder=out, evaluation=pooled, interrupted=interrupted)


def _folds(prepared: "Prepared") -> "list[pd.Series[str]]":
    """The part of each picture in each fold; UserError if one can't be trained."""
    from multitask.data import split
    from multitask.experiments.checks import check_trainable

    heads, count = prepared.spec.heads, prepared.recipe.folds
    seed = prepared.recipe.seed
    dealt = split.folds(prepared.table, heads, prepared.members, count, seed)
    for parts in dealt:  # the last fold is too late to learn of it
        if not (parts == "test").any():
            raise UserError(
                "--folds",
                f"is {count}, the pictures make {prepared.members.max() + 1} groups "
                "that must stay together",
                "take fewer folds",
            )
        check_trainable(heads, prepared.table.assign(split=parts))
    return dealt


def _write(
    out: Path,
    recipe: Recipe,
    table: "pd.DataFrame",
    skipped: "pd.DataFrame",
    say: Say,
) -> None:
    """Begin the run's folder: what it learns from, and what was set aside."""
    from multitask.contracts.table import write_csv

    try:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(table[["path", "split"]], out / SPLIT)
        write_csv(skipped, out / SKIPPED)
        # Last: a folder with a recipe is a run that can be resumed.
        write_text(out / RECIPE, recipe.to_toml())
    except OSError as error:
        raise UserError(out, f"can't be written: {error.strerror}") from None
    if len(skipped):
        say(f"{len(skipped)} set aside, listed in {out / 'skipped.csv'}")


def _varied(recipe: Recipe, train: "Batches") -> "Pixels | None":
    """A few training pictures as they are and as training saw them."""
    from multitask.contracts.augmentation import parse_augmentation
    from multitask.contracts.recipe_texts import NONE
    from multitask.images.augment import samples

    how, last = parse_augmentation(recipe.augment), recipe.stages()[-1]
    chosen = train.rows[:: max(1, len(train.rows) // _SHOWN)][:_SHOWN]
    if last.freeze != NONE and last.views:
        looks = views.views(how, last.views)[: 1 + _WAYS]
        if len(looks) == 1:
            return None
        return views.samples(train.pixels[chosen], how, train.size, looks)
    if how == parse_augmentation("none"):
        return None
    return samples(train.pixels[chosen], how, train.size, _WAYS)


def _measure(
    out: Path,
    recipe: Recipe,
    table: "pd.DataFrame",
    pixels: "Pixels",
    varied: "Pixels | None",
    notes: tuple[str, ...],
    say: Say,
) -> "Evaluation":
    """Calibrate the saved network on the validation part, report on the test part."""
    import pandas as pd

    from multitask.contracts import plugins
    from multitask.contracts.evaluation import Evaluation
    from multitask.contracts.run import HISTORY
    from multitask.experiments.evaluate import outputs
    from multitask.experiments.notes import measured_part
    from multitask.networks import archive
    from multitask.networks.analyzer import Analyzer, read_all

    analyzer = Analyzer.load(out)
    val = table[table["split"] == "val"]
    val = val.sample(min(len(val), _CALIBRATED), random_state=recipe.seed)
    if len(val):
        said = outputs(analyzer, recipe, pixels, val.index.to_numpy(), say)
        heads = [h.calibrate(val, said[h.name]) for h in analyzer.heads]
        if tuple(heads) != analyzer.heads:
            analyzer = analyzer.with_heads(heads)
            archive.save_spec(analyzer.spec, out / NETWORK)
    part, warnings = measured_part(table)
    labels = table[table["split"] == part]
    rows = labels.index.to_numpy()
    said = outputs(analyzer, recipe, pixels, rows, say)
    history = out / HISTORY
    result = Evaluation(
        title=out.name,
        split=part,
        labels=labels,
        answers=read_all(analyzer.heads, said, rows),
        heads=analyzer.heads,
        notes=(*analyzer.notes, *notes, *warnings),
        history=pd.read_csv(history) if history.exists() else None,
        varied=varied,
    )
    plugins.write_reports(result, out / "report")
    return result


def parser() -> argparse.ArgumentParser:
    """The command's options: one for every setting of a recipe, and where to write."""
    made = Parser(
        prog="multitask fit", description="Train one network with many heads."
    )
    options.add(made)
    made.add_argument(
        "--out",
        metavar="FOLDER",
        help="the run's folder; must be new (default runs/DATE-TIME)",
    )
    made.add_argument(
        "--resume", action="store_true", help="go on with the stopped run in --out"
    )
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask fit`; returns the exit status."""
    arguments = parser().parse_args(argv)
    if arguments.resume:
        recipe, out = _resumed(arguments)
    else:
        recipe = options.read(arguments)
        out = options.default_folder(arguments.out)
    import_tensorflow()
    run = fit(recipe, out, resume=arguments.resume)
    from multitask.contracts import plugins

    print(plugins.text(run.evaluation))
    print(f"written to {run.folder}, see {run.folder / 'report' / 'index.html'}")
    return 130 if run.interrupted else 0


def _resumed(arguments: argparse.Namespace) -> tuple[Recipe, Path]:
    from multitask.contracts import recipe

    if not arguments.out:
        raise UserError("--resume", "names no run", "add --out with the run's folder")
    out = Path(arguments.out).expanduser()
    if not (out / RECIPE).is_file():
        raise UserError(out, f"holds no {RECIPE}, is no run to resume")
    extra = sorted(options.given(arguments)) + ["recipe"] * bool(arguments.recipe)
    if extra:
        raise UserError(
            f"--resume with {', '.join(extra)}",
            "a run goes on with the recipe it began with",
            "leave the other options out",
        )
    return recipe.recipe(recipe.read(out / RECIPE), str(out / RECIPE)), out


if __name__ == "__main__":
    sys.exit(main())
