"""What do tests of a comparison share? Labels, drawn faces, and one comparison."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multitask.comparison.study import compare
from multitask.contracts import catalog
from multitask.contracts.recipe import Recipe
from multitask.contracts.results.design_comparison import DesignComparison
from tests import layouts


@pytest.fixture
def labels():
    """Six pictures, four to train on and two to test on."""
    nan = np.nan
    return pd.DataFrame(
        {
            "path": list("abcdef"),
            "split": ["train"] * 4 + ["test"] * 2,
            "gender": ["male", "female", "female", nan, "male", "female"],
            "makeup": ["over", "over", "partial", "over", "partial", "over"],
            "age": [1.0, 2, 3, 4, 5, 6],
        }
    )


@pytest.fixture
def heads():
    return catalog.heads(["gender", "makeup", "age"])


@pytest.fixture
def drawn_faces(tmp_path):
    """A folder of 60 drawn faces, as `imfdb` reads it."""
    layouts.write(tmp_path / "faces", "imfdb", count=60)
    return tmp_path / "faces"


@dataclass(frozen=True)
class Compared:
    """A comparison of three designs on the trunk `tiny`, and the lines it printed."""

    recipe: Recipe
    out: Path
    result: DesignComparison
    lines: list[str]


@pytest.fixture(scope="package")
def compared(tmp_path_factory, tiny_trunk):
    folder = tmp_path_factory.mktemp("compared")
    layouts.write(folder / "faces", "imfdb", count=120)
    recipe = Recipe(
        heads=("gender", "illumination"),
        data=(f"imfdb={folder / 'faces'}",),
        trunk="tiny",
        epochs=2,
        batch_size=16,
        precision="float32",
        split="60/20/20",
        tta=1,
    )
    lines: list[str] = []
    result = compare(
        recipe, folder / "out", merges=("gender+illumination",), say=lines.append
    )
    return Compared(recipe, folder / "out", result, lines)
