"""Does a comparison say what its figures leave out?"""

import pytest

from multitask.comparison.notes import comparison_notes
from multitask.contracts.recipe import Recipe

ROWS = {"train": 6000, "val": 1000, "test": 2000}


def notes(seeds=3, **settings):
    return "\n".join(comparison_notes(Recipe(**settings), ROWS, seeds))


def test_each_part_is_counted():
    assert "6,000 trained the networks, 1,000 chose the best epoch" in notes()


@pytest.mark.parametrize(
    ("settings", "epochs"),
    [
        ({"epochs": 1, "patience": 0}, "for 1 epoch;"),
        ({"epochs": 2, "patience": 0}, "for 2 epochs;"),
        (
            {"epochs": 3, "patience": 1},
            "for at most 3 epochs (each stopped after 1 without improvement;",
        ),
    ],
)
def test_epochs_are_those_that_each_network_may_have(settings, epochs):
    assert epochs in notes(**settings)


def test_few_seeds_are_pointed_out():
    assert "There was one seed" in notes(seeds=1)
    assert "Two seeds" in notes(seeds=2)
    assert "There was one seed" not in notes(seeds=3)
    assert "Two seeds" not in notes(seeds=3)


def test_frozen_layers_are_computed_for_all_networks_or_those_of_a_seed():
    assert "computed before" not in notes()
    imagenet = notes(freeze="all", views=1, weights="imagenet")
    assert "computed before, once for all networks." in imagenet
    # Weights drawn at random are others for each seed.
    assert "once for all networks of a seed." in notes(
        freeze="all", views=1, weights="none"
    )


def test_a_batch_size_that_fit_chooses_is_pointed_out():
    assert "the batch size that fit chooses" in notes()
    assert "the batch size that fit chooses" not in notes(batch_size=16)
