"""Networks that answer over HTTP: one for whole pictures, one that finds faces."""

from dataclasses import replace

import numpy as np
import pytest

for name in ("fastapi", "httpx", "multipart", "prometheus_client", "uvicorn"):
    pytest.importorskip(name)

from tests.service import served  # noqa: E402  (needs them)

HEADS = ("age", "gender", "attributes[Smiling,Young]")
NOTE = "Faces were drawn."


@pytest.fixture(scope="session")
def analyzer(tiny_trunk):
    """A network that was never trained, and is sure of different things."""
    import keras

    from multitask.contracts import catalog
    from multitask.networks import build
    from multitask.networks.analyzer import Analyzer
    from multitask.networks.spec import NetworkSpec

    keras.utils.set_random_seed(0)
    heads = tuple(catalog.heads(HEADS))
    spec = NetworkSpec(trunk=tiny_trunk, size=16, heads=heads, notes=(NOTE,))
    return Analyzer(build.build(spec), spec)


@pytest.fixture(scope="session")
def face_analyzer(analyzer):
    """The same network, as if it had been trained on crops of faces."""
    from multitask.images.faces.crop import Framing
    from multitask.networks.analyzer import Analyzer

    framing = Framing(x=0.5, y=0.42, distance=0.33)
    return Analyzer(analyzer.model, replace(analyzer.spec, framing=framing))


@pytest.fixture(scope="session")
def knowing(analyzer):
    """The same network, as if it had been trained on grey ramps."""
    from multitask.networks import unlike
    from multitask.networks.analyzer import Analyzer

    train, val = (
        analyzer.features(served.ramps(500, n), np.arange(500)) for n in (0, 1)
    )
    known = unlike.fit(train, val)
    assert known is not None
    return Analyzer(analyzer.model, analyzer.spec, None, known.to_bytes())


@pytest.fixture
def client(analyzer):
    """A client of a server for whole pictures."""
    with served.server(analyzer) as client:
        yield client
