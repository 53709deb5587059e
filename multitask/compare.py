"""Is one network as good as many, on these pictures, and what does each cost?"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multitask.cli import options
from multitask.cli.quiet import import_tensorflow
from multitask.contracts import run
from multitask.contracts.errors import Parser, UserError, command, nearest
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import SPLIT
from multitask.contracts.saving import reporting_write_errors

if TYPE_CHECKING:
    import pandas as pd

    from multitask.comparison.runner import DesignRunner
    from multitask.contracts.head import Array

Say = Callable[[str], object]
Plain = dict[str, Any]
DESIGNS = (
    "single",
    "merged",
    "multi",
)  # see comparison/designs.py


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is compared: designs on trunks, each so often with another seed."""

    designs: tuple[str, ...] = DESIGNS
    trunks: tuple[str, ...] = ()
    merges: tuple[str, ...] = ()
    seeds: int = 1

    def __post_init__(self) -> None:
        for design in self.designs:
            if design not in DESIGNS:
                raise UserError(
                    "--designs", f"no design {design!r}", nearest(design, DESIGNS)
                )
        for option, names in ("--designs", self.designs), ("--trunks", self.trunks):
            if len(set(names)) < len(names):
                raise UserError(option, f"names {max(names, key=names.count)} twice")
        if self.seeds < 1:
            raise UserError("--seeds", f"is {self.seeds}, must be 1 or more")
        if "merged" in self.designs and not self.merges:
            raise UserError(
                "--designs",
                "merged needs heads to merge",
                "add --merge A+B, or take --designs single,multi",
            )
        if self.merges and "merged" not in self.designs:
            raise UserError("--merge", "has no effect without the design merged")
        joined = list(chain(*(merge.split("+") for merge in self.merges)))
        for name in joined:
            if joined.count(name) > 1:
                raise UserError(
                    "--merge",
                    f"joins {name} twice",
                    "each head has one answer",
                )


def compare(
    recipe: Recipe,
    out: str | Path,
    asked: Asked,
    *,
    dry: bool = False,
    say: Say = print,
) -> Plain:
    """Train designs of networks on the same split, and measure answers and cost.

    Writes `compare.json`, `compare.csv` and `index.html` into the folder `out`, and a
    folder a network, so that a comparison that was stopped goes on when it is asked
    for again. Returns what `compare.json` holds. A `dry` one trains nothing and leaves
    no comparison, says what would be trained and about how long that takes, and returns
    the cells without results.

    Raises UserError for whatever the user can mend.
    """
    from multitask.comparison.runner import design_runner as make_bench
    from multitask.experiments.checks import check_inputs
    from multitask.reports import comparison

    trunks = asked.trunks or (recipe.trunk,)
    _check(recipe, trunks)
    for name in trunks:  # the last one is too late to learn of it
        check_inputs(replace(recipe, trunk=name))
    out = Path(out).expanduser()
    settings = {**recipe.plain(), "compare": _listed(asked)}
    begun = run.same_work(out, settings, "comparison", "compare")
    before: Path | pd.DataFrame | None = None
    if begun and (out / SPLIT).exists():
        before = out / SPLIT
    cells: list[Plain] = []
    groups: dict[str, Array] = {}
    seconds = 0.0
    for name in trunks:
        bench = make_bench(replace(recipe, trunk=name), out, asked.merges, say, before)
        before = bench.parts
        designs = asked.designs
        if len(bench.heads) == 1 < len(designs):
            raise UserError(
                "--heads",
                f"is {bench.heads[0].name}, for which all designs have one network",
                "name more heads, or one of --designs",
            )
        if dry:
            found, more = bench.estimated(designs, asked.seeds)
            seconds += more
            cells += found
            continue
        if not begun:  # not before all is known to be right
            _begin(bench, trunks, settings)
            begun = True
        bench, groups[name] = bench.settled(), bench.groups
        try:
            for seed in range(asked.seeds):
                for design in designs:
                    cells.append(bench.cell(design, seed, say))
        except KeyboardInterrupt:
            say("stopped; the same command goes on")
            raise
    if dry:
        less = "; less, as what is frozen is computed once" * _kept_once(recipe)
        minutes = max(1, round(seconds / 60))
        about = f"{minutes:,} minute" + "s" * (minutes > 1)
        say(f"about {about}, by the time of a few steps{less}")
        return {"cells": cells}
    document = _document(bench, cells, groups, asked)
    comparison.write(document, out)
    return document


def _begin(bench: "DesignRunner", trunks: tuple[str, ...], settings: Plain) -> None:
    """Make the folder of a comparison, if all trunks can do what is asked."""
    from multitask.contracts.table import write_csv

    bench.check(trunks)
    run.begin(bench.out, settings)
    with reporting_write_errors(bench.out):
        write_csv(bench.parts, bench.out / SPLIT)


