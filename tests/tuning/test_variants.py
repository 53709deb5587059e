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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dropout=0.3,1.5", "--vary dropout=1.5: --dropout: is 1.5, must be from 0 up"),
        ("trunk=cnn,vgg61", "--vary trunk=vgg61: --trunk: no trunk 'vgg61'; did you m"),
        ("augment=flip,flop", "--vary augment=flop: --augment: no preset 'flop'; did "),
        ("views=1,4", "--vary views=4: --views: has no effect without --freeze"),
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
    with pytest.raises(UserError, match="--views: has no effect without --freeze"):
        variant(Recipe(), varied, {"views": 4, "freeze": "none"})


def test_a_setting_is_varied_once_only():
    with pytest.raises(UserError, match="names dropout twice"):
        check_variants(Recipe(), dimensions("dropout=0.1,0.2", "dropout=0.3..0.4"))
