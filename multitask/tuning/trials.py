"""How is a trial of a sweep begun, trained and judged?"""

import math
import shutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import keras
import numpy as np
import optuna
import pandas as pd
from filelock import FileLock

from multitask.contracts import run
from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import NETWORK, RECIPE, SPLIT
from multitask.contracts.saving import reporting_write_errors, write_text
from multitask.contracts.table import write_csv
from multitask.experiments import checks, scores
from multitask.experiments.checks import check_trainable
from multitask.experiments.prepare import Prepared, prepare_variant
from multitask.training import loop
from multitask.training.checkpoint import Checkpoint
from multitask.tuning.space import MEAN, Dimension, formatted
from multitask.tuning.variants import variant

if TYPE_CHECKING:
    from multitask.sweep import Asked

Say = Callable[[str], object]
Figures = Mapping[str, Any]
BEST = "best.toml"
_DEATHS = 3  # of its process in one epoch, after which a trial is not begun again
_ROOM = 50e6  # bytes: with less of it, it is the disk that fails, not the trial
_PARTS = ("split", "limit", "identity")  # that say which pictures are validated on


def with_timed_precision(
    prepared: Prepared,
    parts: "pd.Series[str]",
    study: optuna.Study,
    varied: Sequence[Dimension],
) -> Recipe:
    """The recipe with the precision that all trials have, timed once."""
    recipe = prepared.recipe
    if any(one.setting == "precision" for one in varied):
        return recipe
    if "precision" not in study.user_attrs:
        table = prepared.table.assign(split=parts)
        train = prepared.training(table)
        precision = loop.resolve_precision(prepared.spec, recipe, train)
        study.set_user_attr("precision", precision)
    return replace(recipe, precision=study.user_attrs["precision"])


