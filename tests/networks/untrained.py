"""Which networks do several test files share? Their specs, pictures and outputs."""

import numpy as np

from multitask.contracts import catalog
from multitask.networks.spec import NetworkSpec
from multitask.networks.trunks import trunk

HEADS = ("age", "gender", "pose", "attributes[Smiling,Young]")
NAMES = ["age", "gender", "pose", "attributes"]


def face_spec(name, tta=2, size=16):
    """A network with four heads on a trunk, whose crop is 0.8 of a picture's side."""
    return NetworkSpec(
        trunk=name,
        size=size,
        crop=0.8,
        heads=tuple(catalog.heads(HEADS)),
        tta=tta,
        notes=("Faces were drawn.",),
        recipe={"epochs": 3, "heads": list(HEADS)},
    )


def gender_age_spec(name, size=None, **settings):
    """A network with two heads on a trunk, by default of its usual size."""
    heads = tuple(catalog.heads(["gender", "age"]))
    size = size or trunk(name).size
    return NetworkSpec(trunk=name, size=size, heads=heads, **settings)


def pictures(count=5, height=37, width=50, seed=0):
    """Random pictures (count, height, width, 3), uint8."""
    shape = (count, height, width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def unsettle(model):
    """Give a model batch statistics, as after training, that no batch has."""
    rng = np.random.default_rng(1)
    for weight in model.weights:
        shape = weight.shape
        if weight.path.endswith(("moving_mean", "beta")):
            weight.assign(rng.normal(0, 0.5, shape))
        elif weight.path.endswith(("moving_variance", "gamma")):
            weight.assign(rng.uniform(0.5, 2, shape))


def numbers(outputs):
    """The outputs of a network of `face_spec` as arrays by head name."""
    assert list(outputs) == NAMES
    return {name: np.asarray(value) for name, value in outputs.items()}


def assert_near(outputs, expected, atol=1e-5):
    """Fail unless the outputs of two such networks are nearly equal."""
    outputs, expected = numbers(outputs), numbers(expected)
    for name in NAMES:
        np.testing.assert_allclose(
            outputs[name], expected[name], atol=atol, err_msg=name
        )
