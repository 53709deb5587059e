"""How does a network learn, keep its best epoch, and go on after a stop?"""

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from multitask import network, weights
from multitask.augment import preset
from multitask.errors import UserError
from multitask.folder import put
from multitask.freeze import freeze
from multitask.head import Head
from multitask.network import About
from multitask.optimizer import optimizer
from multitask.pipeline import Batches
from multitask.recipe import Precision, Recipe

HISTORY = "history.csv"
Name = TypeVar("Name", bound=str)
Figures = list[dict[str, Any]]  # a dict an epoch, as a row of history.csv
_PLATEAU = 3  # epochs without gain
_TRIAL_STEPS = 5
_SHORT = 300  # steps: a training this short ends before a timing has paid


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a training ended: its best epoch (from 1), whether Ctrl-C ended it, and the
    arithmetic that it was done in."""

    best_epoch: int
    epochs: int
    interrupted: bool
    precision: Precision


def train(
    about: About,
    recipe: Recipe,
    training: Batches,
    validation: Batches | None,
    folder: Path,
    resume: bool = False,
) -> Outcome:
    """Train the network of `about` and keep its best epoch in `folder`.

    Best is the lowest validation loss, or the last epoch without a validation part.
    Writes `network.keras`, `history.csv` and `logs/`, and after each epoch a
    checkpoint from which `resume` goes on. Ctrl-C ends it after saving; in the first
    epoch, which leaves nothing, it is raised.

    Raises UserError if the loss is not finite or the disk is full.
    """
    checkpoint = _Checkpoint(folder)
    state = checkpoint.read() if resume else {}
    precision = state.get("precision") or _precision(about, recipe, training)
    about = replace(about, recipe={**about.recipe, "precision": precision})
    keeper = _Keeper(about, recipe, folder, precision, state.get("history", []))
    keras.utils.set_random_seed(recipe.seed)
    model = _built(about, recipe, training, precision)
    if state:
        checkpoint.restore(model, state)
    else:
        weights.load(model.get_layer("trunk"), recipe.weights, recipe.trunk)
    interrupted = False
    try:
        if not keeper.ended:
            _fit(model, recipe, training, validation, keeper)
    except KeyboardInterrupt:
        interrupted = True
        if not keeper.history:
            raise
    return Outcome(
        best_epoch=keeper.best_epoch,
        epochs=len(keeper.history),
        interrupted=interrupted,
        precision=precision,
    )


def forget(folder: Path) -> None:
    """Remove the checkpoint of a run that is trained and measured."""
    _Checkpoint(folder).remove()


def begun(folder: Path) -> bool:
    """Whether a run has a checkpoint to go on from."""
    return bool(_Checkpoint(folder).read())


def _fit(
    model: keras.Model,
    recipe: Recipe,
    training: Batches,
    validation: Batches | None,
    keeper: "_Keeper",
) -> None:
    done = len(keeper.history)
    heads = keeper.about.heads
    data = training.shuffled(
        heads, preset(recipe.augment), recipe.seed, recipe.epochs, done
    )
    logs = keras.callbacks.TensorBoard(keeper.folder / "logs", write_graph=False)
    model.fit(
        data,
        epochs=recipe.epochs,
        initial_epoch=done,
        steps_per_epoch=training.steps,
        validation_data=validation.in_order() if validation else None,
        callbacks=[_Progress(recipe.epochs), _Finite(), logs, keeper],
        shuffle=False,
        verbose=0,
    )


def _built(
    about: About, recipe: Recipe, training: Batches, precision: Precision
) -> keras.Model:
    """The core to be trained, compiled, its weights drawn anew."""
    model = network.build_core(about, recipe.dropout, _policy(precision), training=True)
    freeze(model.get_layer("trunk"), recipe.freeze)
    _compile(model, about.heads, recipe, training.steps, precision)
    return model


def _compile(
    model: keras.Model,
    heads: Sequence[Head],
    recipe: Recipe,
    steps: int,
    precision: Precision,
) -> None:
    rule = optimizer(recipe, steps)
    if precision == "float16":  # in which small gradients would be 0
        rule = keras.optimizers.LossScaleOptimizer(rule)
    model.compile(
        optimizer=rule,
        loss={head.name: head.loss() for head in heads},
        loss_weights={head.name: head.loss_weight for head in heads},
        weighted_metrics={head.name: head.metrics() for head in heads},
        # XLA's convolutions are up to twice slower than oneDNN's on a CPU.
        jit_compile=False,
    )


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]
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


class _Finite(keras.callbacks.Callback):  # type: ignore[misc]
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


class _Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps each epoch's figures, a checkpoint and the best network.

    It also stops early and lowers the learning rate on a plateau. Both follow from
    the figures so far, so that a resumed training decides alike; Keras's callbacks
    for it forget theirs when `fit` begins again.
    """

    def __init__(
        self,
        about: About,
        recipe: Recipe,
        folder: Path,
        precision: Precision,
        past: Figures,
    ) -> None:
        super().__init__()
        self.about, self.recipe, self.folder = about, recipe, folder
        self.precision, self.history = precision, list(past)
        self.checkpoint = _Checkpoint(folder)

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) of the lowest validation loss, or the last one; else 0."""
        losses = [figures.get("val_loss", -i) for i, figures in enumerate(self.history)]
        losses = [loss if np.isfinite(loss) else np.inf for loss in losses]
        return int(np.argmin(losses)) + 1 if losses else 0

    @property
    def ended(self) -> bool:
        """No epoch is left, or none brought a gain within the patience."""
        epochs, patience = len(self.history), self.recipe.patience
        waited = epochs - self.best_epoch
        return epochs >= self.recipe.epochs or 0 < patience <= waited

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = time.monotonic()
        self.rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        figures = {
            "epoch": epoch + 1,
            "seconds": round(time.monotonic() - self.began, 2),
            "learning_rate": self.rate,
            **_by_head(logs or {}, self.about.heads),
        }
        with _undisturbed():
            self._keep(figures)
        tqdm.write(_line(figures, self.recipe.epochs, self.about.heads), sys.stdout)
        self.model.stop_training = self.ended

    def _keep(self, figures: dict[str, Any]) -> None:
        self.history.append(figures)
        if self.best_epoch == len(self.history):
            self.save()
        if self.recipe.schedule == "plateau":
            self.model.optimizer.learning_rate = self._plateau_rate()
        self.checkpoint.write(self.model, self.history, self.precision)
        put(self.folder / HISTORY, pd.DataFrame(self.history).to_csv(index=False))

    def _plateau_rate(self) -> float:
        rates = [figures["learning_rate"] for figures in self.history]
        lowered = max(
            (i for i in range(1, len(rates)) if rates[i] < rates[i - 1]), default=0
        )
        waited = len(rates) - max(lowered, self.best_epoch)
        return float(rates[-1]) * (0.2 if waited >= _PLATEAU else 1.0)

    def save(self) -> None:
        """Write the network as it is now, in float32 and plain Keras."""
        core, final = self._final
        core.set_weights(self.model.get_weights())
        network.save(final, self.about, self.folder / network.FILE)

    @cached_property
    def _final(self) -> tuple[keras.Model, keras.Model]:
        """The core and the network to be saved, built once: it takes seconds."""
        core = network.build_core(self.about)
        return core, network.build(self.about, core)


@contextmanager
def _undisturbed() -> Iterator[None]:
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
    for head in heads:
        prefix = f"{part}{head.name}_"
        for key, value in figures.items():
            if key.startswith(prefix) and not key.endswith("_loss"):
                shown.append(f"{head.name} {key.removeprefix(prefix)} {value:.3f}")
    count = f"epoch {int(figures['epoch'])}/{epochs}"
    return "  ".join([count, f"{figures['seconds']:.0f} s", *shown])


class _Checkpoint:
    """What a stopped training needs to go on; always whole, even after `kill -9`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkpoint"
        self.state = self.folder / "state.json"

    def read(self) -> dict[str, Any]:
        """The state of the last epoch, or nothing if none was finished."""
        if not self.state.exists():
            return {}
        return dict(json.loads(self.state.read_text(encoding="utf-8")))

    def restore(self, model: keras.Model, state: dict[str, Any]) -> None:
        # The optimizer must have its variables before they can be filled.
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(self.folder / state["weights"])
        except (ValueError, KeyError) as error:
            raise UserError(
                self.folder,
                f"is of another network or optimizer ({str(error).splitlines()[0]})",
                "a run can only be resumed by the version that began it; train anew",
            ) from None

    def write(self, model: keras.Model, history: Figures, precision: str) -> None:
        """Weights first, then the state that names them, then the old ones go."""
        self.folder.mkdir(exist_ok=True)
        weights = self.folder / f"epoch-{len(history)}.weights.h5"
        part = self.state.with_suffix(".part")
        state = {"weights": weights.name, "precision": precision, "history": history}
        try:
            model.save_weights(weights)
            network.flush(weights)
            part.write_text(json.dumps(state), encoding="utf-8")
            network.flush(part)
            os.replace(part, self.state)
        except OSError as error:
            weights.unlink(missing_ok=True)
            raise UserError(
                weights,
                f"can't be saved ({error.strerror or error}), the best epoch is kept",
                "free some space and go on with --resume",
            ) from None
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old != weights:
                old.unlink()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _policy(precision: Precision) -> str:
    """Keras's name for training in a precision."""
    return "float32" if precision == "float32" else f"mixed_{precision}"


