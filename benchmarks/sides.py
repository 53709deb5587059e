"""How are two sides compared, and how is the result shown?"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The input of every measure: pictures in UTKFace's layout, and how much to do."""

    paths: tuple[str, ...]
    rounds: int = 5  # in which ours and theirs alternate
    batch_size: int = 64
    batches: int = 10  # of the generator per round; twenty times as many of ours
    trained: int = 2000  # pictures of a short training
    epochs: int = 3  # of this training; the first one warms up
    calls: int = 15  # of each network per round
    peak_pictures: int = 20_000
    huge_side: int = 9999  # of square pictures, in pixels
    frozen_trunk: str = "resnet50"
    frozen_size: int = 0  # of its pictures; 0: its default
    frozen_epochs: int = 20
    compared_epochs: int = 6
    trials: int = 6
    table_rows: int = 200_000
    report_rows: int = 20_000
    streamed: int = 100_000


@dataclass(frozen=True)
class Target:
    """A lower or upper bound of a ratio."""

    sign: Literal[">=", "<="]
    bound: float

    def met(self, ratio: float) -> bool:
        return ratio >= self.bound if self.sign == ">=" else ratio <= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: two sides with one figure per round, and their ratios.

    The ratio is ours / theirs, or with `inverse` theirs / ours.
    """

    what: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    target: Target | None = None
    inverse: bool = False

    @property
    def ratios(self) -> list[float]:
        """The ratio (rounds,) of each round, its sides under equal conditions."""
        sides = zip(self.ours, self.theirs, strict=True)
        return [t / o if self.inverse else o / t for o, t in sides]

    def cells(self) -> list[str]:
        """The line's cells, in the order of `HEADER`."""
        ratios, middle = self.ratios, median(self.ratios)
        verdict = "-"
        if self.target:
            verdict = "met" if self.target.met(middle) else "missed"
        return [
            self.what,
            f"{median(self.ours):,.4g} {self.unit}",
            f"{median(self.theirs):,.4g} {self.unit}",
            f"{middle:.3g} ({min(ratios):.3g}..{max(ratios):.3g})",
            str(self.target or "-"),
            verdict,
        ]


HEADER = ["what", "ours", "theirs", "ratio", "target", ""]


def table(rows: Sequence[Row]) -> str:
    """The lines as a Markdown table."""
    lines = [HEADER, ["---"] * len(HEADER), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def take_turns(
    rounds: int, *sides: Callable[[], float], warm: bool = True
) -> list[list[float]]:
    """Figures (sides, rounds) of sides that take turns: A B, A B, ...

    So other load on the machine slows all sides alike. With `warm`, each side has an
    unmeasured turn first.
    """
    if warm:
        for side in sides:
            side()
    figures = [[side() for side in sides] for _ in range(rounds)]
    return [list(side) for side in zip(*figures, strict=True)]


def seconds(work: Callable[[], object]) -> float:
    """How many seconds `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
