from pathlib import Path
from typing import Any

import pytest

from multitask import UserError
from multitask.contracts.paths import expand_user
from multitask.contracts.recipe_files import read


def test_a_home_folder_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert expand_user("~/runs") == Path("/home/someone/runs")
    assert expand_user(Path("~")) == Path("/home/someone")
    assert expand_user("runs/~") == Path("runs/~")


def test_what_is_no_path_is_refused():
    number: Any = 5
    with pytest.raises(UserError, match="^5: is of type int, must be a path"):
        expand_user(number)


def test_an_unknown_user_is_a_path_that_does_not_exist():
    assert expand_user("~nobody-of-this-name/a") == Path("~nobody-of-this-name/a")
    with pytest.raises(UserError, match="nobody-of-this-name"):
        read("~nobody-of-this-name/recipe.toml")
