"""Is a recipe checked and read when it is made, in Python as on the command line?"""

import inspect
from dataclasses import fields, replace

import pytest

from multitask.contracts import recipe as recipes
from multitask.contracts import recipe_texts
from multitask.contracts.augmentation import PRESETS, parse_augmentation
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import GROUPS, Recipe, recipe
from multitask.contracts.recipe_files import read

BROKEN = [
    ({"optimizer": "adamm"}, "--optimizer: is 'adamm', must be 'muon', 'adamw', 'ada"),
    ({"epochs": "many"}, "--epochs: is 'many', must be a whole number"),
    ({"epochs": True}, "--epochs: is True, must be a whole number"),
    ({"epochs": 0}, "--epochs: is 0, must be 1 or more"),
    ({"batch_size": -1}, "--batch-size: is -1, must be 0 or more"),
    ({"weight_decay": float("nan")}, "--weight-decay: is nan, must be 0 or more"),
    ({"learning_rate": float("inf")}, "--learning-rate: is inf, must be above 0"),
    ({"dropout": 1}, "--dropout: is 1.0, must be 0 or more, below 1"),
    ({"ema": 1.5}, "--ema: is 1.5, must be 0 or more, below 1"),
    ({"crop": 0.2}, "--crop: is 0.2, must be from 0.5 to 1"),
    ({"tta": 3}, "--tta: is 3, must be 1, 2, 4 or 16"),
    ({"folds": 1}, "--folds: is 1, must be 2 or more, or 0"),
    ({"seed": 2**32}, "--seed: is 4294967296, must be below 2^32"),
    ({"cap": {"race": 0}}, "--cap: is race=0, must be 1 or more"),
    ({"loss_weights": "age=2"}, "--loss-weights: is 'age=2', must be a table, such as"),
    ({"class_weights": {"age": "x"}}, "--class-weights.age: is 'x', must be 'none' or"),
    ({"data": ()}, "--data: no data set given; write --data NAME=FOLDER"),
    ({"views": 2}, "--views: has no effect without --freeze"),
    ({"augment": "standart"}, "--augment: unknown preset 'standart'; did you mean 'st"),
    ({"split": "most"}, "--split: is 'most', must be official"),
    ({"mix": "even"}, "--mix: is 'even', must be proportional"),
    ({"schedule": "cosinus"}, "--schedule: is 'cosinus', must be 'cosine'"),
    ({"features": "many"}, "--features: is 'many', must be a whole number"),
    ({"freeze": "some"}, "--freeze: is 'some'; must be none, all"),
    ({"then": "all,epochs=8"}, "--then: needs a frozen trunk; add --freeze all"),
    ({"identity": "("}, "--identity: '(' is not a regular expression"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "line"), BROKEN)
def test_a_recipe_made_in_python_is_checked_like_options(settings, line):
    with pytest.raises(UserError) as caught:
        Recipe(**settings)
    assert caught.value.line.startswith(line)  # as a command shows it
    assert "--" not in str(caught.value)


@pytest.mark.parametrize(("settings", "line"), BROKEN)
def test_a_changed_recipe_is_checked_again(settings, line):
    with pytest.raises(UserError) as caught:
        replace(Recipe(), **settings)
    assert caught.value.line.startswith(line)


def test_mistakes_in_python_name_settings_not_options():
    with pytest.raises(UserError, match="^batch_size: is -1, must be 0 or more$"):
        Recipe(batch_size=-1)
    with pytest.raises(UserError, match="^then: needs a frozen trunk; add freeze all$"):
        Recipe(then="all,epochs=8")


def test_a_close_value_is_suggested():
    with pytest.raises(UserError, match="'adam' or 'sgd'; did you mean 'adam'\\?$"):
        Recipe(optimizer="adamm")  # type: ignore[arg-type]


def test_texts_in_place_of_lists_are_read_as_on_the_command_line():
    recipe = Recipe(
        heads="age, attributes[Young,Smiling]",  # type: ignore[arg-type]
        data="utkface=x",  # type: ignore[arg-type]
    )
    assert recipe.heads == ("age", "attributes[Young,Smiling]")
    assert recipe.data == ("utkface=x",)
    assert Recipe(heads=["age"]).heads == ("age",)  # type: ignore[arg-type]


def test_values_become_the_types_of_their_settings():
    recipe = Recipe(epochs="8", dropout=0, features=64, freeze=2)  # type: ignore[arg-type]
    assert (recipe.epochs, recipe.features, recipe.freeze) == (8, "64", "2")
    assert isinstance(recipe.dropout, float)


