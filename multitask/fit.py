"""How does one command make a network out of folders of labelled pictures?"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from multitask import options
from multitask.errors import UserError, command, nearest
from multitask.quiet import quiet_start
from multitask.recipe import FILE, Recipe

if TYPE_CHECKING:
    import pandas as pd

    from multitask.comparison import Comparison
    from multitask.head import Head
    from multitask.network import About
    from multitask.pictures import Pixels
    from multitask.pipeline import Batches
    from multitask.training import Outcome

Say = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a fit made: its folder, the comparison on the test part, how it ended."""

    folder: Path
    comparison: "Comparison"
    interrupted: bool


def fit(
    recipe: Recipe, out: str | Path, *, resume: bool = False, say: Say = print
) -> Run:
    """Train one network with many heads and write it, measured, into the folder `out`.

    The folder holds `network.keras`, `recipe.toml`, `history.csv`, `split.csv`,
    `skipped.csv`, `logs/` and `report/`. With `resume` it is one that a fit was
    stopped in, and `recipe` the one in it. `say` is given lines about what goes on.

    Raises UserError for whatever the user can mend.
    """
    from multitask import data, training

    out = Path(out).expanduser()
    if not resume:
        options.free(out)
    elif (out / "report" / "report.json").exists() and not training.begun(out):
        raise UserError(out, "is finished, there is nothing to resume")
    _check_names(recipe)
    recipe = replace(recipe, data=data.absolute(recipe.data))
    reading = data.read(recipe.data, out / "sample")
    for note in reading.notes:
        say(note)
    table = _limited(reading.table, recipe)
    heads = _heads(recipe, table)
    say(_coverage(table, data.labelled(heads, table)))
    about = _about(recipe, heads, reading.notes)
    table, pixels, unreadable = _pictures(table, about, recipe, out)
    table = _split(table, pixels, heads, recipe, out if resume else None)
    _all_learnt(heads, table)
    _write(out, recipe, table, [reading.skipped, unreadable], say)
    outcome = _train(about, recipe, table, pixels, out, resume)
    if outcome.interrupted:
        say(f"stopped after epoch {outcome.epochs}; --resume --out {out} goes on")
    say(f"best epoch {outcome.best_epoch}, trained in {outcome.precision}")
    # What `auto` chose belongs to the recipe that repeats the run.
    chosen = replace(recipe, precision=outcome.precision)
    (out / FILE).write_text(chosen.to_toml(), encoding="utf-8")
    comparison = _measure(out, table, pixels)
    if not outcome.interrupted:
        training.forget(out)
    return Run(folder=out, comparison=comparison, interrupted=outcome.interrupted)


def _check_names(recipe: Recipe) -> None:
    """Names are checked before the long work begins."""
    from multitask import augment, catalog, split, trunks

    trunks.check_size(
        recipe.trunk, recipe.image_size or trunks.trunk(recipe.trunk).size
    )
    augment.preset(recipe.augment)
    split.ratios(recipe.split)
    if recipe.heads:
        _check_weights(recipe, catalog.heads(recipe.heads, recipe.head))


def _check_weights(recipe: Recipe, heads: "Sequence[Head]") -> None:
    names = [head.name for head in heads]
    for key in (*recipe.loss_weights, *recipe.class_weights):
        if key not in (*names, "all"):
            raise UserError(
                "--loss-weights, --class-weights",
                f"no head {key!r}",
                nearest(key, names),
            )


def _about(
    recipe: Recipe, heads: "tuple[Head, ...]", notes: tuple[str, ...]
) -> "About":
    from multitask.network import About
    from multitask.trunks import trunk

    return About(
        trunk=recipe.trunk,
        size=recipe.image_size or trunk(recipe.trunk).size,
        crop=recipe.crop,
        heads=heads,
        mirror=recipe.mirror,
        notes=notes,
        recipe=recipe.plain(),
    )


