"""A grid of processes without a supervisor: two gateways, three substations, balancers around one order book, a console.

With a database, several balancers share the order book that it keeps; one balancer can have a book of its own.
"""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from admin_ui.people import one_time_link
from tests.support import template
from tests.support.grid import ROOT, get, sessions_in, status, text, until
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer

HOST = "127.0.0.1"
STOP_S = 30.0
SUBSTATIONS = ("substation-1", "substation-2", "substation-3")
GATEWAYS = ("gateway-1", "gateway-2")
CONSOLE = "admin_ui"  # started by those who want one
CALLERS_FIRST = (CONSOLE, "gateway", "balancer", "substation")
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "TMPDIR")


class SeveralBalancers:
    """The processes by their names, `balancer-1` and so on; each can be killed, frozen, and started again."""

    def __init__(self, data: Path, database: PostgresServer | None, balancers: int, **settings: str) -> None:
        self.balancers = [f"balancer-{number}" for number in range(1, balancers + 1)]
        self.database = database
        self._data = data
        self._settings = settings
        names = (*SUBSTATIONS, *self.balancers, *GATEWAYS, CONSOLE)
        self._pages = {name: free_port() for name in names}
        self._streams = {name: free_port() for name in names}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        data.mkdir(parents=True, exist_ok=True)

    def url(self, name: str) -> str:
        """The base URL of a process."""
        return f"http://{HOST}:{self._pages[name]}"

    def start(self, *names: str) -> None:
        """Start processes, without waiting for them."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        for name in names:
            module = name.partition("-")[0]
            environ = inherited | {"LOG_LEVEL": "warning"} | self._settings | self._environment(name, module)
            with (self._data / f"{name}.log").open("ab") as log:
                command = [sys.executable, "-m", module]
                self._processes[name] = self._popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)

    def _popen(self, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        return template.popen(command, **options)

    def _stream(self, gateway: str, balancer: str) -> str:
        """Where a gateway finds a balancer's stream."""
        del gateway
        return f"{HOST}:{self._streams[balancer]}"

    def _page(self, balancer: str, substation: str) -> str:
        """Where a balancer finds a substation's page; its stream is on the same host."""
        del balancer
        return self.url(substation)

    def _book(self, balancer: str) -> str:
        """Where a balancer finds the order book; "" is a file of its own."""
        del balancer
        return self.database.url if self.database else ""

    def _environment(self, name: str, module: str) -> dict[str, str]:
        page, stream = str(self._pages[name]), str(self._streams[name])
        if module == "gateway":
            streams = ",".join(self._stream(name, each) for each in self.balancers)
            return {"GATEWAY_PORT": page, "BALANCER": streams, "MAX_CONNECTIONS": "10000"}
        if module == CONSOLE:
            return {
                "CONSOLE_PORT": page,
                "BALANCER_URL": ",".join(map(self.url, self.balancers)),
                "GATEWAY_URL": self.url(GATEWAYS[0]),
                "DATA_DIR": str(self._data),
            }
        if module == "balancer":
            return {
                "BALANCER_PORT": page,
                "BALANCER_STREAM_PORT": stream,
                "DATA_DIR": str(self._data / name),
                "SUBSTATIONS": ",".join(self._page(name, each) for each in SUBSTATIONS),
            } | ({"ORDER_BOOK": book} if (book := self._book(name)) else {})
        return {
            "SUBSTATION_PORT": page,
            "SUBSTATION_STREAM_PORT": stream,
            "SUBSTATION_ID": name,
            "DATA_DIR": str(self._data),
            "BASE_LOAD": "off",
        }

    def link(self) -> str:
        """Return a new one-time link to the console."""
        return one_time_link.url(self._data, self.url(CONSOLE))

    def ready(self) -> bool:
        """Whether every process that runs says so."""
        return all(status(f"{self.url(name)}/readyz") == 200 for name in self._processes)

    def placeable(self) -> None:
        """Wait until every balancer finds every substation healthy, and every gateway is up with every balancer."""

        def healthy(balancer: str) -> bool:
            fleet = get(f"{self.url(balancer)}/fleet")["substations"]
            return [each["state"] for each in fleet] == ["healthy"] * len(SUBSTATIONS)

        until(self.ready)
        until(lambda: all(healthy(balancer) for balancer in self.balancers))
        until(lambda: all(self.balancers_up(gateway) == len(self.balancers) for gateway in GATEWAYS))

    def balancers_up(self, gateway: str) -> int:
        """How many balancers a gateway has a stream to."""
        page = self.metrics(gateway, "smartgrid_gateway_balancer_up")
        return sum(int(value) for value in page.values())

    def metrics(self, name: str, metric: str) -> dict[str, float]:
        """The samples of one metric of a process, by their labels as they are written."""
        lines = text(f"{self.url(name)}/metrics?name[]={metric}").splitlines()
        samples = [line.rpartition(" ") for line in lines if line.startswith(metric)]
        return {labels.removeprefix(metric): float(value) for labels, _, value in samples}

    def kill(self, name: str) -> None:
        """End a process as a crash does."""
        process = self._processes.pop(name)
        process.kill()
        process.wait(STOP_S)

    def freeze(self, name: str) -> None:
        """Stop a process in the midst of what it does."""
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen process go on."""
        self._processes[name].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End everything, callers first, and wait."""
        for name in sorted(self._processes, key=lambda name: CALLERS_FIRST.index(name.partition("-")[0])):
            process = self._processes.pop(name)
            process.send_signal(signal.SIGCONT)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            process.kill()
            process.wait(STOP_S)

    def journals(self) -> dict[str, list[sqlite3.Row]]:
        """Return the session rows of every journal; only when nothing runs."""
        return {name: sessions_in(self._data / name / "journal.sqlite") for name in SUBSTATIONS}


@contextlib.contextmanager
def several_balancers(
    data: Path, database: PostgresServer, balancers: int, **settings: str
) -> Iterator[SeveralBalancers]:
    """A grid that is ready; its processes are ended with the context."""
    grid = SeveralBalancers(data, database, balancers, **settings)
    try:
        grid.start(*SUBSTATIONS, *grid.balancers, *GATEWAYS)
        grid.placeable()
        yield grid
    finally:
        grid.stop()
