"""Which settings are better? Trials of varied recipes, proposed by Optuna."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multitask.cli import options
from multitask.cli.quiet import import_tensorflow
from multitask.contracts import run
from multitask.contracts.errors import Parser, UserError, command, nearest
from multitask.contracts.recipe import Recipe
from multitask.contracts.run import SPLIT
from multitask.contracts.saving import reporting_write_errors
from multitask.tuning.space import MEAN, Dimension, grid, parse_dimension
from multitask.tuning.variants import check_variants

Say = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is varied, and by what trials are judged: a head, or the mean of all."""

    vary: tuple[str, ...]
    objective: str = MEAN
    grid: bool = False
    prune: bool = True


def sweep(
    recipe: Recipe,
    out: str | Path,
    asked: Asked,
    *,
    trials: int = 20,
    say: Say = print,
) -> dict[str, Any]:
    """Train trials of a recipe with other settings, and find which are the best.

    Writes `best.toml`, a recipe, `sweep.json`, `sweep.csv` and `index.html` into the
    folder `out`, and a folder a trial, of which the best one has its network. Asked
    for again it goes on, also with more `trials`; several processes may share it. With
    `asked.grid`, or if there are no more, every combination is a trial. Returns what
    `sweep.json` holds.

    A trial that fails is recorded with its reason. Raises UserError for whatever the
    user can mend, and if all trials fail.
    """
    from filelock import FileLock

    from multitask.contracts.table import write_csv
    from multitask.experiments.prepare import prepare
    from multitask.reports import _sweep

    _quiet_optuna()
    from multitask.tuning import summary
    from multitask.tuning.storage import study_of
    from multitask.tuning.trials import Trials, pruner_of, with_timed_precision

    varied, combinations = _checked(recipe, asked, trials)
    if combinations:
        say(f"There are {len(combinations)} combinations: each is a trial.")
    out = Path(out).expanduser()
    settings = {**recipe.plain(), "sweep": {**vars(asked), "vary": list(asked.vary)}}
    run.same_work(out, settings, "sweep", "sweep")
    with reporting_write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    with FileLock(out / run.READING):
        prepared = prepare(recipe, out, say)
    _check_names(asked.objective, varied, [h.name for h in prepared.spec.heads])
    lock = FileLock(out / run.LOCK)
    with lock:
        begun, file = (
            run.same_work(out, settings, "sweep", "sweep"),
            out / SPLIT,
        )
        parts = prepared.split(file if begun and file.exists() else None)
        table = prepared.table.assign(split=parts)
        if not begun:
            run.begin(out, settings)
            with reporting_write_errors(out):
                write_csv(table[["path", "split"]], file)
        study = study_of(
            out, settings, pruner_of(recipe, asked.prune, varied, combinations)
        )
        work = Trials(
            base=with_timed_precision(prepared, parts, study, varied),
            prepared=prepared,
            parts=table.set_index("path")["split"],
            out=out,
            asked=asked,
            varied=varied,
            trials=trials,
            study=study,
            lock=lock,
            say=say,
        )
    try:
        work.run(combinations)
    except KeyboardInterrupt:
        say("stopped; the same command goes on")
        raise
    finally:
        with lock:
            document = summary.summary(work)
            _sweep.write(document, out)
    _told(document, say)
    return document


def _told(document: dict[str, Any], say: Say) -> None:
    """Say which trials are not done yet; UserError if all failed."""
    states = {trial["state"] for trial in document["trials"]}
    if states == {"fail"}:
        reason = document["trials"][0]["reason"]
        raise UserError(
            f"all {len(document['trials'])} trials", f"failed, the first: {reason}"
        )
    if "running" in states:
        say("Another process is still at its trial, the page is yet to show it.")


def _checked(
    recipe: Recipe, asked: Asked, trials: int
) -> tuple[tuple[Dimension, ...], list[dict[str, Any]]]:
    """What is varied, and its combinations if all of them are to be tried.

    Raises UserError for what can't be, before anything is read.
    """
    varied = tuple(parse_dimension(text) for text in asked.vary)
    if not varied:
        raise UserError("--vary", "is missing", "write --vary KEY=A,B or KEY=LOW..HIGH")
    if trials < 1:
        raise UserError("--trials", f"is {trials}, must be 1 or more")
    if recipe.folds:
        raise UserError("--folds", "can't be swept over, a trial is one network")
    check_variants(recipe, varied)
    count = math.prod(math.inf if v.ranges else len(v.values) for v in varied)
    return varied, grid(varied) if asked.grid or count <= trials else []


def _quiet_optuna() -> None:
    """Have the library say errors only; UserError if it is not installed."""
    try:
        import optuna
    except ImportError:
        raise UserError(
            "multitask sweep", "needs Optuna", "pip install 'multitask[sweep]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def _check_names(
    objective: str, varied: Sequence[Dimension], names: Sequence[str]
) -> None:
    """Raise UserError for a head that is none of these."""
    asked = [("--objective", objective, [MEAN, *names])] + [
        (f"--vary {one.name}", one.head, ["all", *names]) for one in varied if one.head
    ]
    for where, name, known in asked:
        if name not in known:
            raise UserError(where, f"no head {name!r}", nearest(name, known))


def parser() -> argparse.ArgumentParser:
    """The command's options: those of fit, and what is varied."""
    made = Parser(
        prog="multitask sweep",
        description="Try settings out, and find which are better.",
    )
    made.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="KEY=A,B|LOW..HIGH[:log]",
        help="a setting and its values, or their range (may be repeated)",
    )
    made.add_argument(
        "--trials",
        type=int,
        default=20,
        metavar="N",
        help="trials in all, of every process (default 20)",
    )
    made.add_argument(
        "--grid", action="store_true", help="try every combination of the values"
    )
    made.add_argument(
        "--objective",
        default=MEAN,
        metavar="mean|HEAD",
        help="what trials are judged by (default mean)",
    )
    made.add_argument(
        "--no-prune",
        dest="prune",
        action="store_false",
        help="train every trial to its end, also if others were better",
    )
    options.add(made)
    made.add_argument(
        "--out", metavar="FOLDER", help="a folder, to go on in if it is one"
    )
    return made


@command
def main(argv: list[str] | None = None) -> int:
    """Run `multitask sweep`; returns the exit status."""
    arguments = parser().parse_args(argv)
    asked = Asked(
        vary=tuple(arguments.vary),
        objective=arguments.objective,
        grid=arguments.grid,
        prune=arguments.prune,
    )
    recipe = options.read(arguments)
    out = options.default_folder(arguments.out, "sweep-")
    import_tensorflow()
    document = sweep(recipe, out, asked, trials=arguments.trials)
    from multitask.reports import _sweep
    from multitask.tuning.trials import BEST

    print(_sweep.text(document))
    print(f"written to {out}, see {out / 'index.html'}; the best is {out / BEST}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
