"""Does the service answer as `predict` does, and say what its answers mean?"""

import numpy as np
import pytest

from tests.service.conftest import NOTE
from tests.service.served import encoded, pixels, sent, server

CARD = """\
---
license: cc0-1.0
---
# tiny

## Limits

- **It knows nothing.** `tiny` was
  never trained.
- Noise looks like a face to it.

## More

- This is no limit.
"""
COLUMNS = [
    "age", "age_low", "age_high", "gender", "gender_confidence",
    "Smiling", "Smiling_confidence", "Young", "Young_confidence",
]  # fmt: skip
ADDED = ["gender_male", "gender_female", "Smiling_probability", "Young_probability"]


def assert_same(answers, row):
    """Whether answers as JSON are those of a row of `predict`."""
    for name, value in answers.items():
        if isinstance(value, str):
            assert value == row[name]
        else:
            assert value == pytest.approx(float(row[name]), rel=1e-5)


def test_answers_are_those_of_predict(client, analyzer):
    pictures = [pixels(seed, 20 + seed, 30) for seed in range(3)]
    response = client.post("/analyze", files=sent(*map(encoded, pictures)))
    assert response.status_code == 200
    body = response.json()
    assert body["network"] == "tiny"
    expected = analyzer.predict(pictures)
    assert len(body["pictures"]) == 3
    for seed, picture in enumerate(body["pictures"]):
        assert (picture["name"], picture["status"]) == ("a.png", "ok")
        assert (picture["width"], picture["height"]) == (30, 20 + seed)
        (face,) = picture["faces"]
        assert face["box"] is None
        assert face["confidence"] is None
        assert list(face["answers"]) == COLUMNS
        assert_same(face["answers"], expected.iloc[seed])


def test_a_whole_picture_is_its_largest_face(client):
    files = sent(encoded(pixels()))
    answers = client.post("/analyze", files=files).json()
    assert client.post("/analyze?largest=true", files=files).json() == answers


def test_probabilities_and_heads_are_those_that_are_asked_for(client, analyzer):
    asked = "heads=attributes&heads=gender&probabilities=true"
    response = client.post(f"/analyze?{asked}", files=sent(encoded(pixels())))
    (picture,) = response.json()["pictures"]
    answers = picture["faces"][0]["answers"]
    assert sorted(answers) == sorted(COLUMNS[3:] + ADDED)
    assert list(answers)[0] == "Smiling"
    assert_same(answers, analyzer.predict(pixels(), probabilities=True).iloc[0])
    assert answers["gender_male"] + answers["gender_female"] == pytest.approx(1)


def test_heads_say_what_the_columns_mean(analyzer):
    with server(analyzer, card=CARD) as client:
        body = client.get("/heads").json()
    age, gender, attributes = body["heads"]
    assert (age["name"], age["type"], age["unit"]) == ("age", "number", "years")
    assert age["columns"] == COLUMNS[:3]
    assert age["probabilities"] == {}
    assert (gender["type"], gender["classes"]) == ("class", ["male", "female"])
    assert gender["probabilities"] == {"male": ADDED[0], "female": ADDED[1]}
    assert attributes["type"] == "labels"
    assert attributes["columns"] == COLUMNS[5:]
    assert attributes["probabilities"] == {"Smiling": ADDED[2], "Young": ADDED[3]}
    assert body["detects"] is False
    assert body["notes"] == [NOTE]
    assert body["card"] == CARD
    assert body["caveats"] == [
        "It knows nothing. tiny was never trained.",
        "Noise looks like a face to it.",
    ]
    assert body["request"]["max_pictures"] == 32


