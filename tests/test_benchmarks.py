"""Do the benchmarks run, and are the figures in their table right?"""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import faces
from benchmarks.memory import peak
from benchmarks.sides import HEADER, Row, Target, table, take_turns
from multitask.contracts.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
ROWS = {
    "first pass": 1,
    "later passes": 2,
    "training": 2,
    "frozen": 4,
    "forward": 4,
    "parameters": 1,
    "peak memory of fit": 1,
    "peak memory of decoding": 4,
    "predict": 1,
    "resident memory": 1,
    "compare": 1,
    "sweep": 1,
    "a table": 3,
    "report": 2,
}


def test_ratio_is_that_of_each_round():
    # Rounds of 1/2, 6/4 and 4/5; the ratio of the medians would be 4/4.
    row = Row(what="a", unit="s", ours=[1, 6, 4], theirs=[2, 4, 5])
    assert row.ratios == [0.5, 1.5, 0.8]
    assert row.cells()[1:4] == ["4 s", "4 s", "0.8 (0.5..1.5)"]


def test_inverse_ratio_is_how_many_times_less_ours_takes():
    row = Row(what="a", unit="s", ours=[2], theirs=[14], inverse=True)
    assert row.ratios == [7]


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        (Target(">=", 0.5), "met"),
        (Target(">=", 0.6), "missed"),
        (Target("<=", 0.5), "met"),
        (Target("<=", 0.4), "missed"),
        (None, "-"),
    ],
)
def test_verdict_is_about_the_median_ratio(target, verdict):
    row = Row(what="a", unit="s", ours=[1, 1, 9], theirs=[2, 2, 2], target=target)
    assert row.cells()[-1] == verdict


def test_sides_take_turns():
    calls: list[str] = []

    def side(name, figure):
        calls.append(name)
        return figure

    figures = take_turns(2, lambda: side("A", 1.0), lambda: side("B", 3.0))
    assert "".join(calls) == "AB" + "ABAB"  # the first turns aren't measured
    assert figures == [[1.0, 1.0], [3.0, 3.0]]


def test_peak_is_the_memory_of_the_command_alone():
    own = bytearray(300_000_000)
    size = peak([sys.executable, "-c", "bytearray(100_000_000)"])
    assert 100_000_000 < size < len(own)


def test_peak_raises_what_a_failing_command_wrote():
    with pytest.raises(RuntimeError, match="no such thing"):
        peak([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


def test_repeated_pictures_keep_their_labels(tmp_path):
    files = faces.paths(None, 3, tmp_path)
    folder = faces.repeated(files, 7, tmp_path / "more")
    labels = faces.table(sorted(str(path) for path in folder.iterdir()))
    assert len(labels) == 7
    assert set(labels["age"]) == set(faces.table(files)["age"])


def test_other_data_sets_are_refused(tmp_path):
    with pytest.raises(UserError, match="must be utkface=FOLDER"):
        faces.paths("celeba=x", 3, tmp_path)


@pytest.mark.slow
def test_every_measure_has_its_rows_with_positive_ratios():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--files", "150"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    head = lines.index(table([]).splitlines()[0])
    cells = [line.strip("| ").split(" | ") for line in lines[head + 2 :]]
    counts = dict.fromkeys(ROWS, 0)
    for what, *_, ratio, _target, _verdict in cells:
        counts[next(name for name in ROWS if what.startswith(name))] += 1
        assert float(ratio.split()[0]) > 0
    assert counts == ROWS
    assert len(cells[0]) == len(HEADER)
