"""Does the command start, tell where it listens, and end without losing a request?"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from multitask import serve
from multitask.contracts.errors import UserError
from multitask.networks.named import catalog
from multitask.serve import main
from multitask.service import server as server_module
from multitask.service.server import address, bind
from tests.service import process
from tests.service.served import encoded, pixels, sent, server, wait_until

ROOT = Path(__file__).parents[2]
PICTURE = encoded(pixels())


@pytest.fixture(scope="module")
def run(tiny_trunk, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "my faces"
    folder.mkdir()
    process.save(folder)
    return folder


@contextmanager
def serving(run, *options, environment=()):
    """A process that serves a run on a free port, and its address."""
    command = [sys.executable, "-m", "tests.service.process", str(run), "--port", "0"]
    started = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env={**os.environ, **dict(environment)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout
        assert started.stderr
        line = started.stdout.readline()
        found = re.fullmatch(
            r"my faces at (http://127.0.0.1:\d+) \(Ctrl-C ends it\)\n", line
        )
        assert found, line + started.stderr.read()
        url = found[1]
        wait_until(lambda: is_up(url))
        yield started, url
    finally:
        started.kill()
        started.communicate()


def is_up(url):
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def ended(started):
    """The exit status of a process, and what it wrote last."""
    output, error = started.communicate(timeout=60)
    return started.returncode, output + error


BODY = (
    b'--B\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n'
    b"\r\n" + PICTURE + b"\r\n--B--\r\n"
)
HEAD = (
    b"POST /analyze HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: multipart/form-data; boundary=B\r\n"
    + f"Content-Length: {len(BODY)}\r\n\r\n".encode()
)


def received(connection):
    """What a connection gets until it is closed."""
    data = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            data += chunk
    return data


@pytest.mark.slow
def test_sigterm_finishes_what_was_accepted_and_is_status_0(run):
    with serving(run, "--upload-timeout", "10") as (started, url), ExitStack() as stack:
        place = (httpx.URL(url).host, httpx.URL(url).port)

        def connect(sent):
            connection = stack.enter_context(
                socket.create_connection(place, timeout=60)
            )
            connection.sendall(sent)
            return connection

        idle = stack.enter_context(httpx.Client(base_url=url))
        slow = [connect(HEAD + BODY[:100]) for _ in range(3)]
        stalled = connect(HEAD + BODY[:50])
        nothing, half = connect(b""), connect(HEAD[:40])
        in_progress = "multitask_requests_in_progress 4.0"
        wait_until(lambda: in_progress in idle.get("/metrics").text)
        started.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_up(url))
        for connection in (nothing, half):
            assert received(connection) == b""
        for start in range(100, len(BODY), 400):  # slowly
            for connection in slow:
                connection.sendall(BODY[start : start + 400])
            time.sleep(0.2)
            started.send_signal(signal.SIGTERM)  # again, which changes nothing
        for connection in slow:
            response = received(connection)
            assert response.startswith(b"HTTP/1.1 200 ")
            assert b'"status":"ok"' in response
        assert received(stalled).startswith(b"HTTP/1.1 408 ")
        assert ended(started) == (0, "")


@pytest.mark.parametrize("moment", ["multitask.load", "multitask.service.server.run"])
def test_sigterm_before_it_listens_is_status_0_too(run, monkeypatch, moment):
    lost = []
    before = signal.signal(signal.SIGTERM, lambda *signal_and_frame: lost.append(1))
    monkeypatch.setattr(moment, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        with pytest.raises(SystemExit) as ended:
            main([str(run), "--port", "0"])
        signal.raise_signal(signal.SIGTERM)  # which counts as before
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 0
    assert lost == [1]


def test_sigterm_is_status_0_though_a_library_makes_an_error_of_it(run, monkeypatch):
    def load(*_):
        try:
            signal.raise_signal(signal.SIGTERM)
        except SystemExit:
            raise UserError("network.keras", "is damaged") from None

    monkeypatch.setattr("multitask.load", load)
    with pytest.raises(SystemExit) as ended:
        main([str(run), "--port", "0"])
    assert ended.value.code == 0


@pytest.mark.slow
def test_ctrl_c_ends_it_as_other_commands(run):
    # A shell that starts the tests in the background has SIGINT ignored.
    with serving(run) as (started, _):
        started.send_signal(signal.SIGINT)
        status, output = ended(started)
    assert (status, output) in [(130, "stopped\n"), (0, "")]


@pytest.mark.slow
def test_a_token_is_taken_from_the_environment(run):
    with serving(run, environment={"MULTITASK_TOKEN": "secret"}.items()) as (_, url):
        assert httpx.get(f"{url}/heads").status_code == 401
        headers = {"Authorization": "Bearer secret"}
        body = httpx.get(f"{url}/heads", headers=headers).json()
    assert body["network"] == "my faces"  # and no path


def test_an_empty_token_of_the_environment_does_not_open_the_service(
    run, monkeypatch, capsys
):
    monkeypatch.setenv("MULTITASK_TOKEN", "")
    assert main([str(run), "--port", "0"]) == 2
    assert capsys.readouterr().err.startswith("MULTITASK_TOKEN: is empty; leave it out")


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET /health HTTP/1.1\r\nHost: "])
def test_a_connection_without_a_request_is_closed(analyzer, monkeypatch, start):
    monkeypatch.setattr(server_module, "_HEADERS_SECONDS", 0.3)
    with server(analyzer) as client:
        url = client.base_url
        with socket.create_connection((url.host, url.port), timeout=30) as connection:
            connection.sendall(start)
            began = time.monotonic()
            assert connection.recv(100) == b""
            assert time.monotonic() - began < 20
        assert client.get("/health").status_code == 200


def test_a_slow_upload_is_no_connection_without_a_request(analyzer, monkeypatch):
    monkeypatch.setattr(server_module, "_HEADERS_SECONDS", 0.2)

    def slowly(data):
        for start in range(0, len(data), 300):
            yield data[start : start + 300]
            time.sleep(0.2)

    with server(analyzer) as client:
        request = client.build_request("POST", "/analyze", files=sent(PICTURE))
        body = request.read()
        assert len(body) > 1200  # which takes a second
        kind = request.headers["content-type"]
        response = client.post(
            "/analyze", content=slowly(body), headers={"Content-Type": kind}
        )
        assert response.status_code == 200


def test_a_port_that_is_taken_is_one_line(run, capsys):
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert main([str(run), "--port", str(port)]) == 2
    line = f"--host 127.0.0.1 --port {port}: can't listen there: Address already in use"
    assert capsys.readouterr().err.startswith(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--port", "70000"], "--port 70000: must be from 0 to 65535"),
        (["--host", "nowhere.invalid"], "--host nowhere.invalid --port 8000: can't li"),
        (["--host", "a..b"], "--host a..b --port 8000: can't listen there: encoding "),
        (["--tta", "3"], "--tta: is '3', must be one of 1, 2, 4, 16"),
        (["--queue", "0"], "--queue: is 0, must be 1 or more"),
        (["--max-pixels", "many"], "--max-pixels: is 'many', must be a whole number"),
        (["--token", ""], "--token: is empty; leave it out to answer without a token"),
        (["--token", "a b"], "--token: must be ASCII letters, digits and signs, no sp"),
    ],
)
def test_a_mistake_in_the_options_is_one_line(run, options, line, capsys):
    assert main([str(run), *options]) == 2
    output, error = capsys.readouterr()
    assert (output, error.count("\n")) == ("", 1)
    assert error.startswith(line)


@pytest.mark.parametrize(
    ("options", "tta", "damaged"),
    [([], 4, "skip"), (["--tta", "1", "--damaged", "keep"], 1, "keep")],
)
def test_tta_is_that_of_the_training_and_damage_is_refused_unless_one_says_otherwise(
    run, monkeypatch, options, tta, damaged
):
    served = []
    monkeypatch.setattr(server_module, "run", lambda app, *_: served.append(app))
    assert main([str(run), "--port", "0", *options]) == 0
    (app,) = served
    assert app.state.service.predictor.analyzer.spec.tta == tta
    assert app.state.service.damaged == damaged
    app.state.service.close()


def test_a_network_that_does_not_exist_is_told_before_anything_starts(capsys):
    assert main(["runs/nothing"]) == 2
    assert capsys.readouterr().err.startswith("runs/nothing: ")


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main([]) == 2
    line = "serve: needs the package fastapi, which is not installed; pip install "
    assert capsys.readouterr().err.startswith(line)


def test_addresses_are_those_of_a_browser():
    with bind("127.0.0.1", 0) as bound:
        assert address(bound) == f"http://127.0.0.1:{bound.getsockname()[1]}"
    try:
        with bind("::1", 0) as bound:
            assert address(bound).startswith("http://[::1]:")
    except UserError:
        pytest.skip("no IPv6")


def test_answers_are_sent_without_waiting_for_the_client_to_confirm_their_start():
    # asyncio sets TCP_NODELAY only for a socket whose protocol is named.
    with bind("127.0.0.1", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("faces", "faces"),
        ("runs/faces-0.5", "faces-0.5"),
        ("runs/faces-0.5/network.keras", "faces-0.5"),
        (".", "here"),
        ("network.keras", "here"),
        ("runs/age.keras", "age"),
    ],
)
def test_clients_see_a_name_and_no_path(given, shown, tmp_path, monkeypatch):
    here = tmp_path / "here"
    (here / "runs" / "faces-0.5").mkdir(parents=True)
    for place in ("network.keras", "runs/age.keras", "runs/faces-0.5/network.keras"):
        (here / place).touch()
    monkeypatch.chdir(here)
    assert serve._shown(given, catalog.find(given)) == shown
