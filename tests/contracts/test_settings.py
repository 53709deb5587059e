"""Is a wrong key or type told with place, key, value and what it must be?"""

from dataclasses import dataclass
from typing import Literal

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.settings import checked


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
            "oven.toml: has no key 'moed'; did you mean 'mode'? "
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
        ({"mode": "air"}, "oven.toml: has no degrees, must have it"),
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
