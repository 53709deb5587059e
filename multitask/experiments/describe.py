"""What should the card of a network say of its making?"""

import platform
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from multitask.contracts.recipe_texts import SPLITS
from multitask.contracts.results.described import DataDescription, TrainedNetwork
from multitask.contracts.run import HISTORY, SPLIT
from multitask.contracts.table import read_csv
from multitask.contracts.version import VERSION
from multitask.data.about import describe_data, describe_set
from multitask.networks.named import description
from multitask.networks.network import Network

_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "numpy")


def describe_network(network: Network, run: Path) -> TrainedNetwork:
    """What the file of a network and its run's folder tell of its training."""
    recipe = network.spec.recipe
    history = _table(run / HISTORY)
    parts = _table(run / SPLIT)
    counts = {} if parts is None else dict(parts["split"].value_counts())
    return TrainedNetwork(
        trunk=network.spec.trunk,
        size=network.spec.size,
        parameters=network.model.count_params(),
        data=describe_data(recipe.get("data", ())) or _named_on_card(network),
        recipe=recipe,
        parts={part: int(counts[part]) for part in SPLITS if part in counts},
        epochs=None if history is None else len(history),
        seconds=_sum(history, "seconds"),
        cpu_seconds=_sum(history, "cpu_seconds"),
        licence=network.licence,
        versions={"multitask": VERSION, "Python": platform.python_version()}
        | dict(_versions(_PACKAGES)),
    )


def _named_on_card(network: Network) -> tuple[DataDescription, ...]:
    """The data sets that the card beside a network's file names."""
    named = description.datasets(network.file) if network.file else ()
    return tuple(describe_set(name, name.casefold()) for name in named)


def _table(file: Path) -> pd.DataFrame | None:
    return read_csv(file) if file.is_file() else None


def _sum(history: pd.DataFrame | None, name: str) -> float | None:
    """The sum over epochs; None unless each of them has it."""
    if history is None or name not in history or history[name].isna().any():
        return None
    return float(history[name].astype(float).sum())


def _versions(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    for package in packages:
        with suppress(PackageNotFoundError):
            yield package, version(package)
