"""Is one network as good as several, and what does it cost? The verdict in words."""

from collections.abc import Iterator, Sequence

import numpy as np
from multitask.reports._page.words import joined, short_name

from multitask.contracts.errors import counted
from multitask.contracts.results.design_comparison import (
    Cell,
    DesignComparison,
    Difference,
)

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve"),
)
_FRACTIONS = {
    1 / 10: "a tenth",
    1 / 8: "an eighth",
    1 / 6: "a sixth",
    1 / 5: "a fifth",
    1 / 4: "a quarter",
    1 / 3: "a third",
    2 / 5: "two fifths",
    1 / 2: "half",
    3 / 5: "three fifths",
    2 / 3: "two thirds",
    3 / 4: "three quarters",
    9 / 10: "nine tenths",
}
_NEAR = 0.07  # how far off a fraction in words may be, relative


def verdict(result: DesignComparison) -> list[str]:
    """What each design costs beside `single`, and what it is better and worse at.

    The cost is the time that all answers on one picture take, and the parameters.
    Without `single`, or with nothing else, nothing is compared, and a sentence says so.
    """
    sentences = []
    for trunk in dict.fromkeys(cell.trunk for cell in result.cells):
        cells = [cell for cell in result.cells if cell.trunk == trunk and cell.cost]
        single = [cell for cell in cells if cell.design == "single"]
        designs = dict.fromkeys(cell.design for cell in cells)
        for design in sorted(set(designs) - {"single"}, reverse=True):  # multi first
            those = [cell for cell in cells if cell.design == design]
            if single:
                sentences.append(
                    _prefix(result, trunk)
                    + f"{_cost(those, single)} {_quality(result, trunk, design)}"
                )
    if sentences:
        return [*sentences, *_useless(result), _certainty(result)]
    return ["Nothing was compared: that takes the design single and another one."]


def _useless(result: DesignComparison) -> Iterator[str]:
    """What no more than the same answer to every picture was shown for."""
    for head, constant in result.constants.items():
        judged = [mean for mean in result.means if mean.head == head]
        useless = [mean for mean in judged if mean.is_useful is False]
        if not useless:
            continue
        names = [f"{_prefix(result, mean.trunk)}{mean.design}" for mean in useless]
        who = f"{joined(names)} {'is' if names[1:] == [] else 'are'} not"
        if len(useless) == len(judged):
            who = "no design is"
        yield (
            f"In {head}, {who} shown to be better than the same answer for every "
            f"picture ({metric(result, head)} {score(result, head, constant)})."
        )


def _prefix(result: DesignComparison, trunk: str) -> str:
    """The trunk, if there are several."""
    several = len({cell.trunk for cell in result.cells}) > 1
    return f"{trunk}: " if several else ""


def _cost(cells: Sequence[Cell], single: Sequence[Cell]) -> str:
    """What a design costs, in words, with its numbers."""
    ours, theirs = len(cells[0].networks), len(single[0].networks)
    network = f"{number(ours).capitalize()} network{'' if ours == 1 else 's'}"
    time, size = (
        [_mean(each, name) for each in (cells, single)]
        for name in ("forward_ms_1", "parameters")
    )
    milliseconds = f"{time[0]:.3g} instead of {time[1]:.3g} ms per picture"
    parameters = f"{size[0] / 1e6:.3g} instead of {size[1] / 1e6:.3g} million"
    times, sizes = (share(a / b if b else np.nan) for a, b in (time, size))
    if times == sizes:
        verb = "costs" if ours == 1 else "cost"
        return (
            f"{network} {verb} {times} {number(theirs)} ({milliseconds}, {parameters} "
            "parameters)."
        )
    takes, has = ("takes", "has") if ours == 1 else ("take", "have")
    return (
        f"{network} {takes} {times} the time of {number(theirs)} ({milliseconds}) and "
        f"{has} {sizes} their parameters ({parameters})."
    )


def _mean(cells: Sequence[Cell], name: str) -> float:
    return float(np.mean([getattr(cell.cost, name) for cell in cells]))


def number(count: int) -> str:
    """A number, in words up to twelve.

    >>> number(3), number(40)
    ('three', '40')
    """
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def share(ratio: float) -> str:
    """A ratio in words, before what it is a part of.

    >>> share(0.34), share(0.98), share(0.45), share(1.4)
    ('a third of', 'as much as', '45% of', '1.4 times')
    """
    if not np.isfinite(ratio):
        return "an unknown share of"
    if abs(ratio - 1) < _NEAR:
        return "as much as"
    nearest = min(_FRACTIONS, key=lambda fraction: abs(fraction - ratio))
    if abs(nearest - ratio) <= _NEAR * nearest:
        return f"{_FRACTIONS[nearest]} of"
    return f"{ratio:.0%} of" if ratio < 1 else f"{ratio:.2g} times"


# Quality


def _quality(result: DesignComparison, trunk: str, design: str) -> str:
    """What the differences of a design to `single` show."""
    of_design = [
        one for one in result.differences if (one.trunk, one.design) == (trunk, design)
    ]
    equal = [d.head for d in of_design if d.verdict == "no difference shown"]
    different = [
        _difference(result, one)
        for kind in ("worse", "better")
        for one in of_design
        if one.verdict == kind
    ]
    parts = [f"no difference was shown in {joined(equal)}"] if equal else []
    sentence = "; ".join([*parts, *different])
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else (
        "No head was compared."
    )  # fmt: skip


def _difference(result: DesignComparison, one: Difference) -> str:
    """A shown difference, relative to the errors of `single`."""
    tests = {
        mean.design: mean.test
        for mean in result.means
        if (mean.trunk, mean.head) == (one.trunk, one.head)
    }
    numbers = ""
    if {one.design, "single"} <= tests.keys():
        ours, theirs = (
            score(result, one.head, tests[d]) for d in (one.design, "single")
        )
        numbers = f" ({metric(result, one.head)} {ours} instead of {theirs})"
    percent = f"{abs(one.saved):.0%}" if abs(one.saved) >= 0.01 else "under 1%"
    if result.better_direction(one.head) == "lower":
        return f"in {one.head}, errors are {percent} {_size(one)}{numbers}"
    fewer = "fewer" if one.verdict == "better" else "more"
    return f"in {one.head} there are {percent} {fewer} mistakes{numbers}"


def _size(one: Difference) -> str:
    return "smaller" if one.verdict == "better" else "larger"


def metric(result: DesignComparison, head: str) -> str:
    """The name of a head's metric as reports write it."""
    return str(short_name(result.metric(head)))


def score(result: DesignComparison, head: str, value: float) -> str:
    """A score as text: errors have fewer digits than shares."""
    if np.isnan(value):
        return ""
    return (
        f"{value:.2f}" if result.better_direction(head) == "lower" else f"{value:.3f}"
    )


def _certainty(result: DesignComparison) -> str:
    """On how much the verdict rests."""
    seeds = len({cell.seed for cell in result.cells})
    pictures = counted(result.rows.get("test", 0), "test picture")
    chance = " Chance in training is left out: use --seeds 3." if seeds == 1 else ""
    return (
        f"Measured on {pictures} with {counted(seeds, 'seed')}; that no difference was "
        f"shown does not mean that there is none.{chance}"
    )
