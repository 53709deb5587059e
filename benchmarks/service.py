"""How many requests does the service answer, and does its memory stay flat?"""

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
import numpy as np

from benchmarks.sides import Row, Target, table
from multitask.contracts.errors import UserError, command
from multitask.contracts.recipe import TTA
from multitask.terminal.quiet import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = 32
FASTER, FLAT = 4.0, 1.1  # targets: times the throughput, and times the memory
_RSS = re.compile(r"^process_resident_memory_bytes (\S+)$", re.MULTILINE)
_STARTED = re.compile(r"http://\S+")


def parser() -> argparse.ArgumentParser:
    """The options: which network, which pictures, how many requests."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.service", description=__doc__, allow_abbrev=False
    )
    add = parser.add_argument
    add("network", nargs="?", default="faces", help="(default faces)")
    add("--data", metavar="utkface=FOLDER", help="by default faces drawn here")
    add(
        "--faces", default="whole", choices=("auto", "detect", "whole"),
        help="what is asked of each picture (default whole: no search for faces)",
    )  # fmt: skip
    add(
        "--tta", type=int, choices=TTA, metavar="N",
        help="as `serve --tta` (default: as in the training)",
    )  # fmt: skip
    add(
        "--engine", default="tensorflow", choices=("tensorflow", "litert"),
        help="as `serve --engine` (default tensorflow)",
    )  # fmt: skip
    add("--rounds", type=int, default=5, metavar="N", help="(default 5)")
    add(
        "--seconds", type=float, default=10, metavar="S",
        help="of each side of a round (default 10)",
    )  # fmt: skip
    add(
        "--requests", type=int, default=10_000, metavar="N",
        help="that must all be answered (default 10000)",
    )  # fmt: skip
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, and print a table; status 1 if an answer was lost or wrong."""
    arguments = parser().parse_args(argv)
    for name in ("rounds", "requests"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name}", "must be 1 or more")
    import_tensorflow()
    from benchmarks import faces

    with tempfile.TemporaryDirectory() as name:
        files = faces.paths(arguments.data, 200, Path(name))
        pictures = [Path(path).read_bytes() for path in files]
    options = ["--engine", arguments.engine]
    if arguments.tta:
        options += ["--tta", str(arguments.tta)]
    with served(arguments.network, options) as url:
        load = Load(url=url, pictures=pictures, faces=arguments.faces)
        load.learn()
        rows = [throughput(load, arguments.rounds, arguments.seconds)]
        print(table(rows), end="\n\n")
        print(every_request(load, arguments.requests))
    return 1 if load.wrong else 0


@contextmanager
def served(network: str, options: Sequence[str]) -> Iterator[str]:
    """The address of a service in a process of its own, ended by SIGTERM."""
    command = [sys.executable, "-m", "multitask.serve", network, "--port", "0"]
    process = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        started = _STARTED.search(process.stdout.readline())
        if not started:
            raise UserError(network, "can't be served", "see the line above")
        url = started[0]
        while True:
            try:
                httpx.get(f"{url}/health").raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()


@dataclass(kw_only=True)
class Load:
    """Requests of one picture each, whose answers must be those of a lone client."""

    url: str
    pictures: Sequence[bytes]
    faces: str = "whole"
    expected: list[object] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self) -> HTTPConnection:
        """A client with a connection of its own.

        It shares the processors with the service, so it does little: 0.2 ms of work for
        a request, where a client of httpx took 0.6 to 0.8.
        """
        address = urlsplit(self.url)
        return HTTPConnection(str(address.hostname), address.port, timeout=300)

    @cached_property
    def requests(self) -> list[httpx.Request]:
        """A request for each picture, as forms send files."""
        return [
            httpx.Request(
                "POST",
                f"{self.url}/analyze",
                params={"faces": self.faces},
                files={"pictures": ("a.jpg", picture)},
            )
            for picture in self.pictures
        ]

    def learn(self) -> None:
        """Ask about each picture once, and remember the answers."""
        with closing(self.client()) as client:
            for number in range(len(self.pictures)):
                self.expected.append(_rounded(self._send(client, number)[1]))

    def ask(self, client: HTTPConnection, number: int) -> None:
        """Ask about a picture, and count its answer."""
        number %= len(self.pictures)
        status, body = self._send(client, number)
        good = status == HTTPStatus.OK and _rounded(body) == self.expected[number]
        with self._lock:
            self.statuses[status] += 1
            self.wrong += not good

    def per_second(self, clients: int, seconds: float) -> float:
        """Requests per second of so many clients, each of which waits for answers."""
        with ExitStack() as stack, ThreadPoolExecutor(clients) as pool:
            own = [stack.enter_context(closing(self.client())) for _ in range(clients)]
            began = time.perf_counter()
            end = began + seconds

            def ask(first: int) -> int:
                done = 0
                while time.perf_counter() < end:
                    self.ask(own[first], first + 7 * done)
                    done += 1
                return done

            total = sum(pool.map(ask, range(clients)))
            return total / (time.perf_counter() - began)

    def memory(self) -> float:
        """The resident memory of the service, in bytes."""
        # Without certificates, whose loading takes longer than many requests.
        metrics = httpx.get(f"{self.url}/metrics", timeout=300, verify=False)
        resident = _RSS.search(metrics.text)
        assert resident
        return float(resident[1])

    def _send(self, client: HTTPConnection, number: int) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        request = self.requests[number]
        target = request.url.raw_path.decode()
        client.request("POST", target, request.read(), dict(request.headers))
        response = client.getresponse()
        return response.status, response.read()


def _rounded(body: bytes) -> object:
    """An answer, its numbers as text; their last digits depend on the batch."""
    return json.loads(body, parse_float=_short)


def _short(text: str) -> str:
    return f"{float(text):.2f}"


def throughput(load: Load, rounds: int, seconds: float) -> Row:
    """Requests per second of many clients, and of one, in turns."""
    load.per_second(CLIENTS, seconds / 2)  # warms up
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(load.per_second(CLIENTS, seconds))
        theirs.append(load.per_second(1, seconds))
    return Row(
        what=f"{CLIENTS} clients, or one",
        unit="requests/s",
        ours=ours,
        theirs=theirs,
        target=Target(">=", FASTER),
    )


def every_request(load: Load, count: int) -> str:
    """Send so many requests by many clients, and say what became of them."""
    load.statuses.clear()
    load.wrong = 0
    memory = [load.memory()]
    each = -(-count // CLIENTS)

    def ask(first: int) -> None:
        with closing(load.client()) as client:
            for number in range(first, count, CLIENTS):
                load.ask(client, number)
                if first == 0 and (number // CLIENTS) % max(1, each // 20) == 0:
                    memory.append(load.memory())

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(CLIENTS)))
    took = time.perf_counter() - began
    memory.append(load.memory())
    half = len(memory) // 2
    early, late = median(memory[:half]), median(memory[half:])
    verdict = "met" if late <= FLAT * early else "missed"
    megabytes = ", ".join(f"{one / 1e6:,.0f}" for one in _few(memory))
    return (
        f"{load.statuses[200]:,} of {count:,} requests answered in {took:,.0f} s, "
        f"{load.wrong:,} lost or wrong\n"
        f"memory in MB over this time: {megabytes}; second half / first half "
        f"{late / early:.3f} (at most {FLAT}: {verdict})"
    )


def _few(values: Sequence[float]) -> Sequence[float]:
    places = np.linspace(0, len(values) - 1, min(8, len(values))).round().astype(int)
    return [values[place] for place in places]


if __name__ == "__main__":
    raise SystemExit(main())
