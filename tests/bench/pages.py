"""`python -m tests.bench.pages COUNT`: the `/metrics` pages of so many substations, each at a port of 127.0.0.1 of its own.

The ports are printed on one line when all listen. The pages are those of this project's collector; only the number of the
report rises from answer to answer, so that each is a newer one. Each has a stream too, on which nothing is placed: all are
full. Everything else of a substation is left out: what is measured is the balancer that polls them.
"""

import asyncio
import itertools
import sys
from contextlib import AsyncExitStack
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry, generate_latest

from balancer.fleet.scan import ASKED
from runtime import stream_server
from substation.base_load.basis import Basis
from substation.contract import RELEASES_WITHIN_S, Report
from substation.curve import Usage
from substation.metrics import ReportCollector
from substation.stream import SubstationService

HOST = "127.0.0.1"
LOAD_W = CAPACITY_W = 1_400_000
FIRST_SEQ = 123_456_789


class FixedStation:
    """A substation as its collector sees it."""

    time_scale = 1.0

    def __init__(self, number: int) -> None:
        self.substation_id, self.journal_id = f"s-{number}", f"journal-{number}"
        freed = tuple(min(LOAD_W, int(LOAD_W * within_s / 600)) for within_s in RELEASES_WITHIN_S[:-1])
        self._report = Report(
            self.substation_id,
            self.journal_id,
            1,
            FIRST_SEQ,
            LOAD_W,
            CAPACITY_W,
            draining=False,
            releases_w=(*freed, LOAD_W),
            sessions=40,
            rated_w=CAPACITY_W,
        )

    def report(self) -> Report:
        """Return the report that all pages are made of."""
        return self._report

    def usage(self) -> Usage:
        """Return that nothing was overloaded."""
        return Usage()

    def draw_w(self) -> float:
        """Return the power that the cars draw."""
        return float(LOAD_W)

    def delivered_j(self) -> int:
        """Return the energy that was delivered."""
        return 0

    def base_load_basis(self) -> Basis:
        """Return that nothing is assumed."""
        return Basis.SOURCE


class Page:
    """Answers every request on a connection with the page, under a new report number."""

    def __init__(self, station: FixedStation, stream_port: int) -> None:
        registry = CollectorRegistry()
        registry.register(ReportCollector(station, station.substation_id, f":{stream_port}"))
        page = generate_latest(registry.restricted_registry(ASKED))  # as the balancer asks for it
        self._before, self._after = page.split(b"1.23456789e+08")
        self._seq = itertools.count(FIRST_SEQ + 1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the other end hangs up."""
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                page = b"%b%d.0%b" % (self._before, next(self._seq), self._after)
                head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(
                    page
                )
                writer.write(head + page)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def serve(count: int) -> None:
    """Serve the pages of `count` substations until the process ends."""
    ports = []
    async with AsyncExitStack() as stack:
        for number in range(count):
            station: Any = FixedStation(number)
            listening = stream_server.listen(SubstationService(station), HOST, 0)
            page = Page(station, await stack.enter_async_context(listening))
            server = await asyncio.start_server(page.serve, HOST, 0)
            ports.append(server.sockets[0].getsockname()[1])
        print(*ports, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
