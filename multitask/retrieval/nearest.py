"""Which pictures are most like this one, by the features of a network?"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from multitask.contracts.errors import UserError

_BLOCK = 16_384  # rows at a time: what is computed stays small beside the features


class Nearest(NamedTuple):
    """The most similar rows, their similarities, and how many rows were compared."""

    rows: npt.NDArray[np.int64]
    similarities: npt.NDArray[np.float32]
    compared: int


def nearest(
    features: npt.NDArray[np.floating],
    query: npt.NDArray[np.floating],
    top: int = 10,
    among: npt.NDArray[np.int64] | None = None,
) -> Nearest:
    """The rows whose features have the highest cosine similarity to a query.

    `features` are (rows, channels), in memory or mapped from a file, and `query` is
    (channels,). Every row is compared, or those in `among`, which ascend. Returns the
    `top` rows, the most similar first and equal ones in their order, and their
    similarities from -1 to 1. Rows of zeros have similarity 0; those that are not
    finite, such as features of a picture that could not be read, are not compared, so
    there may be fewer than `top`.

    Raises UserError for shapes that don't fit, a query that is zero or not finite, and
    a `top` below 1.

    >>> features = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 2.0], [np.nan, 0.0]])
    >>> rows, similarities, compared = nearest(features, np.array([0.0, 3.0]), 2)
    >>> rows.tolist(), similarities.tolist(), compared
    ([2, 1], [1.0, 0.800000011920929], 3)
    """
    _check(features, query, top)
    # In double precision, as the square of a large number may leave the range.
    unit = query.astype(np.float64) / np.linalg.norm(query.astype(np.float64))
    direction = unit.astype(np.float32)
    rows = np.zeros(0, np.int64)
    similarities = np.zeros(0, np.float32)
    count, compared = len(features) if among is None else len(among), 0
    for start in range(0, count, _BLOCK):
        part: slice | npt.NDArray[np.int64] = slice(start, start + _BLOCK)
        numbers = np.arange(start, min(start + _BLOCK, count))
        if among is not None:
            part = numbers = among[start : start + _BLOCK]
        cosines = _similarities(np.asarray(features[part], np.float32), direction)
        usable = np.flatnonzero(np.isfinite(cosines))
        compared += len(usable)
        if len(usable) > top:  # only what may be among the best of all
            least = np.partition(cosines[usable], -top)[-top]
            usable = usable[cosines[usable] >= least]
        rows = np.concatenate([rows, numbers[usable]])
        similarities = np.concatenate([similarities, cosines[usable]])
        order = np.lexsort((rows, -similarities))[:top]
        rows, similarities = rows[order], similarities[order]
    return Nearest(rows, similarities, compared)


def _similarities(
    block: npt.NDArray[np.float32], direction: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The cosine (rows,) of each row and a vector of length 1."""
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
        cosines = block @ direction / np.where(lengths > 0, lengths, 1)
    return np.clip(cosines, -1, 1)  # NaN stays


def _check(
    features: npt.NDArray[np.floating], query: npt.NDArray[np.floating], top: int
) -> None:
    if features.ndim != 2 or query.shape != features.shape[1:]:
        what = f"features have shape {features.shape} and the query {query.shape}"
        raise UserError("features", what, "give (rows, channels) and (channels,)")
    if not np.isfinite(query).all() or not query.any():
        raise UserError("query", "is zero or not finite, so it has no direction")
    if top < 1:
        raise UserError("--top", f"is {top}, must be 1 or more")
