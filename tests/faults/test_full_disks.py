"""Is a disk that is full one line for the user, whatever file comes to its end?"""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from multitask.datasets import sample

from multitask.networks import archive, build
from tests import tiny
from tests.networks.untrained import gender_age_spec

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="files have no limit elsewhere"),
]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disks") / "faces"
    sample.read(folder, count=150)
    return folder


def fit(faces, out):
    return [
        "fit", "--heads", "gender,age", "--data", f"sample={faces}", "--trunk", "tiny",
        "--epochs", "1", "--precision", "float32", "--out", out,
    ]  # fmt: skip


def run(arguments, limit):
    """The status and the errors of a command whose files have at most so many bytes."""

    def limited():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "tiny.py", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        preexec_fn=limited,
        capture_output=True,
        text=True,
    )
    # What TensorFlow says before it can be told to be quiet.
    own = [
        line
        for line in done.stderr.splitlines()
        if line and not re.match(r"WARNING: All log|[IWE]\d{4} |To enable the", line)
    ]
    return done.returncode, own


# Split, history, network, and report are the first to come to the end.
@pytest.mark.parametrize("kilobytes", [1, 16, 60, 120])
def test_a_fit_says_so_in_a_line(faces, tmp_path, kilobytes):
    out = tmp_path / "run"
    status, errors = run(fit(faces, out), 1024 * kilobytes)
    assert status == 2, errors
    [line] = errors
    assert "File too large" in line
    if not (out / "history.csv").exists():
        assert not out.exists()
    else:  # a report that did not fit is left out whole
        assert list((out / "report").iterdir()) == []
        status, errors = run(["fit", "--resume", "--out", out], None)
        assert (status, errors) == (0, [])


def test_predict_says_so_and_takes_no_network_for_damaged(faces, tmp_path):
    tiny.register()
    network = tmp_path / "network.keras"
    spec = gender_age_spec("tiny")
    archive.save(build.build(spec), spec, network)
    picture = next(faces.rglob("*.png"))
    status, errors = run(["predict", network, picture], 4096)
    assert status == 2
    [line] = errors
    assert line == (
        f"{network}: can't be unpacked for want of space (File too large); free some "
        "space, or set TMPDIR to a folder that has some"
    )


def test_an_audit_says_so_and_writes_nothing(faces, tmp_path):
    fixed = tmp_path / "fixed.csv"
    arguments = ["audit", "--data", f"sample={faces}", "--out", tmp_path / "audit"]
    status, errors = run([*arguments, "--fix", fixed], 4096)
    assert status == 2
    [line] = errors
    assert "File too large" in line
    assert os.listdir(tmp_path) == []
