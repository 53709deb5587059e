"""Are a network's confidences right as often as they say, and were they before?"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.detection import table
from multitask.contracts.errors import command
from multitask.contracts.head import Head
from multitask.terminal.quiet import import_tensorflow

_RECIPE = "faces"  # of the bundled network
_MOST = 2_000  # pictures that calibrate, as in a fit


def parser() -> argparse.ArgumentParser:
    """The options: which network, which pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("network", help="a name, a run, or a network file")
    parser.add_argument(
        "--data",
        required=True,
        metavar="NAME=FOLDER",
        help=f"the pictures it was trained on, split as by the recipe {_RECIPE}; their "
        "validation part calibrates, their test part measures",
    )
    parser.add_argument(
        "--save",
        action="store_true",
        help="put the calibration into the network's file",
    )
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Calibrate, print the table, and save the calibration if wanted."""
    arguments = parser().parse_args(argv)
    import_tensorflow()
    from multitask.contracts.recipe import recipe
    from multitask.contracts.recipe_files import path, read
    from multitask.experiments.calibrate import calibrate
    from multitask.experiments.prepare import prepare
    from multitask.networks import archive
    from multitask.networks.analyzer import Analyzer
    from multitask.networks.named import catalog

    file = catalog.find(arguments.network)
    # Where faces lie in the pictures doesn't matter, and takes its time.
    changed = {"data": (arguments.data,), "faces": "whole"}
    settings = recipe(read(path(_RECIPE)) | changed)
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(settings, Path(folder), print)
        parts = prepared.table.assign(split=prepared.split())
        val, test = (parts[parts["split"] == part] for part in ("val", "test"))
        val = val.sample(min(len(val), _MOST), random_state=settings.seed)
        network = Analyzer.load(file)
        before = network.with_heads([head.uncalibrated() for head in network.heads])
        outputs = network.outputs(prepared.pixels, val.index.to_numpy())
        heads, _ = calibrate(before.heads, val, outputs, None)
        after = network.with_heads(heads)
        answers = [
            each.answers(prepared.pixels, test.index.to_numpy(), probabilities=True)
            for each in (before, after)
        ]
    print(table(pd.DataFrame(rows(heads, test, *answers))))
    if arguments.save:
        archive.save_spec(after.spec, file)
    return 0


def rows(
    heads: tuple[Head, ...],
    labels: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
) -> Iterator[dict[str, str]]:
    """What the calibration of each head changes, on labelled pictures."""
    from multitask.metrics.calibration import interval_coverage, reliability

    for head in heads:
        if held := interval_coverage(head, labels, after, before):
            yield _row(
                f"{head.name}: exact labels inside the interval of {held.level:.0%}",
                *(held.coverage_before, held.coverage),
            )
            yield _row(f"{head.name}: its width", held.width_before, held.width)
        if trust := reliability(head, labels, after, before):
            yield _row(f"{head.name}: calibration error", trust.ece_before, trust.ece)
            found = f"{trust.temperature or 1:.3f}"
            yield {"what": f"{head.name}: temperature", "before": "1", "after": found}


def _row(what: str, before: float | None, after: float) -> dict[str, str]:
    first = np.nan if before is None else before
    return {"what": what, "before": f"{first:.3f}", "after": f"{after:.3f}"}


if __name__ == "__main__":
    raise SystemExit(main())
