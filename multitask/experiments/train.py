"""How does a prepared recipe become a trained network in a folder?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from multitask.contracts.errors import Say
from multitask.contracts.run import SPLIT
from multitask.contracts.saving import replacing, reporting_write_errors
from multitask.contracts.table import write_csv
from multitask.data.batches import Batches
from multitask.data.coverage import describe_epoch
from multitask.data.split import listing
from multitask.experiments.prepare import Prepared
from multitask.training import loop
from multitask.training.checkpoint import Figures


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a training ended, and the batches that it learned from."""

    outcome: loop.Outcome
    batches: Batches


def train_prepared(
    prepared: Prepared,
    table: pd.DataFrame,
    folder: Path,
    *,
    parts: pd.DataFrame | None = None,
    resume: bool = False,
    say: Say = print,
    say_epoch: Say | None = None,
    title: str = "",
    each_epoch: Callable[[Figures], object] = lambda history: None,
) -> Training:
    """Train the network of `prepared` on the rows of `table`, which has a `split`.

    Writes split.csv into `folder`: the `path` and `split` of `parts`, by default of
    `table`. `multitask.training.loop.train` writes the network, its history and its
    checkpoint, and documents `resume`, `say_epoch`, `title` and `each_epoch`.

    Raises UserError if the loss is not finite or the disk is full.
    """
    listed = table if parts is None else parts
    with reporting_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / SPLIT) as file:
            write_csv(listing(listed), file)
    training, validation = prepared.training(table), prepared.validation(table)
    say(describe_epoch(table, training))
    outcome = loop.train(
        prepared.spec,
        prepared.recipe,
        training,
        validation if len(validation.rows) else None,
        folder,
        cache=prepared.machine.cache,
        resume=resume,
        say=say,
        say_epoch=say_epoch,
        title=title,
        each_epoch=each_epoch,
    )
    return Training(outcome=outcome, batches=training)
