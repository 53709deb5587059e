"""Does a command that is killed at any moment go on, and end as one that was not?

A case is a command in a process of its own that gets SIGKILL or SIGTERM, between two
epochs or just before it opens, moves or removes a file of its work, and what the next
command makes of its folder. `python -m tests.faults.kills --cases 100` prints a table
of the outcomes.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    import pandas as pd

EPOCHS = {"fit": 4, "compare": 6, "sweep": 4}  # by command, of all its networks
COMMANDS = (*EPOCHS, "predict", "report", "audit")
BETWEEN = 0.6  # the share of kills that come between two epochs, if it has any
SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM}
PLACES = ("between epochs", "at a file")
_FILE_EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")
_MODULES = ["tensorflow", "keras", "multitask.experiments.run", "pandas"]
_PAGES = (".html", ".md")  # have times in them
_TIMES = ("seconds", "cpu_seconds")


@dataclass(frozen=True, kw_only=True)
class Kill:
    """When a command is killed: as an epoch or a file event (from 1) begins."""

    place: str
    number: int
    by: signal.Signals = signal.SIGKILL


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a kill; `problem` is empty if the command ended the same."""

    kill: Kill
    problem: str = ""


def options(command: str, out: Path, faces: Path) -> list[str]:
    """The options of a command with what draws by default: dropout, augmentation.

    What does not train has a network, and a table of labels, beside the `faces`.
    """
    network, table = str(faces.parent / "network"), faces.parent / "labels.csv"
    if command == "predict":
        outputs = ["--out", str(out / "rows.csv"), "--features", str(out / "rows.npy")]
        outputs += ["--faces", "whole", "--batch-size", "8"]
        return [network, str(faces), *outputs]
    if command == "report":
        return [network, "--out", str(out / "report")]
    if command == "audit":
        outputs = ["--out", str(out / "report"), "--fix", str(out / "clean.csv")]
        return ["--data", f"mine=table:{table}", *outputs]
    more = {
        "fit": ["--epochs", "4"],
        "compare": ["--epochs", "2"],  # a network for each head, and one for both
        "sweep": ["--epochs", "2", "--vary", "learning_rate=1e-3,3e-3"],
    }
    return [
        "--heads", "gender,age", "--data", f"sample={faces}", "--trunk", "tiny",
        "--batch-size", "16", "--precision", "float32", "--out", str(out),
        *more[command],
    ]  # fmt: skip


def run(
    command: str,
    arguments: list[str],
    out: Path,
    kill: Kill | None,
    count: Path | None,
) -> None:
    """Run a command in this process, which may be killed; the exit status is its.

    The number of file events is written to the file `count` at the end.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    events = _count_events(out, kill)
    from multitask.training.callbacks import BestEpoch
    from tests import tiny

    main = import_module(f"multitask.{command}").main
    tiny.register()
    # Finding faces takes seconds, and opens no file of the run.
    mock.patch("multitask.data.framing.detect", return_value=[]).start()
    usual, epochs = BestEpoch.on_epoch_begin, itertools.count(1)

    def on_epoch_begin(self: Any, epoch: int, logs: Any = None) -> None:
        number = next(epochs)
        if kill and (kill.place, kill.number) == ("between epochs", number):
            os.kill(os.getpid(), kill.by)
        usual(self, epoch, logs)

    BestEpoch.on_epoch_begin = on_epoch_begin  # type: ignore[method-assign]
    status = main(arguments)
    if count:
        count.write_text(str(events()))
    sys.exit(status)


def _count_events(out: Path, kill: Kill | None) -> Callable[[], int]:
    """Count what opens, moves or removes a file of a run, and die at one of these."""
    events, folder = 0, str(out)
    die = partial(os.kill, os.getpid(), kill.by if kill else 0)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal events
        if event not in _FILE_EVENTS or not str(arguments[0]).startswith(folder):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        events += 1
        if kill and (kill.place, kill.number) == ("at a file", events):
            die()

    sys.addaudithook(hook)
    return lambda: events


def in_a_process(*arguments: Any) -> int:
    """The exit status of `run` in a process; negative if it was killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_MODULES)
    process = context.Process(target=run, args=arguments)
    process.start()
    process.join(300)
    if process.exitcode is None:
        process.kill()
        process.join()
        return 124
    return process.exitcode


def result(command: str, out: Path) -> dict[str, Any]:
    """What must be the same, to the bit, whatever stopped a command in `out`."""
    import pandas as pd

    if command not in EPOCHS:
        # Of a command that was killed at its end; the next one is refused.
        locks = [out / "report" / ".lock"]
        files = (p for p in out.rglob("*") if p.is_file() and p not in locks)
        return {
            file.relative_to(out).as_posix(): ""
            if file.suffix in _PAGES
            else file.read_bytes().replace(bytes(out), b"")
            for file in files
        }

    reports = ("report.json", "answers.csv", "classification_report.txt")
    names = ["recipe.toml", "split.csv", "skipped.csv", "best.toml"]
    names += [f"report/{name}" for name in reports]
    same: dict[str, Any] = {
        name: (out / name).read_bytes() for name in names if (out / name).exists()
    }
    for file in sorted(out.rglob("*")):
        name = file.relative_to(out).as_posix()
        if file.name == "network.keras":
            same[name] = _network(file)
        elif file.name == "history.csv":
            same[name] = pd.read_csv(file).drop(columns=[*_TIMES]).to_csv()
        elif file.name == "sweep.json":
            trials = json.loads(file.read_text())["trials"]
            same[name] = [{k: t[k] for k in t if k not in _TIMES} for t in trials]
    return same


