"""What is the peak memory of `fit`, and does it keep its limit?"""

import subprocess
import sys
from pathlib import Path

from benchmarks.faces import repeated
from benchmarks.sides import Row, Setting, Target

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 3.0  # GB

# A process in between: a child's peak includes what its parent held when it began.
_PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=sys.stderr)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak * (1 if sys.platform == "darwin" else 1024))
sys.exit(done.returncode)
"""


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """The peak of one epoch of `fit` on pictures of 64 by 64 pixels, in GB.

    If there are too few pictures, links with other names repeat them.
    """
    count = setting.peak_pictures
    faces = repeated(setting.paths, count, temporary / "repeated")
    command = [sys.executable, "-m", "multitask.fit", "--data", f"utkface={faces}"]
    options = ["--image-size", "64", "--epochs", "1", "--out", str(temporary / "run")]
    return [
        Row(
            what=f"peak memory of fit, {count:,} pictures of 64x64, or the limit",
            unit="GB",
            ours=[peak([*command, *options]) / 1e9],
            theirs=[LIMIT],
            target=Target("<=", 1),
        )
    ]


def peak(command: list[str]) -> int:
    """The peak resident memory of a command, in bytes.

    Raises RuntimeError with its standard error if it fails.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return int(done.stdout)
