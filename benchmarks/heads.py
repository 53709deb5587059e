"""What do eight heads cost, compared with none and with eight networks?"""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.faces import spec
from benchmarks.sides import Row, Setting, Target, seconds, take_turns
from multitask.images.resize import middle, resize
from multitask.networks import build

HEADS = (
    "age",
    "gender",
    "race",
    "expression",
    "illumination",
    "pose",
    "occlusion",
    "age_group",
)
_BATCHES = (32, 1)


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Milliseconds per batch and parameters of networks that take uint8 pictures.

    All of them are called as compiled `tf.function`s; the eight networks with one head
    each run one after another. None uses test-time augmentation, which would make each
    of them equally slower.
    """
    tf.get_logger().setLevel(
        "ERROR"
    )  # many networks look to it like one that is traced often
    one = build.build(spec(HEADS))
    each = [build.build(spec([name])) for name in HEADS]
    figures = [
        row for batch in _BATCHES for row in _times(setting, batch, one, _trunk(), each)
    ]
    return [*figures, _parameters(one, each)]


def _trunk() -> keras.Model:
    """The trunk alone, after the same resizing."""
    image = keras.Input((None, None, 3), dtype="uint8")
    core = build.build_core(spec(HEADS[:1])).get_layer("trunk")
    pixels = middle(resize(image, spec().side), spec().size)
    return keras.Model(image, core(pixels))


def _times(
    setting: Setting,
    batch: int,
    one: keras.Model,
    trunk: keras.Model,
    each: list[keras.Model],
) -> list[Row]:
    side = spec().side
    shape = (batch, side, side, 3)
    images = tf.constant(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    compiled = [_compiled(models, images) for models in ([one], [trunk], each)]
    ours, bare, eight = _milliseconds(setting, *compiled)
    shown = f"forward, batch {batch}: 8 heads"
    return [
        Row(
            what=f"{shown}, or the bare trunk",
            unit="ms",
            ours=ours,
            theirs=bare,
            target=Target("<=", 1.05),
        ),
        Row(
            what=f"{shown}, or 8 networks (times less)",
            unit="ms",
            ours=ours,
            theirs=eight,
            target=Target(">=", 7),
            inverse=True,
        ),
    ]


def _compiled(models: list[keras.Model], images: Any) -> Callable[[], None]:
    """A function that calls the models one after another, each compiled by itself."""
    calls = [
        tf.function(lambda x, model=model: model(x, training=False)) for model in models
    ]

    def run() -> None:
        for call in calls:
            call(images)

    return run


def _milliseconds(setting: Setting, *sides: Callable[[], None]) -> list[list[float]]:
    """Figures (sides, rounds): per round, the median of alternating calls."""
    rounds = [
        take_turns(setting.calls, *(lambda side=side: seconds(side) for side in sides))
        for _ in range(setting.rounds)
    ]
    return [
        [1000 * median(turns) for turns in side] for side in zip(*rounds, strict=True)
    ]


def _parameters(one: keras.Model, each: list[keras.Model]) -> Row:
    return Row(
        what="parameters: 8 heads, or 8 networks (times fewer)",
        unit="M",
        ours=[one.count_params() / 1e6],
        theirs=[sum(model.count_params() for model in each) / 1e6],
        target=Target(">=", 7),
        inverse=True,
    )
