"""How fast does `fit` train, compared with a plain Keras script?"""

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
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import HISTORY
from multitask.data.batches import Batches
from multitask.images.augment import augment
from multitask.networks import build
from multitask.training import loop
from multitask.training.optimizer import optimizer


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Steps per second in the epochs after the first, in short alternating trainings.

    Ours is `training.loop.train`, as `fit` calls it; theirs is `model.fit` on a
    `tf.data` dataset of tensors in memory. Network, losses, metrics, batch size,
    optimizer, augmentation and precision (float32) are the same, and neither is
    compiled by XLA.
    """
    paths = setting.paths[: setting.trained]
    data = batches(paths, setting.batch_size, temporary)
    recipe = Recipe(
        epochs=setting.epochs, batch_size=data.batch_size, precision="float32"
    )
    ours, theirs = take_turns(
        setting.rounds,
        lambda: data.steps / _ours(data, recipe, temporary),
        lambda: data.steps / _theirs(data, recipe),
        warm=False,  # the first epoch is left out of each
    )
    return [
        Row(
            what=f"training, batch {data.batch_size}: fit, or a Keras script",
            unit="steps/s",
            ours=ours,
            theirs=theirs,
            target=Target(">=", 0.95),
        ),
        _precisions(data, recipe, setting),
    ]


def _precisions(data: Batches, recipe: Recipe, setting: Setting) -> Row:
    """Steps per second in bfloat16 and in float32, as `--precision auto` times them."""
    keras.utils.clear_session()
    network = spec()
    steps = [
        loop.training_step(network, recipe, data, precision)
        for precision in ("bfloat16", "float32")
    ]
    bfloat16, float32 = take_turns(
        setting.rounds, *(lambda step=step: 1 / seconds(step) for step in steps)
    )
    return Row(
        what=f"training, batch {data.batch_size}: bfloat16, or float32",
        unit="steps/s",
        ours=bfloat16,
        theirs=float32,
    )


def _ours(data: Batches, recipe: Recipe, temporary: Path) -> float:
    """Seconds per epoch, as recorded in history.csv."""
    keras.utils.clear_session()
    with tempfile.TemporaryDirectory(dir=temporary) as name:
        folder = Path(name)
        with contextlib.redirect_stdout(io.StringIO()):
            loop.train(spec(), recipe, data, None, folder, cache=folder / "cache")
        history = pd.read_csv(folder / HISTORY)
        return float(history["seconds"][1:].median())


def _theirs(data: Batches, recipe: Recipe) -> float:
    """Seconds per epoch of a plain Keras script for this network alone."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    heads = spec().heads
    model = build.build_core(spec(), recipe.dropout, training=True)
    model.compile(
        optimizer=optimizer(recipe, data.steps),
        loss={head.name: head.loss() for head in heads},
        weighted_metrics={head.name: head.metrics() for head in heads},
        jit_compile=False,
    )
    clock = _Clock()
    model.fit(
        _in_memory(data, recipe),
        epochs=recipe.epochs,
        steps_per_epoch=data.steps,
        callbacks=[clock],
        shuffle=False,
        verbose=0,
    )
    return median(clock.seconds[1:])


def _in_memory(data: Batches, recipe: Recipe) -> Any:
    targets = {name: encoded.targets for name, encoded in data.encoded.items()}
    weights = {name: encoded.weights for name, encoded in data.encoded.items()}
    images = data.pixels[data.rows]

    def augmented(number: Any, batch: Any) -> Any:
        images, targets, weights = batch
        seed = tf.stack([tf.constant(recipe.seed, tf.int64), number])
        images, _ = augment(images, seed, recipe.augmentation, data.size)
        return images, targets, weights

    dataset = tf.data.Dataset.from_tensor_slices((images, targets, weights))
    # Endless, so that an epoch begins with batches already prepared.
    dataset = dataset.shuffle(len(images), seed=recipe.seed).repeat()
    dataset = dataset.batch(data.batch_size, drop_remainder=True).enumerate()
    dataset = dataset.map(augmented, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.began)
