"""Are a few right and wrong answers of each head explained, and which?"""

import keras
import numpy as np
import pandas as pd
import pytest

from multitask.contracts import catalog
from multitask.contracts.evaluation import Evaluation
from multitask.experiments.explain import UNEXPLAINED, explanations, with_explanations
from multitask.networks import trunks
from multitask.networks.build import build
from multitask.networks.network import Network
from multitask.networks.spec import NetworkSpec

ROWS = 40


@pytest.fixture
def flat_trunk(monkeypatch):
    """The name of a trunk without any feature map."""

    def layers(images, norm, pooling="average"):
        return keras.layers.Dense(4)(keras.layers.Flatten()(images))

    flat = trunks.Trunk(name="flat", size=16, least=8, build=layers)
    monkeypatch.setitem(trunks.TRUNKS, "flat", flat)
    return "flat"


def answered(trunk):
    """An untrained network, random pictures, and random labels with gaps."""
    heads = tuple(catalog.heads(["age", "gender", "attributes[Smiling,Young]"]))
    spec = NetworkSpec(trunk=trunk, size=16, heads=heads)
    network = Network(build(spec), spec)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (ROWS + 5, *[network.spec.side] * 2, 3), np.uint8)
    rows = np.arange(5, ROWS + 5)
    labels = pd.DataFrame(
        {
            "path": [f"{row}.png" for row in rows],
            "age": np.where(rows % 3, rng.uniform(0, 90, ROWS), np.nan),
            "gender": pd.Series(rng.choice(["male", "female"], ROWS), rows).where(
                rows % 4 > 0
            ),
            "Smiling": rng.integers(0, 2, ROWS).astype(float),
            "Young": np.where(rows % 2, rng.integers(0, 2, ROWS), np.nan),
        },
        index=rows,
    )
    return network, pixels, labels, network.answers(pixels, rows, probabilities=True)


def test_answers_that_are_no_numbers_are_not_explained(tiny_trunk):
    network, pixels, labels, answers = answered(tiny_trunk)
    core = network.model.get_layer("core")
    core.set_weights([np.full_like(weight, np.nan) for weight in core.get_weights()])
    rows = labels.index.to_numpy()
    answers = network.answers(pixels, rows, probabilities=True)
    known = explanations(network, pixels, labels, answers)
    assert known is not None
    assert not any(known.values())


def test_answers_are_explained_by_what_they_are(tiny_trunk):
    network, pixels, labels, answers = answered(tiny_trunk)
    known = explanations(network, pixels, labels, answers)
    assert known is not None
    size = network.spec.size
    margin = (network.spec.side - size) // 2
    for one in known["gender"]:
        assert one.is_right == (labels["gender"][one.row] == answers["gender"][one.row])
        crop = pixels[one.row][margin : margin + size, margin : margin + size]
        np.testing.assert_array_equal(one.pixels, crop)
        assert one.heat.max() in (0, 1)
    for one in known.get("attributes", ()):
        assert answers[one.column][one.row] == 1
        assert one.is_right == (labels[one.column][one.row] == 1)
    assert not labels["gender"][[one.row for one in known["gender"]]].isna().any()
    sides = [one.is_right for one in known["gender"]]
    assert sides == sorted(sides, reverse=True)
    assert max(sides.count(True), sides.count(False)) <= 4


def test_the_nearest_and_the_farthest_numbers_are_explained(tiny_trunk):
    network, pixels, labels, answers = answered(tiny_trunk)
    known = explanations(network, pixels, labels, answers)
    assert known is not None
    errors = (labels["age"] - answers["age"]).abs().dropna().sort_values()
    wrong = [one.row for one in known["age"] if not one.is_right]
    right = [one.row for one in known["age"] if one.is_right]
    assert wrong == errors.index[::-1][:4].tolist()
    assert right == errors.index[: len(right)].tolist()


def test_a_trunk_without_a_feature_map_is_noted(flat_trunk):
    network, pixels, labels, answers = answered(flat_trunk)
    evaluation = Evaluation(
        title="flat", split="test", labels=labels, answers=answers, heads=network.heads
    )
    explained = with_explanations(evaluation, network, pixels)
    assert explained.notes == (UNEXPLAINED,)
    assert explained.explanations == {}
