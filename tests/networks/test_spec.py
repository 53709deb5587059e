"""Which crops does a network look at, and what does its file say of it?"""

import json
from dataclasses import replace

import pytest

from multitask.contracts import catalog
from multitask.contracts.recipe_texts import DenseFeatures
from multitask.networks.spec import Crop, NetworkSpec
from multitask.networks.stored.schema import FORMAT
from tests.networks.untrained import face_spec


def test_a_picture_is_larger_than_the_crop_by_its_margin():
    # 16 / 0.8 = 20; 64 / 0.89 = 71.9, the same on both sides: 64 + 2 x 4.
    assert face_spec("cnn", size=16).side == 20
    assert NetworkSpec(trunk="cnn", size=64, crop=0.89, heads=()).side == 72
    assert NetworkSpec(trunk="cnn", size=64, heads=()).side == 64


def test_four_crops_lie_three_quarters_of_the_margin_off_the_centre():
    spec = NetworkSpec(trunk="cnn", size=64, crop=0.8, heads=())  # a margin of 8
    assert {(crop.down, crop.right) for crop in spec.crops()} == {
        (-6, -6),
        (-6, 6),
        (6, -6),
        (6, 6),
    }
    assert [crop.mirrored for crop in spec.crops()] == [False, False, True, True]


def test_sixteen_crops_are_a_grid_over_the_margin_half_of_it_mirrored():
    spec = NetworkSpec(trunk="cnn", size=80, crop=0.89, heads=(), tta=16)
    crops = spec.crops()  # of a margin of 5
    assert len(set(crops)) == 16
    assert {crop.down for crop in crops} == {crop.right for crop in crops}
    assert sorted({crop.down for crop in crops}) == [-4, -2, 2, 4]
    mirrored = {(crop.down, crop.right) for crop in crops if crop.mirrored}
    assert len(mirrored) == 8
    assert mirrored > {(-4, -2), (-2, -4)}
    assert (-4, -4) not in mirrored


@pytest.mark.parametrize("tta", [1, 2, 4, 16])
def test_without_a_margin_the_crops_are_the_centre_and_its_mirror_image(tta):
    spec = NetworkSpec(trunk="cnn", size=64, heads=(), tta=tta)
    assert spec.crops() == (Crop(), Crop(mirrored=True))[:tta]


def test_crops_are_named_in_feature_caches_as_ever():
    # A cache finds its rows by this text: another one would make all of them useless.
    assert repr(Crop(down=1)) == "Crop(mirrored=False, down=1, right=0)"


def test_other_heads_leave_the_rest_of_a_network_as_it_is():
    spec = face_spec("cnn")
    [age] = catalog.heads(["age"])
    changed = spec.with_heads([age])
    assert changed.heads == (age,)
    assert changed.with_heads(spec.heads) == spec


def test_the_names_in_the_file_are_those_of_format_3():
    dense = DenseFeatures(units=64, l2=0.5, norm=True)
    spec = replace(face_spec("cnn", tta=4), dense=dense)
    config = json.loads(spec.to_json())
    assert FORMAT == 3
    assert list(config) == [
        "format", "multitask", "trunk", "size", "crop", "pooling", "features",
        "features_l2", "features_norm", "looks", "heads", "notes", "recipe",
    ]  # fmt: skip
    assert config["looks"] == 4
    leaks = json.loads(replace(spec, leaks=("A leak.",)).to_json())["leaks"]
    assert leaks == ["A leak."]
    assert config["features"] == 64
    assert (config["features_l2"], config["features_norm"]) == (0.5, True)
