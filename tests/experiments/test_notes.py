"""Does a report say what its reader must know of the data and the training?"""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.recipe import Recipe
from multitask.experiments.evaluate import report
from multitask.experiments.notes.leaks import leakage_notes
from multitask.experiments.notes.parts import (
    few_labels_notes,
    measured_part,
    missing_parts,
    small_parts,
)
from multitask.experiments.notes.training import (
    frozen_notes,
    frozen_notes_of,
    sampling_notes,
    training_notes,
)
from multitask.experiments.run import fit
from tests import layouts
from tests.networks.test_named import write
from tests.runs import quiet, tiny_recipe

pytestmark = pytest.mark.usefixtures("numbers_alone")


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
    assert notes[1:4] == [
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
    table, recipe = pd.DataFrame({"split": parts}), Recipe()
    measured, notes = measured_part(recipe, table, np.arange(len(parts)))
    assert measured == part
    assert len(notes) == bool(warned)
    assert warned in "".join(notes)
    assert "".join(notes).count(f"({len(parts)} picture") == bool(warned)
    asked = measured_part(Recipe(split="100/0/0"), table, np.arange(len(parts)))[1]
    assert "".join(asked).count("(as --split says)") == bool(warned)


LABELS = pd.DataFrame(
    {
        "split": ["train"] * 50 + ["val"] * 2 + ["test"] * 40,
        "gender": ["male"] * 92,
        "pose": ["left"] * 60 + [None] * 32,
    }
)


def test_figures_of_less_than_30_pictures_are_called_chance():
    heads = catalog.heads(["gender"])
    assert small_parts(heads, LABELS) == (
        "The validation part has only 2 pictures: its figures are largely chance, and "
        "so is which epoch is the best.",
    )
    for count, noted in ((1, True), (29, True), (30, False)):
        notes = few_labels_notes(heads, LABELS[:count], "all")
        start = f"The data has only {count} picture{'s' * (count > 1)}: its figures are"
        assert [note.startswith(start) for note in notes] == [True] * noted


def test_heads_that_few_pictures_of_a_part_are_labelled_for_are_named():
    heads = catalog.heads(["gender", "pose"])
    assert small_parts(heads, LABELS)[1:] == (
        "The test part has few labels (8 for pose): its figures are largely chance.",
    )
    # A head without any label has no figures.
    assert few_labels_notes(heads, LABELS[60:], "test") == ()


@pytest.mark.slow
def test_a_trunk_that_learnt_from_the_test_part_is_told(
    drawn_run, drawn_faces, tmp_path
):
    network = drawn_run.folder / "network.keras"
    recipe = tiny_recipe(drawn_faces, epochs=1, seed=5, weights=str(network))
    lines: list[str] = []
    run = fit(recipe, tmp_path / "leaks", say=lines.append)
    split = pd.read_csv(drawn_run.folder / "split.csv")
    assert any("taught the network of --weights" in line for line in lines)
    assert any("taught the network" in note for note in run.evaluation.notes)
    # Predictions are no better for it: only reports say so, also later ones.
    assert not any("taught the network" in note for note in run.network.notes)
    again = report(run.folder, out=tmp_path / "again")
    assert any("taught the network" in note for note in again.notes)
    recipe = tiny_recipe(
        drawn_faces,
        epochs=1,
        weights=str(network),
        split=str(drawn_run.folder / "split.csv"),
    )
    clean = fit(recipe, tmp_path / "clean", say=quiet)
    assert len(clean.evaluation.labels) == (split["split"] == "test").sum()
    assert not any("taught the network" in n for n in clean.evaluation.notes)


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


@pytest.mark.parametrize(
    ("mix", "notes"),
    [
        ("proportional", ()),
        ("temperature=2", ("Training saw the data sets by the rule temperature=2.",)),
        ("classes=race", ("Training saw the classes of race equally often.",)),
    ],
)
def test_a_mix_is_noted_unless_it_is_the_usual_one(mix, notes):
    assert sampling_notes(Recipe(mix=mix), catalog.heads(["race"])) == notes


def test_a_cap_of_all_heads_is_noted_with_thousands():
    (note,) = sampling_notes(Recipe(cap={"all": 12000}), catalog.heads(["race"]))
    assert "until every class of each head had 12,000 or all it has" in note


@pytest.mark.parametrize(
    ("settings", "notes"),
    [
        ({}, ()),
        ({"freeze": "all", "views": 0}, ()),
        (
            {"freeze": "all"},
            ("What is frozen was computed once, for each training picture as it is.",),
        ),
        (
            {"freeze": "all", "views": 4},
            (
                "What is frozen was computed once, for each training picture as it is "
                "and 3 mirrored or augmented views of it.",
            ),
        ),
        (
            {"freeze": "all", "views": 4, "augment": "none"},  # nothing to vary
            ("What is frozen was computed once, for each training picture as it is.",),
        ),
        (
            {"freeze": "all", "views": 0, "then": "all,epochs=8"},
            (
                "The trunk was frozen at first; in a second stage of at most 8 epochs "
                "all of it learnt.",
            ),
        ),
        (
            {"freeze": "all", "views": 0, "then": "2,epochs=1"},
            (
                "The trunk was frozen at first; in a second stage of at most 1 epoch "
                "more stages of it learnt.",
            ),
        ),
    ],
)
def test_what_was_frozen_is_noted(settings, notes):
    assert frozen_notes(Recipe(**settings)) == notes


def test_settings_of_a_network_file_tell_what_was_frozen():
    plain = Recipe(freeze="all").plain()
    assert frozen_notes_of(plain) == frozen_notes(Recipe(freeze="all")) != ()
    # Of an earlier version, of nothing at all, and of what no version knows.
    earlier = {**plain, "looks": plain.pop("tta")}
    assert frozen_notes_of(earlier) == frozen_notes(Recipe(freeze="all"))
    assert frozen_notes_of({}) == frozen_notes_of({"freeze": "sideways"}) == ()


def test_what_trials_vary_is_not_noted_as_the_same_for_all():
    heads = catalog.heads(["race"])
    recipe = Recipe(cap={"race": 9}, mix="equal", freeze="all")
    cap, mix, frozen = training_notes(recipe, heads)
    assert training_notes(recipe, heads, ["cap"]) == (mix, frozen)
    assert training_notes(recipe, heads, ["mix", "freeze"]) == (cap,)


def test_groups_on_both_sides_of_a_listed_split_are_counted(tmp_path):
    table = pd.DataFrame(
        {
            "path": list("abcdef"),
            "split": ["train", "train", "val", "test", "test", "test"],
        },
        index=[3, 1, 4, 5, 9, 2],
    )
    members = np.array([0, 1, 0, 1, 2, 2])  # two of the four show trained groups
    recipe = Recipe(split=str(tmp_path / "split.csv"))
    (note,) = leakage_notes(recipe, table, members)
    assert note.startswith("2 of 4 pictures of validation and test part show a person")
    assert leakage_notes(recipe, table, np.arange(6)) == ()
    assert leakage_notes(Recipe(), table, members) == ()  # it keeps groups together


def test_the_split_of_a_named_network_is_the_one_beside_it(
    named_folder, tmp_path, monkeypatch
):
    table = pd.DataFrame({"path": list("ab"), "split": ["train", "val"]})

    def notes(weights):
        return leakage_notes(Recipe(weights=weights), table, np.arange(2))

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    network = write(named_folder / "faces.v2" / "network.keras")
    bundled = write(tmp_path / "bundled" / "zebra" / "network.keras")
    stray = pd.DataFrame({"path": ["b"], "split": ["train"]})
    stray.to_csv("split.csv", index=False)  # of nothing that is named
    for weights in ("none", "imagenet", "gone.v2", str(tmp_path / "gone.keras")):
        assert notes(weights) == ()
    for weights in ("faces.v2", "zebra"):
        (note,) = notes(weights)
        assert note.startswith("No split.csv beside the network of --weights lists the")
    for name, file in (("faces.v2", network), ("zebra", bundled)):
        stray.to_csv(file.with_name("split.csv"), index=False)
        (note,) = notes(name)
        assert f"--split {file.with_name('split.csv')} keeps its parts" in note
        assert notes(str(file)) == notes(str(file.parent)) == (note,)


@pytest.mark.parametrize(
    ("data", "may_be_the_same"),
    [
        ("sample", False),
        ("utkface=U", False),
        ("fairface=F", True),
        ("mine=table:a.csv", True),
        ("mood=folder:stills", True),
    ],
)
@pytest.mark.parametrize("option", ["weights", "teacher"])
def test_a_network_whose_card_names_its_data_leaks_only_those(
    data, may_be_the_same, option
):
    table = pd.DataFrame({"path": list("ab"), "split": ["train", "val"]})
    weights = "faces" if option == "weights" else ("faces",)
    settings: dict[str, Any] = {option: weights, "data": ("utkface=U", data)}
    notes = leakage_notes(Recipe(**settings), table, np.arange(2))
    assert notes == (
        (
            "faces learned from FairFace. If pictures tested here come from there, "
            "their figures are too good.",
        )
        * may_be_the_same
    )


@pytest.mark.parametrize("option", ["weights", "teacher"])
def test_pictures_that_trained_the_weights_before_are_counted(tmp_path, option):
    table = pd.DataFrame(
        {"path": list("abcd"), "split": ["train", "val", "test", "test"]}
    )
    before = pd.DataFrame(
        {"path": list("abcx"), "split": ["train", "train", "train", "val"]}
    )
    before.to_csv(tmp_path / "split.csv", index=False)
    network = str(write(tmp_path / "network.keras"))
    settings: dict[str, Any] = {option: network if option == "weights" else (network,)}
    recipe = Recipe(**settings)

    def counted(table, members):
        (note,) = leakage_notes(recipe, table, np.array(members))
        assert f" taught the network of --{option}, or are nearly alike one" in note
        return note.partition(" pictures")[0]

    assert counted(table, range(4)) == "2 of 3"
    assert counted(table, [0, 1, 2, 2]) == "3 of 3"  # d is nearly alike c
    moved = table.assign(path="/elsewhere/" + table["path"])
    assert counted(moved, range(4)) == "2 of 3"
    (tmp_path / "split.csv").write_text("something else\n1\n")
    assert leakage_notes(recipe, table, np.arange(4)) == ()


NO_TEST = (
    "No picture is in the test part: the report will measure the validation part, "
    "which flatters the network."
)
OTHERS = (
    "3 pictures form 2 groups, as those of one person, or nearly alike, stay in one "
    "part: pictures of others are needed to fill all three parts."
)


@pytest.mark.parametrize(
    ("parts", "members", "settings", "said"),
    [
        (["train", "val", "test"], [0, 1, 2], {}, []),
        (
            ["train"],
            [0],
            {"split": "100/0/0"},
            [
                "No picture is in the validation part: the network of the last epoch "
                "is kept, and its confidences are not calibrated.",
                "No picture is in the test part: the report will measure the training "
                "part, which flatters the network.",
                "--split 70/15/15 makes all three parts.",
            ],
        ),
        (
            ["train", "val"],
            [0, 1],
            {"split": "70/15/15"},
            [NO_TEST, "2 pictures are too few to fill all three parts."],
        ),
        (["train", "val", "val"], [0, 1, 1], {}, [NO_TEST, OTHERS]),
        (
            ["train", "val", "val"],
            [0, 1, 1],
            {"identity": "(img)"},
            [
                NO_TEST,
                f"{OTHERS} --identity finds 1 person: check its pattern.",
            ],
        ),
    ],
)
def test_a_part_without_pictures_is_said_with_what_follows(
    parts, members, settings, said
):
    table = pd.DataFrame({"split": parts, "identity": "img"})
    notes = missing_parts(Recipe(**settings), table, np.array(members))
    assert list(notes) == said


def test_a_part_without_pictures_is_said_before_training(drawn_faces, tmp_path):
    lines: list[str] = []
    recipe = tiny_recipe(drawn_faces, epochs=1, split="100/0/0")
    fit(recipe, tmp_path / "run", say=lines.append)
    said = next(i for i, text in enumerate(lines) if "test part" in text)
    assert said < next(i for i, text in enumerate(lines) if text.startswith("epoch "))
