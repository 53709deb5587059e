"""Does a map light up where the answer comes from?"""

import keras
import numpy as np
import pytest

from multitask.contracts.catalog import from_config
from multitask.networks.build import build_core
from multitask.networks.gradcam import GradCam
from multitask.networks.spec import NetworkSpec
from multitask.networks.trunks import Trunk, trunk

GENDER = from_config("gender", {"kind": "softmax", "classes": ["male", "female"]})
FACE = from_config("face", {"kind": "sigmoid", "columns": ["Smiling", "Bald"]})
AGE = from_config("age", {"kind": "regression", "low": 0, "high": 100, "unit": "years"})
YEARS = from_config("years", {"kind": "distribution", "low": 0, "high": 100})
MOOD = from_config("mood", {"kind": "sigmoid", "classes": ["calm", "angry"]})
HEADS = (GENDER, FACE, AGE, YEARS, MOOD)


def quadrants(images, norm, pooling="average"):
    """Red and blue in each 8th of a picture: a feature map (8, 8, 2)."""
    x = keras.layers.Rescaling(1 / 255)(images)
    x = keras.layers.AveragePooling2D(4)(x)
    x = keras.layers.Conv2D(2, 1, use_bias=False, name="colors")(x)
    return keras.layers.GlobalAveragePooling2D()(x)


@pytest.fixture
def core():
    """A core whose outputs rise with red, and for the second answer with blue."""
    architecture = Trunk(name="quadrants", size=32, least=8, build=quadrants)
    spec = NetworkSpec(trunk="quadrants", size=32, heads=HEADS)
    core = build_core(spec, architecture=architecture)
    colors = core.get_layer("trunk").get_layer("colors")
    colors.set_weights([np.array([[1, 0], [0, 0], [0, 1]], float)[None, None]])
    for name in ("gender", "face"):
        layer = core.get_layer(name)
        layer.set_weights([8 * np.eye(2), np.zeros(2)])
    core.get_layer("age-unit").set_weights([np.array([[8.0], [0.0]]), np.zeros(1)])
    core.get_layer("mood").set_weights([np.array([[-8.0], [8.0]]), np.zeros(1)])
    years = core.get_layer("years")
    steps = np.linspace(-1, 1, years.units)
    years.set_weights([np.stack([8 * steps, 0 * steps]), np.zeros(years.units)])
    return core


@pytest.fixture
def images():
    """Grey pictures with red in the upper left corner, and blue in the lower right."""
    images = np.full((2, 32, 32, 3), 0.0, np.float32)
    images[:, :8, :8, 0] = 255
    images[:, 24:, 24:, 2] = 255
    return images


@pytest.mark.parametrize(
    ("head", "target", "is_red"),
    [
        (GENDER, 0, True),
        (GENDER, 1, False),
        (FACE, 0, True),
        (FACE, 1, False),
        (AGE, 0, True),
        (YEARS, 0, True),
        (MOOD, 0, True),
        (MOOD, 1, False),
    ],
    ids=["male", "female", "Smiling", "Bald", "age", "years", "calm", "angry"],
)
def test_the_map_is_where_what_raises_the_answer_is(core, images, head, target, is_red):
    maps = GradCam(core).maps(images, head, np.full(2, target))
    assert maps.shape == (2, 8, 8)
    expected = np.zeros((8, 8))
    place = slice(0, 2) if is_red else slice(6, 8)
    expected[place, place] = 1
    np.testing.assert_allclose(maps, [expected] * 2, atol=1e-5)


def test_a_certain_answer_still_has_a_map(core, images):
    for name in ("gender", "face"):  # their probabilities round to 1
        core.get_layer(name).set_weights([4000 * np.eye(2), np.zeros(2)])
    images[:, 24:, 24:] = 0
    for head in (GENDER, FACE):
        assert core(images)[head.name][0, 0] == 1
        maps = GradCam(core).maps(images, head, np.zeros(2, int))
        assert maps[:, :2, :2].min() == 1


def test_nothing_that_raises_an_answer_is_no_heat(core, images):
    blank = np.zeros_like(images)
    assert not GradCam(core).maps(blank, GENDER, np.zeros(2, int)).any()


def test_a_trunk_without_a_feature_map_is_refused():
    def flat(images, norm, pooling="average"):
        return keras.layers.Dense(4)(keras.layers.Flatten()(images))

    architecture = Trunk(name="flat", size=8, least=8, build=flat)
    spec = NetworkSpec(trunk="flat", size=8, heads=(GENDER,))
    with pytest.raises(ValueError, match="no feature map"):
        GradCam(build_core(spec, architecture=architecture))


@pytest.mark.parametrize("name", ["cnn", "alexnet", "mobilenet_v3_large"])
def test_named_trunks_have_maps(name):
    size = max(64, trunk(name).least)
    spec = NetworkSpec(trunk=name, size=size, heads=(GENDER,))
    images = np.random.default_rng(0).uniform(0, 255, (1, size, size, 3))
    maps = GradCam(build_core(spec)).maps(images, GENDER, np.zeros(1, int))
    assert maps.shape[1] >= 2
    assert maps.max() in (0, 1)
