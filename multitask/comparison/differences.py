"""How far apart are the scores of designs, and is it more than chance?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from multitask.comparison.runner import SCORES
from multitask.contracts.head import Array, Head
from multitask.experiments import scores

Plain = dict[str, Any]


def means(
    out: Path,
    cells: Sequence[Plain],
    heads: Sequence[Head],
    groups: Mapping[str, Array],
) -> list[Plain]:
    """What each design scores on the test part, over its seeds, by trunk and head.

    `groups` (rows,) number the test pictures, by trunk; those of one person are alike.
    """
    numbers = {head.name for head in heads if head.answer_type == "number"}
    return [
        {"trunk": trunk, "design": design, "head": head}
        | _over_seeds(found, groups[trunk], np.inf if head in numbers else 1.0)
        for trunk, design, seeds in _by_design(cells)
        for head in seeds[0]["heads"]
        for found in [[_stored_scores(out, cell, head) for cell in seeds]]
        if not all(np.isnan(one).all() for one in found)
    ]


def to_single(
    out: Path,
    cells: Sequence[Plain],
    heads: Sequence[Head],
    groups: Mapping[str, Array],
) -> list[Plain]:
    """What each other design scores more than `single`, by trunk and head.

    `groups` are those of `means`. A head that is merged with none has the network of
    `single`, and no difference.
    """
    alone = {
        trunk: seeds for trunk, design, seeds in _by_design(cells) if design == "single"
    }
    return [
        {"trunk": trunk, "design": design, "head": head.name}
        | _difference(
            head,
            [_stored_scores(out, cell, head.name) for cell in seeds],
            [_stored_scores(out, cell, head.name) for cell in alone[trunk]],
            groups[trunk],
        )
        for trunk, design, seeds in _by_design(cells)
        if design != "single" and trunk in alone
        for head in heads
        if head.name in seeds[0]["heads"]
        and not _same_network(seeds[0], alone[trunk][0], head.name)
    ]


def _difference(
    head: Head, many: Sequence[Array], single: Sequence[Array], groups: Array
) -> Plain:
    """Scores (rows, labels) of the same pictures, a seed each: how much more is it?"""
    draws = [
        scores.bootstrap(one, groups) - scores.bootstrap(other, groups)
        for one, other in zip(many, single, strict=True)
    ]
    means = [
        scores.mean(one) - scores.mean(other)
        for one, other in zip(many, single, strict=True)
    ]
    low, high = scores.confidence_interval(scores.with_seed_variance(draws, means))
    if head.answer_type != "number":  # few seeds may allow for more than there is
        low, high = max(low, -1.0), min(high, 1.0)
    difference = float(np.mean(means))
    return {
        "difference": difference,
        "ci": [low, high],
        "saved": errors_saved(
            head, difference, float(np.mean([*map(scores.mean, single)]))
        ),
        "verdict": _verdict(head, low, high),
    }


def _over_seeds(found: Sequence[Array], groups: Array, most: float) -> Plain:
    draws = [scores.bootstrap(one, groups) for one in found]
    means = [scores.mean(one) for one in found]
    low, high = scores.confidence_interval(scores.with_seed_variance(draws, means))
    return {"test": float(np.mean(means)), "ci": [max(low, 0.0), min(high, most)]}


def _by_design(cells: Sequence[Plain]) -> Iterator[tuple[str, str, list[Plain]]]:
    """Trunk, design, and the cells of its seeds."""
    by: dict[tuple[str, str], list[Plain]] = {}
    for cell in cells:
        by.setdefault((cell["trunk"], cell["design"]), []).append(cell)
    for (trunk, design), found in by.items():
        yield trunk, design, sorted(found, key=lambda cell: cell["seed"])


def errors_saved(head: Head, difference: float, alone: float) -> float:
    """What share of the errors that a head has alone is saved, or added if below 0."""
    if scores.better_direction(head) == "lower":
        return float(-difference / alone) if alone else 0.0
    return float(difference / (1 - alone)) if alone < 1 else 0.0


def _verdict(head: Head, low: float, high: float) -> str:
    if low <= 0 <= high:
        return "no difference shown"
    return (
        "better"
        if (low > 0) == (scores.better_direction(head) == "higher")
        else "worse"
    )


def _same_network(cell: Plain, single: Plain, head: str) -> bool:
    """Whether a head that is alone in its network has the same one in both."""
    names = dict(zip(single["heads"], single["networks"], strict=True))
    return names[head] in cell["networks"]


def _stored_scores(out: Path, cell: Plain, head: str) -> Array:
    """The scores of test pictures that a cell has for a head."""
    for name in cell["networks"]:
        with np.load(out / name / SCORES) as kept:
            if head in kept:
                return np.asarray(kept[head])
    raise KeyError(head)
