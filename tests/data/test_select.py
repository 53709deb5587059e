"""Are the rows selected that a recipe means, with the identities in their paths?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.data.select import select, selection_key


def table(folder, names=("1_a.jpg", "1_b.jpg", "2_a.jpg", "3_a.jpg")):
    return pd.DataFrame({"path": [str(folder / name) for name in names]})


def selected(rows, **settings):
    """The rows of a recipe, and what is printed about them."""
    lines: list[str] = []
    return select(rows, Recipe(**settings), lines.append), lines


def test_all_rows_are_selected_by_default(tmp_path):
    rows, lines = selected(table(tmp_path))
    pd.testing.assert_frame_equal(rows, table(tmp_path))
    assert lines == []


def test_a_file_of_a_split_selects_the_rows_that_it_lists(tmp_path):
    file = tmp_path / "split.csv"
    paths = table(tmp_path)["path"]
    file.write_text(f"path,split\n{paths[3]},train\n{paths[1]},test\n")
    rows, lines = selected(table(tmp_path), split=str(file))
    assert rows["path"].tolist() == [paths[1], paths[3]]
    assert rows.index.tolist() == [0, 1]
    assert lines == [f"left out: 2 pictures not in '{file}'"]
    file.write_text("path,split\nelsewhere.jpg,train\n")
    with pytest.raises(UserError, match="lists none of the pictures; its paths must"):
        selected(table(tmp_path), split=str(file))


def test_a_limit_takes_rows_at_random_in_their_order(tmp_path):
    names = [f"{number:03}.jpg" for number in range(200)]
    rows = table(tmp_path, names)
    first, same, other = (
        selected(rows, limit=50, seed=seed)[0]["path"].tolist() for seed in (1, 1, 2)
    )
    assert first == same == sorted(first)
    assert first != other
    assert len(set(first)) == len(set(other)) == 50
    assert len(selected(rows, limit=500)[0]) == 200


def test_the_first_group_of_the_pattern_is_the_identity(tmp_path):
    data = (f"utkface={tmp_path}",)
    rows, _ = selected(
        table(tmp_path).assign(source="utkface"), data=data, identity=r"(\d)_\w"
    )
    assert rows["identity"].tolist() == [f"utkface:{n}" for n in "1123"]
    rows, _ = selected(table(tmp_path), data=data, identity=r"\d_\w")  # no group
    assert rows["identity"].tolist() == [":1_a", ":1_b", ":2_a", ":3_a"]


def test_identities_that_a_data_set_names_stay(tmp_path):
    rows = table(tmp_path).assign(identity=["ann", np.nan, np.nan, "bob"], source="s")
    rows, _ = selected(rows, data=(f"utkface={tmp_path}",), identity=r"(\d)_")
    assert rows["identity"].tolist() == ["ann", "s:1", "s:2", "bob"]


def test_a_pattern_is_not_blamed_if_the_data_sets_name_everybody(tmp_path):
    rows = table(tmp_path).assign(identity=["ann", "ann", "bob", "bob"])
    data = (f"utkface={tmp_path}",)
    same, lines = selected(rows, data=data, identity=r"(\d)_")
    assert same["identity"].tolist() == rows["identity"].tolist()
    assert lines == [
        "--identity has no effect: the data sets name everybody who is shown"
    ]


def test_the_place_of_a_data_sets_folder_is_no_identity(tmp_path):
    folder = tmp_path / "person7"
    folder.mkdir()
    data = (f"utkface={folder}",)
    with pytest.raises(
        UserError, match="matches none of the paths, such as '1_a.jpg'$"
    ):
        selected(table(folder), data=data, identity=r"person(\d)")


def test_the_key_is_that_of_recipes_which_select_the_same_rows():
    assert selection_key(Recipe(seed=1)) == selection_key(Recipe(seed=2, epochs=3))
    recipe = Recipe(limit=5, seed=1)
    for other in (
        replace(recipe, seed=2),
        replace(recipe, limit=9),
        replace(recipe, identity="a"),
        replace(recipe, split="a.csv"),
    ):
        assert selection_key(recipe) != selection_key(other)
