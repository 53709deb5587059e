"""How is a trial of a sweep begun, trained and recorded?"""

import shutil
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import pandas as pd
from filelock import BaseFileLock, FileLock, Timeout

from multitask.contracts import run
from multitask.contracts.errors import Say, UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.results.sweep_result import best_trial, formatted
from multitask.contracts.run import BEST, NETWORK, RECIPE
from multitask.contracts.saving import reporting_write_errors, write_text
from multitask.data.split import Groups, listed_parts
from multitask.experiments import checks
from multitask.experiments.notes.leaks import leakage_notes
from multitask.experiments.notes.parts import parts_notes
from multitask.experiments.prepare import Prepared, prepare_variant
from multitask.experiments.train import train_prepared
from multitask.training import loop
from multitask.training.checkpoint import Checkpoint, Figures
from multitask.tuning import search, storage
from multitask.tuning.scoring import Scoring, is_below_median
from multitask.tuning.space import Dimension
from multitask.tuning.storage import Trial, trial_folder
from multitask.tuning.variants import variant

_DEATHS = 3  # of its process in one epoch, after which a trial is not begun again
_ROOM = 50e6  # bytes: with less of it, it is the disk that fails, not the trial
_PARTS = ("split", "limit", "identity")  # decide which pictures are validated on
_WARMUP = 1 / 3  # of its epochs, in which a trial is not pruned


class _Pruned(Exception):
    """Ends the training of a trial which is worse than others."""


