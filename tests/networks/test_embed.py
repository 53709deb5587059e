"""Are features those that the heads begin from, one row for each of `predict`?"""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multitask
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.recipe_texts import DenseFeatures
from multitask.images.decode import resize
from multitask.networks import build
from multitask.networks.analyzer import Analyzer
from multitask.networks.spec import NetworkSpec

HEADS = ("age", "gender", "attributes[Smiling,Young]")


def network(trunk, **settings):
    keras.utils.set_random_seed(0)
    heads = tuple(catalog.heads(HEADS))
    spec = NetworkSpec(trunk=trunk, size=16, heads=heads, **settings)
    return Analyzer(build.build(spec), spec)


def pictures(count, height=20, width=24):
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (height, width, 3), np.uint8) for _ in range(count)]


@pytest.mark.parametrize("tta", [1, 2, 4, 16])
def test_features_are_the_mean_of_those_of_the_crops(tiny_trunk, tta):
    """The trunk by itself is the oracle, on crops that the specification lists."""
    one = network(tiny_trunk, crop=0.8, tta=tta)
    given = pictures(5)
    rows, features = one.embed(given)
    small = np.stack([resize(picture, one.spec.side) for picture in given])
    core = one.model.get_layer("core")
    trunk = core.get_layer("trunk")
    crops = [crop.at(small.astype("float32"), 16) for crop in one.spec.crops()]
    expected = np.mean([trunk(crop) for crop in crops], axis=0)
    assert features.dtype == np.float32
    assert features.shape == (5, 8)  # channels of the trunk `tiny`
    np.testing.assert_allclose(features, expected, atol=1e-4)
    pd.testing.assert_frame_equal(rows, one.predict(given), atol=1e-5)


def test_features_are_those_behind_shared_dense_layers(tiny_trunk):
    one = network(tiny_trunk, tta=1, dense=DenseFeatures(units=6, norm=True))
    given = pictures(3, 16, 16)
    core = one.model.get_layer("core")
    expected = np.stack(given).astype("float32")
    for name in ("trunk", "features-dense", "features-norm"):
        expected = core.get_layer(name)(expected, training=False)
    _, features = one.embed(given)
    np.testing.assert_allclose(features, expected, atol=1e-4)
    assert features.shape == (3, 6)


def test_a_network_with_a_trunk_of_ones_own_has_features_too(tmp_path):
    def own(images):
        x = keras.layers.Conv2D(4, 3, strides=2)(images)
        return keras.layers.Flatten()(x)

    model = multitask.build(HEADS, trunk=own, image_size=16, tta=2, crop=1.0)
    multitask.save(model, tmp_path / "own.keras")
    one = multitask.load(tmp_path / "own.keras")
    _, features = one.embed(pictures(2, 16, 16))
    assert features.shape == (2, 196)
    assert np.isfinite(features).all()


def test_a_row_without_an_answer_has_none(tiny_trunk, tmp_path):
    one = network(tiny_trunk)
    good = pictures(2)
    Image.fromarray(good[0]).save(tmp_path / "a.png")
    table = pd.DataFrame(
        {"path": [tmp_path / "none.png", tmp_path / "a.png", good[1]]},
        index=["x", "y", "z"],
    )
    done: list[int] = []
    rows, features = one.embed(table, heads="age", progress=done.append)
    assert rows.index.tolist() == ["x", "y", "z"]
    assert rows["status"].tolist() == ["no such file", "ok", "ok"]
    assert list(rows) == ["status", "path", "box", "age", "age_low", "age_high"]
    assert np.isnan(features[0]).all()
    np.testing.assert_allclose(features[1:], one.embed(good).features, atol=1e-5)
    assert done == [3]


@pytest.mark.usefixtures("tiny_trunk")
def test_a_network_file_of_an_early_version_has_features_too():
    early = Path(__file__).parents[1] / "fixtures" / "87142fc"
    one, given = multitask.load(early / "finished"), pictures(3)
    rows, features = one.embed(given)
    assert np.isfinite(features).all()
    assert features.std(axis=0).any()
    pd.testing.assert_frame_equal(rows, one.predict(given), atol=1e-5)


@pytest.mark.parametrize("nothing", [[], [b"no picture"]])
def test_without_any_picture_the_channels_are_known(tiny_trunk, nothing):
    rows, features = network(tiny_trunk).embed(nothing)
    assert features.shape == (len(nothing), 8)
    assert len(rows) == len(nothing)


def test_parts_are_those_of_the_whole(tiny_trunk, monkeypatch):
    from multitask.networks import analyzer

    one, given = network(tiny_trunk), pictures(5)
    whole = one.embed(given)
    monkeypatch.setattr(analyzer, "_CHUNK", 2)
    parts = list(one.embed_chunks(given, start=1))
    assert [len(part.rows) for part in parts] == [2, 2]
    joined = np.concatenate([features for _, features in parts])
    np.testing.assert_allclose(joined, whole.features[1:], atol=1e-5)
    with pytest.raises(UserError, match="no head 'gendre'; did you mean 'gender'"):
        one.embed_chunks(given, heads="gendre")


def test_each_face_of_a_photo_has_its_features():
    data = pytest.importorskip("skimage.data", reason="needs scikit-image")
    portrait = Image.fromarray(data.astronaut())
    faces = multitask.load("faces")
    canvas = Image.new("RGB", (900, 512), "grey")
    canvas.paste(portrait, (0, 0))
    mirrored = portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    canvas.paste(mirrored.crop((100, 0, 400, 300)).resize((200, 200)), (600, 100))
    rows, features = faces.embed([np.asarray(canvas), data.coffee()])
    assert rows["face"].tolist() == [0, 1, pd.NA]
    assert rows["status"].tolist() == ["ok", "ok", "no face"]
    assert np.isnan(features[2]).all()
    one, other = features[:2] / np.linalg.norm(features[:2], axis=1, keepdims=True)
    assert 0.8 < one @ other < 1  # the same face, once smaller and mirrored
    rows, features = faces.embed(np.asarray(canvas), largest=True)
    assert len(rows) == len(features) == 1
