"""Folders as publishers lay them out, with damaged label files and odd file names."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from tests import layouts
from tests.datasets.published import EXAMPLES
from tests.faults import labels
from tests.faults.outcomes import Outcome, Rng, damaged, outcome

T = TypeVar("T")
_COUNT = 12  # pictures of each layout that is drawn
_READERS = {"folders": "expression=folder"}
NAMES = (
    *("a", ".hidden.jpg", "no ending", "two.jpg.png", "UPPER.JPG", " blank.jpg "),
    *(
        "new\nline.jpg",
        "tab\there.jpg",
        'quo"te.jpg',
        "it's.jpg",
        "a,b;c.jpg",
        "%s.jpg",
    ),
    *(
        "straße.jpg",
        "\u00e9.jpg",
        "e\u0301.jpg",
        "日本.jpg",
        "\udcff\udcfe.jpg",
        "-x.jpg",
    ),
    *("x" * 240 + ".jpg", "1_0_0.jpg", "1_0_0_.jpg", "_.jpg", "___.jpg", "1_2_3_4.jpg"),
    *("٣_0_0_1.jpg", "-5_1_2_3.jpg", "9" * 200 + "_0_0_1.jpg", "1e2_0_0_1.jpg"),
    *("1_0_0_\udc80.jpg", "nan_0_0_1.jpg", "000000000_1_4_2.jpg", "[1]_*.jpg"),
)
_CELLS = (*labels.VALUES, "99999999999999999999", "-1", "0.5", "../../etc/passwd", "/")


def prepare(folder: Path) -> None:
    """Draw a folder of each layout, whose copies are damaged."""
    for name in layouts.LAYOUTS:
        layouts.write(folder / "whole" / name, name, count=_COUNT)
        for path in (folder / "whole" / name).rglob("*.jpg"):  # small: quick to copy
            Image.open(path).resize((8, 8)).save(path)
    for name, example in EXAMPLES.items():
        example.draw(folder / "whole" / name)


def case(seed: int, folder: Path) -> Outcome:
    """Damage a layout by a seed, and read it as `fit` does."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice([*layouts.LAYOUTS, *EXAMPLES]))
    reader = EXAMPLES[name].reader if name in EXAMPLES else _READERS.get(name, name)
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "whole" / name, copy)
    _damage(copy, rng)
    colon = ":" if name in _READERS else "="
    return outcome(name, seed, lambda: labels.read(f"{reader}{colon}{copy}"))


def _damage(folder: Path, rng: Rng) -> None:
    """Damage label files, if there are some, or names, or leave something out."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    texts = [path for path in files if path.suffix in (".txt", ".csv")]
    changes = [_rename, _leave_out]
    if texts:
        changes += [_bytes, _cells, _lines, _encoding] * 2
    for _ in range(int(rng.integers(1, 3))):
        change = changes[int(rng.integers(len(changes)))]
        chosen = texts if change not in (_rename, _leave_out) else files
        path = chosen[int(rng.integers(len(chosen)))]
        if path.is_file():  # and not left out already
            change(path, rng)


def _rename(path: Path, rng: Rng) -> None:
    """Give a file, or the folder that it is in, another name."""
    renamed = path if rng.random() < 0.7 else path.parent
    try:
        os.rename(renamed, renamed.with_name(_drawn(NAMES, rng)))
    except OSError:  # such a name can't be had here
        path.write_bytes(b"")


def _leave_out(path: Path, rng: Rng) -> None:
    """Remove a file or folder, or leave something else in its place."""
    kind = rng.integers(5)
    if kind == 4 and path.parent.name != "copy":
        shutil.rmtree(path.parent)
        return
    path.unlink()
    if kind == 1:
        path.mkdir()
    elif kind == 2:
        path.symlink_to(_drawn(("nowhere", ".", path.name), rng))
    elif kind == 3:
        path.touch()


def _bytes(path: Path, rng: Rng) -> None:
    path.write_bytes(damaged(path.read_bytes(), rng)[1])


def _cells(path: Path, rng: Rng) -> None:
    """Odd values in place of words."""
    lines = _read_lines(path)
    value = _drawn(_CELLS, rng).encode("utf-8", "surrogatepass")
    for number in _some(len(lines), rng):
        line = lines[number]
        separator = next((mark for mark in (b",", b"\t") if mark in line), b" ")
        words = line.split(separator)
        words[int(rng.integers(len(words)))] = value
        lines[number] = separator.join(words)
    path.write_bytes(b"\n".join(lines))


def _lines(path: Path, rng: Rng) -> None:
    """Lines there twice, left out, swapped, lengthened or cut."""
    lines = _read_lines(path)
    kind = str(rng.choice(["twice", "out", "shuffled", "longer", "cut", "blank"]))
    for number in sorted(_some(len(lines), rng), reverse=True):
        line = lines[number]
        if kind == "twice":
            lines.insert(int(rng.integers(len(lines))), line)
        elif kind == "out":
            del lines[number]
        elif kind == "longer":
            lines[number] = line + _drawn((b" 1", b",1", b"\t1", b" ", b","), rng)
        elif kind == "cut":
            lines[number] = line[: int(rng.integers(len(line) + 1))]
        elif kind == "blank":
            lines[number] = b""
    if kind == "shuffled":
        rng.shuffle(lines)
    path.write_bytes(_drawn((b"\n", b"\r\n", b"\r"), rng).join(lines))


def _encoding(path: Path, rng: Rng) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    encoding = str(rng.choice(labels.ENCODINGS))
    path.write_bytes(text.replace("a", "ä").encode(encoding, "replace"))


def _read_lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")


def _some(count: int, rng: Rng) -> Iterator[int]:
    """Some of so many numbers: most often one of them, at times all."""
    share = rng.choice([0, 0, 0.3, 1])
    yield from {int(rng.integers(count)), *np.flatnonzero(rng.random(count) < share)}


def _drawn(values: Sequence[T], rng: Rng) -> T:
    return values[int(rng.integers(len(values)))]