def _precision(about: About, recipe: Recipe, training: Batches) -> Precision:
    """What the recipe asks for, or what is faster here."""
    if recipe.precision != "auto":
        return recipe.precision
    if training.steps * recipe.epochs < _SHORT or not _has_bfloat16():
        return "float32"
    return fastest(
        {
            precision: _step(about, recipe, training, precision)
            for precision in ("float32", "bfloat16")
        }
    )


def _has_bfloat16() -> bool:
    """Whether there is hardware for it; elsewhere it is emulated, and never pays."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # no Linux
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _step(
    about: About, recipe: Recipe, training: Batches, precision: Precision
) -> Callable[[], object]:
    """A training step in a precision, to be timed."""
    model = _built(about, recipe, training, precision)
    batch = next(iter(training.in_order()))
    return lambda: model.train_on_batch(*batch)


def fastest(sides: Mapping[Name, Callable[[], object]]) -> Name:
    """The name of what takes the least time, in the median of a few turns.

    The sides take turns, so that whatever else the machine does falls on all of them;
    the first turn, in which graphs are built, does not count.
    """
    seconds: dict[Name, list[float]] = {name: [] for name in sides}
    for _ in range(1 + _TRIAL_STEPS):
        for name, side in sides.items():
            began = time.monotonic()
            side()
            seconds[name].append(time.monotonic() - began)
    return min(seconds, key=lambda name: median(seconds[name][1:]))
