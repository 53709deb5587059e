"""Are the trunks of keras.applications the published networks with their scaling?"""

import keras
import numpy as np
import pytest

from multitask.contracts.errors import UserError
from multitask.networks import build, pretrained
from multitask.networks.trunks import TRUNKS, trunk
from tests.networks.untrained import gender_age_spec, pictures

PUBLISHED = [
    pytest.param(name, marks=() if name == "mobilenet_v3_large" else pytest.mark.slow)
    for name, entry in TRUNKS.items()
    if entry.application
]
# The modules of Keras with the scaling of each network.
SCALING = {
    "vgg16": keras.applications.vgg16,
    "vgg16_dense": keras.applications.vgg16,
    "resnet50": keras.applications.resnet,
    "densenet121": keras.applications.densenet,
    "inception_v3": keras.applications.inception_v3,
    "mobilenet_v3_large": keras.applications.mobilenet_v3,
    "efficientnet_v2_b0": keras.applications.efficientnet_v2,
    "convnext_tiny": keras.applications.convnext,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_is_the_one_of_keras_with_its_scaling(name, tmp_path):
    entry = trunk(name)
    size = 224 if entry.dense else max(entry.least, 96)
    application = getattr(keras.applications, entry.application)
    theirs = application(
        include_top=entry.dense,
        weights=None,
        input_shape=(size, size, 3),
        pooling="avg",
    )
    theirs.save(tmp_path / "theirs.keras")
    model = build.build_core(gender_age_spec(name, size)).get_layer("trunk")
    pretrained.load(model, str(tmp_path / "theirs.keras"), name)
    images = pictures(2, size, size).astype(np.float32)
    scaled = SCALING[name].preprocess_input(images.copy())
    if entry.dense:
        theirs = keras.Model(theirs.input, theirs.get_layer("fc2").output)
    expected = theirs(scaled).numpy()
    assert np.abs(expected).max() > 0
    scale = np.abs(expected).max()
    np.testing.assert_allclose(model(images) / scale, expected / scale, atol=1e-4)


def test_pooling_is_open_where_keras_leaves_it_open():
    shapes = {}
    for pooling in ("average", "max", "flatten"):
        spec = gender_age_spec("mobilenet_v3_large", 64, pooling=pooling)
        core = build.build_core(spec)
        shapes[pooling] = core.get_layer("trunk").output.shape[1:]
    assert shapes == {"average": (960,), "max": (960,), "flatten": (4 * 960,)}
    with pytest.raises(
        UserError, match="^--pooling: trunk cnn has its own pooling; leave it"
    ):
        build.build_core(gender_age_spec("cnn", 32, pooling="max"))
