"""Are the folder of features and the memory for pictures checked and made absolute?"""

from dataclasses import fields
from pathlib import Path

import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.machine import Machine
from multitask.contracts.recipe import Recipe


def test_no_setting_of_the_machine_is_one_of_a_recipe():
    names = {field.name for field in fields(Machine)}
    assert names == {"cache", "memory", "damaged"}
    assert not names & set(Recipe().plain())


def test_the_cache_is_an_absolute_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert Machine().cache == tmp_path / "home" / ".cache" / "multitask"
    assert Machine(cache=Path("features")).cache == tmp_path / "features"
    assert Machine(cache="~/x").cache == tmp_path / "home" / "x"  # type: ignore[arg-type]


def test_texts_become_numbers():
    assert Machine(memory="0.5").memory == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("memory", "line"),
    [
        (0, "memory: is 0.0, must be above 0"),
        (float("nan"), "memory: is nan, must be above 0"),
        (float("inf"), "memory: is inf, must be above 0"),
        ("much", "memory: is 'much', must be a number"),
        (True, "memory: is True, must be a number"),
    ],
)
def test_memory_that_can_not_be_is_told(memory, line):
    with pytest.raises(UserError) as caught:
        Machine(memory=memory)
    assert str(caught.value) == line
    assert caught.value.line == f"--{line}"  # as a command shows it


def test_a_cache_that_is_no_path_is_told():
    with pytest.raises(UserError, match=r"^cache: is 3, must be a path$"):
        Machine(cache=3)  # type: ignore[arg-type]


def test_an_unknown_keyword_is_told():
    with pytest.raises(UserError, match="^cach: unknown setting; did you mean 'cache'"):
        Machine(cach=3)  # type: ignore[call-arg]
