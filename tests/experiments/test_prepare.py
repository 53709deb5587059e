"""Does a training begin with the right heads, and validate in mixed batches?"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from multitask.datasets import sample
from PIL import Image

import multitask
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe import Recipe
from multitask.contracts.recipe_texts import DenseFeatures
from multitask.experiments import prepare as module
from multitask.experiments.prepare import (
    Prepared,
    network_spec,
    prepare,
    prepare_variant,
)
from multitask.experiments.run import fit
from multitask.networks.spec import NetworkSpec
from tests import layouts
from tests.runs import quiet, tiny_recipe

EACH, SIZE = 30, 8  # validation pictures of a data set, and pixels a side


@pytest.fixture
def table():
    """Two data sets, one after the other: one labels gender only, the other age only.

    The first picture of each is for training. The age of a picture is its row.
    """
    rows = np.arange(2 * (EACH + 1))
    first = rows <= EACH
    return pd.DataFrame(
        {
            "path": [f"{row}.jpg" for row in rows],
            "split": np.where(rows % (EACH + 1) == 0, "train", "val"),
            "gender": ["male" if one else None for one in first],
            "age": np.where(first, np.nan, rows),
        }
    )


@pytest.fixture
def prepared(table):
    """All pixels of a picture hold its row."""
    rows = np.arange(len(table), dtype=np.uint8)
    return Prepared(
        recipe=Recipe(trunk="tiny", batch_size=10),
        spec=NetworkSpec(
            trunk="tiny", size=SIZE, heads=catalog.heads(["gender", "age"])
        ),
        table=table,
        pixels=np.tile(rows[:, None, None, None], (1, SIZE, SIZE, 3)),
        members=np.arange(len(table)),
        skipped=pd.DataFrame(),
    )


def _seeded(prepared, seed):
    return replace(prepared, recipe=replace(prepared.recipe, seed=seed))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_batch_of_validation_holds_labels_of_both_data_sets(prepared, table, seed):
    # Data set by data set, each batch of 10 would lack one. Of mixed ones, one of the 6
    # lacks one of the 2, which has half of the pictures, in less than
    # 6 * 2 * 0.5 ** 10 = 1.2% of orders.
    batches = list(_seeded(prepared, seed).validation(table).in_order())
    assert len(batches) == 6
    for images, _, weights in batches:
        assert len(images) == 10
        labelled = [int(weights[head].numpy().sum()) for head in ("gender", "age")]
        assert min(labelled) > 0
        assert sum(labelled) == 10


def test_validation_shows_each_of_its_pictures_once_with_its_own_labels(
    prepared, table
):
    shown = []
    for images, targets, weights in prepared.validation(table).in_order():
        rows = images.numpy()[:, 0, 0, 0]
        shown += rows.tolist()
        of_second = rows > EACH
        np.testing.assert_array_equal(weights["gender"], ~of_second)
        np.testing.assert_array_equal(weights["age"], of_second)
        ages = targets["age"].numpy()[of_second]
        np.testing.assert_array_equal(ages, np.stack([rows[of_second]] * 2, axis=1))
    # Rows 0 and 31 are for training.
    assert sorted(shown) == [*range(1, 31), *range(32, 62)]


def test_the_order_of_validation_follows_the_seed_alone(prepared, table):
    one, same, other = (
        _seeded(prepared, seed).validation(table).rows.tolist() for seed in (3, 3, 4)
    )
    assert one == same
    assert one != other
    assert sorted(one) == sorted(other)


def test_class_weights_count_the_training_part_only(drawn_faces):
    table = sample.read(drawn_faces).table
    table["split"] = np.where(np.arange(len(table)) < 50, "train", "val")
    (head,) = catalog.heads(["gender"])
    head = replace(head, class_weights="balanced")
    pixels = np.zeros((len(table), 16, 16, 3), np.uint8)
    spec = NetworkSpec(trunk="tiny", size=16, heads=(head,))
    prepared = Prepared(
        recipe=tiny_recipe(drawn_faces),
        spec=spec,
        table=table,
        pixels=pixels,
        members=np.arange(len(table)),
        skipped=pd.DataFrame(),
    )
    train = prepared.training(table).encoded["gender"].weights
    val = prepared.validation(table).encoded["gender"].weights
    labels = table["gender"][:50].dropna()
    male = len(labels) / (2 * (labels == "male").sum())  # N / (K n)
    is_male = table["gender"][:50] == "male"
    np.testing.assert_allclose(train[is_male], male, rtol=1e-6)
    assert set(val) == {0.0, 1.0}


@pytest.mark.usefixtures("numbers_alone", "tiny_trunk")
def test_labels_that_no_picture_has_are_left_out(tmp_path):
    folder = tmp_path / "faces"
    layouts.write(folder, "celeba", count=40)
    paths = sorted(map(str, folder.rglob("*.jpg")))
    table = pd.DataFrame({"path": paths, "Smiling": [0, 1] * 20, "Young": [1, 0] * 20})
    table.to_csv(tmp_path / "two.csv", index=False)
    data = (f"two=table:{tmp_path / 'two.csv'}",)
    lines: list[str] = []
    settings = {"heads": ("attributes",), "data": data, "epochs": 1}
    run = fit(tiny_recipe(folder, **settings), tmp_path / "run", say=lines.append)
    [head] = multitask.load(run.folder).heads
    assert head.columns == ("Smiling", "Young")
    assert any(
        "left out, as no picture has them: 5_o_Clock_Shadow, " in line for line in lines
    )
    settings["heads"] = ("attributes[Smiling,Bald]",)
    with pytest.raises(UserError, match="head attributes: .* no labels for Bald$"):
        fit(tiny_recipe(folder, **settings), tmp_path / "other", say=lines.append)


# The spec, the split, and variants of a recipe


def test_the_spec_of_a_network_is_what_its_recipe_says(tiny_trunk):
    recipe = Recipe(
        trunk=tiny_trunk, crop=0.5, features="8,l2=0.1,norm=yes", tta=2, mix="equal"
    )
    heads = catalog.heads(["gender"])
    spec = network_spec(recipe, heads, ("a remark",))
    assert (spec.size, spec.side) == (16, 32)  # the trunk's own, and its margin
    assert spec.dense == DenseFeatures(units=8, l2=0.1, norm=True)
    assert (spec.tta, spec.heads) == (2, heads)
    assert spec.notes == ("a remark", "Training saw the data sets by the rule equal.")
    assert spec.recipe == recipe.plain()
    larger = network_spec(replace(recipe, image_size=24), heads)
    assert larger.size == 24


@pytest.fixture
def drawn(drawn_faces, tmp_path):
    return prepare(tiny_recipe(drawn_faces), tmp_path / "run", quiet)


def test_paths_of_a_prepared_recipe_hold_in_any_folder(
    drawn_faces, drawn_run, tmp_path, monkeypatch
):
    monkeypatch.chdir(drawn_run.folder)
    data = f"sample={Path(os.path.relpath(drawn_faces))}"
    recipe = tiny_recipe(
        drawn_faces, data=(data,), split="split.csv", weights="network.keras"
    )
    prepared = prepare(recipe, tmp_path / "run", quiet)
    assert prepared.recipe.data == (f"sample={drawn_faces}",)
    assert prepared.recipe.split == str(drawn_run.folder / "split.csv")
    assert prepared.recipe.weights == str(drawn_run.folder / "network.keras")


def test_a_variant_decodes_pictures_only_if_it_needs_others(
    drawn, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    sizes = []

    def counted(recipe, *arguments, **options):
        sizes.append(recipe.image_size)
        return prepare(recipe, *arguments, **options)

    monkeypatch.setattr(module, "prepare", counted)
    same = prepare_variant(drawn, replace(drawn.recipe, dropout=0.5), out, quiet)
    assert same.pixels is drawn.pixels
    assert same.recipe.dropout == 0.5
    heads = prepare_variant(drawn, replace(drawn.recipe, heads=("age",)), out, quiet)
    assert [head.name for head in heads.spec.heads] == ["age"]
    assert not sizes
    larger = prepare_variant(drawn, replace(drawn.recipe, image_size=24), out, quiet)
    assert larger.pixels.shape[1] == larger.spec.side > drawn.spec.side
    fewer = prepare_variant(drawn, replace(drawn.recipe, limit=50), out, quiet)
    assert len(fewer.table) == 50
    assert sizes == [24, 0]


def test_a_split_of_before_must_list_the_pictures_of_today(drawn, tmp_path):
    parts = drawn.split()
    file = tmp_path / "split.csv"
    listed = drawn.table[["path"]].assign(split=parts)
    listed.to_csv(file, index=False)
    assert drawn.split(file).tolist() == parts.tolist()
    listed[2:].to_csv(file, index=False)
    with pytest.raises(UserError) as caught:
        drawn.split(file)
    assert str(caught.value) == (
        f"{file}: lists 148 pictures, the data now holds 150 and 2 of them are new; a "
        "run can be resumed only with the data that it started with"
    )


@pytest.mark.parametrize(
    ("rows", "batch"), [(100, 16), (320, 20), (5000, 64), (10, 10)]
)
def test_an_epoch_of_few_pictures_has_smaller_batches(prepared, table, rows, batch):
    many = pd.concat([table[1:31]] * 200, ignore_index=True)[:rows]
    many["split"] = "val"
    usual = replace(prepared, recipe=replace(prepared.recipe, batch_size=0))
    assert usual.validation(many).batch_size == batch


@pytest.mark.parametrize(
    ("columns", "option", "toml", "expected"),
    [
        ("bbox", ",box=xywh", "", "xywh"),
        ("face_box", "", 'box = "xywh"', "xywh"),
        ("bbox", "", "", ""),
        ("x,y,w,h", ",box=xywh", "", ""),
    ],
)
def test_a_network_knows_of_boxes_with_width_and_height(
    tmp_path, tiny_trunk, columns, option, toml, expected
):
    numbers = "1,1,5,6" if "," in columns else "1 1 5 6"
    lines = [f"path,mood,{columns}"]
    for number in range(12):
        name = f"{number}.png"
        Image.new("RGB", (12, 12), (number, 0, 0)).save(tmp_path / name)
        lines.append(f"{name},{'sad' if number % 2 else 'calm'},{numbers}")
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    (tmp_path / "faces.csv.toml").write_text(toml)
    recipe = Recipe(
        data=(f"x=table:{tmp_path / 'faces.csv'}{option}",),
        trunk=tiny_trunk,
        image_size=8,
    )
    prepared = prepare(recipe, tmp_path / "run", quiet)
    assert prepared.spec.box == expected
    assert json.loads(prepared.spec.to_json()).get("box", "") == expected
    other = replace(prepared.recipe, seed=1)
    again = prepare_variant(prepared, other, tmp_path / "b", quiet)
    assert again.spec.box == expected
