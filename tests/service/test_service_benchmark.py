"""Does the benchmark of the service count every request and see every wrong answer?"""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.service import CLIENTS, Load, every_request, throughput
from tests.service.served import encoded, pixels, server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def load(analyzer):
    pictures = [encoded(pixels(seed), "JPEG") for seed in range(5)]
    with server(analyzer) as client:
        load = Load(url=str(client.base_url), pictures=pictures)
        load.learn()
        yield load


def test_every_request_is_counted_and_compared_with_a_lone_one(load):
    said = every_request(load, 70)
    assert said.startswith("70 of 70 requests answered in ")
    assert ", 0 lost or wrong\n" in said
    load.expected[0] = "another"
    assert ", 14 lost or wrong\n" in every_request(load, 70)  # one of five pictures
    load.requests[0] = Load(url=load.url, pictures=[b"no picture"]).requests[0]
    assert every_request(load, 70).startswith("56 of 70 requests answered in ")


def test_throughput_is_that_of_many_clients_over_that_of_one(load):
    row = throughput(load, rounds=2, seconds=0.2)
    assert row.what == f"{CLIENTS} clients, or one"
    assert len(row.ratios) == 2
    assert min(*row.ours, *row.theirs) > 0
    assert load.wrong == 0


@pytest.mark.slow
def test_the_benchmark_runs_with_the_network_in_the_box():
    options = ["--requests", "64", "--rounds", "1", "--seconds", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.service", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| 32 clients, or one | " in done.stdout
    assert "64 of 64 requests answered in " in done.stdout
    assert ", 0 lost or wrong" in done.stdout
