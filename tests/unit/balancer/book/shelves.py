"""Where the books of the contract's tests are kept: each kind is a shelf that opens, closes and fills its book."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from balancer.book.embedded import EmbeddedBook
from balancer.book.metrics import BookMetrics
from balancer.book.postgres.address import BookAddress, book_address
from balancer.book.postgres.book import PostgresBook
from balancer.book.postgres.opening import open_book
from balancer.book.postgres.patience import Patience
from balancer.book.protocol import OrderBook
from runtime.machine import Machine
from runtime.store import Store
from tests.simulation.shared_book import BookServer, SharedBook
from tests.support.postgres import PostgresServer
from tests.support.processes import HUNG_S

NOW_MS = 1_700_000_000_000
NO_LIMIT = 2**31 - 2
BULKY = "x" * 100_000  # does not fit into the free space of a page

HOUR_MS = 3600 * 1000


class Clocks:
    """The clocks of the machine that keeps the book."""

    def __init__(self) -> None:
        self.monotonic_ms = 1_000_000
        self.unix_ms = NOW_MS

    def pass_time(self, passed_ms: int) -> None:
        self.monotonic_ms += passed_ms
        self.unix_ms += passed_ms


class Shelf(Protocol):
    """Where a kind of book is kept."""

    clocks: Clocks

    def open(self) -> contextlib.AbstractAsyncContextManager[OrderBook]:
        """Open the one book of this shelf, made if absent."""

    def fill_the_disk(self, book: OrderBook) -> None:
        """Let it grow no further, as a full disk would."""

    def make_room(self, book: OrderBook) -> None:
        """End that."""


class EmbeddedShelf:
    """Books in a SQLite file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "book" / "orders.sqlite"
        self.clocks = Clocks()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[OrderBook]:
        machine = Machine(
            monotonic_s=lambda: self.clocks.monotonic_ms / 1000, unix_s=lambda: self.clocks.unix_ms / 1000
        )
        book = EmbeddedBook(self._path, machine)
        try:
            yield book
        finally:
            await book.close()

    def fill_the_disk(self, book: OrderBook) -> None:
        self._limit_pages(book, 1)  # not below what the file has

    def make_room(self, book: OrderBook) -> None:
        self._limit_pages(book, NO_LIMIT)

    def _limit_pages(self, book: OrderBook, most: int) -> None:
        assert isinstance(book, EmbeddedBook)
        store: Store = book._store
        store.rows(f"PRAGMA max_page_count = {most}")


class SimulatedShelf(EmbeddedShelf):
    """Books as the balancers of a simulation share them, over a way on which nothing is lost."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[OrderBook]:
        async with super().open() as book:
            assert isinstance(book, EmbeddedBook)
            server = BookServer(book, lambda: self.clocks.monotonic_ms / 1000)
            yield SharedBook("b", book.book_id, lambda work: work(server))

    def _limit_pages(self, book: OrderBook, most: int) -> None:
        assert isinstance(book, SharedBook)

        async def limit(server: BookServer) -> None:
            super(SimulatedShelf, self)._limit_pages(server.book, most)

        with contextlib.suppress(StopIteration):
            limited: Any = book.carry(limit)
            limited.send(None)


class ClocksInFile(Clocks):
    """Clocks of which a database server reads the wall time, from a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__()

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "unix_ms":
            self._path.write_text(f"{value}")


TABLES = "book, former, clock, claim, hold, balancer, withdrawal, control, decommissioned, rushhour, address"
CLOCK_OF_FILE = """
CREATE OR REPLACE FUNCTION order_book.unix_ms() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT pg_read_file('{path}')::bigint $$
"""
FULL = """
CREATE OR REPLACE FUNCTION order_book.full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file'; END $$;
"""
FULL_FOR = """
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON order_book.{table}
    FOR EACH ROW WHEN (length(NEW::text) > 50000) EXECUTE FUNCTION order_book.full();
"""
BULKY_TABLES = ("claim", "withdrawal", "control")
DROP_FULL = "".join(f"DROP TRIGGER IF EXISTS full_disk ON order_book.{table};" for table in BULKY_TABLES)
DATABASE = "contract"


class PostgresShelf:
    """Books in a database, which is emptied for each test."""

    def __init__(self, server: PostgresServer) -> None:
        """`server` has been prepared."""
        self._server = server
        self.clocks: Clocks = ClocksInFile(server.data.with_name("clock"))
        self._sql(f"{DROP_FULL} SET search_path = order_book; TRUNCATE {TABLES}")

    @staticmethod
    async def prepare(server: PostgresServer) -> None:
        """Make the tables in a database of their own, which reads the wall time from a file beside the server's data."""
        book = await opened(server.new_database(DATABASE))
        await book.close()
        clock = server.data.with_name("clock")
        server.sql(CLOCK_OF_FILE.format(path=clock), DATABASE)
        clock.touch()
        clock.chmod(0o644)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[OrderBook]:
        book = await open_book(
            address_of(self._server.url_of(DATABASE)),
            None,
            metrics(),
            patience=PATIENT,
            monotonic_s=lambda: self.clocks.monotonic_ms / 1000,
            unix_s=lambda: self.clocks.unix_ms / 1000,
        )
        try:
            yield book
        finally:
            await book.close()

    def fill_the_disk(self, book: OrderBook) -> None:
        """Let the server say of bulky rows what it says when its disk is full."""
        self._sql(FULL + "".join(FULL_FOR.format(table=table) for table in BULKY_TABLES))

    def make_room(self, book: OrderBook) -> None:
        self._sql(DROP_FULL)

    def _sql(self, statement: str) -> str:
        return self._server.sql(statement, DATABASE)


def address_of(url: str) -> BookAddress:
    address = book_address(url)
    assert address
    return address


PATIENT = Patience(HUNG_S, HUNG_S, HUNG_S)  # on a busy machine, too


async def opened(url: str, patience: Patience = PATIENT) -> PostgresBook:
    return await open_book(address_of(url), None, metrics(), patience=patience)


def metrics() -> BookMetrics:
    return BookMetrics(CollectorRegistry())
