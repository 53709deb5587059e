"""Do frozen weights stay as they are, and do the others learn?"""

import keras
import numpy as np
import pytest

from multitask.contracts import catalog
from multitask.contracts.errors import UserError
from multitask.networks import build
from multitask.networks.freeze import cut, freeze, rejoined, stages
from multitask.networks.spec import NetworkSpec
from multitask.networks.trunks import trunk


def core(name, size=None):
    heads = tuple(catalog.heads(["gender"]))
    spec = NetworkSpec(trunk=name, size=size or trunk(name).least, heads=heads)
    return build.build_core(spec, training=True)


def stepped(model):
    """The names of the trunk's weights that a step of training moves."""
    model.compile("sgd", {"gender": "sparse_categorical_crossentropy"})
    shape = (4, *model.input.shape[1:])
    images = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    weights = model.get_layer("trunk").weights
    before = [w.numpy() for w in weights]
    head = model.get_layer("gender").kernel.numpy()
    model.train_on_batch(images, {"gender": np.array([0, 1, 1, 0])})
    assert np.abs(model.get_layer("gender").kernel.numpy() - head).max() > 0
    return {
        weight.path
        for weight, old in zip(weights, before, strict=True)
        if not np.array_equal(weight.numpy(), old)
    }


def test_all_of_a_frozen_trunk_stays_with_its_running_means():
    model = core("cnn", 32)
    freeze(model, "all")
    assert stepped(model) == set()


def test_nothing_is_frozen_by_default():
    model = core("cnn", 32)
    freeze(model, "none")
    assert len(stepped(model)) == len(model.get_layer("trunk").weights)


@pytest.mark.parametrize("learning", [1, 2])
def test_the_last_stages_learn(learning):
    model = core("cnn", 32)
    part = model.get_layer("trunk")
    freeze(model, str(learning))
    names = [layer.name for layer in part.layers]
    end = names.index(stages(part)[-1 - learning])
    later = {w.path for layer in part.layers[end + 1 :] for w in layer.weights}
    assert 0 < len(later) < len(part.weights)
    assert stepped(model) == later


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("cnn", 5),  # at 32, 16, 8 and 4 pixels, and the weights of places
        ("base_cnn", 4),
        ("mobilenet_v3_large", 5),
        pytest.param("resnet50", 5, marks=pytest.mark.slow),
        pytest.param("vgg16", 5, marks=pytest.mark.slow),
        pytest.param("densenet121", 5, marks=pytest.mark.slow),
        pytest.param("convnext_tiny", 5, marks=pytest.mark.slow),
        pytest.param("efficientnet_lite0", 5, marks=pytest.mark.slow),
    ],
)
def test_a_network_can_be_cut_behind_each_stage(name, count):
    whole = core(name, 64).get_layer("trunk")
    ends = stages(whole)
    assert len(ends) == count
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3))
    expected = whole(pixels).numpy()
    for end in ends[:-1]:
        cut = next(o for o in whole.operations if o.name == end).output
        first = keras.Model(whole.input, cut)
        rest = keras.Model(cut, whole.output)
        assert first.weights
        assert rest.weights
        np.testing.assert_allclose(
            rest(first(pixels)), expected, atol=1e-4 * np.abs(expected).max()
        )


def test_more_stages_than_a_trunk_has_are_an_error():
    with pytest.raises(UserError, match=r"^--freeze: is 9, but the trunk h"):
        freeze(core("cnn"), "9")


@pytest.mark.parametrize("mode", ["all", "1", "3"])
def test_a_core_that_is_cut_gives_the_same_outputs(mode):
    model = core("cnn", 32)
    front, rest = cut(model, mode)
    shape = (2, 32, 32, 3)
    images = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    expected = model(images)["gender"]
    for outputs in (rest(front(images)), rejoined(front, rest)(images)):
        np.testing.assert_allclose(outputs["gender"], expected, atol=1e-6)


def test_a_front_that_is_rejoined_keeps_its_statistics_in_training():
    front, rest = cut(core("cnn", 32), "all")
    before = [weight.numpy() for weight in front.weights]
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))
    rejoined(front, rest)(images.astype(np.float32), training=True)
    for weight, value in zip(front.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
