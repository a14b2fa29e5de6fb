"""A grid whose every process and link can be made to fail."""

import asyncio
import contextlib
import resource
import subprocess
import time
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.fault_shim import FaultShim
from tests.support.faulty_link import FaultyLink
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer
from tests.support.several_balancers import GATEWAYS, HOST, SUBSTATIONS, SeveralBalancers
from tests.support.template import Forked, Template

CONSOLE = "admin_ui-1"
BOOK = "order book"


class FaultyGrid(SeveralBalancers):
    """Processes under a shim, which fork from a template of their own, and a link that can fail between any two of them.

    `links` are named after who is called: a gateway by its clients, a balancer's stream by a gateway, a substation's
    page and stream by a balancer, and the order book by a balancer.
    """

    def __init__(
        self,
        data: Path,
        library: Path,
        database: PostgresServer | None = None,
        balancers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data, database, balancers, **(settings or {}))
        self._pages[CONSOLE] = free_port()
        self.shims = {name: FaultShim(data / f"{name}.faults", library) for name in self._pages}
        self.links: dict[str, FaultyLink] = {}
        for gateway in GATEWAYS:
            self._link(f"client to {gateway}", (HOST, free_port()), (HOST, self._pages[gateway]))
            for balancer in self.balancers:
                self._link(f"{gateway} to {balancer}", (HOST, free_port()), (HOST, self._streams[balancer]))
        for number, balancer in enumerate(self.balancers):
            for name in SUBSTATIONS:
                for kind, ports in (("poll", self._pages), ("stream", self._streams)):
                    # the stream of a substation is on the host where its page is
                    seen = (f"127.0.0.{2 + number}", ports[name])
                    self._link(f"{balancer} to {name}, {kind}", seen, (HOST, ports[name]))
            if database:
                self._link(f"{balancer} to {BOOK}", (HOST, free_port()), (HOST, database.port))
        self._template = Template({"LD_PRELOAD": str(library)})
        self._forked = type("ForkedUnderTheShim", (Forked,), {"origin": lambda _: self._template})

    def _link(self, name: str, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self.links[name] = FaultyLink(listen, target)

    def _popen(self, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        process: subprocess.Popen[bytes] = self._forked(command, **options)
        return process

    def _environment(self, name: str, module: str) -> dict[str, str]:
        shim = {"FAULT_SHIM": self.shims[name].environ["FAULT_SHIM"]}
        if name != CONSOLE:
            return super()._environment(name, module) | shim
        return shim | {
            "CONSOLE_PORT": str(self._pages[name]),
            "DATA_DIR": str(self._data / name),
            "BALANCER_URL": self.url(self.balancers[0]),
            "GATEWAY_URL": self.url(GATEWAYS[0]),
        }

    def _stream(self, gateway: str, balancer: str) -> str:
        return "{}:{}".format(*self.links[f"{gateway} to {balancer}"].listen)

    def _page(self, balancer: str, substation: str) -> str:
        return "http://{}:{}".format(*self.links[f"{balancer} to {substation}, poll"].listen)

    def _book(self, balancer: str) -> str:
        if not self.database:
            return ""
        parts = urllib.parse.urlsplit(self.database.url)
        there = "{}@{}:{}".format(parts.username, *self.links[f"{balancer} to {BOOK}"].listen)
        return parts._replace(netloc=there).geturl()

    def client_url(self, gateway: str) -> str:
        """Where clients find a gateway."""
        return "http://{}:{}".format(*self.links[f"client to {gateway}"].listen)

    @property
    def names(self) -> list[str]:
        """Every process that was started."""
        return sorted(self._processes)

    def ports(self, name: str) -> list[int]:
        """The ports on which a process listens."""
        return [ports[name] for ports in (self._pages, self._streams) if name in ports]

    def code(self, name: str) -> int | None:
        """The exit code of a process that has ended."""
        return self._processes[name].poll()

    def again(self, name: str) -> None:
        """Start a process that has ended; its shim asks for no signal any more."""
        self.kill(name)
        self.shims[name].disarm()
        self.start(name)

    def state(self, name: str) -> str:
        """The state of a process as the kernel tells it: `T` is stopped, `Z` has ended."""
        pid = self._processes[name].pid
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        return "Z"

    def most_descriptors(self, name: str, most: int | None) -> None:
        """Let a process open no descriptor from `most` on; None is as many as before."""
        pid = self._processes[name].pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if most is None else most
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))

    def folder(self, name: str) -> Path:
        """Where a process keeps its data."""
        return self._data / name

    def said(self) -> dict[str, str]:
        """What each process has logged."""
        return {path.stem: path.read_text(errors="replace") for path in self._data.glob("*.log")}

    def stop(self) -> None:
        """End everything, and the template."""
        super().stop()
        self._template.end()


@contextlib.asynccontextmanager
async def faulty_grid(grid: FaultyGrid, *, console: bool = False) -> AsyncIterator[FaultyGrid]:
    """Start a grid, which is ready then; its links and processes are ended with the context."""
    async with contextlib.AsyncExitStack() as stack:
        for link in grid.links.values():
            await stack.enter_async_context(link)
        try:
            started = (*SUBSTATIONS, *grid.balancers, *GATEWAYS, *([CONSOLE] if console else []))
            await asyncio.to_thread(grid.start, *started)
            await asyncio.to_thread(grid.placeable)
            yield grid
        finally:
            await asyncio.to_thread(grid.stop)


async def reaches(grid: FaultyGrid, name: str, states: str, within_s: float) -> bool:
    """Whether a process comes to one of these states in time."""
    end_s = time.monotonic() + within_s
    while grid.state(name) not in states:
        if time.monotonic() > end_s:
            return False
        await asyncio.sleep(0.005)
    return True
