"""A client's container on the stack's network: where a Swarm's networks are not this machine's, cars come from there."""

import io
import json
import subprocess
import tarfile
from types import TracebackType
from typing import Self

from tests.support.cars import Car
from tests.support.commands import HUNG_S, output
from tests.support.composition import ROOT
from tests.swarm.nodes import Node

PACKED = (
    "tests/__init__.py",
    "tests/containers/__init__.py",
    "tests/containers/browser.py",
    "tests/support/__init__.py",
    "tests/support/cars.py",
    "tests/swarm/__init__.py",
    "tests/swarm/stream.py",
    "tests/swarm/visit.py",
)


class Client:
    """A program of this folder in a container of its own, gone at the end of the `with`."""

    def __init__(self, node: Node, network: str, image: str, *command: str) -> None:
        """Start `python -m tests.swarm.<command>`."""
        self._docker = ("docker", "-H", node.host)
        place = ("--interactive", "--network", network, image)
        module, *arguments = command
        run = ("python", "-m", f"tests.swarm.{module}", *arguments)
        self._container = output(*self._docker, "create", *place, *run).decode().strip()
        output(*self._docker, "cp", "-", f"{self._container}:/app", given=packed())
        self._process = subprocess.Popen(
            [*self._docker, "start", "--attach", "--interactive", self._container],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def end(self, given: bytes = b"") -> bytes:
        """End its standard input, after what is given; returns what the program has written when it ends."""
        written, _ = self._process.communicate(given, timeout=HUNG_S)
        assert self._process.returncode == 0, "the client failed"
        return written

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        output(*self._docker, "rm", "--force", self._container, check=False)


def packed() -> bytes:
    """Return the programs as an archive that the engine unpacks."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as folder:
        for path in PACKED:
            folder.add(ROOT / path, arcname=path)
    return archive.getvalue()


def history(written: bytes) -> tuple[list[Car], int]:
    """Return the cars of a stream with their answers, and how many requests got no answer."""
    result = json.loads(written)
    cars = [Car(**car) for car in result["cars"]]
    for car in cars:
        car.answers = [(status, body) for status, body in car.answers]
    return cars, result["unanswered"]
