"""Do the small languages of a recipe mean what their help says, and refuse the rest?"""

from pathlib import Path

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.recipe_texts import (
    DenseFeatures,
    Mix,
    Schedule,
    Split,
    Unfreezing,
    check_freeze,
    parse_features,
    parse_identity,
    parse_mix,
    parse_schedule,
    parse_split,
    parse_unfreezing,
    split_names,
)


def error(parse, *arguments):
    with pytest.raises(UserError) as caught:
        parse(*arguments)
    return str(caught.value)


def test_a_comma_in_brackets_separates_no_heads():
    assert split_names(" age ,attributes[Young, Smiling],, race:sigmoid,") == (
        "age",
        "attributes[Young, Smiling]",
        "race:sigmoid",
    )


# --split


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("70/15/15", (0.7, 0.15, 0.15)),
        ("80/20/0", (0.8, 0.2, 0.0)),
        ("62.5/12.5/25", (0.625, 0.125, 0.25)),
    ],
)
def test_percentages_are_shares_without_official_parts(text, shares):
    rule = parse_split(text)
    assert rule.shares == pytest.approx(shares)
    assert (rule.official, rule.file) == (False, None)


def test_official_parts_are_filled_up_by_the_usual_shares():
    assert parse_split("official") == Split(shares=(0.7, 0.15, 0.15), official=True)


def test_a_split_ending_in_csv_is_a_file(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert parse_split("~/run/split.CSV").file == Path("/home/ann/run/split.CSV")


@pytest.mark.parametrize("text", ["70/30", "a/b/c", "", "70/15/15/0", "70,15,15"])
def test_what_is_no_three_shares_is_refused(text):
    assert error(parse_split, text) == (
        f"--split: is {text!r}, must be official, shares such as 70/15/15, or a "
        "run's split.csv"
    )


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("70/20/15", "105"),
        ("0/50/50", "100"),
        ("110/-5/-5", "100"),
        ("nan/50/50", "nan"),
    ],
)
def test_shares_that_do_not_fit_are_refused(text, total):
    assert error(parse_split, text) == (
        f"--split: is {text}, which sums to {total}; give three shares that sum to "
        "100, the first above 0"
    )


# --mix


@pytest.mark.parametrize(
    ("text", "mix"),
    [
        ("proportional", Mix(exponent=1.0)),
        ("equal", Mix(exponent=0.0)),
        ("temperature=4", Mix(exponent=0.25)),
        ("classes=race", Mix(classes="race", exponent=0.0)),
        ("classes=race, temperature=2", Mix(classes="race", exponent=0.5)),
    ],
)
def test_a_mix_is_an_exponent_or_the_head_whose_classes_are_balanced(text, mix):
    assert parse_mix(text) == mix


def test_only_a_proportional_mix_leaves_each_picture_once_per_epoch():
    assert parse_mix("proportional").is_proportional
    assert parse_mix("temperature=1").is_proportional
    assert parse_mix("classes=race,temperature=1").is_proportional
    for text in (
        *("equal", "temperature=1.01", "classes=race"),
        "classes=race,temperature=2",
    ):
        assert not parse_mix(text).is_proportional


@pytest.mark.parametrize(
    "text",
    [
        *("even", "temperature", "temperature=0.5", "temperature=inf", "equal=2"),
        *("temperature=nan", "temperature=x", "classes", "classes= ", "classes=a,"),
        *("classes=a,b", "classes=a,temperature=.5", "temperature=2,classes=a"),
        "classes=,temperature=2",
    ],
)
def test_a_mix_that_is_none_names_those_there_are(text):
    assert error(parse_mix, text) == (
        f"--mix: is {text!r}, must be proportional, equal, temperature=T with T of 1 "
        "or more, classes=HEAD, or classes=HEAD,temperature=T"
    )


