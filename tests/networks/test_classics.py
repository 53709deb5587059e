"""Are the classic trunks the networks that they are known as?"""

import keras
import pytest

from multitask.networks import build
from tests.networks.untrained import gender_age_spec


def test_the_classic_networks_have_the_layers_that_they_are_known_by():
    def kernels(name):
        model = build.build_core(gender_age_spec(name)).get_layer("trunk")
        return [w.shape for w in model.weights if w.path.endswith("kernel")]

    assert kernels("base_cnn") == [
        (3, 3, 3, 32), (3, 3, 32, 32), (3, 3, 32, 64), (26 * 26 * 64, 64),
    ]  # fmt: skip
    assert kernels("utkface_cnn")[-1] == (3, 3, 160, 192)
    assert kernels("mood_cnn") == [
        (3, 3, 3, 16), (3, 3, 16, 32), (3, 3, 32, 16), (30 * 30 * 16, 256),
    ]  # fmt: skip
    assert kernels("regularized_cnn") == kernels("base_cnn")


def test_regularized_cnn_is_regularized_as_it_is_known():
    core = build.build_core(gender_age_spec("regularized_cnn"), training=True)
    layers = core.get_layer("trunk").layers
    notable = ("Conv2D", "BatchNormalization", "SpatialDropout2D", "Dense")
    kinds = [
        name
        for layer in layers
        for name in notable
        if isinstance(layer, getattr(keras.layers, name))
    ]
    assert kinds == [
        "Conv2D", "BatchNormalization", "Conv2D", "BatchNormalization",
        "SpatialDropout2D", "Conv2D", "BatchNormalization", "Dense",
        "BatchNormalization",
    ]  # fmt: skip
    [dropout] = [layer for layer in layers if "Dropout" in type(layer).__name__]
    assert dropout.rate == 0.5
    [dense] = [layer for layer in layers if type(layer).__name__ == "Dense"]
    assert dense.kernel_regularizer.l2 == pytest.approx(0.001)
    assert dense.activation is keras.activations.relu
