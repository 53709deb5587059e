"""How far apart are the scores of designs, and is it more than chance?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from multitask.comparison.results import read_scores
from multitask.contracts.head import Array, Head
from multitask.contracts.results.design_comparison import (
    Cell,
    DesignMean,
    Difference,
    Verdict,
)
from multitask.metrics import scores
from multitask.metrics.resampling import LEAST_UNITS


def means(
    out: Path,
    cells: Sequence[Cell],
    heads: Sequence[Head],
    groups: Mapping[str, Array],
    constants: Mapping[str, Array],
) -> tuple[DesignMean, ...]:
    """The score of each design on the test part over its seeds, by trunk and head.

    `groups` numbers the test pictures (rows,) of each trunk, those of one person alike.
    `constants` are the scores (rows, labels) of the best constant answer, by head.
    """
    by_name = {head.name: head for head in heads}
    results = []
    for trunk, design, seeds in _by_design(cells):
        for head in seeds[0].heads:
            per_seed = [read_scores(out, cell, head) for cell in seeds]
            if any(np.isnan(each).all() for each in per_seed):
                continue
            draws = [scores.bootstrap(each, groups[trunk]) for each in per_seed]
            each_mean = [scores.mean(each) for each in per_seed]
            low, high = _interval(draws, each_mean)
            most, is_useful = 1.0, None
            if head in by_name:  # and not merged
                most = np.inf if by_name[head].answer_type == "number" else 1.0
                is_useful = _is_useful(
                    by_name[head], per_seed, constants[head], groups[trunk]
                )
            results.append(
                DesignMean(
                    trunk=trunk,
                    design=design,
                    head=head,
                    test=float(np.mean(each_mean)),
                    ci=(max(low, 0.0), min(high, most)),
                    is_useful=is_useful,
                )
            )
    return tuple(results)


def _is_useful(
    head: Head, per_seed: Sequence[Array], constant: Array, groups: Array
) -> bool | None:
    """Whether scores (rows, labels), one array per seed, are better than a constant's.

    None if the constant is always right.
    """
    best = 1.0 if scores.better_direction(head) == "higher" else 0.0
    if (constant[~np.isnan(constant)] == best).all():
        return None
    fixed = [constant] * len(per_seed)
    beside = _difference("", "", head, per_seed, fixed, groups)
    return beside is not None and beside.verdict == "better"


def to_single(
    out: Path,
    cells: Sequence[Cell],
    heads: Sequence[Head],
    groups: Mapping[str, Array],
) -> tuple[Difference, ...]:
    """The difference of each other design to `single`, by trunk and head.

    `groups` is that of `means`. A head that is merged with none has the network of
    `single`, and no difference.
    """
    by_design = list(_by_design(cells))
    alone = {trunk: seeds for trunk, design, seeds in by_design if design == "single"}
    differences = (
        _difference(
            trunk,
            design,
            head,
            [read_scores(out, cell, head.name) for cell in seeds],
            [read_scores(out, cell, head.name) for cell in alone[trunk]],
            groups[trunk],
        )
        for trunk, design, seeds in by_design
        if design != "single" and trunk in alone
        for head in heads
        if head.name in seeds[0].heads
        and not _same_network(seeds[0], alone[trunk][0], head.name)
    )
    return tuple(one for one in differences if one)


def _difference(
    trunk: str,
    design: str,
    head: Head,
    many: Sequence[Array],
    single: Sequence[Array],
    groups: Array,
) -> Difference | None:
    """Compare scores (rows, labels) of the same pictures, one array per seed.

    Those that only one side has don't count; None if a seed has none in common.
    """
    pairs = [_in_common(*pair) for pair in zip(many, single, strict=True)]
    if any(np.isnan(one).all() for one, _ in pairs):
        return None
    draws = [
        scores.bootstrap(one, groups) - scores.bootstrap(other, groups)
        for one, other in pairs
    ]
    per_seed = [scores.mean(one) - scores.mean(other) for one, other in pairs]
    low, high = _interval(draws, per_seed)
    if head.answer_type != "number":  # few seeds may widen it beyond what can be
        low, high = max(low, -1.0), min(high, 1.0)
    difference = float(np.mean(per_seed))
    alone = float(np.mean([scores.mean(other) for _, other in pairs]))
    return Difference(
        trunk=trunk,
        design=design,
        head=head.name,
        difference=difference,
        ci=(low, high),
        saved=errors_saved(head, difference, alone),
        verdict=verdict(head, low, high, drawn_units(pairs[0][0], groups)),
    )


def _in_common(one: Array, other: Array) -> tuple[Array, Array]:
    """Two arrays of scores, NaN where either is."""
    known = ~np.isnan(one) & ~np.isnan(other)
    return np.where(known, one, np.nan), np.where(known, other, np.nan)


def _interval(draws: Sequence[Array], per_seed: Sequence[float]) -> tuple[float, float]:
    """The interval of a mean over seeds, from the bootstrap draws of each seed."""
    return scores.confidence_interval(scores.with_seed_variance(draws, per_seed))


def _by_design(cells: Sequence[Cell]) -> Iterator[tuple[str, str, list[Cell]]]:
    """Trunk, design, and the cells of its seeds."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.trunk, cell.design), []).append(cell)
    for (trunk, design), seeds in groups.items():
        yield trunk, design, sorted(seeds, key=lambda cell: cell.seed)


def errors_saved(head: Head, difference: float, alone: float) -> float:
    """The share of the errors of a head alone that a design saves, below 0 if it adds
    some.

    `alone` is the score of the head alone, `difference` what the design scores more.
    """
    if scores.better_direction(head) == "lower":
        return float(-difference / alone) if alone else 0.0
    return float(difference / (1 - alone)) if alone < 1 else 0.0


def drawn_units(scores: Array, groups: Array) -> int:
    """How many of the `groups` (rows,) have a score (rows, labels)."""
    return len(np.unique(groups[~np.isnan(scores).all(axis=1)]))


def verdict(head: Head, low: float, high: float, units: int) -> Verdict:
    """What the 95% interval of a difference, from `low` to `high`, shows.

    Over fewer than six `units`, which are drawn together, it shows nothing: all of them
    may be on one side by chance.
    """
    if units < LEAST_UNITS or low <= 0 <= high:
        return "no difference shown"
    higher_is_better = scores.better_direction(head) == "higher"
    return "better" if (low > 0) == higher_is_better else "worse"


def _same_network(cell: Cell, single: Cell, head: str) -> bool:
    """Whether a head has the network of `single` in a cell of another design."""
    names = dict(zip(single.heads, single.networks, strict=True))
    return names[head] in cell.networks
