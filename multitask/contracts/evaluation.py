"""What does a report compare? The labels of some pictures and a network's answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from multitask.contracts import plugins
from multitask.contracts.head import Head
from multitask.contracts.saving import reporting_write_errors
from multitask.images.decode import Pixels


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Two tables with the same index, and what a reader must know beside them.

    Every module in `reports/` has an `ORDER` (numbers 10, pictures 20, pages 90: a
    later one may show the files of an earlier one) and a function
    `write(comparison, folder)` that writes its files into an existing folder.
    """

    title: str
    split: str  # train, val, test or all: which pictures these are
    labels: pd.DataFrame
    answers: pd.DataFrame
    heads: tuple[Head, ...]
    notes: tuple[str, ...] = ()
    history: pd.DataFrame | None = None  # a row an epoch, as in history.csv
    varied: Pixels | None = None  # training pictures, see `augment.samples`
    folds: "tuple[Evaluation, ...]" = ()  # those that this one joins

    def summaries(self) -> dict[str, dict[str, Any]]:
        """Each head's `summary`, by its name."""
        return {h.name: h.summary(self.labels, self.answers) for h in self.heads}


def write(comparison: Evaluation, folder: Path) -> None:
    """Make a report: every module of `reports/` writes its files into `folder`.

    The folder is made if it is missing. Raises UserError if it can't be, or if the
    disk is full.
    """
    modules = plugins.reports()
    with reporting_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for module in modules:
            module.write(comparison, folder)
