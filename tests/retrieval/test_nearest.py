"""Are the nearest features those that scikit-learn finds, whatever the block?"""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from multitask.contracts.errors import UserError
from multitask.retrieval import nearest as module
from multitask.retrieval.nearest import nearest


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("block", [7, 100, 16_384])
def test_it_finds_what_scikit_learn_finds(dtype, block, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", block)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1000, 32)).astype(dtype)
    features[5] = 0
    query = rng.normal(size=32).astype(np.float32)
    expected = cosine_similarity(features.astype(float), query[None].astype(float))[
        :, 0
    ]
    rows, similarities, compared = nearest(features, query, 20)
    assert compared == 1000
    assert rows.tolist() == np.argsort(-expected, kind="stable")[:20].tolist()
    np.testing.assert_allclose(similarities, expected[rows], atol=1e-6)
    every = nearest(features, query, 5000).rows
    assert sorted(every.tolist()) == list(range(1000))


def test_equal_rows_come_in_their_order_and_a_length_does_not_count(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 3)
    features = np.zeros((10, 2), np.float32)
    features[:, 0] = 2.0 ** np.arange(10)  # of one direction, all exact
    rows, similarities, _ = nearest(features, np.array([1e-30, 0.0]), 4)
    assert rows.tolist() == [0, 1, 2, 3]
    assert similarities.tolist() == [1, 1, 1, 1]


def test_features_that_are_not_finite_are_left_out():
    features = np.array([[1, 0], [np.nan, 1], [np.inf, 1], [-1, 0], [0, 0]])
    rows, similarities, compared = nearest(features, np.array([1.0, 0.0]), 10)
    assert compared == 3
    assert rows.tolist() == [0, 4, 3]
    assert similarities.tolist() == [1, 0, -1]
    assert nearest(features[:0], np.array([1.0, 0.0]))[0].tolist() == []


def test_features_may_be_mapped_from_a_file(tmp_path):
    features = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert nearest(mapped, features[42], 1)[0].tolist() == [42]


@pytest.mark.parametrize(
    ("features", "query", "top", "message"),
    [
        (np.ones((3, 2)), np.ones(3), 1, r"shape \(3, 2\) and the query \(3,\)"),
        (np.ones(3), np.ones(3), 1, "give \\(rows, channels\\) and \\(channels,\\)"),
        (np.ones((3, 2)), np.zeros(2), 1, "query: is zero or not finite"),
        (np.ones((3, 2)), np.array([1, np.nan]), 1, "query: is zero or not finite"),
        (np.ones((3, 2)), np.ones(2), 0, "--top: is 0, must be 1 or more"),
    ],
)
def test_mistakes_are_told(features, query, top, message):
    with pytest.raises(UserError, match=message):
        nearest(features, query, top)


@pytest.mark.slow
def test_a_million_rows_need_little_beside_the_features(tmp_path):
    import tracemalloc

    shape = (1_000_000, 320)
    features = np.lib.format.open_memmap(
        tmp_path / "features.npy", "w+", np.float16, shape
    )
    rng = np.random.default_rng(0)
    for start in range(0, len(features), 50_000):
        features[start : start + 50_000] = rng.normal(size=(50_000, 320))
    query = np.asarray(features[777_777], np.float32)
    tracemalloc.start()
    rows, similarities, _ = nearest(features, query, 50)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows[0] == 777_777
    assert similarities[0] == pytest.approx(1)
    assert len(set(rows.tolist())) == 50
    assert most < 100e6


@pytest.mark.parametrize("block", [7, 16_384])
def test_only_the_rows_among_which_is_searched_are_found(block, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", block)
    features = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float16)
    query = np.ones(8, np.float32)
    among = np.arange(3, 200, 5)
    part, similarities, _ = nearest(features[among], query, 12)
    rows, others, compared = nearest(features, query, 12, among)
    assert compared == len(among)
    assert rows.tolist() == among[part].tolist()
    np.testing.assert_array_equal(others, similarities)
    assert not len(nearest(features, query, 12, among[:0])[0])