def test_each_text_is_parsed_once_when_the_recipe_is_made(monkeypatch):
    calls = []

    def counted(name, parse):
        def call(*arguments):
            calls.append(name)
            return parse(*arguments)

        return call

    names = ("split", "mix", "schedule", "features", "unfreezing", "identity")
    for name in (f"parse_{part}" for part in names):
        parse = getattr(recipe_texts, name)
        monkeypatch.setattr(recipe_texts, name, counted(name, parse))
    augmentation = counted("parse_augmentation", parse_augmentation)
    monkeypatch.setattr(recipes, "parse_augmentation", augmentation)

    recipe = Recipe(freeze="all", then="all,epochs=8", mix="equal", features="8")
    expected = sorted([*(f"parse_{name}" for name in names), "parse_augmentation"])
    assert sorted(calls) == expected
    for _ in range(2):
        assert recipe.split_rule.official
        assert recipe.mixing.exponent == 0
        assert recipe.lr_schedule.name == "cosine"
        assert recipe.dense.units == 8
        assert recipe.unfreezing
        assert recipe.identity_pattern is None
        assert recipe.augmentation == PRESETS["standard"]
    assert sorted(calls) == expected


def test_a_recipe_without_a_second_stage_is_its_only_stage():
    recipe = Recipe(freeze="all", views=4)
    assert recipe.stages() == (recipe,)


def test_a_thawed_trunk_learns_from_pictures_at_a_tenth_of_the_rate():
    recipe = Recipe(
        freeze="all", views=4, epochs=8, learning_rate=0.5, then="all,epochs=2"
    )
    first, second = recipe.stages()
    assert first == replace(recipe, then="")
    assert second == replace(
        first, freeze="none", views=1, epochs=2, learning_rate=0.05
    )
    assert (first.caches_features, second.caches_features) == (True, False)


def test_a_second_stage_of_some_stages_goes_on_with_views_at_its_own_rate():
    recipe = Recipe(freeze="all", views=4, then="1,epochs=2,learning_rate=1e-7")
    _, second = recipe.stages()
    assert (second.freeze, second.views, second.learning_rate) == ("1", 4, 1e-7)
    assert second.caches_features


def test_without_views_a_frozen_trunk_computes_at_each_step():
    recipe = Recipe(freeze="all", views=0)
    assert recipe.is_frozen
    assert not recipe.caches_features
    assert not Recipe().is_frozen


def test_a_written_recipe_is_read_as_the_same_one(tmp_path):
    recipe = Recipe(
        heads=("age", "mood"), data=("utkface=x",), loss_weights={"age": 2.0},
        cap={"all": 5}, schedule="constant,warmup=0", features="8,l2=0.1",
        head={"mood": {"kind": "sigmoid", "columns": ["gender"]}},
    )  # fmt: skip
    file = tmp_path / "recipe.toml"
    file.write_text(recipe.to_toml())
    lines: list[str] = []
    assert recipes.recipe(read(file, lines.append)) == recipe
    assert not lines


def test_the_recipe_default_is_what_fit_has_without_one():
    assert recipes.recipe(read("default")) == Recipe()


def test_a_wrong_key_or_type_names_the_place_and_the_nearest_key():
    with pytest.raises(UserError) as caught:
        recipes.recipe({"epoch": 3}, "mine.toml")
    assert str(caught.value).startswith(
        "mine.toml: unknown key 'epoch'; did you mean 'epochs'?"
    )
    with pytest.raises(UserError) as caught:
        recipes.recipe({"epochs": "many"}, "mine.toml")
    assert str(caught.value) == ("mine.toml: epochs is 'many', must be a whole number")


def test_each_setting_has_a_help_and_a_group():
    listed = recipes.settings()
    assert [name for name, _, _ in listed] == [field.name for field in fields(Recipe)]
    assert all(help for _, help, _ in listed)
    assert {recipes.group(name) for name, _, _ in listed} <= set(GROUPS)


def test_the_kind_of_a_setting_by_head_is_that_of_one_head():
    assert recipes.kind("epochs") is int
    assert recipes.kind("cap") is int
    assert recipes.choices("optimizer") == ("muon", "adamw", "adam", "sgd")
    assert recipes.choices("trunk") == ()


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(UserError, match="^epoch: unknown setting; did you mean 'epo"):
        Recipe(epoch=3)  # type: ignore[call-arg]
    assert "epochs: int = 16" in str(inspect.signature(Recipe))


def test_a_recipe_shows_what_differs_from_its_defaults():
    assert repr(Recipe()) == "Recipe()"
    recipe = Recipe(heads=("age", "gender"), epochs=8, loss_weights={"age": 2})
    shown = "Recipe(heads=('age', 'gender'), epochs=8, loss_weights={'age': 2.0})"
    assert repr(recipe) == shown
    assert eval(shown) == recipe


def test_a_mistake_in_a_file_names_the_file_and_its_key():
    with pytest.raises(UserError) as caught:
        recipe({"batch_size": -1}, "mine.toml")
    assert str(caught.value) == "mine.toml: batch_size is -1, must be 0 or more"
