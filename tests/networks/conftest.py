"""What do the tests of networks share? A network that is built, and a hub."""

import sys

import keras
import pytest

from multitask.networks import build
from tests.networks.hub_stand_in import Hub
from tests.networks.untrained import face_spec, unsettle


@pytest.fixture(scope="module", params=["tiny", "cnn"])
def network(request, tiny_trunk):
    """The model of a network with four heads, and its spec."""
    keras.utils.set_random_seed(0)
    spec = face_spec(request.param)
    model = build.build(spec)
    unsettle(model)
    return model, spec


@pytest.fixture
def server(tmp_path, monkeypatch):
    fake = Hub(tmp_path / "cache")
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", fake.errors)
    return fake
