"""What do tests of experiments share? Drawn faces, and one run on them."""

from pathlib import Path

import pytest
from multitask.datasets import sample

from multitask.experiments.run import Run, fit
from tests.runs import HEADS, tiny_recipe


@pytest.fixture(scope="package")
def drawn_faces(tmp_path_factory: pytest.TempPathFactory, tiny_trunk: str) -> Path:
    """A folder with 150 faces of the sample."""
    folder = tmp_path_factory.mktemp("drawn") / "faces"
    sample.read(folder, count=150)
    return folder


@pytest.fixture(scope="package")
def drawn_lines() -> list[str]:
    """The lines that `drawn_run` says."""
    return []


@pytest.fixture(scope="package")
def drawn_run(
    drawn_faces: Path,
    drawn_lines: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """A run with `HEADS` on the drawn faces."""
    out = tmp_path_factory.mktemp("runs") / "run"
    return fit(tiny_recipe(drawn_faces, heads=HEADS), out, say=drawn_lines.append)
