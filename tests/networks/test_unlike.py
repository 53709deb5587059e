"""Do pictures that are unlike those of the training get a warning, and others none?"""

import io
import json
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.decomposition import PCA

import multitask
from multitask import deepface
from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.contracts.run import NETWORK
from multitask.networks import archive, build, unlike
from multitask.networks.analyzer import Analyzer
from multitask.networks.prediction.deepface import with_deepface
from multitask.networks.spec import NetworkSpec


def features(count, channels=12, seed=0, scale=1.0):
    """Non-negative, correlated features with a long tail, as those of a network."""
    draw = np.random.default_rng(seed)
    mixed = draw.normal(size=(count, 4)) @ np.random.default_rng(9).normal(
        size=(4, channels)
    )
    noise = draw.normal(0, 0.3, (count, channels))
    return (np.maximum(mixed + noise + 2, 0) ** 2 * scale).astype(np.float32)


@pytest.fixture(scope="module")
def known():
    found = unlike.fit(features(1500), features(1000, seed=1))
    assert found is not None
    return found


def test_distances_are_those_of_the_distribution(known):
    """SciPy's distance, by the covariance of scikit-learn's components, is the oracle.

    The rounding of the components to float16 is all that differs.
    """
    model = PCA(11, svd_solver="full").fit(np.sqrt(features(1500).astype(float)))
    inverse = model.get_precision()
    new = features(20, seed=2)
    expected = [
        mahalanobis(row, model.mean_, inverse) for row in np.sqrt(new.astype(float))
    ]
    np.testing.assert_allclose(known.distances(new), expected, rtol=0.01)
    # A likelihood orders pictures in the same way, the other way round.
    order = np.argsort(model.score_samples(np.sqrt(new.astype(float))))
    assert np.argsort(-known.distances(new)).tolist() == order.tolist()


def test_half_a_percent_of_such_pictures_and_all_others_are_far(known):
    assert known.unlike(features(1000, seed=1)).mean() == pytest.approx(0.005, abs=1e-9)
    assert known.unlike(features(20_000, seed=3)).mean() < 0.02
    # The same numbers, of which none fits the others.
    other = np.random.default_rng(4).permuted(features(300, seed=5), axis=1)
    assert known.unlike(other).mean() > 0.8
    assert known.unlike(np.zeros((1, 12), np.float32)).all()
    assert known.unlike(np.full((1, 12), np.nan, np.float32)).all()
    assert known.unlike(np.full((1, 12), 1e30, np.float32)).all()
    assert known.unlike(features(0)).shape == (0,)


def test_what_is_stored_is_small_and_reads_back(known):
    again = unlike.read(known.to_bytes(), 12, "f.keras")
    new = features(50, seed=6)
    np.testing.assert_array_equal(again.distances(new), known.distances(new))
    assert again.far == known.far
    for channels in (1280, 60_000):
        draw = np.random.default_rng(0)
        wide = draw.random((300, channels), np.float32)
        large = unlike.fit(wide[:250], np.repeat(wide[250:], 4, axis=0))
        assert large is not None
        assert len(large.to_bytes()) < 100_000
        assert large.distances(wide[:3]).shape == (3,)


@pytest.mark.parametrize(
    ("training", "validation"),
    [
        (features(199), features(300)),
        (features(300), features(199)),
        (np.ones((300, 5)), np.ones((300, 5))),
        (features(300, channels=1), features(300, channels=1)),
        (np.full((300, 5), np.nan), features(300, channels=5)),
    ],
)
def test_too_few_pictures_or_features_that_tell_nothing_give_none(training, validation):
    assert unlike.fit(training, validation) is None


@pytest.mark.parametrize("damage", [b"", b"no file", b"PK\x03\x04"])
def test_damage_is_told_in_a_line(damage):
    with pytest.raises(UserError, match="^f.keras: is damaged in what it says of its"):
        unlike.read(damage, 12, "f.keras")
    other = io.BytesIO()
    np.savez(other, mean=np.zeros(3))
    with pytest.raises(UserError, match="^f.keras: is damaged"):
        unlike.read(other.getvalue(), 12, "f.keras")


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": np.arange(12, dtype=np.int32) + 1},  # there is no thirteenth
        {"channels": np.arange(12.0)},
        {"mean": np.zeros(11, np.float32)},
        {"mean": np.full(12, np.nan, np.float32)},
        {"components": np.zeros((1, 12), np.float16)},
        {"variances": np.zeros(11, np.float32)},
        {"noise": 0.0},
        {"far": np.nan},
        {"mean": np.zeros(10_000_000, np.float32)},  # 40 MB in 40 KB
        {"mean": np.array(["a"] * 12, object)},
    ],
)
def test_numbers_that_no_training_gives_are_told_in_a_line(known, wrong):
    content = replace(known, **wrong).to_bytes()
    with pytest.raises(UserError, match="^f.keras: is damaged in what it says of its"):
        unlike.read(content, 12, "f.keras")


