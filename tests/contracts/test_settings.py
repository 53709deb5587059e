"""Is a wrong key or type told with place, key, value and what it must be?"""

from dataclasses import dataclass
from typing import Literal

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.settings import (
    checked,
    field_value,
    parse_keywords,
    value,
    with_keyword,
)


@dataclass(frozen=True, kw_only=True)
class Oven:
    degrees: float
    mode: Literal["air", "grill"] = "air"
    trays: tuple[int, ...] = ()

    def __post_init__(self):
        if self.degrees > 300:
            raise UserError("oven", f"degrees is {self.degrees}, must be at most 300")


def test_values_become_the_types_of_the_fields():
    oven = checked(Oven, {"degrees": 200, "trays": [1, 3]}, "oven.toml")
    assert oven == Oven(degrees=200.0, trays=(1, 3))
    assert isinstance(oven.trays, tuple)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (
            {"degrees": 200, "moed": "air"},
            "oven.toml: unknown key 'moed'; did you mean 'mode'? "
            "Known: degrees, mode, trays",
        ),
        (
            {"degrees": "hot"},
            "oven.toml: degrees is 'hot', must be a number",
        ),
        (
            {"degrees": 200, "mode": "steam"},
            "oven.toml: mode is 'steam', must be 'air' or 'grill'",
        ),
        (
            {"degrees": 200, "trays": [1, "two"]},
            "oven.toml: trays.1 is 'two', must be a whole number",
        ),
        ({"mode": "air"}, "oven.toml: degrees is missing"),
        ({"degrees": 301}, "oven: degrees is 301.0, must be at most 300"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(values, line):
    with pytest.raises(UserError) as caught:
        checked(Oven, values, "oven.toml")
    assert str(caught.value) == line


def test_a_long_value_is_cut_to_60_characters():
    with pytest.raises(UserError) as caught:
        checked(Oven, {"degrees": "9x" * 500}, "oven.toml")
    shown = str(caught.value).split("degrees is ")[1].split(", must")[0]
    assert len(shown) == 60
    assert shown.endswith("...")


def test_text_and_numbers_become_each_other_where_that_is_the_type():
    assert field_value(float, "0.5", "dropout") == 0.5
    assert field_value(str, 64, "features") == "64"
    assert field_value(tuple[int, ...], ["1", 2], "trays") == (1, 2)


@pytest.mark.parametrize("number", [int, float])
def test_true_is_no_number(number):
    with pytest.raises(UserError, match="^--image-size: is True, must be a .*number$"):
        field_value(number, True, "image_size")
    with pytest.raises(UserError, match="^mine.toml: image_size is True, must be a "):
        field_value(number, True, "image_size", "mine.toml")


def test_without_a_place_a_mistake_is_one_of_an_option():
    with pytest.raises(UserError) as caught:
        field_value(dict[str, float], {"age": "much"}, "loss_weights")
    assert str(caught.value) == "--loss-weights.age: is 'much', must be a number"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("gril", "; did you mean 'grill'?"), ("microwave", "")],
)
def test_a_close_choice_is_suggested(written, meant):
    line = f"--mode: is {written!r}, must be 'air' or 'grill'{meant}"
    with pytest.raises(UserError) as caught:
        field_value(Literal["air", "grill"], written, "mode")
    assert str(caught.value) == line
    with pytest.raises(UserError) as caught:
        value(Literal["air", "grill"], written, "--mode")
    assert str(caught.value) == line


@pytest.mark.parametrize(
    "text", ["200,mode=grill", "degrees=200, mode=grill", "mode = grill,degrees=200"]
)
def test_the_first_keyword_may_be_left_out(text):
    assert parse_keywords(Oven, text, "--oven") == Oven(degrees=200, mode="grill")


@pytest.mark.parametrize(
    ("text", "key", "value", "changed"),
    [
        ("200", "mode", "grill", "200,mode=grill"),
        ("200, mode=air", "degrees", 250.0, "250.0,mode=air"),
        ("mode=air,degrees=200", "mode", "grill", "200,mode=grill"),
        ("mode=air", "degrees", 250, "250,mode=air"),
        ("", "mode", "grill", "mode=grill"),
        ("200", "fan", True, "200,fan=yes"),
        ("200,fan=yes", "fan", False, "200,fan=no"),
    ],
)
def test_a_keyword_is_changed_or_added_and_the_others_stay(text, key, value, changed):
    assert with_keyword(text, Oven, key, value) == changed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("hot", "--oven: is 'hot', must be a number"),
        ("", "--oven: is '', must be a number"),
        ("mode=air", "--oven: degrees is missing"),
        ("200,grill", "--oven: 'grill' is not KEY=VALUE"),
        ("200,mode=steam", "--oven: mode is 'steam', must be 'air' or 'grill'"),
        ("200,degrees=3", "--oven: sets degrees twice"),
        (
            "200,moed=air",
            "--oven: unknown key 'moed'; did you mean 'mode'? "
            "Known: degrees, mode, trays",
        ),
    ],
)
def test_a_mistake_in_keywords_is_one_line(text, line):
    with pytest.raises(UserError) as caught:
        parse_keywords(Oven, text, "--oven")
    assert str(caught.value) == line
