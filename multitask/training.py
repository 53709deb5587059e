"""How does a network learn, keep its best epoch, and go on after a stop?"""

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from multitask import balancing, features, network, weights
from multitask.augment import preset
from multitask.errors import UserError
from multitask.folder import put
from multitask.freeze import ALL, NONE, freeze, halves, joined, last
from multitask.head import Head
from multitask.network import About
from multitask.optimizer import optimizer
from multitask.pipeline import Batches, twice
from multitask.recipe import Precision, Recipe

HISTORY = "history.csv"
Name = TypeVar("Name", bound=str)
Figures = list[dict[str, Any]]  # a dict an epoch, as a row of history.csv
_TRIAL_STEPS = 5
_WORTH = (
    10  # times as long as it takes to save: such an epoch's network is saved at once
)
_SHORT = 300  # steps: a training this short ends before a timing has paid


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a training ended: its best epoch (from 1), whether Ctrl-C ended it, and the
    arithmetic that it was done in."""

    best_epoch: int
    history: Figures
    interrupted: bool
    precision: Precision
    stage: int  # the last one begun, from 1


def train(
    about: About,
    recipe: Recipe,
    training: Batches,
    validation: Batches | None,
    folder: Path,
    resume: bool = False,
    say: Callable[[str], object] = lambda line: None,
    each_epoch: Callable[[Figures], object] = lambda history: None,
) -> Outcome:
    """Train the network of `about` and keep its best epoch in `folder`.

    Best is the lowest validation loss, or the last epoch without a validation part.
    A second stage, in which more of the trunk learns, begins with the best epoch of
    the first. Writes `network.keras`, `history.csv` and `logs/`, and after each epoch
    a checkpoint from which `resume` goes on; `each_epoch` is given the figures so far,
    and may end the training by an exception of its own. Ctrl-C ends it after saving; in
    the first epoch, which leaves nothing, it is raised.

    Raises UserError if the loss is not finite or the disk is full.
    """
    state = _Checkpoint(folder).read() if resume else {}
    precision = state.get("precision") or chosen(about, recipe, training)
    about = replace(about, recipe={**about.recipe, "precision": precision})
    keeper = _Keeper(about, folder, precision, state.get("history", []), each_epoch)
    _tell(recipe, say)
    interrupted = False
    try:
        for number, stage in enumerate(recipe.stages(), 1):
            keeper.begin(number, stage)
            if not keeper.over:
                _stage(keeper, training, validation, say)
    except KeyboardInterrupt:
        interrupted = True
        if not keeper.history:
            raise
    return Outcome(
        best_epoch=keeper.best_epoch,
        history=keeper.history,
        interrupted=interrupted,
        precision=precision,
        stage=int(keeper.history[-1].get("stage", 1)),
    )


def check(about: About, recipe: Recipe) -> None:
    """Raise UserError for what freezing can't be, before the long work begins.

    That is a number of stages that the trunk does not have, and a folder for features
    that can't be one.
    """
    for number, stage in enumerate(recipe.stages()):
        if stage.freeze != NONE and stage.views:
            features.check(stage.cache)
        if stage.freeze not in (NONE, ALL):
            option = "--then-unfreeze" if number else "--freeze"
            last(network.build_core(about).get_layer("trunk"), stage.freeze, option)


def forget(folder: Path) -> None:
    """Remove the checkpoint of a run that is trained and measured."""
    _Checkpoint(folder).remove()


def begun(folder: Path) -> bool:
    """Whether a run has a checkpoint to go on from."""
    return bool(_Checkpoint(folder).read())


def _tell(recipe: Recipe, say: Callable[[str], object]) -> None:
    """Say what of a recipe may not be what was meant."""
    if recipe.freeze == NONE:
        return
    if recipe.weights == weights.NONE:
        say(
            "What is frozen keeps the weights that were drawn by lot: --weights names "
            "others."
        )
    if recipe.views == 1 and preset(recipe.augment) != preset("none"):
        say(
            f"--augment {recipe.augment} varies nothing that is frozen: features are "
            "of each picture as it is; --views 4 adds others."
        )


def _stage(
    keeper: "_Keeper",
    training: Batches,
    validation: Batches | None,
    say: Callable[[str], object],
) -> None:
    """Train with one setting of what learns, from where the stages before it ended."""
    about, recipe = keeper.about, keeper.recipe
    keras.utils.set_random_seed(recipe.seed)
    core = _core(about, recipe, keeper.precision)
    # What a checkpoint does not hold is what has not learnt yet.
    if keeper.number > 1:
        best, _ = network.load(keeper.folder)
        core.set_weights(best.get_layer("core").get_weights())
    elif recipe.freeze != NONE or not keeper.history:
        weights.load(core.get_layer("trunk"), recipe.weights, recipe.trunk)
    model, training, validation = _learning(core, keeper, training, validation, say)
    _compile(model, about.heads, recipe, training.steps, keeper.precision)
    keeper.core = core
    keeper.set_model(model)
    if keeper.resumed:
        keeper.restore()
    how, done = preset(recipe.augment), len(keeper.history)
    data = training.shuffled(about.heads, how, recipe.seed, keeper.last, done)
    _make_variables(model, data.element_spec)
    held_out = validation.in_order() if validation else None
    if held_out and how.mixup:
        held_out = held_out.map(twice)
    logs = keras.callbacks.TensorBoard(keeper.folder / "logs", write_graph=False)
    shown = [_Progress(keeper.last), _Finite(), _ValidatedAverages(), logs]
    try:
        if not keeper.ended:
            model.fit(
                data,
                epochs=keeper.last,
                initial_epoch=done,
                steps_per_epoch=training.steps,
                validation_data=held_out,
                callbacks=[*shown, keeper],
                shuffle=False,
                verbose=0,
            )
    finally:
        with _undisturbed():
            keeper.save()


def _core(about: About, recipe: Recipe, precision: Precision) -> keras.Model:
    """The core to be trained, its weights drawn anew."""
    return network.build_core(about, recipe.dropout, _policy(precision), training=True)


def _learning(
    core: keras.Model,
    keeper: "_Keeper",
    training: Batches,
    validation: Batches | None,
    say: Callable[[str], object],
) -> tuple[keras.Model, Batches, Batches | None]:
    """What of a core learns, and what it learns from: pictures, or their features."""
    about, recipe, precision = keeper.about, keeper.recipe, keeper.precision
    how, model = preset(recipe.augment), core
    freeze(core, recipe.freeze)
    if recipe.freeze == NONE:
        pass
    elif not recipe.views:
        model = joined(*halves(core, recipe.freeze))
    else:
        front, model = halves(core, recipe.freeze)
        if precision != "float32":  # as the network to be saved will compute them
            exact = network.build_core(about)
            exact.set_weights(core.get_weights())
            front, _ = halves(exact, recipe.freeze)
        kept = features.Features(front, recipe.cache, recipe.cache_precision, say)
        # Views are the same for all seeds, which find them again.
        looks = features.views(how, recipe.views)
        training = features.batches(kept, training, looks, how, about.heads)
        if validation:
            looks = features.views(how, 1)
            validation = features.batches(kept, validation, looks, how)
    if how.mixup:
        image = keras.Input(model.input.shape[1:], dtype=model.input.dtype)
        said = model(image)
        twofold = {name: _Twice(name=name)(one) for name, one in said.items()}
        model = keras.Model(image, twofold)
    if recipe.balance != balancing.STATIC:
        model = balancing.balanced(model, about.heads, recipe.balance, recipe.seed)
    return model, training, validation


class _Twice(keras.layers.Layer):  # type: ignore[misc]
    """Answers of mixed pictures, to be held against both pictures' labels."""

    def call(self, answers: Any) -> Any:
        return keras.ops.concatenate([answers, answers], axis=0)


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


