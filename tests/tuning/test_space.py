"""Are settings and their values read as they are meant, and mistakes refused?"""

import pytest

from multitask.contracts.errors import UserError
from multitask.tuning import space


@pytest.mark.parametrize(
    ("text", "name", "values", "is_range", "log"),
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
        ("schedule=cosine,warmup=0|constant", "schedule",
         ("cosine,warmup=0", "constant"), False, False),
        ("features=0,64", "features", ("0", "64"), False, False),
        ("features.units=16..512:log", "features.units", (16, 512), True, True),
        ("features.l2=1e-5..1e-2:log", "features.l2", (1e-5, 1e-2), True, True),
        ("features.norm=no,yes", "features.norm", (False, True), False, False),
        ("schedule.warmup=0..3", "schedule.warmup", (0.0, 3.0), True, False),
        ("schedule.patience=2,4", "schedule.patience", (2, 4), False, False),
        ("schedule.min-learning-rate=0,1e-5", "schedule.min_learning_rate",
         (0.0, 1e-5), False, False),
        ("then.stages=2,all", "then.stages", ("2", "all"), False, False),
        ("then.epochs=2,5", "then.epochs", (2, 5), False, False),
        ("then.learning_rate=1e-5..1e-3:log", "then.learning_rate", (1e-5, 1e-3),
         True, True),
        ("cap.race=100,200", "cap.race", (100, 200), False, False),
        ("seed=0,1,1,0", "seed", (0, 1), False, False),
    ],
)  # fmt: skip
def test_a_list_or_a_range_is_read_as_the_setting_has_it(
    text, name, values, is_range, log
):
    dimension = space.parse_dimension(text)
    assert (dimension.name, dimension.values, dimension.is_range, dimension.log) == (
        name,
        values,
        is_range,
        log,
    )
    assert list(map(type, dimension.values)) == list(map(type, values))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "learnign-rate=1,2",
            "--vary: unknown setting 'learnign-rate'; did you mean 'learn",
        ),
        ("cache=a,b", "--vary: 'cache' can't vary: all trials share it"),
        ("looks=1,4", "--vary: 'looks' can't vary: all trials share it"),
        (
            "average=0.9,0.99",
            "--vary average: is now called --ema; write --vary ema=0.9,0.99",
        ),
        (
            "least-learning-rate=0..1e-4",
            "--vary least-learning-rate: is now part of --schedule; write --vary "
            "schedule.min_learning_rate=0..1e-4",
        ),
        (
            "oversample=race,age",
            "--vary oversample: is now part of --mix; write --vary mix=classes=HEAD,..",
        ),
        ("cache-precision=a,b", "--vary cache-precision: no longer exists; leave it o"),
        ("data=a,b", "--vary: 'data' can't vary: all trials share it"),
        ("dropout", "--vary: 'dropout' has no values; write dropout=A,B or dropout="),
        ("dropout=", "--vary: 'dropout=' has no values"),
        ("dropout=0.3", "--vary dropout: has only one value, 0.3; list two or more"),
        (
            "dropout=0.3,0.30",
            "--vary dropout: has only one value, 0.3; list two or more",
        ),
        ("dropout=a,b", "--vary dropout: is 'a', must be a number"),
        ("epochs=1.5,2", "--vary epochs: is '1.5', must be a whole number"),
        ("class-weights.all=none,even", "--vary class-weights.all: is 'even', must be"),
        (
            "dropout=0.5..0.3",
            "--vary dropout: '0.5..0.3' is not a range; give the lower end",
        ),
        (
            "dropout=0.3..0.3",
            "--vary dropout: '0.3..0.3' is not a range; give the lower end",
        ),
        (
            "dropout=low..high",
            "--vary dropout: 'low..high' is not a range; write LOW..HI",
        ),
        ("dropout=0.3..", "--vary dropout: '0.3..' is not a range; write LOW..HIGH"),
        (
            "dropout=nan..1",
            "--vary dropout: 'nan..1' is not a range; give the lower end",
        ),
        (
            "dropout=0.1..0.3:lin",
            "--vary dropout: '0.1..0.3:lin' is not a range; the only",
        ),
        (
            "dropout=0..0.3:log",
            "--vary dropout: '0..0.3:log' is not a range; a log scale",
        ),
        ("epochs=1.5..3", "--vary epochs: '1.5..3' is not a range; give whole numbers"),
        (
            "features=16..512",
            "--vary features: is a text, and can't have a range; write "
            "features.units or features.l2=16..512",
        ),
        (
            "schedule.warmpu=0..3",
            "--vary schedule.warmpu: schedule has no 'warmpu'; did you mean 'warmup'?",
        ),
        (
            "schedule.name=cosin,constant",
            "--vary schedule.name: is 'cosin', must be 'c",
        ),
        (
            "schedule.warmup=2",
            "--vary schedule.warmup: has only one value, 2; list two or mo",
        ),
        (
            "then.epochs=1.5..3",
            "--vary then.epochs: '1.5..3' is not a range; give whole",
        ),
        ("loss-weights=1,2", "--vary loss-weights: needs a head; write loss-wei"),
        ("dropout.age=0.1,0.2", "--vary dropout.age: has one value for all heads"),
    ],
)
def test_what_cannot_be_varied_is_refused(text, message):
    with pytest.raises(UserError) as caught:
        space.parse_dimension(text)
    assert str(caught.value).startswith(message)


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
