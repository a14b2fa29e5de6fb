"""Replicas of one kind, distinguished by the slots they take: 3 -> 5 -> 3 with nothing lost."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.proof.arrivals import Came, arrive
from tests.proof.scenarios import Row, send
from tests.support import template
from tests.support.grid import ROOT, free_range, get, until


class Replicas:
    """Substations without ids on one data folder, a balancer that looks for five, and a gateway."""

    def __init__(self, data: Path, time_scale: float) -> None:
        first = free_range(13)
        self.http = [first + 3 + n for n in range(5)]
        self.streams = [first + 8 + n for n in range(5)]
        self.gateway, self.balancer = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}"
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data),
            "TIME_SCALE": f"{time_scale:g}",
            "LOG_LEVEL": "error",
            "GATEWAY_PORT": str(first),
            "BALANCER_PORT": str(first + 1),
            "BALANCER_STREAM_PORT": str(first + 2),
            "BALANCER": f"127.0.0.1:{first + 2}",
            "SUBSTATIONS": ",".join(f"http://127.0.0.1:{port}" for port in self.http),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, **environment: str) -> None:
        """Start one process; replicas are named by their number."""
        module = "substation" if name.isdecimal() else name
        if name.isdecimal():
            environment |= {
                "SUBSTATION_PORT": str(self.http[int(name)]),
                "SUBSTATION_STREAM_PORT": str(self.streams[int(name)]),
            }
        command = [sys.executable, "-m", module]
        self.processes[name] = template.popen(command, cwd=ROOT, env=self.environment | environment)

    def stop(self, name: str) -> None:
        """End one process with SIGTERM."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(30)

    def fleet(self) -> dict[str, dict[str, Any]]:
        """Return the healthy substations by their ids."""
        members = get(f"{self.balancer}/fleet")["substations"]
        return {each["substation_id"]: each for each in members if each["state"] == "healthy"}

    def wait_for(self, count: int) -> None:
        """Wait until so many substations are healthy."""
        until(lambda: len(self.fleet()) == count)


def replicas(data: Path, *, requests: int, seconds: float, time_scale: float) -> Row:
    """Scale up in the first third of a run, drain two and scale down in the last."""
    grid = Replicas(data, time_scale)
    for name in ("0", "1", "2", "balancer", "gateway"):
        grid.start(name)
    seen: list[list[str]] = []
    try:
        until(lambda: _answers(grid))
        grid.wait_for(3)
        cars = asyncio.run(
            arrive(
                grid.gateway,
                requests,
                seconds,
                meanwhile=(
                    (seconds / 3, lambda: _up(grid, seen)),
                    (seconds * 2 / 3, lambda: _down(grid, seen)),
                ),
            )
        )
        until(lambda: all(grid.fleet()[name]["sessions"] == 0 for name in seen[1][3:]))
        slots = _stop_drained(grid, seen)
        grid.wait_for(3)
        row = _figures(grid, cars, seen)
        for name in slots:
            grid.start(name)
        grid.wait_for(5)
        row["ids after scaling up again"] = len(set(grid.fleet()) - set(seen[1])) == 0
    finally:
        for name in list(grid.processes):
            grid.stop(name)
    return row


def _answers(grid: Replicas) -> bool:
    try:
        return len(grid.fleet()) >= 1
    except OSError:
        return False


def _up(grid: Replicas, seen: list[list[str]]) -> None:
    seen.append(sorted(grid.fleet()))
    grid.start("3")
    grid.start("4")
    grid.wait_for(5)
    seen.append(sorted(grid.fleet()))


def _down(grid: Replicas, seen: list[list[str]]) -> None:
    until(lambda: len(seen) == 2)  # on a busy machine the two may still be starting
    for name in seen[1][3:]:
        send(f"{grid.balancer}/fleet/{name}/drain")


def _stop_drained(grid: Replicas, seen: list[list[str]]) -> list[str]:
    """Stop the two replicas that hold the drained slots; returns their numbers."""
    ports = {int(grid.fleet()[name]["url"].rpartition(":")[2]) for name in seen[1][3:]}
    numbers = [str(grid.http.index(port)) for port in ports]
    for number in numbers:
        grid.stop(number)
    return numbers


def _figures(grid: Replicas, cars: list[Came], seen: list[list[str]]) -> Row:
    sessions = {car.session["session_id"]: car.session for car in cars if car.session}
    mine = {name for name in sessions if name.rpartition(".")[0] in seen[0]}
    found = {name for name in mine if get(f"{grid.gateway}/charge/{name}")["session_id"] == name}
    on_new = len(sessions) - len(mine)
    ended = sum(_ended(session) for name, session in sessions.items() if name not in mine)
    return {
        "asked": len(cars),
        "admitted": len(sessions),
        "slots before": " ".join(seen[0]),
        "slots in between": " ".join(seen[1]),
        "slots after": " ".join(sorted(grid.fleet())),
        "sessions on the three, found after": f"{len(found)} of {len(mine)}",
        "sessions on the two, run to their end before they stopped": f"{ended} of {on_new}",
    }


def _ended(session: dict[str, Any]) -> bool:
    return str(session["expected_end"]) < time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime())
