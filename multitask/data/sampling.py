"""How often does training see each picture? Data sets mixed, rare classes evened out.

All of it is about the training part: what is measured stays as it came.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head
from multitask.contracts.recipe_texts import Mix
from multitask.contracts.table import sources

Rates = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def capped(
    table: pd.DataFrame, heads: Sequence[Head], caps: Mapping[str, int], seed: int
) -> npt.NDArray[np.bool_]:
    """Which rows stay (rows,) if no class is to have more than its head's cap.

    `caps` are by head name, `all` for every head. Rows are taken by lot, each as long
    as one of its classes has room: a picture that shows a rare class stays, whatever
    else it shows. One that no capped head has a label for stays, too.
    """
    counted = [h for h in heads if h.name in caps or "all" in caps]
    strata = [head.strata(table).to_numpy(bool) for head in counted]
    if not strata:
        return np.ones(len(table), bool)
    room = [
        np.full(s.shape[1], caps.get(head.name, caps.get("all", 0)))
        for head, s in zip(counted, strata, strict=True)
    ]
    shown, left = np.concatenate(strata, axis=1), np.concatenate(room)
    stays = np.asarray(~shown.any(axis=1), bool)
    for row in np.random.default_rng(seed).permutation(np.flatnonzero(~stays)):
        if (left[shown[row]] > 0).any():
            stays[row] = True
            left[shown[row]] -= 1
    return stays


def rates(table: pd.DataFrame, heads: Sequence[Head], mix: Mix) -> Rates:
    """How many times an epoch shows each row (rows,): 1 on average.

    With `mix.classes` the classes of that head weigh the same in sum, and rows without
    a label of it what they weighed before. Else data sets (`source`) of n pictures get
    shares of an epoch in proportion to n ** `mix.exponent`.

    Raises UserError for a head that is not there or has many labels per picture.
    """
    weights = np.ones(len(table))
    if mix.classes:
        weights = _balanced(table, _oversampled(heads, mix.classes))
    else:
        origins = sources(table).to_numpy()
        for source in np.unique(origins):
            rows = origins == source
            weights[rows] *= rows.sum() ** mix.exponent / weights[rows].sum()
    weights *= len(table) / weights.sum()
    return weights


def _oversampled(heads: Sequence[Head], name: str) -> Head:
    known = {head.name: head for head in heads}
    if name not in known:
        raise UserError("--mix", f"no head {name!r}", nearest(name, known))
    if known[name].answer_type == "labels":
        raise UserError(
            "--mix",
            f"head {name} has many labels per picture, must have one class",
            f"use --class-weights {name}=balanced",
        )
    return known[name]


def _balanced(table: pd.DataFrame, head: Head) -> Rates:
    shown = head.strata(table).to_numpy(bool)
    counts = shown.sum(axis=0)
    labelled = shown.any(axis=1)
    classes = max(1, np.count_nonzero(counts))
    factors = counts.sum() / (classes * np.maximum(counts, 1))
    balanced: Rates = np.where(labelled, shown @ factors, 1.0)
    return balanced


def epoch(found: Rates, lots: np.random.Generator) -> Rows:
    """The rows of an epoch, shuffled: each `rate` times, its fraction rounded by lot.

    As many as there are rows, if the rates are 1 on average: systematic sampling
    (Madow 1949) along a new order of the rows each time.

    >>> sorted(epoch(np.array([2.0, 0.0, 1.0]), np.random.default_rng(0)).tolist())
    [0, 0, 2]
    """
    order = lots.permutation(len(found))
    ends = np.cumsum(found[order])
    ends = np.floor(ends * (round(ends[-1]) / ends[-1]) + lots.random() + 1e-9)
    times = np.diff(ends, prepend=0.0).astype(int)
    return lots.permutation(np.repeat(order, times))
