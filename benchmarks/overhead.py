"""How much time do a comparison and a sweep take beside their trainings?"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import keras

from benchmarks.faces import table
from benchmarks.sides import Row, Setting, Target, seconds
from multitask.comparison.study import compare
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import RECIPE
from multitask.experiments.run import fit
from multitask.tuning.storage import TRIAL
from multitask.tuning.sweep import sweep


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """Seconds of `compare` or `sweep`, and of their trainings, measured once each.

    The trainings of a comparison are five calls of `fit`, including reports, one for
    each of its networks; a network with one head stands for the merged one. Those of a
    sweep are its own trials, each from start to end.
    """
    file = temporary / "faces.csv"
    table(setting.paths[: setting.trained]).to_csv(file, index=False)
    recipe = Recipe(
        heads=("age", "gender", "race"),
        data=(f"faces=table:{file}",),
        epochs=setting.compared_epochs,
        precision="float32",
    )
    head_lists = [("age",), ("gender",), ("race",), ("race",), recipe.heads]
    merges = ("gender+race",)
    comparison = seconds(
        lambda: compare(recipe, temporary / "c", merges=merges, say=_silent)
    )
    fits = [
        seconds(
            partial(_fit, replace(recipe, heads=heads), temporary / f"fit-{number}")
        )
        for number, heads in enumerate(head_lists)
    ]
    rates = ",".join(str(0.0005 + 0.0002 * n) for n in range(setting.trials))
    vary, out = [f"learning-rate={rates}"], temporary / "sweep"
    whole_sweep = seconds(
        lambda: sweep(recipe, out, vary=vary, grid=True, prune=False, say=_silent)
    )
    return [
        Row(
            what="compare, three designs: its time, or that of five fits",
            unit="s",
            ours=[comparison],
            theirs=[sum(fits)],
            target=Target("<=", 1.1),
        ),
        Row(
            what=f"sweep, {setting.trials} trials: its time, or that of the trials",
            unit="s",
            ours=[whole_sweep],
            theirs=[_in_trials(out)],
            target=Target("<=", 1.02),
        ),
    ]


def _silent(line: str) -> None:
    """Say nothing."""


def _fit(recipe: Recipe, out: Path) -> None:
    keras.utils.clear_session()
    fit(recipe, out, say=_silent)


def _in_trials(out: Path) -> float:
    """Seconds from the first to the last file of each trial, in total."""
    return sum(
        file.stat().st_mtime - (file.parent / RECIPE).stat().st_mtime
        for file in out.glob(f"*/{TRIAL}")
    )
