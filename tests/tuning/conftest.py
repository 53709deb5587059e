"""What do the tests of a sweep share? Drawn faces, a recipe, and trials by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from multitask.contracts import catalog
from multitask.contracts.recipe import Recipe
from tests import layouts


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """The folder of 120 drawn faces that stand for IMFDB."""
    folder = tmp_path_factory.mktemp("faces")
    layouts.write(folder, "imfdb", count=120)
    return folder


@pytest.fixture
def base(faces, tiny_trunk):
    """A recipe of two heads that is trained in a second."""
    return Recipe(
        heads=("gender", "illumination"),
        data=(f"imfdb={faces}",),
        trunk="tiny",
        epochs=2,
        batch_size=16,
        precision="float32",
        split="60/20/20",
        tta=1,
    )


@pytest.fixture
def swept(tmp_path):
    """Sweep a recipe in `tmp_path/out`, silently unless told whom to `say` it to."""
    from multitask.tuning.sweep import sweep

    def swept(recipe, **options):
        return sweep(recipe, tmp_path / "out", **{"say": lambda line: None, **options})

    return swept


@pytest.fixture
def trials_by_hand(tmp_path):
    """Trials that nobody trained, of a number of dimensions and recorded trials."""
    from multitask.experiments.prepare import Prepared
    from multitask.networks.spec import NetworkSpec
    from multitask.tuning.space import parse_dimension
    from multitask.tuning.storage import write_trial
    from multitask.tuning.trials import Trials

    def trials_by_hand(vary, records, heads=("gender",), **recipe):
        base = Recipe(trunk="tiny", **recipe)
        nothing = pd.DataFrame({"path": [], "split": []})
        for record in records:
            write_trial(tmp_path, record)
        return Trials(
            base=base,
            prepared=Prepared(
                recipe=base,
                spec=NetworkSpec(trunk="tiny", size=8, heads=catalog.heads(heads)),
                table=nothing,
                pixels=np.zeros((0, 8, 8, 3), np.uint8),
                members=np.arange(0),
                skipped=nothing,
                remarks=("Drawn faces.",),
            ),
            parts=nothing,
            out=Path(tmp_path),
            dimensions=tuple(map(parse_dimension, vary)),
            combinations=[],
            objective="mean",
            prune=True,
            count=20,
            lock=FileLock(tmp_path / ".lock"),
            say=print,
        )

    return trials_by_hand