def test_faces_are_found_as_predict_finds_them(face_analyzer):
    data = pytest.importorskip("skimage.data")
    astronaut = data.astronaut()
    photo = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    files = sent(encoded(photo), encoded(np.zeros((90, 120, 3), np.uint8)))
    with server(face_analyzer) as client:
        assert client.get("/heads").json()["detects"] is True
        both, none = client.post("/analyze", files=files).json()["pictures"]
        asked = "/analyze?largest=true"
        (one, _) = client.post(asked, files=files).json()["pictures"]
        whole = client.post("/analyze?faces=whole", files=files).json()["pictures"]
    rows = face_analyzer.predict(photo)
    assert len(both["faces"]) == len(rows) == 2
    for face, (_, row) in zip(both["faces"], rows.iterrows(), strict=True):
        assert " ".join(map(str, face["box"])) == row["box"]
        assert face["confidence"] == pytest.approx(row["face_confidence"], abs=1e-5)
        assert_same(face["answers"], row)
    assert (none["status"], none["faces"]) == ("no face", [])
    assert one["faces"] == both["faces"][:1]
    assert [picture["faces"][0]["box"] for picture in whole] == [None, None]


def test_metrics_count_requests_pictures_and_batches(client):
    client.post("/analyze", files=sent(encoded(pixels()), ("b.jpg", b"a letter")))
    client.post("/analyze", files=sent(("b.jpg", b"a letter")))
    client.get("/nothing/here")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    lines = response.text.splitlines()
    for line in (
        'multitask_requests_total{path="/analyze",status="200"} 1.0',
        'multitask_requests_total{path="/analyze",status="415"} 1.0',
        'multitask_requests_total{path="other",status="404"} 1.0',
        'multitask_pictures_total{status="ok"} 1.0',
        'multitask_pictures_total{status="refused"} 2.0',
        "multitask_faces_total 1.0",
        "multitask_batch_faces_count 1.0",
        "multitask_requests_in_progress 0.0",
    ):
        assert line in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_openapi_lists_the_addresses_with_every_status(client):
    page = client.get("/openapi.json").json()
    assert list(page["paths"]) == ["/analyze", "/heads", "/health", "/metrics"]
    analyze = page["paths"]["/analyze"]["post"]
    statuses = ["200", "403", "408", "413", "415", "421", "422", "429", "503"]
    assert sorted(analyze["responses"]) == statuses
    form = analyze["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["pictures"]["maxItems"] == 32
    assert "securitySchemes" not in page["components"]
    parameters = {one["name"]: one["schema"] for one in analyze["parameters"]}
    assert parameters["heads"]["items"]["enum"] == ["age", "gender", "attributes"]
    assert parameters["faces"]["enum"] == ["auto", "whole"]


def test_a_token_is_needed_where_answers_are_given(analyzer):
    right = {"Authorization": "Bearer secret"}
    with server(analyzer, token="secret") as client:
        for path in ("/", "/health", "/openapi.json"):
            assert client.get(path).status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "x"}):
            for path in ("/heads", "/metrics"):
                response = client.get(path, headers=headers)
                assert response.status_code == 401
                assert response.headers["www-authenticate"] == "Bearer"
            response = client.post(
                "/analyze", files=sent(encoded(pixels())), headers=headers
            )
            assert response.status_code == 401
            assert response.json()["detail"].startswith("Authorization: is missing or ")
        assert client.get("/heads", headers=right).status_code == 200
        response = client.post("/analyze", files=sent(encoded(pixels())), headers=right)
        assert response.status_code == 200
        page = client.get("/openapi.json").json()
    assert "401" in page["paths"]["/analyze"]["post"]["responses"]
    assert list(page["components"]["securitySchemes"]) == ["HTTPBearer"]


def test_a_failure_inside_is_500_without_details(analyzer, monkeypatch, caplog):
    def fail(pictures):
        raise RuntimeError("a secret of the machine")

    with server(analyzer) as client:
        monkeypatch.setattr(client.service._batches, "_predict", fail)
        response = client.post("/analyze", files=sent(encoded(pixels())))
        assert response.status_code == 500
        assert response.json() == {"detail": "service: failed; its log says why"}
        monkeypatch.undo()
        response = client.post("/analyze", files=sent(encoded(pixels())))
        assert response.status_code == 200
    assert "POST /analyze failed" in caplog.text
    assert "a secret of the machine" in caplog.text
