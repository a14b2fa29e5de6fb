"""Row 8, the latency of admissions: a grid of three substations whose balancer polls 1,000 in all, against one alone."""

import contextlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench import contenders
from tests.bench.admission import open_loop
from tests.bench.table import Row, Say, figure
from tests.support.grid import get, status, until
from tests.support.ports import free_port

HOST = "127.0.0.1"
OWN = 3  # substations that take requests
RATE = 50  # requests a second


@contextlib.contextmanager
def pages(count: int) -> Iterator[list[str]]:
    """Serve the pages and streams of full substations; yields their base URLs."""
    command = [sys.executable, "-m", "tests.bench.pages", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield [f"http://{HOST}:{port}" for port in server.stdout.readline().split()]
        finally:
            server.kill()


@contextlib.contextmanager
def grid(folder: Path, more: list[str]) -> Iterator[str]:
    """Run substations, and a balancer that polls them and `more`, and a gateway; yields the gateway's URL."""
    folder.mkdir(parents=True)
    with contextlib.ExitStack() as stack:

        def start(service: str, port: int, log: str, **environment: str) -> str:
            command, url = [sys.executable, "-m", service], f"http://{HOST}:{port}"
            environ = {"DATA_DIR": str(folder), **environment}
            stack.enter_context(contenders.process(command, url, folder / f"{log}.log", **environ))
            return url

        own = []
        for number in range(OWN):
            name, port = f"own-{number}", free_port()
            ports = {"SUBSTATION_PORT": str(port), "SUBSTATION_STREAM_PORT": str(free_port())}
            own.append(start("substation", port, name, SUBSTATION_ID=name, CAPACITY_KW="1000000", **ports))
        port, stream = free_port(), str(free_port())
        listening = {"BALANCER_PORT": str(port), "BALANCER_STREAM_PORT": stream}
        balancer = start("balancer", port, "balancer", SUBSTATIONS=",".join([*own, *more]), **listening)
        port = free_port()
        environment = {
            "GATEWAY_PORT": str(port),
            "BALANCER": f"{HOST}:{stream}",
            "QUOTA_PER_MINUTE": "6000000",
        }
        gateway = start("gateway", port, "gateway", MAX_CONNECTIONS_PER_ADDRESS="0", **environment)
        until(lambda: status(f"{gateway}/readyz") == 200)
        until(lambda: healthy(balancer) == OWN + len(more))
        yield gateway


def healthy(balancer: str) -> int:
    """Return how many substations a balancer thinks healthy."""
    return sum(each["state"] == "healthy" for each in get(f"{balancer}/fleet")["substations"])


def latency(folder: Path, say: Say, polled: int, rounds: int, seconds: float) -> Row:
    """Measure the p99 of admissions with `polled` substations against three, in interleaved rounds."""
    found: dict[int, list[float]] = {OWN: [], polled: []}
    with (
        pages(polled - OWN) as more,
        grid(folder / "few", []) as few,
        grid(folder / "many", more) as many,
    ):
        for gateway in (few, many):
            open_loop(gateway, RATE, 1)  # connections and streams are up from now on
        for number in range(rounds):
            for count, gateway in ((OWN, few), (polled, many)):
                say(f"round {number + 1} of {rounds}: admissions with {count:,} polled substations")
                load = open_loop(gateway, RATE, seconds)
                if load.refused:
                    text = f"{load.refused} requests were not admitted with {count:,} polled substations"
                    raise RuntimeError(f"{text}: is the machine busy with other work?")
                found[count].append(load.p99_ms)
    absolute = " and ".join(figure(statistics.median(each), "ms") for each in found.values())
    return Row(
        8,
        f"admission p99 with {polled:,} polled substations against {OWN}, {RATE} requests a second",
        [many / few for few, many in zip(found[OWN], found[polled], strict=True)],
        must=1.2,
        note=f"p99 with {OWN} and with {polled:,}: {absolute}",
    )
