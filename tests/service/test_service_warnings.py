"""Do answers say what is unlike the training pictures, where the network can tell?"""

import pytest

from multitask.networks import unlike
from tests.service.served import encoded, pixels, ramps, sent, server


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
