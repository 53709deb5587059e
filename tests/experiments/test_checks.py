"""Is a recipe that can't work refused before the long work begins?"""

from dataclasses import replace

import keras
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe
from multitask.experiments import checks, names
from multitask.experiments.run import fit
from multitask.networks.spec import NetworkSpec
from tests.runs import tiny_recipe

HEADS = catalog.heads(["gender", "age", "attributes[Smiling,Young]"])


def error(check, *arguments):
    with pytest.raises(UserError) as caught:
        check(*arguments)
    return str(caught.value)


# Names and files


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"trunk": "cnnn"}, "--trunk: unknown trunk 'cnnn'; did you mean 'cnn'?"),
        ({"image_size": 4}, "--image-size: is 4, trunk cnn needs 16 or more"),
        ({"trunk": "cnn", "pooling": "max"}, "--pooling: "),
        ({"split": "none.csv"}, "--split: there is no file 'none.csv'"),
        ({"heads": ("gendre",), "data": ("sample",)}, "--heads: unknown head 'gendre'"),
        (
            {"heads": ("gender",), "data": ("sample",), "cap": {"gendre": 5}},
            "--cap: unknown head 'gendre'; did you mean 'gender'?",
        ),
    ],
)
def test_a_wrong_name_or_file_is_told_before_any_data_is_read(settings, line):
    data = {"data": ("utkface=nowhere",)}
    assert error(names.check_recipe, Recipe(**(data | settings))).startswith(line)


def test_heads_that_the_data_may_declare_wait_until_it_is_read():
    recipe = Recipe(heads=("mood",), data=("sample",))  # which declares none
    assert error(names.check_recipe, recipe).startswith("--heads: unknown head 'mood'")
    names.check_recipe(replace(recipe, data=("mood=folder:nowhere",)))


def test_weights_need_no_check_if_a_checkpoint_holds_them():
    recipe = Recipe(weights="nowhere.keras")
    assert "nowhere.keras" in error(checks.check_inputs, recipe)
    for freeze in ("none", "all"):
        recipe = Recipe(weights="nowhere.keras", freeze=freeze)
        checks.check_inputs(recipe, True)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"loss_weights": {"race": 2}}, "--loss-weights: unknown head 'race'; did "),
        (
            {"class_weights": {"gendre": "none"}},
            "--class-weights: unknown head 'gendre'; ",
        ),
        (
            {"cap": {"race": 2}},
            "--cap: unknown head 'race'; did you mean 'age'? Known: ",
        ),
        (
            {"mix": "classes=gendre"},
            "--mix: unknown head 'gendre'; did you mean 'gender'?",
        ),
        (
            {"mix": "classes=attributes"},
            "--mix: head attributes has several labels per picture, not one class; "
            "use --class-weights attributes=balanced",
        ),
    ],
)
def test_a_setting_of_a_head_names_one_that_there_is(settings, line):
    assert error(names.check_head_names, Recipe(**settings), HEADS).startswith(line)


def test_a_setting_may_be_of_all_heads():
    recipe = Recipe(cap={"all": 5}, loss_weights={"all": 2, "age": 1})
    names.check_head_names(recipe, HEADS)
    line = error(names.check_head_names, replace(recipe, cap={"every": 5}), HEADS)
    assert line.startswith("--cap: unknown head 'every'")


def test_no_head_is_called_all():
    heads = [*HEADS, replace(HEADS[0], name="all")]
    line = error(names.check_head_names, Recipe(), heads)
    assert line.startswith("head all: is named like all heads together; give the head")


def test_the_classes_of_a_number_can_be_mixed():
    recipe = Recipe(mix="classes=age")
    names.check_head_names(recipe, HEADS)
    line = error(names.check_head_names, recipe, HEADS[:1])  # without age
    assert line.startswith("--mix: unknown head 'age'")


# What is trained and validated


def test_a_class_that_is_never_trained_on_is_told():
    table = pd.DataFrame(
        {"gender": ["male", "male", "female"], "split": ["train", "train", "test"]}
    )
    assert error(checks.check_trainable, catalog.heads(["gender"]), table) == (
        "head gender: has classes that the training part lacks: female; add pictures "
        "of them, or enlarge the training part with --split"
    )


def test_a_head_without_a_label_in_training_is_told():
    table = pd.DataFrame({"age": [None, 3.0], "split": ["train", "test"]})
    assert error(checks.check_trainable, catalog.heads(["age"]), table).startswith(
        "head age: has no labels in the training part; add pictures, or choose"
    )


