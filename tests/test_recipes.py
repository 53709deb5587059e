"""Does every recipe that comes with the package run to its report?"""

from dataclasses import replace

import pandas as pd
import pytest
from multitask.datasets import sample

from multitask import recipe, recipes, trunks
from multitask.fit import fit
from multitask.recipe import read


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Drawn faces in the layout that each recipe is made for."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("imfdb", "celeba", "utkface"):
        sample.write(folder / name, name, count=60)
    sample.write(folder / "mood", "folders", count=60, head="gender")
    return folder


def shrunk(made, data, name):
    """The recipe on small pictures for an epoch, and its trunk not of ImageNet.

    The default trunk, which other tests train, gives way to a smaller one.
    """
    kind = name.partition("-")[0]
    sets = {
        "imfdb": f"imfdb={data / 'imfdb'}",
        "celeba": f"celeba={data / 'celeba'}",
        "stills": f"genre=folder:{data / 'mood'}",
        "mood": f"mood=folder:{data / 'mood'}",
    }
    trunk = "tiny" if made.trunk == "cnn" else made.trunk
    return replace(
        made,
        trunk=trunk,
        data=(sets.get(kind, f"utkface={data / 'utkface'}"),),
        weights="none",
        cache=str(data / "cache"),
        image_size=max(trunks.trunk(trunk).least, 32),
        batch_size=16,
        epochs=1,
        precision="float32",
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", recipe.names())
def test_a_recipe_runs_to_its_report(name, data, tmp_path, tiny_trunk):
    made = recipe.recipe(read(name), name)
    run = fit(shrunk(made, data, name), tmp_path / "run", say=lambda line: None)
    report = run.folder / "report"
    for file in (
        "classification_report.txt", "index.html", "curves.png", "grid.png",
    ):  # fmt: skip
        assert (report / file).exists(), file
    answers = pd.read_csv(report / "answers.csv")
    assert len(answers) == len(run.comparison.labels) > 0


def test_each_recipe_says_data_settings_and_what_was_published(capsys):
    assert recipes.main([]) == 0
    said = capsys.readouterr().out
    for name in recipe.names():
        assert f"{name}\n  Data:      " in said
        text = recipe.path(name).read_text()
        if name != "default":
            assert "# Settings:  " in text
            assert "# Published: " in text
