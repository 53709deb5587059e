"""How does one recipe become a run: a trained network, measured, in a folder?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from shlex import quote

import pandas as pd

from multitask.contracts import plugins
from multitask.contracts.augmentation import Augmentation
from multitask.contracts.errors import Say, UserError, counted
from multitask.contracts.evaluation import Evaluation
from multitask.contracts.machine import Machine
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import (
    RECIPE,
    REPORT,
    REPORT_JSON,
    SKIPPED,
    SPLIT,
    begin,
    discard,
    has_epoch,
    is_without_epoch,
    new_folder,
    only_process,
)
from multitask.contracts.saving import replacing, reporting_write_errors, write_text
from multitask.contracts.table import any_file_name, write_csv
from multitask.data import split
from multitask.data.batches import Batches
from multitask.data.labels import describe_skipped
from multitask.experiments.calibrate import joined_uncalibrated
from multitask.experiments.checks import (
    check_trainable,
    check_validated,
    naming_limit,
)
from multitask.experiments.evaluate import evaluate_run
from multitask.experiments.notes.leaks import leakage_notes
from multitask.experiments.notes.parts import few_labels_notes, parts_notes
from multitask.experiments.prepare import Prepared, prepare
from multitask.experiments.train import train_prepared
from multitask.images import augment
from multitask.images.decode import Pixels
from multitask.networks.analyzer import Analyzer
from multitask.training import loop, views

_SHOWN, _VARIANTS = 6, 4  # training pictures in the report, variants of each


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Run:
    """A run's folder, its evaluation on the test part, and how the training ended."""

    folder: Path
    evaluation: Evaluation
    interrupted: bool

    @cached_property
    def network(self) -> Analyzer:
        """The trained network, to predict with.

        Raises UserError for a run with folds, each of which has its own.
        """
        if self.evaluation.folds:
            todo = f"load one: multitask.load('{self.folder / 'fold-1'}')"
            raise UserError(self.folder, "has a network for each fold", todo)
        return Analyzer.load(self.folder)

    @property
    def history(self) -> pd.DataFrame:
        """The figures of each epoch, as in `history.csv`; folds are told apart."""
        folds = self.evaluation.folds or (self.evaluation,)
        histories = {
            number: fold.history
            for number, fold in enumerate(folds, 1)
            if fold.history is not None
        }
        if not histories:
            return pd.DataFrame()
        joined = pd.concat(histories, names=["fold"])
        if self.evaluation.folds:
            return joined.reset_index("fold").reset_index(drop=True)
        return joined.reset_index(drop=True)

    def __repr__(self) -> str:
        return f"{self._title}\n\n{self.evaluation!r}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._title)}</p>\n{self.evaluation._repr_html_()}"

    @property
    def _title(self) -> str:
        return f"run in {self.folder}" + ", stopped early" * self.interrupted


@any_file_name()
def fit(
    recipe: Recipe,
    out: str | Path,
    *,
    resume: bool = False,
    say: Say = print,
    machine: Machine = Machine(),  # noqa: B008  (it is frozen)
) -> Run:
    """Train one network with many heads, evaluate it, and write both into `out`.

    The folder `out` holds `network.keras`, `recipe.toml`, `history.csv`, `split.csv`,
    `skipped.csv`, `logs/` and `report/`. With `folds` in the recipe it holds a folder
    `fold-1`, `fold-2`, ... with such a run each, and a `report/` over all pictures,
    each answered by the network that did not see it. With `resume`, `out` is a run
    that was stopped, and `recipe` the one in it. `say` is called with each line of
    progress.

    Raises UserError for whatever the user can fix.
    """
    out = expand_user(out)
    plugins.reports()  # one that can't be used is known before the long work
    if not resume:
        new_folder(out, or_without_epoch=True)
    with only_process(out):  # which also removes the lock of a process that died
        if not resume:
            if is_without_epoch(out):
                say(f"{out}: begins anew, as a run there ended before its first epoch")
                discard(out)
            new_folder(out)  # another run may have begun in it meanwhile
        elif _is_finished(out):
            loop.remove_checkpoint(out)  # what a kill left of it
            raise UserError(out, "is finished, there is nothing to resume")
        prepared = prepare(recipe, out, say, resume, machine)
        return _begun(prepared, out, resume, say)