def _pictures(
    table: "pd.DataFrame", about: "About", recipe: Recipe, out: Path
) -> "tuple[pd.DataFrame, Pixels, pd.DataFrame]":
    from multitask import pipeline

    spill = next(p for p in (out, *out.absolute().parents) if p.is_dir())
    return pipeline.load(table, about.side, recipe.memory, spill)


def _train(
    about: "About",
    recipe: Recipe,
    table: "pd.DataFrame",
    pixels: "Pixels",
    out: Path,
    resume: bool,
) -> "Outcome":
    from multitask import training

    train, val = (
        _batches(pixels, table[table["split"] == part], about, recipe, part)
        for part in ("train", "val")
    )
    return training.train(
        about, recipe, train, val if len(val.rows) else None, out, resume
    )


def _limited(table: "pd.DataFrame", recipe: Recipe) -> "pd.DataFrame":
    if not 0 < recipe.limit < len(table):
        return table
    chosen = table.sample(recipe.limit, random_state=recipe.seed)
    return chosen.sort_index().reset_index(drop=True)


def _heads(recipe: Recipe, table: "pd.DataFrame") -> "tuple[Head, ...]":
    """The heads asked for, or all that are labelled, with the recipe's weights."""
    from multitask import catalog

    asked = recipe.heads or catalog.labelled(table, recipe.head)
    heads = [head.resolve(table) for head in catalog.heads(asked, recipe.head)]
    _check_weights(recipe, heads)
    losses, classes = recipe.loss_weights, recipe.class_weights
    return tuple(
        replace(
            head,
            loss_weight=losses.get(head.name, losses.get("all", head.loss_weight)),
            class_weights=classes.get(
                head.name, classes.get("all", head.class_weights)
            ),
        )
        for head in heads
    )


def _coverage(table: "pd.DataFrame", counts: dict[str, int]) -> str:
    shown = ", ".join(f"{name} {n}" for name, n in counts.items())
    return f"{len(table)} pictures; labelled for {shown}"


def _split(
    table: "pd.DataFrame",
    pixels: "Pixels",
    heads: "tuple[Head, ...]",
    recipe: Recipe,
    resumed: Path | None,
) -> "pd.DataFrame":
    """The table with its `split` column filled: from split.csv when resumed."""
    from multitask import split
    from multitask.table import read_csv

    if resumed:
        before = read_csv(resumed / "split.csv").set_index("path")["split"]
        parts = table["path"].map(before)
        if parts.isna().any() or len(before) != len(table):
            raise UserError(
                resumed / "split.csv",
                f"lists {len(before)} pictures, the data now holds {len(table)} and "
                f"{int(parts.isna().sum())} of them are new",
                "a run can only be resumed on the data it began with",
            )
        return table.assign(split=parts)
    shares = split.ratios(recipe.split)
    members = split.groups(table, split.hashes(pixels[i] for i in table.index))
    return table.assign(split=split.split(table, heads, members, shares, recipe.seed))


def _all_learnt(heads: "tuple[Head, ...]", table: "pd.DataFrame") -> None:
    """A class that is only measured can't be answered: say so before training."""
    train = table["split"] == "train"
    for head in heads:
        strata = head.strata(table)
        missing = strata.columns[strata.any() & ~strata[train].any()]
        if head.form == "number" and strata[train].any(axis=None):
            continue  # a number can be answered between those that were seen
        if len(missing):
            raise UserError(
                head.where,
                f"{', '.join(map(str, missing))} occurs, but never in training",
                "give more pictures or a larger training share",
            )


def _write(
    out: Path,
    recipe: Recipe,
    table: "pd.DataFrame",
    set_aside: "list[pd.DataFrame]",
    say: Say,
) -> None:
    """Begin the run's folder: what it learns from, and what was set aside."""
    import pandas as pd

    from multitask.table import write_csv

    try:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(table[["path", "split"]], out / "split.csv")
        skipped = pd.concat(set_aside, ignore_index=True)
        write_csv(skipped, out / "skipped.csv")
        # Last: a folder with a recipe is a run that can be resumed.
        (out / FILE).write_text(recipe.to_toml(), encoding="utf-8")
    except OSError as error:
        raise UserError(out, f"can't be written: {error.strerror}") from None
    if len(skipped):
        say(f"{len(skipped)} set aside, listed in {out / 'skipped.csv'}")


