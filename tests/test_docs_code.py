"""Does the Python that README and the site show run, on a small scale?"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample
from PIL import Image

import multitask
from multitask.images import camera
from tests import layouts
from tests.images.clips import write_clip

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^( *)```python\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# A training that takes a moment.
SMALL = {"trunk": "tiny", "image_size": 16, "epochs": 1, "tta": 1}


def code(page):
    """The Python of a page, each line where it is on the page.

    TensorFlow, like a traceback, looks lines up in the file.
    """
    text = page.read_text(encoding="utf-8")
    lines = [""] * text.count("\n")
    for match in FENCE.finditer(text):
        indent, block = match.groups()
        first = text[: match.start(2)].count("\n")
        block = re.sub(f"^{indent}", "", block, flags=re.MULTILINE)
        lines[first : first + block.count("\n")] = block.splitlines()
    return "\n".join(lines)


PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if code(page).strip()
]


@pytest.fixture
def small(monkeypatch, tiny_trunk):
    """Make every training of `multitask` a small one, whatever a page asks for."""

    def shrink(name, **smaller):
        real = getattr(multitask, name)

        def called(*arguments, **settings):
            return real(*arguments, **settings | SMALL | smaller)

        monkeypatch.setattr(multitask, name, called)

    shrink("fit")
    shrink("compare", seeds=1)
    shrink("sweep", trials=1)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with what the pages call PATH, labels.csv, a.jpg and so on."""
    folder = tmp_path_factory.mktemp("pages")
    table = sample.read(folder / "drawn", count=60).table
    table["mood"] = (
        table["expression"].eq("happiness").map({True: "calm", False: "tense"})
    )
    table["path"] = [str(Path(path).absolute()) for path in table["path"]]
    table[["path", "age", "gender", "mood"]].to_csv(folder / "labels.csv", index=False)
    for name, layout in (
        *[(name, "utkface") for name in ("PATH", "U", "OTHER")],
        ("C", "celeba"),
        ("I", "imfdb"),
    ):
        layouts.write(folder / name, layout, count=240 if name == "I" else 60)
    for name, path in zip("abc", sorted((folder / "U").iterdir()), strict=False):
        shutil.copy(path, folder / f"{name}.jpg")
    shutil.copy(folder / "a.jpg", folder / "b.png")  # content decides, not the ending
    shutil.copytree(folder / "U", folder / "folder")
    return folder


def portrait():
    """A photo with one face, in the public domain."""
    pytest.importorskip("skimage", reason="needs scikit-image")
    from skimage import data

    return data.astronaut()


class Portraits:
    """Pictures of which a page takes the first few hundred: here 30 of one photo."""

    def __init__(self, path):
        self.path = path

    def __getitem__(self, part):
        return [self.path] * min(30, part.stop)


def write_answers(path):
    """Answers in Parquet, without pyarrow, and their features beside them."""
    duckdb = pytest.importorskip("duckdb", reason="needs the extra search")
    from multitask.predict import main

    table, features = path.with_suffix(".csv"), path.with_name("features.npy")
    pictures = ["a.jpg", "b.jpg", "photo.jpg"]
    out = ["--out", str(table), "--features", str(features)]
    assert main(["faces", *pictures, *out]) == 0
    answers = pd.read_csv(table).assign(Smiling=1, Smiling_confidence=0.9)
    duckdb.from_df(answers).write_parquet(str(path))


def write_video(path, monkeypatch):
    """A video of two seconds with a face, and a camera that shows a test pattern."""
    pytest.importorskip("av", reason="needs the extra video")
    pytest.importorskip("edgefirst.tracker", reason="needs the extra video")
    write_clip(path, [Image.fromarray(portrait())] * 10, rate=5)
    pattern = camera.Device("testsrc=size=64x48:rate=10:duration=1", "lavfi", {})
    monkeypatch.setattr(camera, "device", lambda name: pattern)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page, pictures, small, tmp_path, monkeypatch):
    needed = {
        "export": ("tf2onnx", "onnxruntime", "ai_edge_litert"),
        "predict": ("ai_edge_litert",),
    }
    for package in needed.get(page.stem, ()):
        pytest.importorskip(package, reason="needs the extras export and litert")
    if "clip.mp4" in code(page):
        write_video(tmp_path / "clip.mp4", monkeypatch)
    shutil.copytree(pictures, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    if "photo.jpg" in code(page):
        Image.fromarray(portrait()).save(tmp_path / "photo.jpg")
    if "answers.parquet" in code(page):
        write_answers(tmp_path / "answers.parquet")
    text = code(page)
    for run in set(re.findall(r"runs/\w+", text)):
        if f'out="{run}"' not in text:  # else the page makes it itself
            multitask.fit(data={"utkface": "U", "celeba": "C"}, out=run)
    names = {
        "training_pictures": Portraits(tmp_path / "photo.jpg"),
        "dataframe": pd.read_csv("labels.csv"),
        "pictures": np.zeros((2, 40, 50, 3), np.uint8),
        "frames": lambda: iter(np.zeros((2, 40, 50, 3), np.uint8)),
        "labels": np.arange(60) % 2,  # of the pictures in `folder/`
    }
    exec(compile(text, str(page), "exec"), names)
    for out in re.findall(r'\bout="([^"{]+)"', text):
        assert Path(out).exists(), f"{page} says that it writes {out}"


@pytest.mark.slow
def test_a_script_of_the_guide_shows_no_notices_of_tensorflow(tmp_path):
    page = ROOT / "docs" / "guides" / "your-own-loop.md"
    program = code(page).partition("model_of_stages =")[0] + "\nimport keras\n"
    script = tmp_path / "script.py"
    script.write_text(program, encoding="utf-8")
    usual = {n: v for n, v in os.environ.items() if not n.startswith(("TF_", "KERAS"))}
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=usual | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "val_age_mae" in done.stdout
    assert done.stderr == ""
