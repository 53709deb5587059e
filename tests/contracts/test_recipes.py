"""Does every recipe that comes with the package run to its report?"""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from multitask import recipes
from multitask.cli import options
from multitask.contracts import recipe, recipe_files
from multitask.contracts.machine import Machine
from multitask.contracts.recipe_files import read
from multitask.experiments.run import fit
from multitask.fit import main as fit_command
from multitask.fit import parser
from multitask.networks import trunks
from tests import layouts


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Drawn faces in the layout that each recipe is made for."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("imfdb", "celeba", "fairface", "utkface"):
        layouts.write(folder / name, name, count=60)
    layouts.write(folder / "mood", "folders", count=60, head="gender")
    return folder


def shrunk(published, data, name):
    """The recipe on small pictures for one epoch, without ImageNet's weights.

    The default trunk, which other tests train, gives way to a smaller one.
    """
    kind = name.partition("-")[0]
    sets = {
        "imfdb": f"imfdb={data / 'imfdb'}",
        "celeba": f"celeba={data / 'celeba'}",
        "faces": f"fairface={data / 'fairface'}",
        "stills": f"genre=folder:{data / 'mood'}",
        "mood": f"mood=folder:{data / 'mood'}",
    }
    trunk = "tiny" if published.trunk == "cnn" else published.trunk
    return replace(
        published,
        trunk=trunk,
        data=(sets.get(kind, f"utkface={data / 'utkface'}"),),
        weights="none",
        image_size=max(trunks.trunk(trunk).least, 32),
        batch_size=16,
        epochs=1,
        precision="float32",
    )


PLAIN = {"augment": "none", "crop": 1.0, "tta": 1, "weight_decay": 0.0}
SGD = {"optimizer": "sgd", "learning_rate": 0.01, "patience": 5}
ADAM = {"optimizer": "adam", "learning_rate": 1e-3, "schedule": "constant,warmup=0"}
IMFDB = PLAIN | {"image_size": 224, "batch_size": 32, "epochs": 20, "patience": 0}
FROZEN = IMFDB | SGD | {
    "weights": "imagenet", "freeze": "all", "pooling": "flatten", "dropout": 0.5,
    "features": "64,l2=0.001,norm=yes",
    "schedule": "plateau,patience=4,min_learning_rate=0.001",
}  # fmt: skip
STILLS = PLAIN | ADAM | {
    "image_size": 96, "learning_rate": 1e-5, "augment": "rotate", "epochs": 30,
    "split": "70/15/15", "cap": {"all": 1000},
}  # fmt: skip
CELEBA = PLAIN | ADAM | {
    "weights": "imagenet", "heads": ("attributes",), "features": "512",
    "dropout": 0.3, "epochs": 8, "batch_size": 64, "limit": 29500,
    "class_weights": {"attributes": "balanced"},
}  # fmt: skip
TRANSFER = {
    "trunk": "efficientnet_lite0", "weights": "imagenet", "freeze": "all",
    "image_size": 224, "epochs": 20,
}  # fmt: skip
PUBLISHED: dict[str, dict[str, Any]] = {
    "imfdb-base": IMFDB | ADAM | {"trunk": "base_cnn", "dropout": 0.0},
    "imfdb-regularized": IMFDB | SGD | {
        "trunk": "regularized_cnn",
        "schedule": "plateau,patience=5,min_learning_rate=0.001",
    },
    "imfdb-resnet50": FROZEN | {"trunk": "resnet50"},
    "imfdb-vgg16": FROZEN | {"trunk": "vgg16"},
    "stills-vgg16": STILLS | {"trunk": "vgg16", "dropout": 0.5},
    "stills-alexnet": STILLS | {"trunk": "alexnet", "dropout": 0.1},
    "celeba-resnet50": CELEBA | {"trunk": "resnet50"},
    "celeba-densenet121": CELEBA | {"trunk": "densenet121"},
    "celeba-inception": CELEBA | {"trunk": "inception_v3"},
    "utkface-cnn": PLAIN | ADAM | {
        "trunk": "utkface_cnn", "image_size": 198, "batch_size": 64, "epochs": 20,
        "heads": ("age:regression", "gender", "race"), "split": "49/21/30",
        "loss_weights": {"age": 2.0, "race": 1.5, "gender": 1.0},
    },
    "mood-cnn": PLAIN | ADAM | {
        "trunk": "mood_cnn", "image_size": 256, "epochs": 20, "split": "70/20/10",
        "heads": ("mood:sigmoid",),
    },
    "stills-transfer": TRANSFER,
    "imfdb-transfer": TRANSFER | {"heads": ("imfdb",)},
    "mood-transfer": TRANSFER | {"heads": ("mood",)},
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_recipe_has_the_settings_of_its_experiment(name):
    settings = recipe.recipe(read(name), name)
    assert {key: getattr(settings, key) for key in PUBLISHED[name]} == PUBLISHED[name]


def test_no_recipe_but_ours_goes_unchecked():
    ours = {"default", "faces", "thorough"}
    assert set(recipe_files.names()) - set(PUBLISHED) == ours


@pytest.mark.slow
@pytest.mark.parametrize("name", recipe_files.names())
def test_a_recipe_runs_to_its_report(name, data, tmp_path, tiny_trunk):
    published = recipe.recipe(read(name), name)
    run = fit(
        shrunk(published, data, name),
        tmp_path / "run",
        say=lambda line: None,
        machine=Machine(cache=data / "cache"),
    )
    report = run.folder / "report"
    for file in (
        "classification_report.txt", "index.html", "curves.png", "grid.png",
    ):  # fmt: skip
        assert (report / file).exists(), file
    answers = pd.read_csv(report / "answers.csv")
    assert len(answers) == len(run.evaluation.labels) > 0


def test_one_recipe_can_be_named(capsys):
    assert recipes.main(["mood-transfer"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("mood-transfer\n  Data:      pictures in two folders, one ")
    assert "imfdb" not in shown
    assert recipes.main(["mood-transfr"]) == 2
    line = capsys.readouterr().err
    assert line.startswith(
        "mood-transfr: is no recipe of this package; did you mean 'mood-transfer'? "
    )


def test_a_recipe_with_a_head_of_its_data_needs_data(tmp_path, capsys):
    out = str(tmp_path / "out")
    assert fit_command(["--recipe", "mood-transfer", "--out", out]) == 2
    assert capsys.readouterr().err == (
        "--recipe mood-transfer: needs --data mood=folder:FOLDER (pictures in two "
        "folders, one per class)\n"
    )
    given = ["--recipe", "mood-transfer", "--heads", "gender"]
    read = options.read(parser().parse_args(given))
    assert (read.data, read.heads) == (("sample",), ("gender",))


def test_each_recipe_says_data_settings_and_what_was_published(capsys):
    assert recipes.main([]) == 0
    shown = capsys.readouterr().out
    for name in recipe_files.names():
        assert f"{name}\n  Data:      " in shown
        text = recipe_files.path(name).read_text()
        if name != "default":
            assert "# Settings:  " in text
            assert "# Published: " in text
