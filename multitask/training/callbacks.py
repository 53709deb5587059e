"""What happens between the epochs of a training: figures, best network, checkpoint."""

import signal
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

from multitask.contracts.errors import UserError
from multitask.contracts.head import Head
from multitask.contracts.recipe import Precision, Recipe
from multitask.contracts.run import HISTORY, NETWORK
from multitask.contracts.saving import write_text
from multitask.networks import archive, build
from multitask.networks.spec import NetworkSpec
from multitask.training import loss_balancing
from multitask.training.checkpoint import Checkpoint, Figures

_MANY_SAVES = 10  # an epoch that takes so many times as long as saving is saved at once
_SEED_STATE = "seed_generator_state"  # the name of Keras's variables of these


class SeedEpochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Has what each epoch draws, such as dropout, follow from the seed and its number.

    Keras goes on from the epoch before, which a resumed training does not know.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        states = [v for v in self.model.variables if v.name == _SEED_STATE]
        for index, state in enumerate(states):
            seed = np.random.default_rng((self.seed, epoch, index)).integers(2**31)
            state.assign([int(seed), 0])


class ValidateAverages(keras.callbacks.Callback):  # type: ignore[misc]
    """Validates the weights that would be saved: their averages, if there are any."""

    def on_test_begin(self, logs: Any = None) -> None:
        self.averages = ExitStack()
        self.averages.enter_context(averaged_weights(self.model))

    def on_test_end(self, logs: Any = None) -> None:
        self.averages.close()


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Replace the weights by their moving averages, if the optimizer keeps any."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not optimizer.use_ema or not optimizer.built:
        yield
        return
    current = [weight.numpy() for weight in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for weight, value in zip(model.trainable_variables, current, strict=True):
            weight.assign(value)


class BestEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves each epoch's figures, a checkpoint and the best network.

    It also stops early and lowers the learning rate on a plateau. Both decisions depend
    on the figures so far alone, so that a resumed training decides the same; Keras's
    own callbacks forget their state when `fit` is called again.
    """

    recipe: Recipe  # of the current stage
    core: keras.Model  # the whole core, of which the model is the part that learns
    front: str  # the feature cache that the model learns from, or empty
    restored: bool  # whether the stage went on from a checkpoint
    features_loaded = False  # whether another network's, as in the checkpoint

    def __init__(
        self,
        spec: NetworkSpec,
        folder: Path,
        precision: Precision,
        history: Figures,
        each_epoch: Callable[[Figures], object] = lambda history: None,
    ) -> None:
        super().__init__()
        self.spec, self.folder = spec, folder
        self.precision, self.history = precision, list(history)
        self.each_epoch = each_epoch
        self.checkpoint = Checkpoint(folder)
        self._penalty = 0.0  # regularization in the validation loss
        self._unsaved: list[Any] = []  # the model's best weights, if not yet saved
        self._save_seconds = 0.0  # that saving took last

    def begin(self, stage: int, recipe: Recipe) -> None:
        """Begin a stage (from 1) or resume it; `over` tells if it has ended before."""
        self.stage, self.recipe = stage, recipe
        self.front, self.restored = "", False
        stages = [figures.get("stage", 1) for figures in self.history]
        self.first = sum(number < stage for number in stages)
        self.last: int = self.first + recipe.epochs
        self.resumed = stages[-1:] == [stage]
        self.over = any(number > stage for number in stages)

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) of the lowest validation loss, or the last one; or 0."""
        losses = [figures.get("val_loss", -i) for i, figures in enumerate(self.history)]
        losses = [loss if np.isfinite(loss) else np.inf for loss in losses]
        return int(np.argmin(losses)) + 1 if losses else 0

    @property
    def ended(self) -> bool:
        """Whether the stage has no epochs left, or no gain within the patience."""
        epochs, patience = len(self.history), self.recipe.patience
        waited = epochs - max(self.best_epoch, self.first)
        return self.over or epochs >= self.last or 0 < patience <= waited

    @property
    def rule(self) -> loss_balancing.Rule | None:
        """The rule that weights the heads' losses, unless they have fixed weights."""
        return getattr(self.model, "rule", None)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.rule:
            self.rule.begin(self.history[self.first :])
        self.epoch_start = time.monotonic()
        self._cpu_start = time.process_time()
        self.rate = float(self.model.optimizer.learning_rate)

    def on_test_begin(self, logs: Any = None) -> None:
        # Subtracted from val_loss: other stages regularize other weights.
        self._penalty = float(sum(map(float, self.model.losses)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = dict(logs or {})
        if "val_loss" in logs:
            logs["val_loss"] -= self._penalty
        figures = {
            "epoch": epoch + 1,
            "stage": self.stage,
            "seconds": round(time.monotonic() - self.epoch_start, 2),
            "cpu_seconds": round(time.process_time() - self._cpu_start, 2),
            "learning_rate": self.rate,
            **by_head(logs, self.spec.heads),
        }
        if self.rule:
            weights = self.rule.mean_weights()
            figures |= {f"{name}_weight": mean for name, mean in weights.items()}
        with interrupts_held():
            self._record(figures)
        self.model.stop_training = self.ended
        try:
            self.each_epoch(self.history)
        except Exception:
            self._unsaved = []  # whoever raises discards the training
            raise

    def _record(self, figures: dict[str, Any]) -> None:
        """Save the figures, the weights and, unless that takes long, the network."""
        self.history.append(figures)
        if self.best_epoch == len(self.history):
            with averaged_weights(self.model):
                self._unsaved = self.model.get_weights()
        if self.recipe.lr_schedule.name == "plateau":
            self.model.optimizer.learning_rate = self._plateau_rate()
        unsaved = self.best_epoch if self._unsaved else 0
        try:
            self.checkpoint.write(
                self.model,
                self.history,
                self.precision,
                unsaved,
                self.front,
                self.features_loaded,
            )
        except UserError:
            self._unsaved = []  # a resumed training won't know this epoch
            raise
        # Saving a large trunk takes longer than training heads on cached features.
        if figures["seconds"] >= _MANY_SAVES * self._save_seconds:
            self.save()
        self._write_history()

    def _write_history(self) -> None:
        figures = pd.DataFrame(self.history)
        write_text(self.folder / HISTORY, figures.to_csv(index=False))

    def _plateau_rate(self) -> float:
        """The learning rate of the next epoch."""
        rates = [figures["learning_rate"] for figures in self.history]
        later = range(self.first + 1, len(rates))
        lowered = max((i for i in later if rates[i] < rates[i - 1]), default=self.first)
        waited = len(rates) - max(lowered, self.best_epoch)
        schedule = self.recipe.lr_schedule
        if waited < schedule.patience:
            return float(rates[-1])
        least = min(rates[-1], schedule.min_learning_rate)
        return float(max(rates[-1] * 0.2, least))

    def save(self) -> None:
        """Save the best network, in float32 and plain Keras, unless it is saved."""
        if not self._unsaved:
            return
        core, network = self._to_save
        start = time.monotonic()
        current = self.model.get_weights()
        self.model.set_weights(self._unsaved)  # it shares them with the whole core
        core.set_weights(self.core.get_weights())
        self.model.set_weights(current)
        archive.save(network, self.spec, self.folder / NETWORK)
        self._unsaved, self._save_seconds = [], time.monotonic() - start

    def restore(self) -> None:
        """Restore the last epoch, and save the best one if a stop prevented it.

        Raises UserError if the frozen trunk has changed.
        """
        state = self.checkpoint.read()
        if state.front != self.front:
            raise UserError(
                self.folder,
                "its heads were trained on other features: the weights of the trunk "
                f"({self.recipe.weights}) or their precision have changed since",
                "train again",
            )
        if state.unsaved:
            self.checkpoint.restore(self.model, state.unsaved)
            with averaged_weights(self.model):
                self._unsaved = self.model.get_weights()
            self.save()
        self.checkpoint.restore(self.model, len(self.history))
        self._write_history()  # a stop may have come between it and the checkpoint
        self.restored = True

    @cached_property
    def _to_save(self) -> tuple[keras.Model, keras.Model]:
        """The core and the network to be saved; building them takes seconds."""
        core = build.build_core(self.spec)
        return core, build.build(self.spec, core)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Delay Ctrl-C until the block ends, so that files that belong together do."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield
        return
    signals: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: signals.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if signals:
        signal.raise_signal(signal.SIGINT)


def by_head(logs: dict[str, Any], heads: Sequence[Head]) -> dict[str, float]:
    """Keras's figures, named after their heads and in a fixed order.

    With a single head, Keras leaves out its name (`accuracy`) and its loss.
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
    totals = ["loss", "val_loss"]
    order = [*totals, *sorted(set(figures) - set(totals))]
    return {name: figures[name] for name in order if name in figures}