class _ValidatedAverages(keras.callbacks.Callback):  # type: ignore[misc]
    """Has what would be saved validated: the weights' averages, if there are any."""

    def on_test_begin(self, logs: Any = None) -> None:
        self.swap = ExitStack()
        self.swap.enter_context(averaged(self.model))

    def on_test_end(self, logs: Any = None) -> None:
        self.swap.close()


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


def _make_variables(model: keras.Model, spec: Any) -> None:
    """Make those of optimizer and metrics before a step is traced.

    TensorFlow traces a step twice in which variables are made, for seconds each.
    """
    images, *labels = keras.tree.map_structure(
        lambda s: keras.ops.zeros([n or 1 for n in s.shape], s.dtype), spec
    )
    answers = model(images)
    count = len(next(iter(answers.values())))  # twice as many for mixed pictures
    targets, weights = keras.tree.map_structure(
        lambda one: keras.ops.repeat(one, count, axis=0), labels
    )
    model.optimizer.build(model.trainable_variables)
    model.compute_loss(images, targets, answers, weights)
    model.compute_metrics(images, targets, answers, weights)
    model.reset_metrics()


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

    recipe: Recipe  # of the stage that goes on
    core: keras.Model  # what it trains, whole

    def __init__(
        self,
        about: About,
        folder: Path,
        precision: Precision,
        past: Figures,
        each_epoch: Callable[[Figures], object] = lambda history: None,
    ) -> None:
        super().__init__()
        self.about, self.folder = about, folder
        self.precision, self.history = precision, list(past)
        self.each_epoch = each_epoch
        self.checkpoint = _Checkpoint(folder)
        self._best: list[Any] = []  # weights of what learns, if yet to be saved
        self._saving = 0.0  # seconds that it takes

    def begin(self, number: int, recipe: Recipe) -> None:
        """Begin a stage, or go on with it, or find that it has ended."""
        self.number, self.recipe = number, recipe
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
    def rule(self) -> balancing.Rule | None:
        """What weighs the losses, if not always alike."""
        return getattr(self.model, "rule", None)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.rule:
            self.rule.begin(self.history[self.first :])
        self.began = time.monotonic()
        self.rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        figures = {
            "epoch": epoch + 1,
            "stage": self.number,
            "seconds": round(time.monotonic() - self.began, 2),
            "learning_rate": self.rate,
            **_by_head(logs or {}, self.about.heads),
        }
        if self.rule:
            shares = self.rule.shares.numpy().tolist()
            figures |= {
                f"{name}_weight": share
                for name, share in zip(self.rule.names, shares, strict=True)
            }
        with _undisturbed():
            self._keep(figures)
        tqdm.write(_line(figures, self.last, self.about.heads), sys.stdout)
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
        if self.recipe.schedule == "plateau":
            self.model.optimizer.learning_rate = self._plateau_rate()
        unsaved = self.best_epoch if self._best else 0
        try:
            self.checkpoint.write(self.model, self.history, self.precision, unsaved)
        except UserError:
            self._best = []  # of an epoch that never was, for who goes on
            raise
        # A large trunk takes longer to write than heads on its features to learn.
        if figures["seconds"] >= _WORTH * self._saving:
            self.save()
        put(self.folder / HISTORY, pd.DataFrame(self.history).to_csv(index=False))

    def _plateau_rate(self) -> float:
        rates = [figures["learning_rate"] for figures in self.history]
        since = range(self.first + 1, len(rates))
        lowered = max((i for i in since if rates[i] < rates[i - 1]), default=self.first)
        waited = len(rates) - max(lowered, self.best_epoch)
        if waited < self.recipe.plateau:
            return float(rates[-1])
        least = min(rates[-1], self.recipe.least_learning_rate)
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
        network.save(final, self.about, self.folder / network.FILE)
        self._best, self._saving = [], time.monotonic() - began

    def restore(self) -> None:
        """Go on from the last epoch, and write the best one if a stop prevented it."""
        unsaved = self.checkpoint.read().get("unsaved", 0)
        if unsaved:
            self.checkpoint.restore(self.model, unsaved)
            with averaged(self.model):
                self._best = self.model.get_weights()
            self.save()
        self.checkpoint.restore(self.model, len(self.history))

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

    def restore(self, model: keras.Model, epoch: int) -> None:
        """Fill a compiled model with the state of an epoch that was kept."""
        # The optimizer must have its variables before they can be filled.
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(self._weights(epoch))
        except (ValueError, KeyError) as error:
            raise UserError(
                self.folder,
                f"is of another network or optimizer ({str(error).splitlines()[0]})",
                "a run can only be resumed by the version that began it; train anew",
            ) from None

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch}.weights.h5"

    def write(
        self, model: keras.Model, history: Figures, precision: str, unsaved: int
    ) -> None:
        """Weights first, then the state that names them, then the old ones go.

        Those of the best epoch stay while its network is `unsaved`.
        """
        self.folder.mkdir(exist_ok=True)
        weights = self._weights(len(history))
        part = self.state.with_suffix(".part")
        state = {"unsaved": unsaved, "precision": precision, "history": history}
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
            if old not in (weights, self._weights(unsaved)):
                old.unlink()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _policy(precision: Precision) -> str:
    """Keras's name for training in a precision."""
    return "float32" if precision == "float32" else f"mixed_{precision}"


def chosen(about: About, recipe: Recipe, training: Batches) -> Precision:
    """The precision that the recipe asks for, or the faster one here."""
    if recipe.precision != "auto":
        return recipe.precision
    stage = recipe.stages()[-1]  # in which most is learnt
    once = stage.freeze == ALL and recipe.views  # little is left to compute
    if once or training.steps * stage.epochs < _SHORT or not _has_bfloat16():
        return "float32"
    return fastest(
        {
            precision: step(about, stage, training, precision)
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


def step(
    about: About, recipe: Recipe, training: Batches, precision: Precision
) -> Callable[[], object]:
    """A training step in a precision, to be timed."""
    model = _core(about, recipe, precision)
    freeze(model, recipe.freeze)
    _compile(model, about.heads, recipe, training.steps, precision)
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