def test_a_number_that_is_never_trained_on_is_fine():
    table = pd.DataFrame({"age": [3.0, 60.0], "split": ["train", "test"]})
    lines: list[str] = []
    checks.check_trainable(catalog.heads(["age"]), table, lines.append)
    assert not lines


def test_a_label_without_a_yes_in_training_is_said_but_no_error():
    table = pd.DataFrame(
        {"Smiling": [0, 0, 1], "Young": [0, 1, 1], "split": ["train", "train", "test"]}
    )
    lines: list[str] = []
    heads = catalog.heads(["attributes[Smiling,Young]"])
    checks.check_trainable(heads, table, lines.append)
    assert lines == ["head attributes: the training part has no Smiling"]


@pytest.mark.parametrize(
    "change", [{"patience": 3}, {"schedule": "plateau"}, {"thresholds": "f1"}]
)
def test_waiting_for_a_gain_needs_a_validation_part(change):
    table = pd.DataFrame({"split": ["train", "test"]})
    assert error(checks.check_validated, Recipe(**change), table) == (
        "--split: leaves the validation part empty, but --patience, --schedule "
        "plateau and --thresholds need it"
    )
    checks.check_validated(Recipe(**change), table.assign(split=["train", "val"]))
    checks.check_validated(Recipe(), table)


def test_a_recipe_that_can_not_be_validated_leaves_no_run(drawn_faces, tmp_path):
    recipe = tiny_recipe(drawn_faces, split="80/0/20", patience=3)
    with pytest.raises(UserError, match="^--split: leaves the validation part empty"):
        fit(recipe, tmp_path / "run", say=lambda line: None)
    assert not (tmp_path / "run").exists()


# The trunk


@pytest.fixture
def spec(tiny_trunk):
    return NetworkSpec(trunk=tiny_trunk, size=16, heads=catalog.heads(["gender"]))


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"freeze": "9"}, "--freeze: is 9, but the trunk has only 1 stage;"),
        (
            {"freeze": "all", "then": "9,epochs=1"},
            "--then: is 9, but the trunk has only 1 stage;",
        ),
    ],
)
def test_more_stages_than_the_trunk_has_are_told(spec, tmp_path, settings, line):
    machine = Machine(cache=tmp_path)
    recipe = Recipe(**settings)
    assert error(checks.check_freezable, spec, recipe, machine).startswith(line)


def test_a_cache_that_can_not_be_a_folder_is_told_if_it_is_needed(spec, tmp_path):
    (tmp_path / "file").touch()
    machine = Machine(cache=tmp_path / "file")
    line = error(checks.check_freezable, spec, Recipe(freeze="all"), machine)
    assert line.startswith(f"{tmp_path / 'file'}: can't hold features: ")
    for recipe in (Recipe(), Recipe(freeze="all", views=0)):
        checks.check_freezable(spec, recipe, machine)


def test_weights_of_another_trunk_are_told(spec, tmp_path):
    image = keras.Input((8, 8, 3))
    file = tmp_path / "other.keras"
    keras.Model(image, keras.layers.Conv2D(3, 3)(image)).save(file)
    recipe = Recipe(trunk=spec.trunk, weights=str(file))
    line = error(checks.check_weights, spec, recipe)
    assert "give weights of the same trunk" in line
    checks.check_weights(spec, Recipe(trunk=spec.trunk))  # without any


def test_a_cache_that_is_not_needed_is_not_made(spec, tmp_path):
    checks.check_freezable(spec, Recipe(), Machine(cache=tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_too_few_labels_are_blamed_on_the_limit_that_left_them():
    def limited(recipe, message):
        with checks.naming_limit(recipe):
            raise UserError("head age", message, "known: gender")

    assert error(limited, Recipe(limit=4), "has no labels in age") == (
        "head age: has no labels in age; only 4 pictures are used: raise --limit"
    )
    no_labels = "the data has no labels for it in age"
    assert error(limited, Recipe(limit=4), no_labels) == (
        "head age: none of the 4 pictures that are used has a label; raise --limit, or "
        "name other --heads"
    )
    no_column = "the data has no column 'age'"
    assert error(limited, Recipe(limit=4), no_column) == (
        "head age: the data has no column 'age'; known: gender"
    )
    unlimited = error(limited, Recipe(), "has no labels in age")
    assert unlimited == "head age: has no labels in age; known: gender"
