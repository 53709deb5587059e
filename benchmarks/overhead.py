"""What do a comparison and a sweep cost beside the trainings that they are made of?"""

from dataclasses import replace
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
    """Seconds of `compare` or `sweep`, and of what they train, one turn each.

    For a comparison that is a `fit`, with its report, for each of its five networks; a
    network of one head stands for the merged one. For a sweep it is its own trials,
    from each one's start to its end.
    """
    file = temporary / "faces.csv"
    table(setting.paths[: setting.trained]).to_csv(file, index=False)
    recipe = Recipe(
        heads=("age", "gender", "race"),
        data=(f"faces=table:{file}",),
        epochs=setting.compared_epochs,
        precision="float32",
    )
    trained = [("age",), ("gender",), ("race",), ("race",), recipe.heads]
    merges = ("gender+race",)
    whole = seconds(
        lambda: compare(recipe, temporary / "c", merges=merges, say=_silent)
    )
    fits = [
        seconds(
            lambda heads=heads, number=number: _fit(
                replace(recipe, heads=heads), temporary / f"fit-{number}"
            )
        )
        for number, heads in enumerate(trained)
    ]
    rates = ",".join(str(0.0005 + 0.0002 * n) for n in range(setting.trials))
    vary, out = [f"learning-rate={rates}"], temporary / "sweep"
    all_trials = seconds(
        lambda: sweep(recipe, out, vary=vary, grid=True, prune=False, say=_silent)
    )
    return [
        Row(
            what="compare, three designs: its time, or that of five fits",
            unit="s",
            ours=[whole],
            theirs=[sum(fits)],
            target=Target("<=", 1.1),
        ),
        Row(
            what=f"sweep, {setting.trials} trials: its time, or that of the trials",
            unit="s",
            ours=[all_trials],
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
    """Seconds between the first file of each trial and its last."""
    return sum(
        file.stat().st_mtime - (file.parent / RECIPE).stat().st_mtime
        for file in out.glob(f"*/{TRIAL}")
    )
