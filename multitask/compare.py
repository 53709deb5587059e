"""Is one network as good as many, on these pictures, and what does each cost?"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from multitask import options
from multitask.errors import Parser, UserError, command, nearest
from multitask.folder import put, writing
from multitask.quiet import quiet_start
from multitask.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from multitask.analyzer import Analyzer
    from multitask.designs import Merged, Plan
    from multitask.head import Array, Head
    from multitask.prepare import Prepared

Say = Callable[[str], object]
Plain = dict[str, Any]
DESIGNS = ("single", "merged", "multi")  # multitask/designs.py has what they train
PARTS = ("train", "val", "test")
_RESULT, _SCORES = "result.json", "scores.npz"
_CALLS = 15  # of a network that is timed
_EVERY = 0.1  # seconds between two looks at the memory
_TRIAL = 3  # steps of a network that an estimate is made from


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is compared: designs on trunks, each so often with another seed."""

    designs: tuple[str, ...] = DESIGNS
    trunks: tuple[str, ...] = ()
    merges: tuple[str, ...] = ()
    seeds: int = 1
    pairs: bool = False  # in place of designs: single, and each two heads together

    def __post_init__(self) -> None:
        if self.pairs and self.merges:
            raise UserError("--merge", "has no effect with --pairs")
        for design in self.designs:
            if design not in DESIGNS:
                raise UserError(
                    "--designs", f"no design {design!r}", nearest(design, DESIGNS)
                )
        if self.seeds < 1:
            raise UserError("--seeds", f"is {self.seeds}, must be 1 or more")
        if "merged" in self.designs and not self.merges and not self.pairs:
            raise UserError(
                "--designs",
                "merged needs heads to merge",
                "add --merge A+B, or take --designs single,multi",
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
    from multitask.designs import pairs
    from multitask.prepare import possible
    from multitask.reports import _compare

    _check(recipe)
    for name in asked.trunks:  # the last one is too late to learn of it
        possible(replace(recipe, trunk=name))
    out = Path(out).expanduser()
    settings = {**recipe.plain(), "compare": _listed(asked)}
    begun = dry or options.holds(out, settings, "comparison")
    cells: list[Plain] = []
    parts: pd.Series[str] | None = None
    seconds = 0.0
    for name in asked.trunks or (recipe.trunk,):
        bench = _bench(replace(recipe, trunk=name), out, asked, parts, say)
        parts = bench.table.set_index("path")["split"]
        designs = ("single", *pairs(bench.heads)) if asked.pairs else asked.designs
        if not begun:  # not before all is known to be right
            options.begin(out, settings)
            begun = True
        if dry:
            found, more = bench.estimated(designs, asked.seeds)
            seconds += more
            cells += found
            continue
        for seed in range(asked.seeds):
            for design in designs:
                cells.append(bench.cell(design, seed, say))
    if dry:
        less = "; less, as what is frozen is computed once" * _kept_once(recipe)
        say(f"about {seconds / 60:,.0f} minutes, by the time of a few steps{less}")
        return {"cells": cells}
    document = _document(bench, cells, asked)
    _compare.write(document, out)
    return document


def _document(bench: "_Bench", cells: list[Plain], asked: Asked) -> Plain:
    """What `compare.json` holds."""
    from multitask.prepare import frozen_notes

    prepared = bench.prepared
    return {
        "title": bench.out.name,
        "rows": {part: int((bench.table["split"] == part).sum()) for part in PARTS},
        "metrics": {h.name: h.metric for h in bench.heads},
        "cells": cells,
        "differences": _differences(bench.out, cells, bench.heads),
        "pairs": asked.pairs,
        "notes": [
            *prepared.about.notes,
            *frozen_notes(prepared.recipe),
            *_notes(asked, prepared.recipe),
        ],
    }


def _check(recipe: Recipe) -> None:
    """Raise UserError for settings that designs can't share."""
    if recipe.folds:
        raise UserError("--folds", "has no effect on a comparison", "use --seeds")
    if recipe.oversample:
        raise UserError(
            "--oversample",
            "is by one head, which not every network of a comparison has",
            f"use --class-weights {recipe.oversample}=balanced",
        )


def _kept_once(recipe: Recipe) -> bool:
    """Whether what is frozen is computed once a picture, not at each step."""
    return recipe.freeze != "none" and recipe.views > 0


def _listed(asked: Asked) -> Plain:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in vars(asked).items()
        if key != "pairs" or value
    }


