"""A grid for one measurement: on free ports, with its own data, ended with the measurement."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.local.addresses import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
PORTS = ("GATEWAY_PORT", "BALANCER_PORT", "BALANCER_STREAM_PORT", "CONSOLE_PORT")
SUBSTATIONS = 3
STOP_TIMEOUT_S = 30
READY = "Ctrl-C"  # the last line that a grid prints when it is ready


class GridStartError(Exception):
    """The grid ended before it was ready; the message has what it printed."""


@contextlib.contextmanager
def own_grid(data: Path, **settings: str) -> Iterator[Mapping[str, str]]:
    """Start a grid with its data in `data`; yields an environment that names it, and ends it afterwards.

    `settings` are environment variables of the services. Raises GridStartError.
    """
    ports = {name: str(port) for name, port in zip(PORTS, _free_ports(len(PORTS)), strict=True)}
    first = _free_range(2 * SUBSTATIONS)
    ports |= {"SUBSTATION_PORT": str(first), "SUBSTATION_STREAM_PORT": str(first + SUBSTATIONS)}
    own = {"DATA_DIR": str(data), "RUNS_DIR": str(data / "runs"), "PROMETHEUS_PORT": "0"}
    environ = {**os.environ, **ports, **own, "GRID_SUBSTATIONS": str(SUBSTATIONS), **settings}
    command = [sys.executable, "-m", "deploy.local.grid"]
    grid = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        _wait_until_ready(grid)
        urls = {"GATEWAY_URL": PORTS[0], "BALANCER_URL": PORTS[1]}
        yield environ | {name: f"http://{LOOPBACK}:{ports[port]}" for name, port in urls.items()}
    finally:
        with contextlib.suppress(ProcessLookupError):
            grid.send_signal(signal.SIGINT)
        grid.communicate(timeout=STOP_TIMEOUT_S)


def _wait_until_ready(grid: subprocess.Popen[str]) -> None:
    printed = []
    for line in grid.stdout or ():
        if READY in line:
            return
        printed.append(line)
    raise GridStartError(f"The grid did not start: {''.join(printed).strip() or 'it printed nothing'}")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]


def _free_range(count: int) -> int:
    """Return the first of `count` ports in a row that were free a moment ago; raises OSError."""
    for first in range(20_000 + os.getpid() % 500 * 20, 32_000, count):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind((LOOPBACK, port))
            return first
    raise OSError("no free ports")
