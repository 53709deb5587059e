"""Does a report say what its reader must know of the data and the training?"""

import json

import pandas as pd
import pytest

from multitask.experiments.notes import measured_part
from multitask.experiments.run import fit
from tests import layouts
from tests.runs import quiet, tiny_recipe

pytestmark = pytest.mark.usefixtures("no_pictures")


def test_what_is_mixed_balanced_and_capped_is_said_and_noted(drawn_faces, tmp_path):
    lines: list[str] = []
    recipe = tiny_recipe(
        drawn_faces,
        epochs=1,
        mix="classes=gender",
        cap={"gender": 5},
        class_weights={"gender": "balanced"},
    )
    run = fit(recipe, tmp_path / "run", say=lines.append)
    # 80% of the labels of 70 drawn faces would be more than the cap allows.
    (shown,) = [line for line in lines if line.startswith("an epoch shows")]
    sample_count = int(shown.split("sample ")[1].split(";")[0])
    assert 10 <= sample_count < 25
    notes = json.loads((run.folder / "report" / "report.json").read_text())["notes"]
    assert notes[1:] == [
        "Training pictures were drawn at random until every class of gender had 5 or "
        "all it has; classes that share pictures with rarer ones may have more.",
        "Training saw the classes of gender equally often.",
        "Rare classes weigh more in the loss of gender.",
    ]


@pytest.mark.parametrize(
    ("parts", "part", "warned"),
    [
        (["train", "val", "test"], "test", ""),
        (["train", "val"], "val", "the validation part, by which the best epoch"),
        (["train"], "train", "pictures that the network learnt from"),
    ],
)
def test_a_report_without_a_test_part_says_what_it_is_of(parts, part, warned):
    measured, notes = measured_part(pd.DataFrame({"split": parts}))
    assert measured == part
    assert len(notes) == bool(warned)
    assert warned in "".join(notes)


def test_a_trunk_that_learnt_from_the_test_part_is_told(
    drawn_run, drawn_faces, tmp_path
):
    network = drawn_run.folder / "network.keras"
    recipe = tiny_recipe(drawn_faces, epochs=1, seed=5, weights=str(network))
    lines: list[str] = []
    run = fit(recipe, tmp_path / "leaks", say=lines.append)
    split = pd.read_csv(drawn_run.folder / "split.csv")
    assert any("had trained the network of --weights" in line for line in lines)
    assert any("had trained the network" in note for note in run.evaluation.notes)
    recipe = tiny_recipe(
        drawn_faces,
        epochs=1,
        weights=str(network),
        split=str(drawn_run.folder / "split.csv"),
    )
    clean = fit(recipe, tmp_path / "clean", say=quiet)
    assert len(clean.evaluation.labels) == (split["split"] == "test").sum()
    assert not any("had trained the network" in n for n in clean.evaluation.notes)


def test_a_split_of_a_file_that_leaks_is_told(tmp_path, tiny_trunk):
    folder = tmp_path / "faces"
    layouts.write(folder, "celeba", count=60)
    paths = sorted(map(str, folder.rglob("*.jpg")))  # four pictures a person
    parts = ["train", "train", "train", "test"] * 15
    file = tmp_path / "split.csv"
    pd.DataFrame({"path": paths, "split": parts}).to_csv(file, index=False)
    recipe = tiny_recipe(folder, data=(f"celeba={folder}",), epochs=1, split=str(file))
    run = fit(recipe, tmp_path / "run", say=quiet)
    assert any(
        "15 of 15 pictures of validation and test part show a person" in note
        for note in run.evaluation.notes
    )
