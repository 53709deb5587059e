"""What do tests of trainings share? Small pictures, and a training on them in moments.

The trunk of most is `tiny`: a test needs the fixture `tiny_trunk`.
"""

from typing import Any

import numpy as np
import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.recipe import Recipe
from multitask.data.batches import Batches
from multitask.networks.spec import NetworkSpec
from multitask.training import loop

PIXELS = np.random.default_rng(0).integers(0, 256, (80, 36, 36, 3), np.uint8)
TABLE = pd.DataFrame(
    {
        "gender": ["male", "female", "female", "female"] * 20,
        "age": np.random.default_rng(1).integers(1, 90, 80).astype(float),
        "pose": ["left", "frontal", "right", "left"] * 20,
    }
)
TRAINING, VALIDATION = np.arange(48), np.arange(48, 80)  # whole batches


def recipe(**changes):
    """Two short epochs of two heads."""
    settings: dict[str, Any] = {
        "heads": ("gender", "age"),
        "trunk": "tiny",
        "epochs": 2,
        "batch_size": 16,
        "precision": "float32",
        "tta": 1,
    }
    return Recipe(**(settings | changes))


def frozen(**changes):
    """The same on features of a frozen trunk, each picture as it is."""
    settings: dict[str, Any] = {"freeze": "all", "augment": "none", "dropout": 0.0}
    return recipe(**(settings | changes))


def spec(recipe):
    """The network of a recipe."""
    return NetworkSpec(
        trunk=recipe.trunk,
        size=recipe.image_size or 16,
        heads=catalog.heads(recipe.heads),
        dense=recipe.dense,
        tta=recipe.tta,
        recipe=recipe.plain(),
    )


def batches(recipe, rows=TRAINING):
    """Some of the pictures as batches for a recipe."""
    network = spec(recipe)
    return Batches(
        pixels=PIXELS,
        rows=rows,
        encoded={head.name: head.encode(TABLE.loc[rows]) for head in network.heads},
        batch_size=recipe.batch_size,
        size=network.size,
    )


def train(recipe, folder, cache=None, **options):
    """Train a recipe in `folder`, with the cache in a folder beside it by default."""
    folder.mkdir(exist_ok=True)
    return loop.train(
        spec(recipe),
        recipe,
        batches(recipe),
        batches(recipe, VALIDATION),
        folder,
        cache=cache or folder.parent / "cache",
        **options,
    )


def history(folder):
    """The figures of each epoch, but for how long it took."""
    return pd.read_csv(folder / "history.csv").drop(columns=["seconds", "cpu_seconds"])
