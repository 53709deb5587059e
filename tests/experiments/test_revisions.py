"""Does a sweep or comparison go on with the networks that it began from?"""

from dataclasses import replace

from multitask.contracts.recipe import Recipe
from multitask.experiments.revisions import record, recorded

AT = f"hf://own/net@{'a' * 40}/network.keras"


def test_addresses_stay_at_the_revisions_they_had(tmp_path):
    begun = Recipe(weights=AT, teacher=(AT, "faces"), epochs=3)
    record(begun, tmp_path)
    again = replace(begun, weights="hf://own/net", teacher=("hf://own/net", "faces"))
    assert recorded(again, tmp_path) == begun


def test_a_teacher_alone_is_kept_too(tmp_path):
    begun = Recipe(teacher=(AT,))
    record(begun, tmp_path)
    assert recorded(Recipe(teacher=("hf://own/net",)), tmp_path) == begun


def test_nothing_is_kept_of_networks_that_are_files(tmp_path):
    recipe = Recipe(weights="/a/network.keras", teacher=("faces",))
    record(recipe, tmp_path)
    assert not list(tmp_path.iterdir())
    assert recorded(recipe, tmp_path) == recipe
