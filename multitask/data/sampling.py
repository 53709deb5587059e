"""How often does training show each picture: data sets mixed, classes balanced?

Only the training part is sampled; validation and test parts are measured as they are.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from multitask.contracts.errors import UserError, nearest
from multitask.contracts.head import Head
from multitask.contracts.recipe_texts import Mix
from multitask.contracts.settings import of_head
from multitask.contracts.table import sources

Rates = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def capped(
    table: pd.DataFrame, heads: Sequence[Head], caps: Mapping[str, int], seed: int
) -> npt.NDArray[np.bool_]:
    """A mask (rows,) of the rows to keep so that no class exceeds its head's cap.

    `caps` are by head name, `all` for every head. Rows are visited at random and kept
    while one of their classes is below its cap: a picture of a rare class stays,
    whatever else it shows, which may lift another class above its cap. Rows without a
    label of a capped head are kept, too.
    """
    capped_heads = [h for h in heads if h.name in caps or "all" in caps]
    strata = [head.strata(table).to_numpy(bool) for head in capped_heads]
    if not strata:
        return np.ones(len(table), bool)
    head_caps = [
        np.full(s.shape[1], of_head(caps, head.name, 0))
        for head, s in zip(capped_heads, strata, strict=True)
    ]
    classes, remaining = np.concatenate(strata, axis=1), np.concatenate(head_caps)
    mask = np.asarray(~classes.any(axis=1), bool)
    for row in np.random.default_rng(seed).permutation(np.flatnonzero(~mask)):
        if (remaining[classes[row]] > 0).any():
            mask[row] = True
            remaining[classes[row]] -= 1
    return mask


def rates(table: pd.DataFrame, heads: Sequence[Head], mix: Mix) -> Rates:
    """How many times an epoch shows each row (rows,), 1 on average.

    The share of a data set (`source`) of n pictures is proportional to
    n ** `mix.exponent`. With `mix.classes`, the name of a head, the share of each of
    its classes is; rows without a label of it keep theirs.

    Raises UserError if there is no such head, or it has many labels per picture.
    """
    weights = np.ones(len(table))
    if mix.classes:
        head = oversampled_head(heads, mix.classes)
        weights = _balanced(table, head, mix.exponent)
    else:
        origins = sources(table).to_numpy()
        for source in np.unique(origins):
            rows = origins == source
            weights[rows] *= rows.sum() ** mix.exponent / weights[rows].sum()
    weights *= len(table) / weights.sum()
    return weights


def oversampled_head(heads: Sequence[Head], name: str) -> Head:
    """The head that an epoch shows in more equal shares.

    Raises UserError if there is no such head, or it has many labels per picture.
    """
    known = {head.name: head for head in heads}
    if name not in known:
        raise UserError("--mix", f"unknown head {name!r}", nearest(name, known))
    if known[name].answer_type == "labels":
        raise UserError(
            "--mix",
            f"head {name} has several labels per picture, not one class",
            f"use --class-weights {name}=balanced",
        )
    return known[name]


def _balanced(table: pd.DataFrame, head: Head, exponent: float) -> Rates:
    one_hot = head.strata(table).to_numpy(bool)
    counts = one_hot.sum(axis=0)
    labelled = one_hot.any(axis=1)
    shares = np.where(counts, np.maximum(counts, 1) ** exponent, 0.0)
    factors = shares / np.maximum(counts, 1)
    factors *= counts.sum() / max(shares.sum(), 1)
    balanced: Rates = np.where(labelled, one_hot @ factors, 1.0)
    return balanced


def epoch(rates: Rates, rng: np.random.Generator) -> Rows:
    """The rows of an epoch, shuffled, each as often as its rate (rows,) says.

    Fractions are rounded up or down at random, by systematic sampling (Madow 1949)
    along a random order of the rows. The epoch has sum(rates) rows, rounded.

    >>> sorted(epoch(np.array([2.0, 0.0, 1.0]), np.random.default_rng(0)).tolist())
    [0, 0, 2]
    """
    order = rng.permutation(len(rates))
    ends = np.cumsum(rates[order])
    ends = np.floor(ends * (round(ends[-1]) / ends[-1]) + rng.random() + 1e-9)
    times = np.diff(ends, prepend=0.0).astype(int)
    return rng.permutation(np.repeat(order, times))
