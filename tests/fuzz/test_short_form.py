"""A grid of real processes is sent what no client sends, at every port: the short form of `make fuzz`."""

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.described import arguments
from tests.fuzz.sending import Answers, send_all
from tests.fuzz.target import KEY, Target
from tests.support.grid import status, until

INPUTS = 400
LISTENERS = (
    "Gateway, for everybody",
    "Balancer, HTTP",
    "Substation, HTTP",
    "Console, for everybody",
    "Balancer, stream",
    "Substation, stream",
)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    made = Target(tmp_path_factory.mktemp("fuzz") / "data")
    made.start()
    yield made
    assert made.stop() == 0


def sent(target: Target, listener: str, seed: int) -> Answers:
    answers = Answers()
    given = corpus.inputs(corpus.seeds(listener, f"Bearer {KEY}"), random.Random(seed))
    asyncio.run(send_all(target.ports[listener], itertools.islice(given, INPUTS), answers))
    return answers


def test_every_listener_is_fuzzed(target: Target) -> None:
    monitoring = {"Gateway, monitoring", "Console, monitoring"}  # with several processes, and with TLS
    assert set(LISTENERS) | monitoring == set(corpus.headings())
    assert set(target.ports) == set(LISTENERS)


@pytest.mark.parametrize("listener", LISTENERS)
def test_no_bytes_end_a_service_or_are_answered_with_an_unexplained_fault(
    target: Target, listener: str
) -> None:
    answers = sent(target, listener, 1)
    assert answers.inputs == INPUTS
    assert answers.unexplained == []
    if not listener.endswith("stream"):
        assert {200, 400} <= answers.statuses.keys()
    assert target.faults() == []
    assert all(status(f"{base}/livez") == 200 for base in (target.gateway, target.balancer, target.console))


@pytest.mark.parametrize("key", [KEY, ""], ids=["with a key", "without a key"])
def test_what_the_description_allows_and_what_it_does_not_is_answered_as_it_says(
    target: Target, key: str, tmp_path: Path
) -> None:
    command = [sys.executable, *arguments(target.gateway, key, examples=10, seed=1)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Operations:       4 selected / 4 total" in run.stdout
    assert target.faults() == []


def test_an_answer_that_nothing_explains_is_found() -> None:
    answers = Answers()
    explained = b'HTTP/1.1 503 Unavailable\r\n\r\n{"type": "urn:smartgrid:problem:unavailable"}'
    for each in (
        explained,
        b"HTTP/1.1 500 Fault\r\n\r\n",
        b"HTTP/1.1 503 x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + explained,
    ):
        answers.judge(b"", each)
    assert [answer[9:12] for _, answer in answers.unexplained] == [b"500", b"503"]
    assert answers.statuses == {503: 3, 500: 1, 200: 1}


def test_a_service_that_ended_is_found_though_it_is_back(target: Target) -> None:
    (before,) = target.before["gateway"]
    os.kill(before, signal.SIGKILL)
    until(lambda: target.pids("gateway") not in ([], [before]) and status(f"{target.gateway}/readyz") == 200)
    assert any(fault.startswith("gateway: ") for fault in target.faults())
    target.before = target.processes()