# --schedule


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("cosine", Schedule()),
        ("constant,warmup=0", Schedule(name="constant", warmup=0.0)),
        ("plateau", Schedule(name="plateau", patience=3, min_learning_rate=0.0)),
        (
            "plateau, patience=5, min-learning-rate=0.001",
            Schedule(name="plateau", patience=5, min_learning_rate=0.001),
        ),
        ("name=constant", Schedule(name="constant")),
    ],
)
def test_a_schedule_has_the_settings_of_its_text(text, schedule):
    assert parse_schedule(text) == schedule


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "cosinus",
            "is 'cosinus', must be 'cosine', 'constant' or 'plateau'; did you mean "
            "'cosine'?",
        ),
        (
            "cosine,warmpu=1",
            "unknown key 'warmpu'; did you mean 'warmup'? Known: name, warmup, "
            "patience, min_learning_rate",
        ),
        ("cosine,warmup=long", "warmup is 'long', must be a number"),
        ("cosine,warmup=-1", "warmup is -1.0, must be 0 or more"),
        ("constant,warmup=nan", "warmup is nan, must be 0 or more"),
        ("constant,warmup=inf", "warmup is inf, must be 0 or more"),
        ("plateau,patience=0", "patience is 0, must be 1 or more"),
        ("plateau,patience=1.5", "patience is '1.5', must be a whole number"),
        ("plateau,warmup=1", "plateau takes no warmup; leave it out"),
        ("cosine,patience=3", "cosine takes no patience; leave it out"),
        (
            "constant,min_learning_rate=0.1",
            "constant takes no min_learning_rate; leave it out",
        ),
        ("cosine,1", "'1' is not KEY=VALUE"),
        ("cosine,warmup=1,warmup=2", "sets warmup twice"),
    ],
)
def test_a_schedule_that_can_not_be_is_told(text, line):
    assert error(parse_schedule, text) == f"--schedule: {line}"


# --freeze and --then


def test_none_all_or_a_number_of_stages_can_be_frozen():
    for text in ("none", "all", "3"):
        check_freeze(text)
    assert error(check_freeze, "some") == (
        "--freeze: is 'some'; must be none, all, or the number of stages that learn"
    )


@pytest.mark.parametrize(
    ("text", "freeze", "second"),
    [
        ("", "none", None),
        ("all,epochs=8", "all", Unfreezing(stages="all", epochs=8)),
        (
            "2,epochs=1,learning_rate=1e-7",
            "1",
            Unfreezing(stages="2", epochs=1, learning_rate=1e-7),
        ),
    ],
)
def test_a_second_stage_has_the_settings_of_its_text(text, freeze, second):
    assert parse_unfreezing(text, freeze) == second


@pytest.mark.parametrize(
    ("text", "freeze", "line"),
    [
        ("all", "all", "epochs is missing"),
        ("all,epochs=0", "all", "epochs is 0, must be 1 or more"),
        (
            "all,epochs=1,learning_rate=-1",
            "all",
            "learning_rate is -1.0, must be 0 or more",
        ),
        ("all,epochs=8", "none", "needs a frozen trunk; add --freeze all"),
        (
            "none,epochs=8",
            "all",
            "is 'none'; must be all, or the number of stages that learn",
        ),
        (
            "2,epochs=8",
            "2",
            "is 2, but with --freeze 2, 2 stages learn from the start; give a larger "
            "number, or all",
        ),
        (
            "0,epochs=8",
            "all",
            "is 0, but with --freeze all, 0 stages learn from the start; give a larger "
            "number, or all",
        ),
    ],
)
def test_a_second_stage_that_can_not_be_is_told(text, freeze, line):
    assert error(parse_unfreezing, text, freeze) == f"--then: {line}"


# --features and --identity


@pytest.mark.parametrize(
    ("text", "dense"),
    [
        ("0", DenseFeatures()),
        ("512", DenseFeatures(units=512)),
        ("64,l2=0.001,norm=yes", DenseFeatures(units=64, l2=0.001, norm=True)),
        ("64,norm=no", DenseFeatures(units=64)),
        ("0,norm=yes", DenseFeatures(norm=True)),  # of the trunk's own features
    ],
)
def test_features_have_the_settings_of_their_text(text, dense):
    assert parse_features(text) == dense


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("many", "is 'many', must be a whole number"),
        ("-1", "units is -1, must be 0 or more"),
        ("8,l2=-1", "l2 is -1.0, must be 0 or more"),
        ("8,l2=nan", "l2 is nan, must be 0 or more"),
        ("0,l2=0.1", "l2 has no effect without units; write N,l2=X"),
        ("8,norm=maybe", "norm is 'maybe', must be yes or no"),
    ],
)
def test_features_that_can_not_be_are_told(text, line):
    assert error(parse_features, text) == f"--features: {line}"


def test_an_identity_is_a_regular_expression_or_nothing():
    assert parse_identity("") is None
    pattern = parse_identity(r"(\d+)_")
    assert pattern is not None
    assert pattern.findall("12_a") == ["12"]
    assert error(parse_identity, "(").startswith(
        "--identity: '(' is not a regular expression: "
    )
