"""Which pictures do the benchmarks use? UTKFace, or faces drawn here."""

import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.data import sources
from multitask.data.batches import Batches, decode_table
from multitask.images.decode import Pixels
from multitask.networks.spec import NetworkSpec
from multitask.networks.trunks import trunk
from tests import layouts


def paths(source: str | None, count: int, temporary: Path) -> tuple[str, ...]:
    """At most `count` pictures of `utkface=FOLDER`, by default of faces drawn now.

    Raises UserError for another data set or a folder that can't be used.
    """
    if source is None:
        folder = temporary / "faces"
        layouts.write(folder, "utkface", count=count)
        source = f"utkface={folder}"
    if not source.startswith("utkface="):
        raise UserError(
            "--data", f"is {source!r}, must be utkface=FOLDER", "or leave it out"
        )
    files = sources.read_all([source]).table["path"].tolist()
    return tuple(random.Random(0).sample(files, min(count, len(files))))


def repeated(files: Sequence[str], count: int, folder: Path) -> Path:
    """A folder of `count` links to the pictures, each with its own UTKFace name."""
    folder.mkdir()
    for number in range(count):
        path = Path(files[number % len(files)]).absolute()
        labels = "_".join(path.name.split("_", 3)[:3])
        name = f"{labels}_{20170101000000000 + number}.jpg.chip.jpg"
        os.symlink(path, folder / name)
    return folder


def table(files: Sequence[str]) -> pd.DataFrame:
    """The labels in the names of the files."""
    folders = sorted({os.path.dirname(path) for path in files})
    whole = sources.read_all([f"utkface={folder}" for folder in folders]).table
    return whole[whole["path"].isin(files)].reset_index(drop=True)


def spec(names: Sequence[str] = ("utkface",), tta: int = 1) -> NetworkSpec:
    """The default network with the named heads."""
    return NetworkSpec(
        trunk="cnn",
        size=trunk("cnn").size,
        crop=Recipe().crop,
        heads=catalog.heads(names),
        tta=tta,
    )


def decoded(files: Sequence[str], spill: Path) -> tuple[pd.DataFrame, Pixels]:
    """The pictures as `fit` keeps them, and their labels."""
    rows, pixels, _ = decode_table(table(files), spec().side, 2.0, spill)
    return rows, pixels


def batches(files: Sequence[str], batch_size: int, spill: Path) -> Batches:
    """The pictures as `fit` trains on them: age, gender and race."""
    rows, pixels = decoded(files, spill)
    encoded = {head.name: head.encode(rows) for head in spec().heads}
    places = rows.index.to_numpy(np.intp)
    return Batches(
        pixels=pixels,
        rows=places,
        encoded=encoded,
        batch_size=min(batch_size, len(places)),
        size=spec().size,
    )
