"""Is it said before any training that designs can't be compared?"""

import numpy as np
import pandas as pd
import pytest

from multitask.comparison import checks
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.results.design_comparison import DESIGNS


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"designs": ("singel",)},
            "--designs: unknown design 'singel'; did you mean 'sin",
        ),
        ({"designs": ("merged",)}, "--designs: merged needs heads to merge; add --me"),
        ({"designs": ("multi",), "seeds": 0}, "--seeds: is 0, must be 1 or more"),
        ({"designs": ("multi", "single", "multi")}, "--designs: gives multi twice"),
        ({"designs": ("multi",), "trunks": ("cnn", "cnn")}, "--trunks: gives cnn twi"),
        (
            {"designs": ("multi",), "merges": ("a+b",)},
            "--merge: needs the design merged",
        ),
        (
            {"designs": DESIGNS, "merges": ("a+b", "b+c")},
            "--merge: contains b twice; merge each head once",
        ),
    ],
)
def test_a_request_that_makes_no_comparison_is_an_error(request_, message):
    with pytest.raises(UserError) as caught:
        checks.check_request(**{"trunks": (), "merges": (), "seeds": 1, **request_})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "trunks", "message"),
    [
        ({"folds": 3}, ("tiny",), "--folds: can't be used in a comparison; use --seed"),
        ({"mix": "classes=gender"}, ("tiny",), "--mix: balances the classes of one "),
        ({}, ("tiny", "tyni"), "--trunk: unknown trunk 'tyni'; did you mean 'tiny'?"),
        ({"weights": "a.keras"}, ("cnn", "tiny"), "--weights: is of one trunk, which"),
    ],
)
def test_settings_that_networks_cannot_share_are_an_error(
    settings, trunks, message, tiny_trunk
):
    with pytest.raises(UserError) as caught:
        checks.check_recipe(Recipe(heads=("gender",), **settings), trunks)
    assert str(caught.value).startswith(message)


def test_one_head_has_the_same_network_in_all_designs():
    [gender] = catalog.heads(["gender"])
    checks.check_heads([gender], ("single",))
    with pytest.raises(
        UserError,
        match="--heads: is gender alone: all designs would be the same network",
    ):
        checks.check_heads([gender], ("single", "multi"))


@pytest.mark.parametrize(
    ("makeup", "groups", "message"),
    [
        ([None, None], [4, 5], "makeup: has no labels in the test part"),
        (
            ["over", None],
            [4, 5],
            "makeup: is labelled in the test part for only one person",
        ),
        (["over", "over"], [4, 4], "is labelled in the test part for only one person"),
    ],
)
def test_a_head_that_the_test_part_hardly_labels_is_an_error(
    labels, makeup, groups, message
):
    heads = catalog.heads(["makeup"])
    numbers = pd.Series(range(6))
    checks.check_test_labels(heads, labels, numbers)
    labels.loc[4:, "makeup"], numbers[4:] = makeup, groups
    with pytest.raises(UserError, match=message):
        checks.check_test_labels(heads, labels, numbers)


def test_a_single_class_in_training_is_an_error(labels):
    heads = catalog.heads(["gender"])
    labels.loc[:3, "gender"] = "male"
    with pytest.raises(
        UserError, match="gender: has only one class in the training part"
    ):
        checks.check_test_labels(heads, labels, pd.Series(range(6)))


def test_a_head_without_a_label_to_validate_it_is_an_error(heads, labels):
    checks.check_validation_labels(heads, labels)  # without such a part: the last epoch
    labels.loc[3, "split"] = "val"
    labels.loc[3, ["makeup", "age"]] = "over", np.nan
    gender, makeup, age = heads
    checks.check_validation_labels([makeup], labels)
    for head in (gender, age):
        with pytest.raises(
            UserError, match=f"{head.name}: has no labels in the validation part"
        ):
            checks.check_validation_labels([makeup, head], labels)