def _network(file: Path) -> tuple[str, list[bytes]]:
    import numpy as np

    from multitask.networks import archive

    network, spec = archive.load(file)
    weights = [np.asarray(weight).tobytes() for weight in network.get_weights()]
    return spec.to_json(), weights


def case(
    command: str, kill: Kill, folder: Path, faces: Path, whole: dict[str, Any]
) -> Outcome:
    """Kill a command, have it go on, and compare the end with the `whole` one."""
    out = folder / "run"
    _prepare(command, out)
    status = in_a_process(command, options(command, out, faces), out, kill, None)
    if status != -kill.by:
        return Outcome(kill=kill, problem=f"was not killed, status {status}")
    again, done = options(command, out, faces), _is_done(command, out)
    # The others go on by the same command.
    if command == "fit" and (out / "recipe.toml").exists():
        again = ["--resume", "--out", str(out)]
    status = in_a_process(command, again, out, None, None)
    if status and not (done and status == 2):  # there was nothing left to do
        return Outcome(kill=kill, problem=f"does not go on, status {status}")
    names = {path.name for path in out.iterdir()}
    left = names - set(os.listdir(faces.parent / "whole" / "run"))
    if left:
        return Outcome(kill=kill, problem=f"leaves {', '.join(sorted(left))}")
    ours = result(command, out)
    others = [name for name in whole | ours if ours.get(name) != whole.get(name)]
    return Outcome(kill=kill, problem=f"other {', '.join(others)}" * bool(others))


def _is_done(command: str, out: Path) -> bool:
    """Whether only the lock was left to remove, so that the next one is refused."""
    state = [*(out / "checkpoint").glob("state.*")]
    journal = out / "report" / ".part-journal"
    page = out / "report" / "index.html"
    can_be = command in ("fit", "report", "audit")
    return can_be and page.exists() and not (state or journal.exists())


def undisturbed(command: str, folder: Path, faces: Path) -> tuple[dict[str, Any], int]:
    """The result of a command that nobody kills, and its number of file events."""
    out, count = folder / "whole" / "run", folder / "events"
    _prepare(command, out)
    status = in_a_process(command, options(command, out, faces), out, None, count)
    if status:
        raise RuntimeError(f"the undisturbed {command} ended with {status}")
    return result(command, out), int(count.read_text())


def _prepare(command: str, out: Path) -> None:
    """Make the folder that holds the outputs of a command without a run of its own."""
    if command not in EPOCHS:
        out.mkdir(parents=True)


def kills(
    cases: int,
    epochs: int,
    events: int,
    seed: int,
    signals: Sequence[str] = tuple(SIGNALS),
) -> Iterator[Kill]:
    """Moments to kill at, drawn by a seed; the file events are spread evenly."""
    rng, drawn = random.Random(seed), random.Random(seed)
    between = round(BETWEEN * cases) if epochs else 0

    def by() -> signal.Signals:
        return SIGNALS[drawn.choice(signals)]

    for _ in range(between):
        yield Kill(place="between epochs", number=rng.randint(2, epochs), by=by())
    others = cases - between
    for index in range(others):
        number = 1 + int((index + rng.random()) * events / others)
        yield Kill(place="at a file", number=min(number, events), by=by())


def campaign(
    command: str,
    cases: int,
    seed: int,
    folder: Path,
    signals: Sequence[str] = tuple(SIGNALS),
) -> Iterator[Outcome]:
    """The outcomes of so many kills; `folder` is empty and holds what they leave."""
    from multitask.datasets import sample

    faces, network = folder / "faces", folder / "network"
    reading = sample.read(faces, count=150)
    if command in ("predict", "report"):
        arguments = options("fit", network, faces)
        if in_a_process("fit", arguments, network, None, None):
            raise RuntimeError("no network was trained")
    if command == "audit":
        _write_table(reading.table, folder / "labels.csv")
    whole, events = undisturbed(command, folder, faces)
    moments = kills(cases, EPOCHS.get(command, 0), events, seed, signals)
    for index, kill in enumerate(moments):
        yield case(command, kill, folder / f"{index:04d}", faces, whole)


def _write_table(table: "pd.DataFrame", file: Path) -> None:
    """Labels with a duplicate, and with texts that only a declaration keeps."""
    import pandas as pd

    table = table.assign(place=[f"{row % 3:03}" for row in range(len(table))])
    again = file.with_name("again.png")
    shutil.copy(table["path"].iloc[0], again)
    twice = table.iloc[[0]].assign(path=str(again))
    pd.concat([table, twice]).to_csv(file, index=False)
    file.with_name(f"{file.name}.toml").write_text('text = ["place"]\n')


def main() -> int:
    """Print what came of the kills; the exit status is 1 if any had a problem."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--command", choices=COMMANDS, default="fit")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--signal", choices=SIGNALS, help="default: drawn")
    arguments = parser.parse_args()
    signals = (arguments.signal,) if arguments.signal else tuple(SIGNALS)
    counts = Counter[tuple[str, str]]()
    with tempfile.TemporaryDirectory() as folder:
        drawn = (arguments.command, arguments.cases, arguments.seed)
        for outcome in campaign(*drawn, Path(folder), signals):
            counts[outcome.kill.place, outcome.problem] += 1
            if outcome.problem:
                print(f"{outcome.kill}: {outcome.problem}", file=sys.stderr, flush=True)
    print(f"| kills of {arguments.command} | number | go on and end the same |")
    print("| --- | --- | --- |")
    for place in PLACES:
        number = sum(count for (other, _), count in counts.items() if other == place)
        print(f"| {place} | {number} | {counts[place, '']} |")
    return int(any(problem for _, problem in counts))


if __name__ == "__main__":
    sys.exit(main())