def _document(
    bench: "DesignRunner", cells: list[Plain], groups: "dict[str, Array]", asked: Asked
) -> Plain:
    """What `compare.json` holds."""
    from multitask.comparison import differences
    from multitask.comparison.runner import PARTS
    from multitask.experiments.notes import frozen_notes

    prepared = bench.prepared
    rows = {part: int((bench.table["split"] == part).sum()) for part in PARTS}
    return {
        "title": bench.out.name,
        "rows": rows,
        "metrics": {h.name: h.metric for h in bench.heads},
        "cells": cells,
        "means": differences.means(bench.out, cells, bench.heads, groups),
        "differences": differences.to_single(bench.out, cells, bench.heads, groups),
        "notes": [
            *prepared.spec.notes,
            *frozen_notes(prepared.recipe),
            f"Of the pictures {rows['train']:,} were trained on, {rows['val']:,} chose "
            f"the epoch, and {rows['test']:,} measured. With --split and this folder's "
            "split.csv another comparison has the same parts.",
            *_notes(asked, prepared.recipe),
        ],
    }


def _check(recipe: Recipe, trunks: tuple[str, ...]) -> None:
    """Raise UserError for settings that designs or trunks can't share."""
    if recipe.folds:
        raise UserError("--folds", "has no effect on a comparison", "use --seeds")
    if recipe.mixing.classes:
        raise UserError(
            "--mix",
            "classes of one head are not known to every network of a comparison",
            f"use --class-weights {recipe.mixing.classes}=balanced",
        )
    if len(trunks) > 1 and recipe.weights not in ("none", "imagenet"):
        raise UserError(
            "--weights",
            f"is a file, which can't be of {len(trunks)} trunks",
            "compare the trunks one by one",
        )


def _kept_once(recipe: Recipe) -> bool:
    """Whether what is frozen is computed once a picture, not at each step."""
    return recipe.caches_features


def _listed(asked: Asked) -> Plain:
    """What makes a comparison the same; more seeds go on with it."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in vars(asked).items()
        if key != "seeds"
    }


def _epochs(recipe: Recipe) -> str:
    """How long each network learnt."""
    count = sum(stage.epochs for stage in recipe.stages())
    epochs = f"{count} epoch" + "s" * (count > 1)
    if not recipe.patience:
        return epochs
    return (
        f"at most {epochs} (each stopped by itself after {recipe.patience} without "
        "gain, and its seconds and pictures are of those it had)"
    )


def _notes(asked: Asked, recipe: Recipe) -> list[str]:
    notes = [
        f"All networks learnt from the same split, in {_epochs(recipe)}; one that "
        "lacks a label learnt nothing from that picture. Scores of the training part "
        "are of as many pictures as the test part has, taken by lot.",
        "Intervals are of 95%, by the bootstrap over the test part, in which pictures "
        "of one person, or nearly alike, are drawn together; those of differences are "
        "paired. With several seeds they are of the mean over seeds, and wider by "
        "Student's t times its standard error: few seeds tell little of chance in "
        "training. Of many differences, one in twenty is shown where there is none.",
        "A memory peak is the most that the process held while it trained, all "
        "pictures among it and what networks before have left, so an upper bound. It "
        "is not known of a network whose training was stopped.",
    ]
    if not recipe.batch_size:
        notes.append(
            "Each network has the batch size that fit takes for as many labelled "
            "pictures."
        )
    if _kept_once(recipe):
        notes.append(
            "Seconds of training are those of the epochs: what is frozen was computed "
            "before, once for all networks"
            + (" of a seed." if recipe.weights == "none" else ".")
        )
    if asked.seeds == 1:
        notes.append(
            "There was one seed: how much chance in training adds is not in the "
            "intervals. --seeds 3 tells something of it."
        )
    elif asked.seeds == 2:
        notes.append(
            "Two seeds tell so little of chance in training that intervals are too "
            "wide to show much: take three or more."
        )
    return notes


def parser() -> argparse.ArgumentParser:
    """The command's options: those of fit, and what is compared."""
    made = Parser(
        prog="multitask compare",
        description="Compare one network against many, in quality and cost.",
    )
    made.add_argument(
        "--designs",
        metavar="A,B",
        help=f"of {', '.join(DESIGNS)}; by default all, merged only with --merge",
    )
    made.add_argument("--trunks", metavar="A,B", help="by default the recipe's trunk")
    made.add_argument(
        "--merge",
        action="append",
        default=[],
        metavar="A+B",
        help="heads that the merged design joins (may be repeated)",
    )
    made.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="repeats, each by another seed",
    )
    made.add_argument(
        "--dry-run",
        action="store_true",
        help="list what would be trained, and how long",
    )
    options.add(made, without=("folds",))
    made.add_argument(
        "--out", metavar="FOLDER", help="a folder, to go on in if it is one"
    )
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask compare`; returns the exit status."""
    arguments = parser().parse_args(argv)
    usual = DESIGNS if arguments.merge else ("single", "multi")
    asked = Asked(
        designs=_names(arguments.designs) or usual,
        trunks=_names(arguments.trunks),
        merges=tuple(arguments.merge),
        seeds=arguments.seeds,
    )
    recipe = options.read(arguments)
    out = options.default_folder(arguments.out, "compare-")
    import_tensorflow()
    document = compare(recipe, out, asked, dry=arguments.dry_run)
    from multitask.reports import comparison

    if arguments.dry_run:
        for cell in document["cells"]:
            print(f"{cell['design']:8} {cell['trunk']}: {', '.join(cell['networks'])}")
        return 0
    print(comparison.text(document))
    print(f"written to {out}, see {out / 'index.html'}")
    return 0


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


if __name__ == "__main__":
    sys.exit(main())