def _batches(
    pixels: "Pixels",
    table: "pd.DataFrame",
    about: "About",
    recipe: Recipe,
    part: str,
) -> "Batches":
    from multitask.pipeline import Batches

    encoded = {}
    for head in about.heads:
        encoded[head.name] = head.encode(table)
        if part == "train" and head.class_weights == "balanced":
            encoded[head.name] = head.balanced(table, encoded[head.name])
    return Batches(
        pixels=pixels,
        rows=table.index.to_numpy(),
        encoded=encoded,
        batch_size=min(recipe.batch_size, max(1, len(table))),
        size=about.size,
    )


def _measure(out: Path, table: "pd.DataFrame", pixels: "Pixels") -> "Comparison":
    """Calibrate the saved network on the validation part, report on the test part."""
    import pandas as pd

    from multitask import comparison, network
    from multitask.analyzer import Analyzer
    from multitask.training import HISTORY

    analyzer = Analyzer.load(out)
    val = table[table["split"] == "val"]
    if len(val):
        outputs = analyzer.outputs(pixels, val.index.to_numpy())
        heads = [h.calibrate(val, outputs[h.name]) for h in analyzer.heads]
        if tuple(heads) != analyzer.heads:
            analyzer = Analyzer(analyzer.model, analyzer.about.with_heads(heads))
            network.save(analyzer.model, analyzer.about, out / network.FILE)
    part = next(p for p in ("test", "val", "train") if (table["split"] == p).any())
    labels = table[table["split"] == part]
    history = out / HISTORY
    result = comparison.Comparison(
        title=out.name,
        split=part,
        labels=labels,
        answers=analyzer.answers(pixels, labels.index.to_numpy()),
        heads=analyzer.heads,
        notes=analyzer.notes,
        history=pd.read_csv(history) if history.exists() else None,
    )
    comparison.write(result, out / "report")
    return result


def parser() -> argparse.ArgumentParser:
    """The command's options: one for every setting of a recipe, and where to write."""
    made = argparse.ArgumentParser(
        prog="multitask fit", description="Train one network with many heads."
    )
    options.add(made)
    made.add_argument("--out", metavar="FOLDER", help="the run's folder; must be new")
    made.add_argument(
        "--resume", action="store_true", help="go on with the stopped run in --out"
    )
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask fit`; returns the exit status."""
    arguments = parser().parse_args(argv)
    if arguments.resume:
        recipe, out = _resumed(arguments)
    else:
        recipe = options.read(arguments)
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        out = Path(arguments.out or Path("runs") / stamp)
    quiet_start()
    run = fit(recipe, out, resume=arguments.resume)
    from multitask.reports import numbers

    print(numbers.text(run.comparison))
    print(f"written to {run.folder}, see {run.folder / 'report' / 'index.html'}")
    return 130 if run.interrupted else 0


def _resumed(arguments: argparse.Namespace) -> tuple[Recipe, Path]:
    from multitask import recipe

    if not arguments.out:
        raise UserError("--resume", "names no run", "add --out with the run's folder")
    out = Path(arguments.out).expanduser()
    if not (out / FILE).is_file():
        raise UserError(out, f"holds no {FILE}, is no run to resume")
    extra = sorted(options.given(arguments)) + ["recipe"] * bool(arguments.recipe)
    if extra:
        raise UserError(
            f"--resume with {', '.join(extra)}",
            "a run goes on with the recipe it began with",
            "leave the other options out",
        )
    return recipe.recipe(recipe.read(out / FILE), str(out / FILE)), out


if __name__ == "__main__":
    sys.exit(main())