def _begun(prepared: Prepared, out: Path, resume: bool, say: Say) -> Run:
    """Begin the run of what is prepared, or go on with it, to its end."""
    recipe = prepared.recipe
    with _kept_if_begun(out, resume, say):
        if recipe.folds:
            return _cross_validate(prepared, out, resume, say)
        parts = prepared.split(_split_of(out) if resume else None)
        return train_and_evaluate(prepared, parts, out, resume=resume, say=say)


@contextmanager
def _kept_if_begun(out: Path, resume: bool, say: Say) -> Iterator[None]:
    """Remove a new run that fails or is stopped before an epoch is done.

    Else its folder would be in the way of the same command, corrected or not.
    """
    try:
        yield
    except BaseException as error:
        is_resumable = resume or has_epoch(out)
        if not is_resumable:
            discard(out)
        if isinstance(error, KeyboardInterrupt):
            when = "stopped" if has_epoch(out) else "stopped before an epoch was done"
            say(f"{when}; {_hint(out) if is_resumable else 'the run is not kept'}")
        raise


def _hint(out: Path) -> str:
    return f"resume with: python -m multitask.fit --resume --out {quote(str(out))}"


def _is_finished(out: Path) -> bool:
    """Whether a run is measured, and has no checkpoint left to go on from."""
    return (out / REPORT / REPORT_JSON).exists() and not loop.has_checkpoint(out)


def _split_of(run: Path) -> Path | None:
    """The split.csv of a stopped run; None if it stopped before it had one."""
    file = run / SPLIT
    return file if file.exists() else None


def train_and_evaluate(
    prepared: Prepared,
    parts: "pd.Series[str]",
    out: Path,
    *,
    whole: Path | None = None,
    title: str = "",
    resume: bool = False,
    say: Say = print,
) -> Run:
    """Train and measure one network on the `parts` (rows,) of the prepared pictures.

    `out` is the folder of the run, or of a fold of the run in `whole`, whose `title`
    says which one it is.
    """
    recipe, spec = prepared.recipe, prepared.spec
    table = prepared.table.assign(split=parts)
    with naming_limit(recipe):
        check_trainable(spec.heads, table, say)
    check_validated(recipe, table)
    leaks = leakage_notes(recipe, table, prepared.members)
    small = parts_notes(recipe, spec.heads, table, prepared.members)
    for note in (*leaks, *small):
        say(note)
    spec = replace(spec, leaks=leaks)
    prepared = replace(prepared, spec=spec)
    _begin(out, prepared, say)
    training = train_prepared(prepared, table, out, resume=resume, say=say, title=title)
    outcome = training.outcome
    if outcome.interrupted:
        say(f"stopped after epoch {len(outcome.history)}; {_hint(whole or out)}")
    say(f"best epoch {outcome.best_epoch}, trained in {outcome.precision}")
    # A recipe that repeats the run names the precision that `auto` resolved to.
    recipe = replace(recipe, precision=outcome.precision)
    write_text(out / RECIPE, recipe.to_toml())
    evaluation = evaluate_run(
        prepared,
        table,
        out,
        stage=recipe.stages()[outcome.stage - 1],
        varied=_augmented_samples(recipe, training.batches),
        say=say,
    )
    if not outcome.interrupted:
        loop.remove_checkpoint(out)
    return Run(folder=out, evaluation=evaluation, interrupted=outcome.interrupted)


