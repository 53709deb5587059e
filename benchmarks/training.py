"""How fast does `fit` train, against a script written by hand for the same network?"""

import contextlib
import io
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import keras
import pandas as pd
import tensorflow as tf

from benchmarks.faces import batches, spec
from benchmarks.sides import Row, Setting, Target, seconds, take_turns
from multitask.contracts.augmentation import parse_augmentation
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import HISTORY
from multitask.data.batches import Batches
from multitask.images.augment import augment
from multitask.networks import build
from multitask.training import loop
from multitask.training.optimizer import optimizer


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Steps a second of the epochs after the first, in short trainings that take turns.

    Ours is `training.train`, as `fit` calls it; theirs `model.fit` on a `tf.data` set
    of tensors in memory. Network, losses, metrics, batch size, optimizer, augmentation
    and precision (float32) are the same, and neither is compiled by XLA.
    """
    paths = setting.paths[: setting.trained]
    held = batches(paths, setting.batch_size, temporary)
    recipe = Recipe(
        epochs=setting.epochs, batch_size=held.batch_size, precision="float32"
    )
    ours, theirs = take_turns(
        setting.rounds,
        lambda: held.steps / _ours(held, recipe, temporary),
        lambda: held.steps / _theirs(held, recipe),
        warm=False,  # the first epoch is left out of each
    )
    return [
        Row(
            what=f"training, batch {held.batch_size}: fit, or a Keras script",
            unit="steps/s",
            ours=ours,
            theirs=theirs,
            target=Target(">=", 0.95),
        ),
        _precisions(held, recipe, setting),
    ]


def _precisions(held: Batches, recipe: Recipe, setting: Setting) -> Row:
    """Steps a second in bfloat16 and in float32, as `--precision auto` times them."""
    keras.utils.clear_session()
    known = spec()
    steps = [
        loop.training_step(known, recipe, held, precision)
        for precision in ("bfloat16", "float32")
    ]
    half, whole = take_turns(
        setting.rounds, *(lambda step=step: 1 / seconds(step) for step in steps)
    )
    return Row(
        what=f"training, batch {held.batch_size}: bfloat16, or float32",
        unit="steps/s",
        ours=half,
        theirs=whole,
    )


def _ours(held: Batches, recipe: Recipe, temporary: Path) -> float:
    """Seconds an epoch, as history.csv holds them."""
    keras.utils.clear_session()
    with tempfile.TemporaryDirectory(dir=temporary) as name:
        folder = Path(name)
        with contextlib.redirect_stdout(io.StringIO()):
            loop.train(spec(), recipe, held, None, folder)
        history = pd.read_csv(folder / HISTORY)
        return float(history["seconds"][1:].median())


def _theirs(held: Batches, recipe: Recipe) -> float:
    """Seconds an epoch of what one would write for this network alone."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    heads = spec().heads
    model = build.build_core(spec(), recipe.dropout, training=True)
    model.compile(
        optimizer=optimizer(recipe, held.steps),
        loss={head.name: head.loss() for head in heads},
        weighted_metrics={head.name: head.metrics() for head in heads},
        jit_compile=False,
    )
    clock = _Clock()
    model.fit(
        _in_memory(held, recipe),
        epochs=recipe.epochs,
        steps_per_epoch=held.steps,
        callbacks=[clock],
        shuffle=False,
        verbose=0,
    )
    return median(clock.seconds[1:])


def _in_memory(held: Batches, recipe: Recipe) -> Any:
    how = parse_augmentation(recipe.augment)
    targets = {name: encoded.targets for name, encoded in held.encoded.items()}
    weights = {name: encoded.weights for name, encoded in held.encoded.items()}
    images = held.pixels[held.rows]

    def vary(number: Any, batch: Any) -> Any:
        images, targets, weights = batch
        seed = tf.stack([tf.constant(recipe.seed, tf.int64), number])
        return augment(images, seed, how, held.size)[0], targets, weights

    data = tf.data.Dataset.from_tensor_slices((images, targets, weights))
    # Without end, so that an epoch begins with batches already made.
    data = data.shuffle(len(images), seed=recipe.seed).repeat()
    data = data.batch(held.batch_size, drop_remainder=True).enumerate()
    return data.map(vary, num_parallel_calls=tf.data.AUTOTUNE).prefetch(
        tf.data.AUTOTUNE
    )


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.began)
