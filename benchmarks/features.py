"""How much time does it save to compute the features of a frozen trunk once?"""

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import pandas as pd
import tensorflow as tf

from benchmarks.faces import table
from benchmarks.sides import Row, Setting, Target, seconds
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import HISTORY, NETWORK, SPLIT
from multitask.data.batches import decode_table
from multitask.experiments.run import fit
from multitask.networks import archive, build
from multitask.networks.freeze import freeze
from multitask.networks.spec import NetworkSpec
from multitask.training.optimizer import optimizer


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Seconds from picture files to a trained, saved and evaluated network.

    Ours is `fit` including its report, once with an empty cache and once more with
    another head. Theirs also decodes the pictures only once, but runs the trunk in each
    step of `model.fit`. The trunk is frozen and has random weights.
    """
    recipe = _recipe(setting, temporary)
    machine = Machine(cache=temporary / "cache")
    first, second, plain = (temporary / name for name in ("first", "second", "plain"))
    other = replace(recipe, heads=("age",))
    ours = seconds(lambda: _ours(recipe, first, machine))
    cached = seconds(lambda: _ours(other, second, machine))
    theirs = seconds(lambda: _theirs(recipe, first, plain))
    what = f"frozen {setting.frozen_trunk}, {setting.frozen_epochs} epochs"
    our_history, their_history = (pd.read_csv(f / HISTORY) for f in (first, plain))
    return [
        Row(
            what=f"{what}: features once, or at each step (times less)",
            unit="s",
            ours=[ours],
            theirs=[theirs],
            target=Target(">=", 12),
            inverse=True,
        ),
        Row(
            what=f"{what}: again with another head, or at each step (times less)",
            unit="s",
            ours=[cached],
            theirs=[theirs],
            target=Target(">=", 100),
            inverse=True,
        ),
        *(
            Row(
                what=f"{what}: best {name} accuracy in validation",
                unit="",
                ours=[our_history[f"val_{name}_accuracy"].max()],
                theirs=[their_history[f"val_{name}_accuracy"].max()],
            )
            for name in recipe.heads
        ),
    ]


def _recipe(setting: Setting, temporary: Path) -> Recipe:
    """A frozen trunk with two heads, on the pictures of the setting."""
    labels = table(setting.paths[: setting.trained])
    file = temporary / "frozen.csv"
    labels.to_csv(file, index=False)
    return Recipe(
        heads=("gender", "race"),
        data=(f"frozen=table:{file}",),
        trunk=setting.frozen_trunk,
        image_size=setting.frozen_size,
        freeze="all",
        augment="none",
        tta=1,
        crop=1.0,
        epochs=setting.frozen_epochs,
        batch_size=32,
        precision="float32",
    )


def _ours(recipe: Recipe, out: Path, machine: Machine) -> None:
    keras.utils.clear_session()
    with contextlib.redirect_stdout(io.StringIO()):
        fit(recipe, out, say=lambda line: None, machine=machine)


def _theirs(recipe: Recipe, split: Path, out: Path) -> None:
    """A plain Keras script for this network alone, on the same split."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    out.mkdir()
    spec: NetworkSpec = archive.load(split)[1]
    core = build.build_core(spec, recipe.dropout, training=True)
    freeze(core, "all")
    parts = pd.read_csv(split / SPLIT)
    labels = table(parts["path"].tolist()).merge(parts, on="path")
    pictures, pixels, _ = decode_table(labels, spec.side, 2.0, out)
    steps = max(1, int((pictures["split"] == "train").sum()) // recipe.batch_size)
    core.compile(
        optimizer=optimizer(recipe, steps),
        loss={head.name: head.loss() for head in spec.heads},
        weighted_metrics={head.name: head.metrics() for head in spec.heads},
        jit_compile=False,
    )

    def part(name: str) -> Any:
        rows = pictures[pictures["split"] == name]
        encoded = {head.name: head.encode(rows) for head in spec.heads}
        targets = {n: e.targets for n, e in encoded.items()}
        weights = {n: e.weights for n, e in encoded.items()}
        images = pixels[rows.index]
        data = tf.data.Dataset.from_tensor_slices((images, targets, weights))
        data = data.shuffle(len(images), seed=0) if name == "train" else data
        data = data.batch(recipe.batch_size, drop_remainder=name == "train")
        data = data.map(lambda x, y, w: (tf.cast(x, tf.float32), y, w))
        return data.prefetch(tf.data.AUTOTUNE)

    log = keras.callbacks.CSVLogger(str(out / HISTORY))
    core.fit(
        part("train"),
        epochs=recipe.epochs,
        validation_data=part("val"),
        callbacks=[log],
        shuffle=False,
        verbose=0,
    )
    core.save(out / NETWORK)
    core.predict(part("test").map(lambda x, y, w: x), verbose=0)
