"""What do the tests of networks share? A network that is built, not trained."""

import keras
import pytest

from multitask.networks import build
from tests.networks.untrained import face_spec, unsettle


@pytest.fixture(scope="module", params=["tiny", "cnn"])
def network(request, tiny_trunk):
    """The model of a network with four heads, and its spec."""
    keras.utils.set_random_seed(0)
    spec = face_spec(request.param)
    model = build.build(spec)
    unsettle(model)
    return model, spec
