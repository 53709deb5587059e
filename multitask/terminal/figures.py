"""What does a training show of its epochs: a table and a bar, or a line each?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Figures = Mapping[str, float]  # of an epoch, those of the validation as `val_loss`
VALIDATION = "val_"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """How far a training is.

    `quantities` are the keys of what is shown, by their names: `{"loss": "loss"}`.
    `train` are the figures of the epoch under way, `validation` those of the last one
    that was done, and `best` those of the best one.
    """

    title: str = ""  # which of several trainings this is
    quantities: Mapping[str, str]
    epoch: int  # under way, from 1
    epochs: int
    done: float  # share of the whole training, 0 to 1
    left: str = ""  # the remaining time, in words
    train: Figures = field(default_factory=dict)
    validation: Figures = field(default_factory=dict)
    best: Figures = field(default_factory=dict)
    ended: bool = False


def line(figures: Figures, quantities: Mapping[str, str], epochs: int) -> str:
    """One line on an epoch.

    >>> figures = {"epoch": 3, "seconds": 12.3, "loss": 5.213, "val_loss": 4.98}
    >>> line(figures, {"loss": "loss"}, 16)
    'epoch 3/16  12 s  loss 5.21 (validation 4.98)'
    """
    seconds = figures["seconds"]
    time = f"{seconds:.{int(seconds < 10)}f} s"  # 0.4 s and 12 s
    texts = [f"epoch {int(figures['epoch'])}/{epochs}", time]
    for name, key in quantities.items():
        if key in figures:
            text = f"{name} {digits(figures[key])}"
            if VALIDATION + key in figures:
                text += f" (validation {digits(figures[VALIDATION + key])})"
            texts.append(text)
    return "  ".join(texts)


def digits(value: float | None) -> str:
    """A figure with three digits, or four where fewer say little.

    >>> [digits(value) for value in (0.8234, 5.2, 14.62, 146.2, None)]
    ['0.823', '5.20', '14.6', '146', '']
    """
    if value is None:
        return ""
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{decimals}f}"


def duration(seconds: float) -> str:
    """A time as a clock shows it.

    >>> duration(9), duration(192), duration(3725)
    ('0:09', '3:12', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def render(snapshot: Snapshot, height: int) -> Any:
    """A snapshot for `rich`: a table of figures and, until the end, the bar.

    It takes no more than `height` lines, as a terminal can't draw more anew.
    """
    from rich.console import Group

    figures = _table(snapshot, height - 3)
    return figures if snapshot.ended else Group(figures, _bar(snapshot))


def _table(snapshot: Snapshot, most: int) -> Any:
    from rich.table import Table

    best = int(snapshot.best.get("epoch", 0))
    validated = VALIDATION + "loss" in snapshot.best
    table = Table(box=None, pad_edge=False)
    table.add_column(snapshot.title, no_wrap=True)
    table.add_column("training", justify="right", no_wrap=True)
    if validated:
        table.add_column("validation", justify="right", no_wrap=True)
        table.add_column(f"best: epoch {best}", justify="right", no_wrap=True)
    prefix = VALIDATION if validated else ""
    for name, key in list(snapshot.quantities.items())[: max(1, most)]:
        cells = [digits(snapshot.train.get(key))]
        if validated:
            cells += [
                digits(of.get(prefix + key))
                for of in (snapshot.validation, snapshot.best)
            ]
        table.add_row(name, *cells)
    return table


def _bar(snapshot: Snapshot) -> Any:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(no_wrap=True)
    grid.add_row(
        f"epoch {snapshot.epoch}/{snapshot.epochs}",
        ProgressBar(total=1.0, completed=snapshot.done),
        f"{snapshot.done:.0%}  {snapshot.left}".rstrip(),
    )
    return grid
