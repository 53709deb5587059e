"""Is whatever the service refuses told in one line of JSON that says what to do?"""

import socket

import pytest

from multitask.service.limits import Limits
from tests.service.served import encoded, pixels, sent, server

PICTURE = encoded(pixels())


def line(response, status):
    """The line of a refusal with this status."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["detail"]
    assert "\n" not in response.text
    return response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("heads=agee", "heads: no head 'agee'; did you mean 'age'? Known: age, gender"),
        ("heads=", "heads: is empty; name heads, or leave it out"),
        ("heads=age&heads=,", "heads: is empty; name heads, or leave it out"),
        (
            "head=age",
            "head: unknown parameter; did you mean 'heads'? Known: heads, probabilit",
        ),
        ("x=1", "x: unknown parameter; known: heads, probabilities, faces, largest"),
        ("faces=some", "faces: is 'some', must be 'auto', 'detect' or 'whole'"),
        ("faces=auto&faces=whole", "faces: is given 2 times, must be given once"),
        (
            "faces=detect",
            "faces=detect: this network doesn't know how faces lay in its training "
            "pictures; train one on cropped faces, or use faces=whole",
        ),
        (
            "faces=whole&largest=true",
            "largest: has no effect, as faces=whole looks at whole pictures; leave it "
            "out",
        ),
        (
            "probabilities=perhaps",
            "probabilities: is 'perhaps', must be true or false",
        ),
        ("largest=", "largest: is '', must be true or false"),
    ],
)
def test_a_mistake_in_the_parameters(client, query, expected):
    response = client.post(f"/analyze?{query}", files=sent(PICTURE))
    assert line(response, 422).startswith(expected)


def test_an_address_that_does_not_exist_names_the_nearest(client):
    known = "Known: /, /analyze, /heads, /health, /metrics, /openapi.json"
    expected = f"/analyse: there is no such address; did you mean '/analyze'? {known}"
    assert line(client.post("/analyse"), 404) == expected
    expected = f"/heads/: there is no such address; did you mean '/heads'? {known}"
    assert line(client.get("/heads/"), 404) == expected
    odd = line(client.get("/" + 300 * "%0A"), 404)
    assert len(odd) < 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/analyze", "POST"),
        ("POST", "/heads", "GET"),
        ("DELETE", "/", "GET"),
        ("PUT", "/openapi.json", "GET or HEAD"),
    ],
)
def test_another_method_is_told_which_to_use(client, method, path, allowed):
    response = client.request(method, path)
    expected = f"{path}: does not take the method {method}; use {allowed}"
    assert line(response, 405) == expected
    assert set(response.headers["allow"].split(", ")) == set(allowed.split(" or "))


def exchange(client, data):
    """What the service sends back on a connection of its own, to the end."""
    url, received = client.base_url, b""
    with socket.create_connection((url.host, url.port), timeout=30) as connection:
        connection.sendall(data)
        while chunk := connection.recv(4096):
            received += chunk
    return received.partition(b"\r\n\r\n")[::2]


def test_what_is_no_http_is_told_too(client):
    head, body = exchange(client, b"\x16\x03\x01 hello\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Content-Type: application/json" in head
    assert body == b'{"detail":"request: is no valid HTTP/1.1"}'
    assert client.get("/health").status_code == 200


def test_too_many_connections_are_told_too(analyzer):
    with server(analyzer, limits=Limits(uploads=1, queue=1)) as client:
        url = client.base_url
        place = (url.host, url.port)
        idle = [socket.create_connection(place, timeout=30) for _ in range(4)]
        try:
            response = client.get("/heads")
        finally:
            for connection in idle:
                connection.close()
        expected = "service: has too many connections; try again in a few seconds"
        assert line(response, 503) == expected
        assert int(response.headers["retry-after"]) > 0