@dataclass(kw_only=True)
class Trials:
    """A folder of trials, and what all of them have in common."""

    base: Recipe
    prepared: Prepared  # the last one: its pictures may be the next one's
    parts: "pd.Series[str]"  # which each path is in
    out: Path
    asked: "Asked"
    varied: tuple[Dimension, ...]
    trials: int
    study: optuna.Study
    lock: Any
    say: Say

    @property
    def heads(self) -> tuple[Head, ...]:
        return self.prepared.spec.heads

    def run(self, combinations: Sequence[Mapping[str, Any]]) -> None:
        """Train trials until there are enough."""
        with self.lock:
            self._tidy()
            for one in combinations:
                self.study.enqueue_trial(dict(one), skip_if_exists=True)
        while True:
            with self.lock:
                trial = self._next(bool(combinations))
                if not trial:
                    return
                values = {one: one.suggest(trial) for one in self.varied}
                if self._fatal(trial) or self._repeats(trial):
                    continue
                running = self._running(trial)
                running.acquire()
            try:
                self._try(trial, values)
            finally:
                running.release()
            with self.lock:
                self._tidy()

    def _next(self, listed: bool) -> optuna.Trial | None:
        """Begin a trial: one that is waiting, or a new one if there are too few."""
        self._revive()
        waiting = self.study.get_trials(states=[optuna.trial.TrialState.WAITING])
        tried = self.tried()
        if not waiting and (listed or len(tried) >= self.trials):
            return None
        # By the trial's number: processes that began alike would propose alike.
        self.study.sampler = optuna.samplers.TPESampler(
            seed=(self.base.seed + len(tried)) % 2**32, n_startup_trials=AT_FIRST
        )
        return self.study.ask()

    def _revive(self) -> None:
        """Have trials tried again whose process has ended."""
        again = {t.user_attrs.get("replaces") for t in self.study.get_trials()}
        for trial in self.study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            try:
                with self._running(trial).acquire(timeout=0):
                    pass
            except filelock.Timeout:
                continue  # another process is at it
            if self.study.trials[trial.number].state.is_finished():
                continue  # another process was, until now
            if trial.number not in again:
                asked_for = trial.system_attrs.get("fixed_params", {})
                self.study.enqueue_trial(
                    {**asked_for, **trial.params},
                    {
                        "replaces": trial.number,
                        "folder": folder_of(trial),
                        **self._deaths(trial),
                    },
                )
            self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def _deaths(self, trial: optuna.trial.FrozenTrial) -> dict[str, int]:
        """In which epoch, and how often in it, a trial's process was killed."""
        at = trial.user_attrs
        epochs = len(Checkpoint(self.out / folder_of(trial)).read().get("history", []))
        before = at.get("deaths", 0) if at.get("died_after") == epochs else 0
        return {
            "died_after": epochs,
            "deaths": before + (not at.get("interrupted", False)),
        }

    def _fatal(self, trial: optuna.Trial) -> bool:
        """Whether a trial would but end its process once more."""
        deaths = trial.user_attrs.get("deaths", 0)
        if deaths < _DEATHS:
            return False
        epoch = trial.user_attrs["died_after"] + 1
        self._fails(
            trial,
            f"its process ended {deaths} times in epoch {epoch}, for lack of memory?",
        )
        return True

    def _fails(self, trial: optuna.Trial, reason: str) -> None:
        trial.set_user_attr("reason", reason)
        self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        self.say(f"trial {trial.number} failed: {reason}")

    def _running(self, trial: Any) -> Any:
        """The lock that a process holds while it trains a trial."""
        folder = self.out / folder_of(trial)
        folder.mkdir(exist_ok=True)
        return FileLock(folder / run.LOCK)

    def tried(self) -> list[optuna.trial.FrozenTrial]:
        """Trials that were begun, but for those that were begun again."""
        trials = self.study.get_trials()
        replaced = {trial.user_attrs.get("replaces") for trial in trials}
        return [
            trial
            for trial in trials
            if trial.number not in replaced and trial.state.name != "WAITING"
        ]

    def _repeats(self, trial: optuna.Trial) -> bool:
        """Whether another has the same values; then it has the same result."""
        for other in self.tried():
            if other.state.name == "COMPLETE" and other.params == trial.params:
                for key, value in other.user_attrs.items():
                    trial.set_user_attr(key, value)
                trial.set_user_attr("folder", folder_of(other))
                self.study.tell(trial, other.value)
                self.say(f"trial {trial.number} repeats trial {other.number}")
                return True
        return False

    def _try(self, trial: optuna.Trial, values: Mapping[Dimension, Any]) -> None:
        title, folder = f"trial {trial.number}", folder_of(trial)
        if "folder" in trial.user_attrs:
            title += f" (goes on in {folder})"
        shown = ", ".join(f"{one.name} {formatted(v)}" for one, v in values.items())
        self.say(f"{title}: {shown}")
        try:
            score = self._trained(trial, values)
        except KeyboardInterrupt:  # which is no fault of the trial
            trial.set_user_attr("interrupted", True)
            raise
        except optuna.TrialPruned:
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            self.say(f"{title}: given up, others were better at that epoch")
        except Exception as error:  # one trial's fault is not the others'
            if shutil.disk_usage(self.out).free < _ROOM:
                raise UserError(
                    self.out, f"has no room left ({error})", "free some and go on"
                ) from error
            reason = str(error)
            if not isinstance(error, UserError):
                reason = repr(error)
                write_text(
                    self.out / folder_of(trial) / "error.txt", traceback.format_exc()
                )
            self._fails(trial, reason)
        else:
            self.study.tell(trial, score)
            best = self.study.best_trial
            self.say(
                f"trial {trial.number}: {score:.4f} (best {best.value:.4f}, trial "
                f"{best.number} in {folder_of(best)})"
            )
        finally:
            keras.backend.clear_session()

    def _trained(self, trial: optuna.Trial, values: Mapping[Dimension, Any]) -> float:
        """Train one recipe; the score of the epoch that is kept."""
        folder = self.out / folder_of(trial)
        recipe = variant(self.base, values)
        write_text(folder / RECIPE, recipe.to_toml())
        made = self.prepared = prepare_variant(self.prepared, recipe, self.out, _silent)
        table = made.table.assign(split=self._split(made))
        table = table[table["split"].notna()]
        check_trainable(made.spec.heads, table)
        checks.check_freezable(made.spec, recipe, made.machine)
        with reporting_write_errors(folder):
            write_csv(table[["path", "split"]], folder / SPLIT)
        train, val = made.training(table), made.validation(table)
        chance = self._chance(table)
        epochs = sum(stage.epochs for stage in recipe.stages())
        scores: list[float] = []
        prunes = not isinstance(self.study.pruner, optuna.pruners.NopPruner)

        def each_epoch(history: Sequence[Figures]) -> None:
            for figures in history[len(scores) :]:
                scores.append(self._objective(figures, chance))
                if prunes:
                    trial.report(scores[-1], len(scores) - 1)
            if prunes and len(scores) < epochs and trial.should_prune():
                trial.set_user_attr("curve", scores)
                raise optuna.TrialPruned

        begun = loop.has_checkpoint(folder)
        outcome = loop.train(
            made.spec,
            recipe,
            train,
            val,
            folder,
            cache=made.machine.cache,
            resume=begun,
            each_epoch=each_epoch,
        )
        if outcome.interrupted:  # as if killed: the next one goes on with it
            raise KeyboardInterrupt
        each_epoch(outcome.history)
        best = outcome.best_epoch
        figures = outcome.history[best - 1]
        for name, value in self._metrics(figures).items():
            trial.set_user_attr(f"head {name}", value)
        trial.set_user_attr("curve", scores)
        trial.set_user_attr("epoch", best)
        seconds = sum(one["seconds"] for one in outcome.history)
        trial.set_user_attr("seconds", round(seconds, 2))
        return scores[best - 1]

    def _split(self, made: Prepared) -> "pd.Series[str]":
        """The same parts for all trials, unless it is parts that are varied."""
        if self.own_parts:
            return made.split()
        return made.table["path"].map(self.parts)

    @property
    def own_parts(self) -> bool:
        """Whether trials have other pictures: with a limit, a seed is another lot."""
        parts = (*_PARTS, "seed") if self.base.limit else _PARTS
        return any(one.setting in parts for one in self.varied)

    @property
    def judged_by(self) -> list[Head]:
        """The heads whose scores judge a trial."""
        mean = self.asked.objective == MEAN
        return [h for h in self.heads if mean or h.name == self.asked.objective]

    def _chance(self, table: pd.DataFrame) -> dict[str, float]:
        """The mean error, by head that answers a number, of always saying the median.

        Raises UserError for a head that trials are judged by, but can't be.
        """
        train, val = (table[table["split"] == part] for part in ("train", "val"))
        found = {}
        for head in self.judged_by:
            if not head.encode(val).weights.any():
                raise UserError(
                    head.where,
                    "has no label in the validation part, trials are judged by it",
                )
            if head.answer_type == "number":
                known = scores.middles(head, train)
                said = pd.DataFrame({head.columns[0]: known.median()}, index=val.index)
                error = float(np.nanmean(scores.outside(head, val, said)))
                found[head.name] = error or 1.0
        return found

    def _metrics(self, figures: Figures) -> dict[str, float]:
        """What each head came to on the validation part."""
        return {
            head.name: float(figures[f"val_{head.name}_{head.metrics()[0].name}"])
            for head in self.heads
        }

    def _objective(self, figures: Figures, chance: Mapping[str, float]) -> float:
        """The score of an epoch; 1 is best, and 0 a constant answer to a number.

        Raises UserError if it is not finite.
        """
        metrics = self._metrics(figures)
        found = [
            1 - metrics[head.name] / chance[head.name]
            if head.name in chance
            else metrics[head.name]
            for head in self.judged_by
        ]
        score = sum(found) / len(found)
        if not all(map(math.isfinite, metrics.values())):
            raise UserError(
                f"epoch {figures['epoch']}",
                f"the validation part came to {metrics}, must be finite",
            )
        return score

    def _tidy(self) -> None:
        """Write the best recipe, and keep no network but the best one's."""
        done = [t for t in self.tried() if t.state.is_finished()]
        complete = [t for t in done if t.state.name == "COMPLETE"]
        best = max(complete, key=lambda t: t.value or 0.0) if complete else None
        kept = folder_of(best) if best else ""
        for folder in {folder_of(trial) for trial in done}:
            loop.remove_checkpoint(self.out / folder)
            if folder != kept:
                (self.out / folder / NETWORK).unlink(missing_ok=True)
        if not best:
            return
        values = {one: best.params[one.name] for one in self.varied}
        heading = (
            f"# The best of {len(done)} trials: {self.judged} {best.value:.4f}\n"
            "# on the validation part, which chose it; no test part was looked at.\n"
        )
        write_text(self.out / BEST, heading + variant(self.base, values).to_toml())

    @property
    def judged(self) -> str:
        """What trials are judged by, in words."""
        judges = self.judged_by
        if len(judges) > 1:
            return "mean score of the heads"
        return f"score of {judges[0].name}"


def folder_of(trial: Any) -> str:
    """The name of the folder of a trial, which one that replaces it goes on with."""
    return str(trial.user_attrs.get("folder", f"trial-{trial.number:04d}"))


def _silent(line: str) -> None:
    """Say nothing of what each trial would repeat."""


AT_FIRST = 5  # trials that none is held against, nor proposed by


_WARMUP = 1 / 3  # of its epochs that a trial is left alone


def pruner_of(
    recipe: Recipe,
    prunes: bool,
    varied: Sequence[Dimension],
    combinations: Sequence[Any],
) -> Any:
    """What gives trials up: nothing where all are to be seen, or epochs differ."""
    differ = {one.setting for one in varied} & {"epochs", "then_epochs"}
    if combinations or differ or not prunes:
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(
        n_startup_trials=AT_FIRST, n_warmup_steps=int(recipe.epochs * _WARMUP)
    )
