"""Do answers say what is unlike the training pictures, where the network can tell?"""

import numpy as np
import pytest

from multitask.networks import unlike
from multitask.networks.analyzer import Analyzer
from tests.service.served import encoded, pixels, sent, server


def ramps(count, seed):
    """Grey ramps (count, 16, 16, 3) with a little noise."""
    draw = np.random.default_rng(seed)
    slopes = draw.uniform(-1, 1, (count, 1, 1, 1))
    ramp = slopes * np.linspace(-1, 1, 16)[:, None, None]
    shades = 128 + 60 * ramp + draw.normal(0, 8, (count, 1, 1, 3))
    noise = draw.normal(0, 4, (count, 16, 16, 3))
    return np.clip(shades + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def knowing(analyzer):
    """The network, as if it had been trained on grey ramps."""
    train, val = (analyzer.features(ramps(500, n), np.arange(500)) for n in (0, 1))
    known = unlike.fit(train, val)
    assert known is not None
    return Analyzer(analyzer.model, analyzer.spec, None, known.to_bytes())


def test_warnings_and_answers_are_those_of_predict(knowing):
    given = [ramps(1, 7)[0], pixels(0, 16, 16)]
    with server(knowing) as client:
        assert client.get("/heads").json()["warns"] is True
        files = sent(*map(encoded, given))
        pictures = client.post("/analyze", files=files).json()["pictures"]
    rows = knowing.predict(given)
    assert rows["warning"].tolist() == [None, unlike.UNLIKE]
    faces = [picture["faces"][0] for picture in pictures]
    assert [face["warning"] for face in faces] == [None, unlike.UNLIKE]
    for face, (_, row) in zip(faces, rows.iterrows(), strict=True):
        assert "warning" not in face["answers"]
        assert face["answers"]["age"] == pytest.approx(row["age"], rel=1e-5)


def test_a_network_that_cannot_tell_says_so(client):
    assert client.get("/heads").json()["warns"] is False
    response = client.post("/analyze", files=sent(encoded(pixels())))
    assert response.json()["pictures"][0]["faces"][0]["warning"] is None