def pictures(count, seed):
    """Smooth pictures of one kind: a gradient with a little noise."""
    draw = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, 16)[:, None, None] * np.ones((16, 16, 3))
    shades = 60 + 120 * ramp + draw.normal(0, 8, (count, 1, 1, 3))
    noise = draw.normal(0, 4, (count, 16, 16, 3))
    return np.clip(shades + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def network(tiny_trunk, tmp_path_factory):
    """A network file that knows its training pictures."""
    keras.utils.set_random_seed(0)
    spec = NetworkSpec(
        trunk=tiny_trunk, size=16, heads=tuple(catalog.heads(("age", "gender")))
    )
    path = tmp_path_factory.mktemp("unlike") / NETWORK
    archive.save(build.build(spec), spec, path)
    plain = Analyzer.load(path)
    assert "warning" not in plain.predict(pictures(1, 0)[0])
    train, val = (plain.features(pictures(500, n), np.arange(500)) for n in (0, 1))
    known = unlike.fit(train, val)
    assert known is not None
    archive.save_training(known, path)
    return path


def test_a_row_says_what_is_unlike_the_training_pictures(network, tmp_path):
    usual, noise = pictures(1, 7)[0], np.random.default_rng(0).integers(
        0, 256, (16, 16, 3), np.uint8
    )  # fmt: skip
    one = multitask.load(network)
    given = [usual, noise, tmp_path / "none.jpg"]
    rows = one.predict(given, heads="age", probabilities=True)
    assert rows["warning"].tolist() == [None, unlike.UNLIKE, None]
    assert list(rows)[:4] == ["status", "path", "box", "warning"]
    embedded, seen = one.embed(given)
    assert embedded["warning"].tolist() == rows["warning"].tolist()
    assert np.isfinite(seen[:2]).all()
    streamed = pd.concat(one.stream(given))
    assert streamed["warning"].tolist() == rows["warning"].tolist()
    assert "warning" not in one.answers(pictures(1, 0), np.arange(1))
    # What it answers is the same as without.
    plain = Analyzer(one.model, one.spec).predict(given, heads="age")
    pd.testing.assert_frame_equal(rows[list(plain)], plain, atol=1e-5)


def test_deepface_has_a_key_for_it_if_the_network_knows(network):
    usual, noise = pictures(1, 7)[0], np.random.default_rng(0).integers(
        0, 256, (16, 16, 3), np.uint8
    )  # fmt: skip
    one = multitask.load(network)

    def analyzed(analyzer):
        given = [usual[..., ::-1], noise[..., ::-1]]
        faces = deepface.analyze(
            given, ["age"], detector_backend="skip", network=analyzer
        )
        return [face for (face,) in faces]

    faces = analyzed(one)
    assert [face["warning"] for face in faces] == [None, unlike.UNLIKE]
    assert list(faces[0])[-1] == "warning"
    plain = analyzed(Analyzer(one.model, one.spec))
    assert ["warning" in face for face in plain] == [False, False]
    assert [face["age"] for face in plain] == [face["age"] for face in faces]
    rows = one.predict([usual, noise], probabilities=True)
    shaped = with_deepface(rows, one.heads)["deepface"]
    assert [face["warning"] for face in shaped] == [None, unlike.UNLIKE]


def test_a_file_keeps_it_with_another_spec_and_opens_in_plain_keras(network, tmp_path):
    copy = tmp_path / NETWORK
    copy.write_bytes(network.read_bytes())
    spec = archive.load_spec(copy)
    archive.save_spec(replace(spec, notes=("new",)), copy)
    one = multitask.load(copy)
    assert one.notes == ("new",)
    assert one.training is not None
    model = keras.models.load_model(copy)
    assert model(pictures(2, 0))["gender"].shape == (2, 2)
    with zipfile.ZipFile(copy) as members:
        assert sorted(members.namelist())[-2:] == ["multitask.json", "multitask.npz"]
        json.loads(members.read("multitask.json"))
    archive.save_training(one.training, copy)  # in its place, not twice
    with zipfile.ZipFile(copy) as members:
        assert members.namelist().count("multitask.npz") == 1


def test_a_fit_puts_it_into_the_network(
    numbers_alone, tiny_trunk, tmp_path, monkeypatch
):
    monkeypatch.setattr(unlike, "LEAST", 40)
    usual = pictures(200, 1)
    table = pd.DataFrame(
        {
            "path": list(usual),
            "mood": ["calm", "tense"] * 100,
            "split": ["train"] * 100 + ["val"] * 60 + ["test"] * 40,
        }
    )
    run = multitask.fit(
        data=table, trunk=tiny_trunk, image_size=16, epochs=1, out=tmp_path / "run",
        say=lambda line: None,
    )  # fmt: skip
    rows = run.network.predict(usual)
    assert run.network.training is not None
    assert (rows["warning"].iloc[:100] == unlike.UNLIKE).mean() < 0.1
    # By the validation part: a 200th of it, here its farthest picture, is far.
    assert (rows["warning"].iloc[100:160] == unlike.UNLIKE).sum() == 1
    monkeypatch.setattr(unlike, "LEAST", 100)
    again = multitask.fit(
        data=table, trunk=tiny_trunk, image_size=16, epochs=1, out=tmp_path / "few",
        say=lambda line: None,
    )  # fmt: skip
    assert again.network.training is None
    assert "warning" not in again.network.predict(usual[:2])


def test_the_bundled_network_knows_its_training_pictures():
    data = pytest.importorskip("skimage.data", reason="needs scikit-image")
    faces = multitask.load("faces")
    assert faces.file
    assert faces.file.stat().st_size < 6e6
    assert faces.predict(data.astronaut())["warning"].tolist() == [None]
    frame = np.zeros((120, 120, 3), np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), np.uint8)
    others = faces.predict([frame, noise], faces="whole")
    assert others["warning"].tolist() == [unlike.UNLIKE] * 2
    # By other crops than in the training, nothing is known to be far.
    assert faces.with_tta(faces.spec.tta).training is not None
    assert "warning" not in faces.with_tta(1).predict(noise, faces="whole")
    rows = faces.predict([frame])
    assert rows["status"].tolist() == ["no face"]
    assert rows["warning"].tolist() == [None]
