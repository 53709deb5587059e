"""Are the values to be tried read right, and mistakes told at once?"""

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.tuning import space, variants


@pytest.mark.parametrize(
    ("text", "name", "values", "ranges", "log"),
    [
        ("learning-rate=1e-5..1e-2:log", "learning-rate", (1e-5, 1e-2), True, True),
        ("learning_rate=0.001..0.1", "learning-rate", (1e-3, 0.1), True, False),
        ("--dropout=0.3,0.5", "dropout", (0.3, 0.5), False, False),
        ("batch-size=16..64", "batch-size", (16, 64), True, False),
        ("augment=none,flip,rotate:small", "augment",
         ("none", "flip", "rotate:small"), False, False),
        ("augment=flip,zoom|none", "augment", ("flip,zoom", "none"), False, False),
        ("weights=../a.h5,none", "weights", ("../a.h5", "none"), False, False),
        ("loss-weights.age_group=1..3", "loss-weights.age_group", (1.0, 3.0), True,
         False),
        ("class-weights.all=none,balanced", "class-weights.all",
         ("none", "balanced"), False, False),
        ("features-norm=yes,no", "features-norm", (True, False), False, False),
        ("cap.race=100,200", "cap.race", (100, 200), False, False),
        ("seed=0,1,1,0", "seed", (0, 1), False, False),
    ],
)  # fmt: skip
def test_a_list_or_a_range_is_read_as_the_setting_has_it(
    text, name, values, ranges, log
):
    made = space.parse_dimension(text)
    assert (made.name, made.values, made.ranges, made.log) == (
        name,
        values,
        ranges,
        log,
    )
    assert list(map(type, made.values)) == list(map(type, values))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "learnign-rate=1,2",
            "--vary: no setting 'learnign-rate'; did you mean 'learn",
        ),
        ("data=a,b", "--vary: 'data' must stay the same in all trials"),
        ("dropout", "--vary: 'dropout' names no values; write dropout=A,B or dropout="),
        ("dropout=", "--vary: 'dropout=' names no values"),
        ("dropout=0.3", "--vary dropout: has one value, 0.3; give it two or more"),
        ("dropout=0.3,0.30", "--vary dropout: has one value, 0.3; give it two or more"),
        ("dropout=a,b", "--vary dropout: is 'a', must be a number"),
        ("epochs=1.5,2", "--vary epochs: is '1.5', must be a whole number"),
        (
            "features-norm=yes,perhaps",
            "--vary features-norm: is 'perhaps', must be yes",
        ),
        ("class-weights.all=none,even", "--vary class-weights.all: is 'even', must be"),
        ("dropout=0.5..0.3", "--vary dropout: '0.5..0.3' is no range; its first end"),
        ("dropout=0.3..0.3", "--vary dropout: '0.3..0.3' is no range; its first end"),
        ("dropout=low..high", "--vary dropout: 'low..high' is no range; write LOW..HI"),
        ("dropout=0.3..", "--vary dropout: '0.3..' is no range; write LOW..HIGH"),
        ("dropout=nan..1", "--vary dropout: 'nan..1' is no range; its first end must"),
        ("dropout=0.1..0.3:lin", "--vary dropout: '0.1..0.3:lin' is no range; its sca"),
        ("dropout=0..0.3:log", "--vary dropout: '0..0.3:log' is no range; a log scale"),
        ("epochs=1.5..3", "--vary epochs: '1.5..3' is no range; its ends must be whol"),
        ("loss-weights=1,2", "--vary loss-weights: has a value a head; write loss-wei"),
        ("dropout.age=0.1,0.2", "--vary dropout.age: has one value, not one a head"),
    ],
)
def test_what_cannot_be_varied_is_told(text, message):
    with pytest.raises(UserError) as caught:
        space.parse_dimension(text)
    assert str(caught.value).startswith(message)


def test_values_become_a_recipe():
    base = Recipe(loss_weights={"age": 2.0})
    rate, age, race = map(
        space.parse_dimension,
        ["learning-rate=1,2", "loss-weights.age=1,3", "loss-weights.race=1,2"],
    )
    made = variants.variant(base, {rate: 2.0, age: 3.0, race: 1.0})
    assert made.learning_rate == 2.0
    assert made.loss_weights == {"age": 3.0, "race": 1.0}
    assert made.dropout == base.dropout


def test_a_value_that_no_combination_allows_is_told_at_once():
    base = Recipe()
    for text, message in (
        ("dropout=0.3,1.5", "--vary dropout=1.5: --dropout: is 1.5, must be from 0 up"),
        ("trunk=cnn,vgg61", "--vary trunk=vgg61: --trunk: no trunk 'vgg61'; did you m"),
        ("augment=flip,flop", "--vary augment=flop: --augment: no preset 'flop'; did "),
        ("features-l2=0.001,0", "--vary features-l2=0.001: --features-l2: has no effe"),
    ):
        with pytest.raises(UserError) as caught:
            variants.check_variants(base, [space.parse_dimension(text)])
        assert str(caught.value).startswith(message)
    # With another setting beside it, it may be possible.
    variants.check_variants(
        base,
        [
            space.parse_dimension("features-l2=0.001,0"),
            space.parse_dimension("features=0,64"),
        ],
    )
    with pytest.raises(UserError, match="names dropout twice"):
        variants.check_variants(
            base,
            [
                space.parse_dimension("dropout=0.1,0.2"),
                space.parse_dimension("dropout=0.3..0.4"),
            ],
        )


def test_a_grid_is_every_combination():
    both = [
        space.parse_dimension("dropout=0.2,0.3"),
        space.parse_dimension("augment=none,flip"),
    ]
    assert space.grid(both) == [
        {"dropout": 0.2, "augment": "none"},
        {"dropout": 0.2, "augment": "flip"},
        {"dropout": 0.3, "augment": "none"},
        {"dropout": 0.3, "augment": "flip"},
    ]
    with pytest.raises(UserError, match="is a range, --grid needs lists; write --vary"):
        space.grid([space.parse_dimension("dropout=0.2..0.3")])
