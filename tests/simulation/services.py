"""Starts the services of a grid as simulated processes: their production wiring, and listeners in the simulated network."""

import asyncio
import dataclasses
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry

from balancer import wiring
from balancer.book.embedded import EmbeddedBook
from balancer.book.protocol import BookUnavailable, KeptBook
from balancer.settings import Settings as BalancerSettings
from balancer.wiring import Parts, Wired
from gateway.access import Access
from gateway.balancer_stream import BalancerLink, Caller
from gateway.balancers import Balancers
from gateway.fair_turns import FairTurns
from gateway.metrics import GatewayMetrics
from gateway.services import Services
from runtime import stream_server
from runtime.store import Store
from substation.app import opened_station
from substation.journal import Journal
from substation.metrics import ReportCollector
from substation.settings import Settings as SubstationSettings
from substation.station import Station
from substation.stream import SubstationService
from tests.simulation.process import Host, Process
from tests.simulation.shared_book import BookServer, SharedBook
from tests.support.desk import Transformer

PAGE_PORT, STREAM_PORT, BALANCER_PORT = 8101, 9101, 9001
DEADLINE_S = 5.0
BOOK_S = 2.0  # for a call to a shared book


@dataclasses.dataclass(frozen=True)
class SubstationParts:
    """A substation that runs."""

    journal: Journal
    station: Station

    @property
    def store(self) -> Store:
        return self.journal._store


@dataclasses.dataclass(frozen=True)
class BalancerParts:
    """A balancer that runs."""

    book: KeptBook
    parts: Parts
    wired: Wired

    @property
    def store(self) -> Store | None:
        return self.book._store if isinstance(self.book, EmbeddedBook) else None


@dataclasses.dataclass(frozen=True)
class DatabaseParts:
    """A database that runs."""

    server: BookServer
    store: Store


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
    report = ReportCollector(station, host.name, f":{STREAM_PORT}")
    page = functools.partial(PageServer, functools.partial(_page, report))
    host.loop.network.listen(page, host.name, PAGE_PORT)
    process.serving = True


async def database(process: Process) -> None:
    """Serve the book that several balancers share, until its process ends."""
    machine = process.machine
    book = EmbeddedBook(process.host.disk.folder / "orders.sqlite", machine)
    process.parts = DatabaseParts(BookServer(book, machine.monotonic_s), book._store)
    process.serving = True


async def shared_book(process: Process, server: Host) -> SharedBook:
    """Return a balancer's end of the book on another host, once that answers."""
    carry = functools.partial(_carry, process, server)
    while True:
        try:
            book_id: str = await carry(_book_id)
        except BookUnavailable:
            await asyncio.sleep(0.2)
        else:
            return SharedBook(process.machine.token(8), book_id, carry)


async def _book_id(server: BookServer) -> str:
    return server.book.book_id


async def _carry(caller: Process, host: Host, work: Callable[[BookServer], Awaitable[Any]]) -> Any:
    """Carry a call to a database and its result back; see shared_book.Carry."""
    loop, network = caller.host.loop, caller.host.loop.network
    answered: asyncio.Future[Any] = loop.create_future()

    async def carried_out(server: Process) -> None:
        result: Any
        try:
            result = await work(server.parts.server)
        except BookUnavailable as error:
            result = error
        await network.reach(server.name, caller.name)
        if not answered.done():
            answered.set_result(result)

    try:
        async with asyncio.timeout(BOOK_S):
            await network.reach(caller.name, host.name)
            if not (server := host.process) or not server.alive or not server.serving:
                raise BookUnavailable("nothing listens there")
            server.run(carried_out(server))
            result = await answered
    except TimeoutError:
        raise BookUnavailable(f"no answer within {BOOK_S:g} s") from None
    if isinstance(result, BookUnavailable):
        raise result
    return result


async def balancer(process: Process, settings: BalancerSettings, database: Host | None) -> None:
    """Serve a balancer until its process ends. Raises StoreUnusable."""
    host = process.host
    book: KeptBook
    if database:
        book = await shared_book(process, database)
    else:
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
    process.parts = Services(
        known, metrics, Access(None, 0), DEADLINE_S, 60.0, FairTurns(process.machine.monotonic_s)
    )
    process.serving = True


class PageServer:
    """Answers GET requests for the metrics page, as the protocol of a connection."""

    def __init__(self, page: Callable[[], bytes]) -> None:
        self._page = page
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            _, _, self._received = self._received.partition(b"\r\n\r\n")
            body = self._page()
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


def _page(collector: ReportCollector) -> bytes:
    """Return the page as the exposition writes it, without its comments: that takes a quarter of the time."""
    lines = []
    for family in collector.collect():
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            lines.append(f"{sample.name}{{{labels}}} {sample.value}\n")
    return "".join(lines).encode()


async def _no_names(_host: str, _port: int) -> Any:
    raise OSError("there are no names here")
