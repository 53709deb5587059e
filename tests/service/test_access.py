"""Are requests under foreign names and of other sites' pages refused?"""

import asyncio
import socket
import threading
from contextlib import ExitStack

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from multitask.service.access import SameSite, is_local
from multitask.service.limits import Limits
from multitask.service.server import address, bind, configure
from tests.service.served import wait_until


def status(hosts, **headers):
    """The status of a request with these headers; 200 if it is let through."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    statuses = []

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": raw}
    asyncio.run(SameSite(app, hosts)(scope, None, send))  # type: ignore[arg-type]
    return statuses[0]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8000", 200),
        ("LOCALHOST", 200),
        ("[::1]:8000", 200),
        ("photos.lan:80", 200),  # what was bound
        ("evil.example", 421),
        ("localhost.evil.example:8000", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost@evil.example", 421),
        ("[", 421),
        ("", 421),
    ],
)
def test_without_a_token_only_local_names_and_the_bound_one_are_answered(
    host, expected
):
    assert status(["photos.lan"], host=host) == expected
    assert status(None, host=host) == 200  # with a token


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:8000", 200),
        ("http://localhost", 403),  # another port
        ("http://127.0.0.1:8000", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
        ("file://", 403),
    ],
)
@pytest.mark.parametrize("hosts", [None, []])
def test_pages_of_other_sites_are_refused_with_and_without_a_token(
    hosts, origin, expected
):
    assert status(hosts, host="localhost:8000", origin=origin) == expected


def test_a_proxy_with_tls_leaves_the_port_of_https_out():
    assert status(None, host="photos.org", origin="https://photos.org") == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *[("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True)],
        *[("localhost.example.com", False), ("127.example.com", False)],
        *[("0.0.0.0", False), ("::", False), ("", False)],
    ],
)
def test_only_this_machine_is_local(host, local):
    assert is_local(host) is local


def test_connections_are_limited_so_that_idle_ones_do_not_pile_up():
    with bind("127.0.0.1", 0) as bound:
        config = configure(FastAPI(), Limits(queue=1, uploads=1))
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        url = address(bound)
        try:
            wait_until(lambda: reached(url) == 404)  # as there is no such page
            with ExitStack() as idle:
                for _ in range(3):
                    idle.enter_context(socket.create_connection(bound.getsockname()))
                wait_until(lambda: reached(url) == 503)
            wait_until(lambda: reached(url) == 404)
        finally:
            running.should_exit = True
            thread.join(60)


def reached(url):
    """The status of a page; 0 as long as nothing listens."""
    try:
        return httpx.get(url, timeout=10).status_code
    except httpx.TransportError:
        return 0