def _notes(asked: Asked, recipe: Recipe) -> list[str]:
    notes = [
        "All networks learnt from the same split, in the same epochs; one that lacks a "
        "label learnt nothing from that picture. Scores of the training part are of as "
        "many pictures as the test part has, taken by lot.",
        "Intervals are of 95%, by the bootstrap over test pictures; those of "
        "differences are paired, and also over seeds, if there are several.",
        "A memory peak is the process's while it trained, less what it held before.",
    ]
    if _kept_once(recipe):
        notes.append(
            "Seconds of training are those of the epochs: what is frozen was computed "
            "before, once for all networks."
        )
    if asked.pairs:
        notes.append(
            "A head is helped by another if the two together, on one trunk, leave it "
            "fewer errors than it has alone (Standley et al. 2020, Which Tasks Should "
            "Be Learned Together in Multi-task Learning?)."
        )
    if asked.seeds == 1:
        notes.append(
            "There was one seed: how much chance in training adds is not in the "
            "intervals. --seeds 3 shows it."
        )
    return notes


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """A trunk with all that its networks share: pictures, split, heads, merges."""

    prepared: "Prepared"
    table: "pd.DataFrame"
    merges: "tuple[Merged, ...]"
    out: Path

    @property
    def heads(self) -> "tuple[Head, ...]":
        return self.prepared.about.heads

    @property
    def trunk(self) -> str:
        return self.prepared.about.trunk

    def cell(self, design: str, seed: int, say: Say) -> Plain:
        """The result of a design: of all its networks together."""
        from multitask.designs import plans

        results = [
            self._result(plan, seed, say)
            for plan in plans(design, self.heads, self.merges)
        ]
        costs = [result["cost"] for result in results]
        return {
            "design": design,
            "trunk": self.trunk,
            "seed": seed,
            "networks": [result["name"] for result in results],
            "heads": {k: v for r in results for k, v in r["heads"].items()},
            "cost": {
                key: max(each) if key == "peak_mb" else sum(each)
                for key in costs[0]
                for each in [[cost[key] for cost in costs]]
            },
        }

    def _result(self, plan: "Plan", seed: int, say: Say) -> Plain:
        """Train and measure a network, unless that is done."""
        name = f"{self.trunk}-{seed}-{plan.name}"
        folder = self.out / name
        if (folder / _RESULT).exists():
            found: Plain = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
            return found
        say(f"training {name}")
        result, scores = self._trained(plan, seed, folder)
        import numpy as np

        np.savez(folder / _SCORES, **scores)
        put(folder / _RESULT, json.dumps({"name": name, **result}, indent=1))
        return {"name": name, **result}

    def _trained(self, plan: "Plan", seed: int, folder: Path) -> "tuple[Plain, Any]":
        from multitask import training
        from multitask.analyzer import Analyzer
        from multitask.table import write_csv

        made, table = self._prepared(plan, seed)
        train, val = made.training(table), made.validation(table)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # The pictures of all: what another network learnt is no test of this one.
            write_csv(self.table[["path", "split"]], folder / "split.csv")
        with _peak() as memory:
            outcome = training.train(
                made.about,
                made.recipe,
                train,
                val if len(val.rows) else None,
                folder,
                training.begun(folder),
            )
        if outcome.interrupted:  # else half a training would count as finished
            raise KeyboardInterrupt
        analyzer = Analyzer.load(folder)
        heads, scores = _measured(analyzer, made, self.table, plan)
        training.forget(folder)
        cost = {
            "parameters": analyzer.model.count_params(),
            "bytes": (folder / "network.keras").stat().st_size,
            "train_seconds": round(sum(one["seconds"] for one in outcome.history), 2),
            "pictures_trained": len(outcome.history) * train.steps * train.batch_size,
            "forward_ms_1": _milliseconds(analyzer, 1),
            "forward_ms_32": _milliseconds(analyzer, 32),
            "peak_mb": round(memory[0] / 1e6, 1),
        }
        return {"heads": heads, "cost": cost}, scores

    def _prepared(self, plan: "Plan", seed: int) -> "tuple[Prepared, pd.DataFrame]":
        """What a network is trained with: its heads, and the rows they label."""
        import numpy as np

        recipe = self.prepared.recipe
        recipe = replace(recipe, seed=recipe.seed + seed, cap={})  # the bench capped
        about = replace(self.prepared.about, heads=plan.heads, recipe=recipe.plain())
        labelled = [
            head.encode(self.table).weights.reshape(len(self.table), -1).any(axis=1)
            for head in plan.heads
        ]
        table = self.table[np.any(labelled, axis=0)]
        return replace(self.prepared, recipe=recipe, about=about), table

    def estimated(
        self, designs: Sequence[str], seeds: int
    ) -> tuple[list[Plain], float]:
        """The cells without results, and about how many seconds they take."""
        from multitask import training
        from multitask.designs import plans

        cells, each = [], {}
        for design in designs:
            chosen = plans(design, self.heads, self.merges)
            for plan in chosen:
                made, table = self._prepared(plan, 0)
                train = made.training(table)
                epochs = sum(stage.epochs for stage in made.recipe.stages())
                each[plan.name] = (train.steps * epochs, made, train)
            cells += [
                {
                    "design": design,
                    "trunk": self.trunk,
                    "seed": seed,
                    "networks": [f"{self.trunk}-{seed}-{plan.name}" for plan in chosen],
                }
                for seed in range(seeds)
            ]
        # The heads hardly matter beside the trunk: one network is timed for all.
        _, made, train = max(each.values(), key=lambda one: one[0])
        step = training.step(made.about, made.recipe, train, "float32")
        step()
        began = time.monotonic()
        for _ in range(_TRIAL):
            step()
        second = (time.monotonic() - began) / _TRIAL
        return cells, seeds * second * sum(steps for steps, _, _ in each.values())


