"""What is the peak memory of `fit` and of huge pictures, and is it limited?"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

from benchmarks.faces import repeated
from benchmarks.sides import Row, Setting, Target

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 3.0  # GB
# GB: 17 bytes for each pixel that `multitask.images.room` lets be decoded at once.
PICTURES_LIMIT = 1.7

# A process in between: a child's peak includes what its parent held when it began.
_PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=sys.stderr)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak * (1 if sys.platform == "darwin" else 1024))
sys.exit(done.returncode)
"""

# The first picture starts all that later ones use, too.
_DECODED = """
import sys
from pathlib import Path
from multitask.images.decode import decode_all
def kib(name):
    status = Path("/proc/self/status").read_text()
    return int(status.partition(name + ":")[2].split()[0])
first, *paths = sys.argv[1:]
list(decode_all([first], 72))
before = kib("VmRSS")
for _, pixels in decode_all(paths, 72):
    if isinstance(pixels, str):
        sys.exit(pixels)
print(1024 * (kib("VmHWM") - before))
"""


def rows(setting: Setting, temporary: Path) -> list[Row]:
    """The peaks of one epoch of `fit`, and of decoding huge pictures, in GB."""
    return [_fit(setting, temporary), *_huge(setting, temporary)]


def _huge(setting: Setting, temporary: Path) -> list[Row]:
    """The peaks of decoding files of a few megabytes at most; none without /proc."""
    if not Path("/proc/self/status").exists():
        return []
    side = setting.huge_side
    shades = Image.linear_gradient("L").resize((side, side))
    files = {"grey.png": "L", "transparent.png": "RGBA", "colour.jpg": "RGB"}
    for name, mode in files.items():
        shades.convert(mode).save(temporary / name, compress_level=1)
    grey, transparent, jpeg = (str(temporary / name) for name in files)
    return [
        Row(
            what=f"peak memory of decoding {what}, {side:,}x{side:,}, or the limit",
            unit="GB",
            ours=[_decoded([setting.paths[0], *pictures]) / 1e9],
            theirs=[PICTURES_LIMIT],
            target=Target("<=", 1),
        )
        for what, pictures in (
            ("a grey PNG", [grey]),
            ("a PNG with transparency", [transparent]),
            ("a JPEG", [jpeg]),
            ("six of these at once", 2 * [grey, transparent, jpeg]),
        )
    ]


def _decoded(pictures: list[str]) -> int:
    """How much more memory decoding takes at its peak than before, in bytes."""
    return _number([sys.executable, "-c", _DECODED, *pictures])


def _fit(setting: Setting, temporary: Path) -> Row:
    """The peak of one epoch of `fit` on pictures of 64 by 64 pixels.

    If there are too few pictures, links with other names repeat them.
    """
    count = setting.peak_pictures
    faces = repeated(setting.paths, count, temporary / "repeated")
    command = [sys.executable, "-m", "multitask.fit", "--data", f"utkface={faces}"]
    options = ["--image-size", "64", "--epochs", "1", "--out", str(temporary / "run")]
    return Row(
        what=f"peak memory of fit, {count:,} pictures of 64x64, or the limit",
        unit="GB",
        ours=[peak([*command, *options]) / 1e9],
        theirs=[LIMIT],
        target=Target("<=", 1),
    )


def peak(command: list[str]) -> int:
    """The peak resident memory of a command, in bytes.

    Raises RuntimeError with its standard error if it fails.
    """
    return _number([sys.executable, "-c", _PEAK, *command])


def _number(command: list[str]) -> int:
    """What a command prints; RuntimeError with its standard error if it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return int(done.stdout)
