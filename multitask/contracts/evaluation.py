"""What is an evaluation? The labels of some pictures, and a network's answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.head import Head
from multitask.contracts.plugins import Shown
from multitask.contracts.results.described import TrainedNetwork
from multitask.contracts.results.explained import Explanation


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Evaluation(Shown):
    """Labels and answers, two tables with the same index, and notes on them."""

    title: str
    split: str  # train, val, test or all: which pictures these are
    labels: pd.DataFrame
    answers: pd.DataFrame
    heads: tuple[Head, ...]
    notes: tuple[str, ...] = ()
    history: pd.DataFrame | None = None  # one row per epoch, as in history.csv
    varied: npt.NDArray[np.uint8] | None = None  # see `images.augment.samples`
    by: tuple[str, ...] = ()  # more sub-groups to measure, such as "race*gender"
    uncalibrated: pd.DataFrame | None = None  # answers as without calibration, if any
    folder: Path | None = None  # of its report
    network: TrainedNetwork | None = None  # what is known of it, for its card
    explanations: Mapping[str, tuple[Explanation, ...]] = field(default_factory=dict)
    folds: "tuple[Evaluation, ...]" = ()  # those that this one joins

    def summaries(self) -> dict[str, dict[str, Any]]:
        """Each head's `summary`, by its name."""
        return {h.name: h.summary(self.labels, self.answers) for h in self.heads}
