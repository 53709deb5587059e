"""Does a split that multitask makes leak nothing that an audit can see?"""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from multitask.contracts import catalog
from multitask.contracts.recipe import Recipe
from multitask.data.split import split
from multitask.experiments.prepare import prepare
from multitask.inspection.clean import clean
from multitask.inspection.duplicates import duplicates
from multitask.inspection.files import inspect_files
from multitask.inspection.label_intervals import label_intervals
from tests.planted import scene
from tests.runs import quiet

COPIED, ALONE = 25, 25


def _jpeg(picture, quality):
    file = BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def _copies(picture):
    """The picture, saved again, smaller, and in a mirror."""
    smaller = picture.resize((83, 83), Image.Resampling.BILINEAR)
    mirror = _jpeg(ImageOps.mirror(smaller), 80)
    return [picture, _jpeg(picture, 60), smaller, mirror]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """25 pictures of 200 pixels with three copies each, and 25 without any."""
    folder = tmp_path_factory.mktemp("pictures")
    rows = []
    for seed in range(COPIED + ALONE):
        picture = scene(seed, 200)
        for number, copy in enumerate(_copies(picture) if seed < COPIED else [picture]):
            path = folder / f"{seed}_{number}.png"
            copy.save(path)
            rows.append({"path": str(path), "scene": seed, "gender": "male"})
    frame = pd.DataFrame(rows)
    frame.loc[frame["scene"] % 2 == 0, "gender"] = "female"
    return frame.sample(frac=1, random_state=0, ignore_index=True)


@pytest.fixture(scope="module")
def seen(table):
    """What an audit sees in the pictures, and the labels that it compares."""
    return inspect_files(table), label_intervals(catalog.heads(["gender"]), table)


@pytest.mark.parametrize("size", [8, 64, 112])
def test_a_split_keeps_what_an_audit_pairs_in_one_part(
    table, seen, size, tiny_trunk, tables, tmp_path
):
    recipe = Recipe(
        heads=("gender",), data=(tables(table, tmp_path),), trunk=tiny_trunk,
        image_size=size,
    )  # fmt: skip
    prepared = prepare(recipe, tmp_path / "run", quiet)
    parts = prepared.table.assign(split=prepared.split())
    assert parts["path"].tolist() == table["path"].tolist()
    assert parts.groupby("scene")["split"].nunique().max() == 1
    assert set(parts["split"]) == {"train", "val", "test"}
    found = duplicates(parts, *seen)
    # Each with each of four; the one in a mirror with the other three.
    assert (found.pairs, found.mirrored) == (COPIED * 6, COPIED * 3)
    assert (found.leaking, found.conflicting, found.look_alike) == (0, 0, 0)


def test_what_is_compared_is_in_the_boxes_without_their_margin(
    table, tiny_trunk, tables, tmp_path
):
    # What is around them, most of what the network sees, differs from copy to copy.
    rng = np.random.default_rng(0)
    boxed = table[table["scene"].between(COPIED - 10, COPIED + 9)].copy()
    for row, path in boxed["path"].items():
        picture = Image.open(path).resize((60, 60))
        around = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
        around = around.resize((200, 160), Image.Resampling.NEAREST)
        left, top = (int(place) for place in rng.integers(40, (101, 61)))
        around.paste(picture, (left, top))
        around.save(tmp_path / f"{row}.png")
        boxed.loc[row, "path"] = str(tmp_path / f"{row}.png")
        boxed.loc[row, "box"] = f"{left} {top} {left + 60} {top + 60}"
    boxed = boxed.reset_index(drop=True)
    recipe = Recipe(
        heads=("gender",), data=(tables(boxed, tmp_path),), trunk=tiny_trunk,
        image_size=64, box_margin=0.6,
    )  # fmt: skip
    prepared = prepare(recipe, tmp_path / "run", quiet)
    parts = prepared.table.assign(split=prepared.split())
    assert parts["box"].tolist() == boxed["box"].tolist()
    assert parts.groupby("scene")["split"].nunique().max() == 1
    assert len(set(prepared.members)) == 20
    files = inspect_files(boxed)
    labels = label_intervals(catalog.heads(["gender"]), boxed)
    found = duplicates(parts, files, labels)
    assert (found.pairs, found.mirrored, found.leaking) == (60, 30, 0)
    whole = duplicates(parts, inspect_files(boxed.drop(columns="box")), labels)
    assert whole.pairs == 0


def test_pictures_that_are_dealt_one_by_one_leak(table, seen):
    parts = split(table, (), np.arange(len(table)), (0.7, 0.15, 0.15), 0)
    assert duplicates(table.assign(split=parts), *seen).leaking > COPIED


def test_one_of_each_is_left_once_the_table_is_cleaned(table, seen):
    left = clean(table, *seen)
    assert sorted(left["scene"]) == list(range(COPIED + ALONE))