def _cross_validate(prepared: Prepared, out: Path, resume: bool, say: Say) -> Run:
    """One run per fold, and a report on all pictures, each while in a test part."""
    recipe, count = prepared.recipe, prepared.recipe.folds
    folds = _folds(prepared)
    _write_skipped(out, prepared)
    begin(out, recipe.plain())
    runs: list[Run] = []
    for number, parts in enumerate(folds, 1):
        title = f"fold {number} of {count}"
        say(title)
        folder = out / f"fold-{number}"
        runs.append(_run_fold(prepared, parts, folder, title, resume, say))
        if runs[-1].interrupted:
            break
    evaluations = tuple(run.evaluation for run in runs)
    heads, first = prepared.spec.heads, evaluations[0]
    labels = pd.concat([each.labels for each in evaluations])
    of_one_fold = few_labels_notes(first.heads, first.labels, first.split)
    pooled = Evaluation(
        title=f"{out.name}, {counted(len(runs), 'fold')}",
        split="test",
        labels=labels,
        answers=pd.concat([each.answers for each in evaluations]),
        uncalibrated=joined_uncalibrated(evaluations),
        heads=heads,
        notes=(
            *(note for note in first.notes if note not in of_one_fold),
            *few_labels_notes(heads, labels, "test"),
        ),
        folds=evaluations,
        folder=out / REPORT,
    )
    interrupted = runs[-1].interrupted
    if not interrupted:
        plugins.write_reports(pooled, out / REPORT)
    return Run(folder=out, evaluation=pooled, interrupted=interrupted)


def _run_fold(
    prepared: Prepared,
    parts: "pd.Series[str]",
    folder: Path,
    title: str,
    resume: bool,
    say: Say,
) -> Run:
    """Train and measure one fold, or what is left to do of it."""
    resume = resume and (folder / RECIPE).exists()
    if resume and (before := _split_of(folder)):
        parts = prepared.split(before)
    if not (resume and _is_finished(folder)):
        return train_and_evaluate(
            prepared,
            parts,
            folder,
            whole=folder.parent,
            title=title,
            resume=resume,
            say=say,
        )
    recipe, table = prepared.recipe, prepared.table.assign(split=parts)
    evaluation = evaluate_run(
        prepared,
        table,
        folder,
        stage=recipe,
        varied=_augmented_samples(recipe, prepared.training(table)),
        say=say,
    )
    return Run(folder=folder, evaluation=evaluation, interrupted=False)


def _folds(prepared: Prepared) -> "list[pd.Series[str]]":
    """The part of each picture in each fold; UserError if one can't be trained."""
    heads, count = prepared.spec.heads, prepared.recipe.folds
    seed = prepared.recipe.seed
    folds = split.folds(prepared.table, heads, prepared.members, count, seed)
    for parts in folds:  # all are checked before the first is trained
        if not (parts == "test").any():
            raise UserError(
                "--folds",
                f"is {count}, but the pictures form {prepared.members.max() + 1} "
                "groups that must stay together",
                "use fewer folds",
            )
        check_trainable(heads, prepared.table.assign(split=parts))
    return folds


def _begin(out: Path, prepared: Prepared, say: Say) -> None:
    """Begin the run's folder: its recipe, and what was set aside."""
    with reporting_write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    _write_skipped(out, prepared)
    # A folder with a recipe is a run that can be resumed.
    write_text(out / RECIPE, prepared.recipe.to_toml())
    if len(prepared.skipped):
        what = describe_skipped(prepared.skipped, prepared.table)
        say(f"{what} set aside, listed in {out / SKIPPED}")


def _write_skipped(out: Path, prepared: Prepared) -> None:
    """List what was set aside, before any recipe: a run is known by it."""
    with replacing(out / SKIPPED) as part:
        write_csv(prepared.skipped, part)


def _augmented_samples(recipe: Recipe, train: Batches) -> Pixels | None:
    """A few training pictures as they are and as training saw them."""
    augmentation, last = recipe.augmentation, recipe.stages()[-1]
    rows = train.rows[:: max(1, len(train.rows) // _SHOWN)][:_SHOWN]
    pixels = train.pixels[rows]
    if last.caches_features:
        seen = views.views(augmentation, last.views)[: 1 + _VARIANTS]
        if len(seen) == 1:
            return None
        return views.samples(pixels, augmentation, train.size, seen)
    if augmentation == Augmentation():
        return None
    return augment.samples(pixels, augmentation, train.size, _VARIANTS)
