"""Starts the services of a grid as simulated processes: their production wiring, and listeners in the simulated network."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CollectorRegistry, generate_latest

from balancer import wiring
from balancer.book.embedded import EmbeddedBook
from balancer.settings import Settings as BalancerSettings
from balancer.wiring import Parts, Wired
from gateway.access import Access
from gateway.balancer_stream import BalancerLink, Caller
from gateway.balancers import Balancers
from gateway.metrics import GatewayMetrics
from gateway.services import Services
from runtime import stream_server
from substation.app import opened_station
from substation.journal import Journal
from substation.metrics import ReportCollector
from substation.settings import Settings as SubstationSettings
from substation.station import Station
from substation.stream import SubstationService
from tests.simulation.process import Process
from tests.support.desk import Transformer

PAGE_PORT, STREAM_PORT, BALANCER_PORT = 8101, 9101, 9001
DEADLINE_S = 5.0


@dataclasses.dataclass(frozen=True)
class SubstationParts:
    """A substation that runs."""

    journal: Journal
    station: Station


@dataclasses.dataclass(frozen=True)
class BalancerParts:
    """A balancer that runs."""

    book: EmbeddedBook
    parts: Parts
    wired: Wired


async def substation(process: Process, settings: SubstationSettings, base_load: Transformer) -> None:
    """Serve a substation until its process ends. Raises StoreUnusable."""
    host = process.host
    machine = process.machine
    path = host.disk.folder / "journal.sqlite"
    journal = Journal(path, host.name, int(machine.unix_s() * 1000), check_later=True, machine=machine)
    registry = CollectorRegistry(auto_describe=True)
    station = opened_station(journal, settings, base_load, registry)
    process.parts = SubstationParts(journal, station)
    listening = stream_server.listen(SubstationService(station), host.name, STREAM_PORT)
    await process.stack.enter_async_context(listening)
    registry.register(ReportCollector(station, host.name, f":{STREAM_PORT}"))
    page = functools.partial(PageServer, functools.partial(_page, registry))
    host.loop.network.listen(page, host.name, PAGE_PORT)
    process.serving = True


async def balancer(process: Process, settings: BalancerSettings) -> None:
    """Serve a balancer until its process ends. Raises StoreUnusable."""
    host = process.host
    book = EmbeddedBook(host.disk.folder / "orders.sqlite", process.machine)
    parts = wiring.parts(process.stack, settings.poll_s, CollectorRegistry(), book, process.machine)
    wired = await wiring.wired(process.stack, settings, parts)
    process.parts = BalancerParts(book, parts, wired)
    wiring.discover(process.stack, settings, parts, wired.poller, _no_names)
    listening = stream_server.listen(wired.service, host.name, BALANCER_PORT)
    await process.stack.enter_async_context(listening)
    process.serving = True


async def gateway(process: Process, balancers: tuple[str, ...]) -> None:
    """Serve a gateway, as its handlers use it, until its process ends."""
    metrics = GatewayMetrics(CollectorRegistry())

    def link(address: str, silent_s: float, on_greeting: Callable[[], None]) -> BalancerLink:
        caller = Caller(silent_s=silent_s, machine=process.machine)
        return BalancerLink(address, caller, metrics.batched, on_greeting)

    known = Balancers([f"{name}:{BALANCER_PORT}" for name in balancers], link)
    process.parts = Services(known, metrics, Access(None, 0), DEADLINE_S, 60.0)
    process.serving = True


class PageServer:
    """Answers GET requests for the metrics page, as the protocol of a connection."""

    def __init__(self, page: Callable[[list[str]], bytes]) -> None:
        self._page = page
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            query = urlsplit(head.split()[1].decode()).query
            body = self._page(parse_qs(query)["name[]"])
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """A page is small."""

    def resume_writing(self) -> None:
        """A page is small."""

    def connection_lost(self, _error: Exception | None) -> None:
        """Nothing is to be done."""


def _page(registry: CollectorRegistry, names: list[str]) -> bytes:
    return generate_latest(registry.restricted_registry(names))


async def _no_names(_host: str, _port: int) -> Any:
    raise OSError("there are no names here")
