"""What happens between the epochs of a training: figures, best network, checkpoint."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.run import HISTORY, NETWORK
from multitask.contracts.saving import write_text
from multitask.networks import archive, build
from multitask.networks.spec import NetworkSpec
from multitask.training import loss_balancing
from multitask.training.checkpoint import Checkpoint, Figures

_WORTH = (
    10  # times as long as it takes to save: such an epoch's network is saved at once
)


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """A bar an epoch, and a line of what it came to."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        title = f"epoch {epoch + 1}/{self.epochs}"
        steps = self.params["steps"]
        # disable=None: no bar where nobody watches, as in a log file.
        self.bar = tqdm(
            total=steps, desc=title, leave=False, unit=" steps", disable=None
        )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.bar.update()

    def on_test_begin(self, logs: Any = None) -> None:
        self.bar.set_description("validation")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.bar.close()


class StopOnNonFinite(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops a training that has gone astray, with the reason."""

    epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            rate = float(self.model.optimizer.learning_rate)
            raise UserError(
                f"epoch {self.epoch}, step {batch + 1}",
                f"the loss is {loss}, must be finite",
                f"lower --learning-rate (now {rate:g}) or use --precision float32",
            )


class ValidateAverages(keras.callbacks.Callback):  # type: ignore[misc]
    """Has what would be saved validated: the weights' averages, if there are any."""

    def on_test_begin(self, logs: Any = None) -> None:
        self.swap = ExitStack()
        self.swap.enter_context(averaged(self.model))

    def on_test_end(self, logs: Any = None) -> None:
        self.swap.close()


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Have a model's weights be their averages over the steps, if it keeps any."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not optimizer.use_ema or not optimizer.built:
        yield
        return
    now = [weight.numpy() for weight in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for weight, value in zip(model.trainable_variables, now, strict=True):
            weight.assign(value)


class BestEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps each epoch's figures, a checkpoint and the best network.

    It also stops early and lowers the learning rate on a plateau. Both follow from
    the figures so far, so that a resumed training decides alike; Keras's callbacks
    for it forget theirs when `fit` begins again.
    """

    recipe: Recipe  # of the stage that goes on
    core: keras.Model  # what it trains, whole
    front: str  # what it learns from the features of, if it does not hold that itself
    restored: bool  # whether the stage goes on from a checkpoint

    def __init__(
        self,
        spec: NetworkSpec,
        folder: Path,
        precision: Precision,
        past: Figures,
        each_epoch: Callable[[Figures], object] = lambda history: None,
    ) -> None:
        super().__init__()
        self.spec, self.folder = spec, folder
        self.precision, self.history = precision, list(past)
        self.each_epoch = each_epoch
        self.checkpoint = Checkpoint(folder)
        self._penalty = 0.0  # that a model's size adds to its losses
        self._best: list[Any] = []  # weights of what learns, if yet to be saved
        self._saving = 0.0  # seconds that it takes

    def begin(self, number: int, recipe: Recipe) -> None:
        """Begin a stage, or go on with it, or find that it has ended."""
        self.number, self.recipe = number, recipe
        self.front, self.restored = "", False
        stages = [figures.get("stage", 1) for figures in self.history]
        self.first = sum(stage < number for stage in stages)
        self.last = self.first + recipe.epochs
        self.resumed = stages[-1:] == [number]
        self.over = any(stage > number for stage in stages)

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) of the lowest validation loss, or the last one; else 0."""
        losses = [figures.get("val_loss", -i) for i, figures in enumerate(self.history)]
        losses = [loss if np.isfinite(loss) else np.inf for loss in losses]
        return int(np.argmin(losses)) + 1 if losses else 0

    @property
    def ended(self) -> bool:
        """Whether the stage has no epoch left, or none gained within the patience."""
        epochs, patience = len(self.history), self.recipe.patience
        waited = epochs - max(self.best_epoch, self.first)
        return self.over or epochs >= self.last or 0 < patience <= waited

    @property
    def rule(self) -> loss_balancing.Rule | None:
        """What weighs the losses, if not always alike."""
        return getattr(self.model, "rule", None)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.rule:
            self.rule.begin(self.history[self.first :])
        self.began = time.monotonic()
        self.rate = float(self.model.optimizer.learning_rate)

    def on_test_begin(self, logs: Any = None) -> None:
        # Of what learns alone: another stage's would not compare.
        self._penalty = float(sum(map(float, self.model.losses)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = dict(logs or {})
        if "val_loss" in logs:
            logs["val_loss"] -= self._penalty
        figures = {
            "epoch": epoch + 1,
            "stage": self.number,
            "seconds": round(time.monotonic() - self.began, 2),
            "learning_rate": self.rate,
            **_by_head(logs, self.spec.heads),
        }
        if self.rule:
            figures |= {f"{name}_weight": w for name, w in self.rule.means().items()}
        with interrupts_held():
            self._keep(figures)
        tqdm.write(_line(figures, self.last, self.spec.heads), sys.stdout)
        self.model.stop_training = self.ended
        try:
            self.each_epoch(self.history)
        except Exception:
            self._best = []  # nobody waits for it
            raise

    def _keep(self, figures: dict[str, Any]) -> None:
        self.history.append(figures)
        if self.best_epoch == len(self.history):
            with averaged(self.model):
                self._best = self.model.get_weights()
        if self.recipe.lr_schedule.name == "plateau":
            self.model.optimizer.learning_rate = self._plateau_rate()
        unsaved = self.best_epoch if self._best else 0
        try:
            self.checkpoint.write(
                self.model, self.history, self.precision, unsaved, self.front
            )
        except UserError:
            self._best = []  # of an epoch that never was, for who goes on
            raise
        # A large trunk takes longer to write than heads on its features to learn.
        if figures["seconds"] >= _WORTH * self._saving:
            self.save()
        write_text(
            self.folder / HISTORY, pd.DataFrame(self.history).to_csv(index=False)
        )

    def _plateau_rate(self) -> float:
        rates = [figures["learning_rate"] for figures in self.history]
        since = range(self.first + 1, len(rates))
        lowered = max((i for i in since if rates[i] < rates[i - 1]), default=self.first)
        waited = len(rates) - max(lowered, self.best_epoch)
        if waited < self.recipe.lr_schedule.patience:
            return float(rates[-1])
        least = min(rates[-1], self.recipe.lr_schedule.min_learning_rate)
        return float(max(rates[-1] * 0.2, least))

    def save(self) -> None:
        """Write the best network, in float32 and plain Keras, if not written yet."""
        if not self._best:
            return
        core, final = self._final
        began = time.monotonic()
        now = self.model.get_weights()
        self.model.set_weights(self._best)  # which shares them with the whole core
        core.set_weights(self.core.get_weights())
        self.model.set_weights(now)
        archive.save(final, self.spec, self.folder / NETWORK)
        self._best, self._saving = [], time.monotonic() - began

    def restore(self) -> None:
        """Go on from the last epoch, and write the best one if a stop prevented it."""
        state = self.checkpoint.read()
        if state.get("front", "") != self.front:
            raise UserError(
                self.folder,
                "its trunk is not the one whose features its heads learnt from: "
                f"{self.recipe.weights} has changed since",
                "train anew",
            )
        unsaved = state.get("unsaved", 0)
        if unsaved:
            self.checkpoint.restore(self.model, unsaved)
            with averaged(self.model):
                self._best = self.model.get_weights()
            self.save()
        self.checkpoint.restore(self.model, len(self.history))
        self.restored = True

    @cached_property
    def _final(self) -> tuple[keras.Model, keras.Model]:
        """The core and the network to be saved, built once: it takes seconds."""
        core = build.build_core(self.spec)
        return core, build.build(self.spec, core)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back until what is begun is done: files that belong together."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is None:
        yield
        return
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if held:
        signal.raise_signal(signal.SIGINT)


def _by_head(logs: dict[str, Any], heads: Sequence[Head]) -> dict[str, float]:
    """Figures under one name a quantity, in a fixed order.

    With a single head Keras leaves its name out (`accuracy`, no loss of its own).
    """
    figures = {name: float(value) for name, value in logs.items()}
    if len(heads) == 1:
        name = heads[0].name
        for part in ("", "val_"):
            for key in [k for k in figures if k.startswith("val_") == bool(part)]:
                quantity = key.removeprefix("val_")
                if not quantity.startswith(name + "_"):
                    figures[f"{part}{name}_{quantity}"] = figures[key]
                    if quantity != "loss":
                        del figures[key]
    first = ["loss", "val_loss"]
    return {
        k: figures[k]
        for k in [*first, *sorted(set(figures) - set(first))]
        if k in figures
    }


def _line(figures: dict[str, float], epochs: int, heads: Sequence[Head]) -> str:
    """What an epoch came to, on the validation part if there is one."""
    part = "val_" if "val_loss" in figures else ""
    shown = [f"loss {figures['loss']:.3f}"]
    if part:
        shown.append(f"val loss {figures['val_loss']:.3f}")
    names = sorted((head.name for head in heads), key=len, reverse=True)
    of = {
        key: next((n for n in names if key.startswith(f"{part}{n}_")), "")
        for key in figures  # `age_group_accuracy` is not of the head `age`
    }
    for head in heads:
        prefix = f"{part}{head.name}_"
        for key, value in figures.items():
            if of[key] == head.name and not key.endswith("_loss"):
                shown.append(f"{head.name} {key.removeprefix(prefix)} {value:.3f}")
    count = f"epoch {int(figures['epoch'])}/{epochs}"
    return "  ".join([count, f"{figures['seconds']:.0f} s", *shown])