def _bench(
    recipe: Recipe,
    out: Path,
    asked: Asked,
    parts: "pd.Series[str] | None",
    say: Say,
) -> _Bench:
    from multitask import sampling
    from multitask.designs import merge, with_merged
    from multitask.prepare import all_learnt, prepare

    prepared = prepare(recipe, out, say)
    heads = prepared.about.heads
    # Which pictures are nearly alike depends on their size: the first trunk's counts.
    split = prepared.split() if parts is None else prepared.table["path"].map(parts)
    table = prepared.table.assign(split=split)
    table = table[table["split"].notna()]
    train = table[table["split"] == "train"]
    stays = sampling.capped(train, heads, recipe.cap, recipe.seed)
    table = table.drop(train.index[~stays])  # for all networks alike
    all_learnt(heads, table, say)
    test = table[table["split"] == "test"]
    for head in heads:
        if not len(test) or not head.encode(test).weights.any():
            raise UserError(
                head.where, "has no label in the test part", "choose another --split"
            )
        if head.form == "class":
            seen = head.strata(table[table["split"] == "train"]).any()
            if seen.sum() < 2:
                raise UserError(
                    head.where, "a single class is left in training, must be two"
                )
    merges = tuple(merge(text, heads, table) for text in asked.merges)
    return _Bench(
        prepared=prepared,
        table=with_merged(table, merges),
        merges=merges,
        out=out,
    )


def _measured(
    analyzer: "Analyzer", made: "Prepared", table: "pd.DataFrame", plan: "Plan"
) -> "tuple[Plain, dict[str, Array]]":
    """Scores by head and part with an interval, and those of each test picture."""
    from multitask import scores
    from multitask.features import outputs

    recipe, pixels = made.recipe, made.pixels
    parts = {part: table[table["split"] == part] for part in PARTS}
    size = min(len(parts["train"]), len(parts["test"]))
    parts["train"] = parts["train"].sample(size, random_state=recipe.seed)
    said = {
        part: outputs(analyzer, recipe, pixels, rows.index.to_numpy())
        for part, rows in parts.items()
        if len(rows)
    }
    heads: Plain = {}
    kept: dict[str, Array] = {}
    for name, head, read in _questions(analyzer.heads, plan):
        if "val" in said:
            head = head.calibrate(parts["val"], read(said["val"]))
        each = {}
        for part, outs in said.items():
            answers = head.read(read(outs)).set_axis(parts[part].index)
            each[part] = scores.scores(head, parts[part], answers)
        # A combination or a head may have no label in a part.
        means = {part: scores.mean(found) for part, found in each.items()}
        known = {part: value for part, value in means.items() if not isnan(value)}
        test = each["test"]
        ends = scores.interval(scores.drawn(test)) if "test" in known else (None, None)
        heads[name] = {**known, "ci": list(ends)}
        kept[name] = test
    return heads, kept


def _questions(heads: "Sequence[Head]", plan: "Plan") -> "Iterator[Any]":
    """Each question that a network answers: its name, head, and how to get outputs."""
    for head in heads:
        name = plan.merged.name if plan.merged else head.name
        yield name, head, lambda outs, head=head: outs[head.name]
    if plan.merged:
        merged = plan.merged
        for part in merged.parts:
            yield (
                part.name,
                part,
                lambda outs, part=part: merged.outputs(outs[merged.head.name])[
                    part.name
                ],
            )


