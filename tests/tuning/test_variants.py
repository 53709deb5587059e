"""Does a combination of values become the recipe that it describes?"""

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.tuning.space import parse_dimension
from multitask.tuning.variants import check_variants, variant


def dimensions(*texts):
    return [parse_dimension(text) for text in texts]


def test_values_become_a_recipe():
    base = Recipe(loss_weights={"age": 2.0})
    varied = dimensions(
        "learning-rate=1,2", "loss-weights.age=1..3", "loss-weights.race=1,2"
    )
    recipe = variant(
        base,
        varied,
        {"learning-rate": 2.0, "loss-weights.age": 2.5, "loss-weights.race": 1.0},
    )
    assert recipe.learning_rate == 2.0
    assert recipe.loss_weights == {"age": 2.5, "race": 1.0}
    assert recipe.dropout == base.dropout


def test_networks_are_named_for_any_working_folder(tmp_path, monkeypatch):
    (tmp_path / "own.weights.h5").touch()
    monkeypatch.chdir(tmp_path)
    varied = dimensions("weights=own.weights.h5,faces")
    recipes = [
        variant(Recipe(), varied, {"weights": weights})
        for weights in ("faces", "own.weights.h5")
    ]
    own = str(tmp_path / "own.weights.h5")
    assert [recipe.weights for recipe in recipes] == ["faces", own]


@pytest.mark.parametrize(
    ("settings", "text", "value", "name", "expected"),
    [
        ({}, "schedule.warmup=0..3", 2.0, "schedule", "cosine,warmup=2.0"),
        (
            {"schedule": "plateau,patience=3,min_learning_rate=1e-5"},
            "schedule.patience=2,4",
            4,
            "schedule",
            "plateau,patience=4,min_learning_rate=1e-5",
        ),
        ({}, "features.units=16..512:log", 64, "features", "64"),
        ({"features": "64"}, "features.l2=0..1", 0.5, "features", "64,l2=0.5"),
        ({"features": "64"}, "features.norm=no,yes", True, "features", "64,norm=yes"),
        (
            {"freeze": "all", "then": "all,epochs=2"},
            "then.epochs=2,5",
            5,
            "then",
            "all,epochs=5",
        ),
        (
            {"freeze": "all", "then": "all,epochs=2"},
            "then.learning_rate=1e-5..1e-3:log",
            1e-4,
            "then",
            "all,epochs=2,learning_rate=0.0001",
        ),
    ],
)
def test_a_part_is_written_into_the_text_of_its_setting(
    settings, text, value, name, expected
):
    varied = dimensions(text)
    recipe = variant(Recipe(**settings), varied, {varied[0].name: value})
    assert getattr(recipe, name) == expected


def test_a_part_is_varied_together_with_the_whole_setting():
    varied = dimensions("features.l2=0.1,0.2", "features=32,64")
    recipe = variant(Recipe(), varied, {"features.l2": 0.2, "features": "64"})
    assert recipe.features == "64,l2=0.2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "features.l2=0.1,0.2",
            "--vary features.l2=0.1: l2 has no effect without units; write N,l2=X",
        ),
        (
            "schedule.patience=2,4",
            "--vary schedule.patience=2: cosine takes no patience",
        ),
        (
            "then.epochs=2,5",
            "--vary then.epochs=2: stages is missing",
        ),
        ("dropout=0.3,1.5", "--vary dropout=1.5: is 1.5, must be 0 or more"),
        (
            "trunk=cnn,vgg61",
            "--vary trunk=vgg61: unknown trunk 'vgg61'; did you m",
        ),
        (
            "augment=flip,flop",
            "--vary augment=flop: unknown preset 'flop'; did ",
        ),
        ("views=1,4", "--vary views=4: has no effect without --freeze"),
    ],
)
def test_a_value_that_is_invalid_with_any_others_is_refused(text, message):
    with pytest.raises(UserError) as caught:
        check_variants(Recipe(), dimensions(text))
    assert str(caught.value).startswith(message)


def test_a_value_that_is_valid_with_some_of_the_others_passes():
    varied = dimensions("views=1,4", "freeze=none,all")
    check_variants(Recipe(), varied)
    recipe = variant(Recipe(), varied, {"views": 4, "freeze": "all"})
    assert (recipe.views, recipe.freeze) == (4, "all")
    with pytest.raises(UserError, match="views: has no effect without freeze"):
        variant(Recipe(), varied, {"views": 4, "freeze": "none"})


def test_a_setting_is_varied_once_only():
    with pytest.raises(UserError, match="gives dropout twice"):
        check_variants(Recipe(), dimensions("dropout=0.1,0.2", "dropout=0.3..0.4"))