@dataclass(kw_only=True)
class Trials:
    """The trials of a sweep in its folder `out`, which other processes may share.

    `combinations` are the trials of a grid; without any, values are proposed until
    there are `count` trials. `parts` holds the split by path.
    """

    base: Recipe
    prepared: Prepared  # the last one: its pictures may be the next one's
    parts: pd.DataFrame
    caveats: tuple[str, ...] = ()  # on the split that trials share
    out: Path
    dimensions: tuple[Dimension, ...]
    combinations: Sequence[Mapping[str, Any]]
    objective: str
    prune: bool
    count: int
    lock: BaseFileLock
    say: Say

    @property
    def scoring(self) -> Scoring:
        """What judges the trials."""
        return Scoring(heads=self.prepared.spec.heads, objective=self.objective)

    @property
    def varies_parts(self) -> bool:
        """Whether trials differ in their pictures; with a limit, by the seed, too."""
        parts = (*_PARTS, "seed") if self.base.limit else _PARTS
        return any(dimension.setting in parts for dimension in self.dimensions)

    @property
    def prunes(self) -> bool:
        """Whether trials may be pruned: not in a grid, nor if their epochs differ."""
        epochs = {one.setting for one in self.dimensions} & {"epochs", "then"}
        return self.prune and not epochs and not self.combinations

    def run(self) -> None:
        """Train trials until there are enough."""
        with storage.locked(self.lock):
            self._tidy()
        while True:
            with storage.locked(self.lock):
                claimed = self._claim()
            if not claimed:
                return
            trial, running = claimed
            try:
                if not self._is_hopeless(trial) and not self._repeats(trial):
                    self._run_trial(trial)
            finally:
                running.release()
            with storage.locked(self.lock):
                self._tidy()

    # Which trial is next

    def _claim(self) -> tuple[Trial, BaseFileLock] | None:
        """A trial to train and the lock that says so: a stopped one, or a new one.

        None if there are trials enough.
        """
        trials = storage.read_trials(self.out)
        for trial in trials:
            if trial.state == "running" and (running := self._lock(trial)):
                # Its process may have finished it just now.
                trial = storage.read_trial(self.out, trial.trial)
                if trial.state == "running":
                    return self._recorded(self._after_death(trial)), running
                running.release()
        settings = self._next_settings(trials)
        if settings is None:
            return None
        number = 1 + max((trial.trial for trial in trials), default=-1)
        folder = trial_folder(number)
        trial = Trial(trial=number, folder=folder, state="running", settings=settings)
        running = self._lock(trial)
        return (self._recorded(trial), running) if running else None

    def _recorded(self, trial: Trial) -> Trial:
        storage.write_trial(self.out, trial)
        return trial

    def _next_settings(self, trials: Sequence[Trial]) -> Mapping[str, Any] | None:
        """The settings of a new trial; None if there are trials enough."""
        if self.combinations:
            tried = [trial.settings for trial in trials]
            return next((one for one in self.combinations if one not in tried), None)
        if len(trials) >= self.count:
            return None
        # Seeded by their number: processes that begin alike would propose alike.
        return search.propose(self.dimensions, trials, self.base.seed + len(trials))

    def _lock(self, trial: Trial) -> BaseFileLock | None:
        """The lock of a process that trains a trial; None if another one holds it.

        Raises UserError if the folder can't be written.
        """
        folder = self.out / trial.folder
        lock = FileLock(folder / run.LOCK)
        with reporting_write_errors(folder):
            folder.mkdir(exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:  # an OSError, too
                return None
        return lock

    def _after_death(self, trial: Trial) -> Trial:
        """A stopped trial to go on with, its process counted as dead in that epoch."""
        epochs = len(Checkpoint(self.out / trial.folder).read().history)
        deaths = trial.deaths if trial.died_after == epochs else 0
        return replace(
            trial,
            deaths=deaths + (not trial.interrupted),
            died_after=epochs,
            interrupted=False,
        )

    def _is_hopeless(self, trial: Trial) -> bool:
        """Whether a trial would only end its process once more; then it fails."""
        if trial.deaths < _DEATHS:
            return False
        self._fail(
            trial,
            f"its process ended {trial.deaths} times in epoch {trial.died_after + 1}, "
            "perhaps for lack of memory",
        )
        return True

    def _repeats(self, trial: Trial) -> bool:
        """Whether another has the same settings; then it has the same result."""
        for other in storage.read_trials(self.out):
            if other.state == "complete" and other.settings == trial.settings:
                storage.write_trial(self.out, replace(other, trial=trial.trial))
                self.say(f"trial {trial.trial} repeats trial {other.trial}")
                return True
        return False

    # One trial

    def _run_trial(self, trial: Trial) -> None:
        """Train a trial and record its end; one that fails does not stop the sweep."""
        title = f"trial {trial.trial}"
        values = [f"{name} {formatted(v)}" for name, v in trial.settings.items()]
        resumed = loop.has_checkpoint(self.out / trial.folder)
        self.say(f"{title}{', resumed' if resumed else ''}: {', '.join(values)}")
        try:
            ended = self._train(trial)
        except KeyboardInterrupt:  # not the trial's fault
            storage.write_trial(self.out, replace(trial, interrupted=True))
            raise
        except Exception as error:
            self._fail_with(trial, error)
        else:
            self._record_end(ended)
        finally:
            keras.backend.clear_session()

    def _fail_with(self, trial: Trial, error: Exception) -> None:
        """Record the error of a trial; UserError if the disk is full."""
        if shutil.disk_usage(self.out).free < _ROOM:
            raise UserError(
                self.out,
                f"has no space left ({error})",
                "free some space and run the same command again",
            ) from error
        if isinstance(error, UserError):
            reason = error.line
        else:
            reason = repr(error)
            file = self.out / trial.folder / "error.txt"
            write_text(file, "".join(traceback.format_exception(error)))
        self._fail(trial, reason)

    def _fail(self, trial: Trial, reason: str) -> None:
        storage.write_trial(self.out, replace(trial, state="fail", reason=reason))
        self.say(f"trial {trial.trial} failed: {reason}")

    def _train(self, trial: Trial) -> Trial:
        """Train a trial until it is complete or pruned; returns it as it ended."""
        folder = self.out / trial.folder
        recipe = variant(self.base, self.dimensions, trial.settings)
        write_text(folder / RECIPE, recipe.to_toml())
        self.prepared = prepare_variant(self.prepared, recipe, self.out, _silent)
        table = self._table()
        members = _members(self.prepared, table)
        leaks = leakage_notes(self.prepared.recipe, table, members)
        spec = replace(self.prepared.spec, leaks=leaks)
        self.prepared = replace(self.prepared, spec=spec)
        checks.check_trainable(self.prepared.spec.heads, table)
        checks.check_freezable(self.prepared.spec, recipe, self.prepared.machine)
        scoring = self.scoring
        levels = scoring.chance_levels(table)
        epochs = sum(stage.epochs for stage in recipe.stages())
        curve: list[float] = []

        def each_epoch(history: Figures) -> None:
            curve.extend(scoring.score(row, levels) for row in history[len(curve) :])
            if len(curve) < epochs and self._is_poor(curve):
                raise _Pruned

        try:
            outcome = train_prepared(
                self.prepared,
                table,
                folder,
                resume=loop.has_checkpoint(folder),
                say=_silent,
                say_epoch=self.say,
                title=self._title(trial),
                each_epoch=each_epoch,
            ).outcome
        except _Pruned:
            return replace(trial, state="pruned", curve=tuple(curve))
        if outcome.interrupted:  # as if killed: the next process goes on with it
            raise KeyboardInterrupt
        each_epoch(outcome.history)
        best = outcome.history[outcome.best_epoch - 1]
        return replace(
            trial,
            state="complete",
            score=curve[outcome.best_epoch - 1],
            heads=scoring.metrics(best),
            epoch=outcome.best_epoch,
            seconds=round(sum(row["seconds"] for row in outcome.history), 2),
            curve=tuple(curve),
        )

    def _title(self, trial: Trial) -> str:
        """Which of the trials this is, as the display of its training shows it."""
        count = len(self.combinations) or self.count
        ended = sum(t.state != "running" for t in storage.read_trials(self.out))
        return f"trial {trial.trial} ({ended + 1} of {max(count, ended + 1)})"

    def _table(self) -> pd.DataFrame:
        """The pictures of the last trial with their split.

        All trials share it, unless it is what varies.
        """
        table = self.prepared.table
        parts = (
            self.prepared.split()
            if self.varies_parts
            else listed_parts(table, self.parts)
        )
        return table.assign(split=parts)[parts.notna()]

    def _is_poor(self, curve: Sequence[float]) -> bool:
        """Whether a trial with these scores is to be pruned."""
        if not self.prunes:
            return False
        trials = storage.read_trials(self.out)
        others = [trial.curve for trial in trials if trial.state == "complete"]
        return is_below_median(curve, others, int(self.base.epochs * _WARMUP))

    def _record_end(self, trial: Trial) -> None:
        """Record a trial that was trained, and say what came of it."""
        storage.write_trial(self.out, trial)
        title = f"trial {trial.trial}"
        if trial.state == "pruned":
            self.say(
                f"{title}: stopped early, as other trials were better at that epoch"
            )
            return
        best = best_trial(storage.read_trials(self.out)) or trial
        self.say(
            f"{title}: {trial.score:.4f} (best {best.score:.4f}, trial {best.trial} in "
            f"{best.folder})"
        )

    def _tidy(self) -> None:
        """Write the best recipe, and keep no network but that of the best trial."""
        ended = [t for t in storage.read_trials(self.out) if t.state != "running"]
        best = best_trial(ended)
        for folder in {trial.folder for trial in ended}:
            loop.remove_checkpoint(self.out / folder)
            if not best or folder != best.folder:
                (self.out / folder / NETWORK).unlink(missing_ok=True)
        if not best:
            return
        heading = (
            f"# The best of {len(ended)} trials, by the {self.scoring.description}: "
            f"{best.score:.4f}\n"
            "# on the validation part, which chose it. The test part was not used.\n"
        )
        recipe = variant(self.base, self.dimensions, best.settings)
        write_text(self.out / BEST, heading + recipe.to_toml())


def caveats_of(prepared: Prepared, table: pd.DataFrame) -> tuple[str, ...]:
    """What to know of the split of trials: leaks, and parts missing or small."""
    recipe, heads = prepared.recipe, prepared.spec.heads
    members = _members(prepared, table)
    leaks = leakage_notes(recipe, table, members)
    return (*leaks, *parts_notes(recipe, heads, table, members))


def _members(prepared: Prepared, table: pd.DataFrame) -> Groups:
    """The numbers (rows,) of the groups that stay in one part."""
    members = pd.Series(prepared.members, prepared.table.index)
    return members[table.index].to_numpy()


def _silent(line: str) -> None:
    """Ignore the lines that each trial would repeat."""