def _milliseconds(analyzer: "Analyzer", count: int) -> float:
    import numpy as np

    side = analyzer.about.side
    pixels = np.zeros((count, side, side, 3), np.uint8)
    rows, took = np.arange(count), []
    for _ in range(1 + _CALLS):
        began = time.perf_counter()
        analyzer.outputs(pixels, rows)
        took.append(1000 * (time.perf_counter() - began))
    return round(median(took[1:]), 3)


@contextmanager
def _peak() -> Iterator[list[float]]:
    """The most memory (bytes) held inside, above what was held before."""
    import psutil

    process = psutil.Process()
    before = process.memory_info().rss
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY):
            most[0] = max(most[0], process.memory_info().rss - before)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def _differences(
    out: Path, cells: Sequence[Plain], heads: "Sequence[Head]"
) -> list[Plain]:
    """What each other design scores more than `single`, by trunk and head."""
    import numpy as np

    from multitask import scores

    found = []
    by = {(c["design"], c["trunk"], c["seed"]): c for c in cells}
    designs = dict.fromkeys(c["design"] for c in cells if c["design"] != "single")
    trunks = dict.fromkeys(c["trunk"] for c in cells)
    seeds = sorted({c["seed"] for c in cells})
    if ("single", cells[0]["trunk"], seeds[0]) not in by:
        return []
    for trunk in trunks:
        for design in designs:
            for head in heads:
                if head.name not in by[design, trunk, seeds[0]]["heads"]:
                    continue
                draws, means, alone = [], [], []
                for seed in seeds:
                    one, other = (
                        _kept(out, by[name, trunk, seed], head.name)
                        for name in (design, "single")
                    )
                    draws.append(scores.drawn(one) - scores.drawn(other))
                    means.append(scores.mean(one) - scores.mean(other))
                    alone.append(scores.mean(other))
                # A seed drawn anew for each draw of pictures, as often as there are.
                lots = np.random.default_rng(0)
                chosen = lots.integers(len(seeds), size=(len(draws[0]), len(seeds)))
                over = np.stack(draws)[chosen, np.arange(len(draws[0]))[:, None]]
                low, high = scores.interval(over.mean(axis=1))
                found.append(
                    {
                        "trunk": trunk,
                        "design": design,
                        "head": head.name,
                        "difference": float(np.mean(means)),
                        "ci": [low, high],
                        "saved": _saved(
                            head, float(np.mean(means)), float(np.mean(alone))
                        ),
                        "verdict": _verdict(head, low, high),
                    }
                )
    return found


def _saved(head: "Head", difference: float, alone: float) -> float:
    """What share of the errors that a head has alone is saved, or added if below 0."""
    from multitask import scores

    if scores.better(head) == "lower":
        return float(-difference / alone) if alone else 0.0
    return float(difference / (1 - alone)) if alone < 1 else 0.0


def _verdict(head: "Head", low: float, high: float) -> str:
    from multitask import scores

    if low <= 0 <= high:
        return "no difference shown"
    return "better" if (low > 0) == (scores.better(head) == "higher") else "worse"


def _kept(out: Path, cell: Plain, head: str) -> "Array":
    """The scores of test pictures that a cell has for a head."""
    import numpy as np

    for name in cell["networks"]:
        with np.load(out / name / _SCORES) as kept:
            if head in kept:
                return np.asarray(kept[head])
    raise KeyError(head)


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
        "--pairs",
        action="store_true",
        help="instead of designs, train each two heads together: who helps whom?",
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
    options.add(made)
    made.add_argument(
        "--out", metavar="FOLDER", help="a folder, to go on in if it is one"
    )
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask compare`; returns the exit status."""
    arguments = parser().parse_args(argv)
    if arguments.pairs and arguments.designs:
        raise UserError("--designs", "has no effect with --pairs")
    usual = DESIGNS if arguments.merge else ("single", "multi")
    asked = Asked(
        designs=_names(arguments.designs) or usual,
        trunks=_names(arguments.trunks),
        merges=tuple(arguments.merge),
        seeds=arguments.seeds,
        pairs=arguments.pairs,
    )
    recipe = options.read(arguments)
    out = options.folder(arguments.out, "compare-")
    quiet_start()
    document = compare(recipe, out, asked, dry=arguments.dry_run)
    from multitask.reports import _compare

    if arguments.dry_run:
        for cell in document["cells"]:
            print(f"{cell['design']:8} {cell['trunk']}: {', '.join(cell['networks'])}")
        return 0
    print(_compare.text(document))
    print(f"written to {out}, see {out / 'index.html'}")
    return 0


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


if __name__ == "__main__":
    sys.exit(main())
