"""Do a line and the live table say what an epoch gave, and of which part?"""

import io
from typing import Any

import pytest
from rich.console import Console

from multitask.terminal.figures import Snapshot, digits, duration, line, render

QUANTITIES = {
    "loss": "loss",
    "age mae": "age_mae",
    "gender accuracy": "gender_accuracy",
}
FIGURES = {
    "epoch": 3, "seconds": 12.3, "loss": 5.213, "val_loss": 4.98, "age_mae": 9.82,
    "val_age_mae": 8.1, "gender_accuracy": 0.8234, "val_gender_accuracy": 0.84,
    "age_loss": 3.0, "val_age_loss": 2.5,
}  # fmt: skip


def text(snapshot, width=80, height=24):
    """What a terminal of this size shows."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None)
    console.print(render(snapshot, height))
    return file.getvalue().splitlines()


def snapshot(**changes):
    """Half an epoch after the figures above, of which the best were an epoch before."""
    values: dict[str, Any] = {
        "quantities": QUANTITIES,
        "epoch": 4,
        "epochs": 16,
        "done": 0.21875,
        "left": "3:12 left",
        "train": {"loss": 5.0, "age_mae": 9.5, "gender_accuracy": 0.85},
        "validation": FIGURES,
        "best": FIGURES | {"epoch": 2, "val_loss": 4.9},
    }
    return Snapshot(**(values | changes))


def test_a_line_names_each_figure_and_its_part():
    assert line(FIGURES, QUANTITIES, 16) == (
        "epoch 3/16  12 s  loss 5.21 (validation 4.98)  age mae 9.82 (validation 8.10)"
        "  gender accuracy 0.823 (validation 0.840)"
    )


def test_a_line_without_validation_has_the_figures_of_training():
    figures = {"epoch": 1, "seconds": 0.44, "loss": 5.2}
    assert line(figures, QUANTITIES, 3) == "epoch 1/3  0.4 s  loss 5.20"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal_and_ends_with_the_bar(width):
    head, loss, age, gender, bar = text(snapshot(title="fold 2 of 5"), width)
    assert head.split("  ")[0] == "fold 2 of 5"
    assert head.split()[-5:] == ["training", "validation", "best:", "epoch", "2"]
    assert loss.split() == ["loss", "5.00", "4.98", "4.90"]
    assert age.split() == ["age", "mae", "9.50", "8.10", "8.10"]
    assert gender.split() == ["gender", "accuracy", "0.850", "0.840", "0.840"]
    assert bar.startswith("epoch 4/16 ━")
    assert bar.endswith(" 22%  3:12 left")
    assert len(bar) == width


def test_before_the_first_epoch_is_done_there_is_no_validation_to_show():
    lines = text(snapshot(validation={}, best={}))
    assert lines[0].split() == ["training"]
    assert lines[1].split() == ["loss", "5.00"]


def test_the_table_is_cut_to_the_height_of_the_terminal_and_keeps_its_bar():
    many = {f"head{i} accuracy": f"head{i}_accuracy" for i in range(40)}
    lines = text(snapshot(quantities=many), height=12)
    assert len(lines) < 12
    assert lines[-1].startswith("epoch 4/16")


def test_the_end_leaves_the_figures_without_the_bar():
    assert len(text(snapshot(ended=True))) == 4


def test_figures_have_about_three_digits_and_times_are_those_of_a_clock():
    assert [digits(v) for v in (-0.5, 1.0, 9.999, 1234.5)] == [
        "-0.500",
        "1.00",
        "10.00",
        "1,234",
    ]
    assert [duration(s) for s in (59.6, 3600)] == ["1:00", "1:00:00"]
