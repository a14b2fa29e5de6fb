"""Opens an order book in PostgreSQL: brings its tables up to date, and gives a new one its id."""

import functools
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from balancer.book.metrics import BookMetrics
from balancer.book.postgres import statements
from balancer.book.postgres.address import BookAddress
from balancer.book.postgres.book import PostgresBook
from balancer.book.postgres.connecting import LOST, MISCONFIGURED, Connection, Connector
from balancer.book.postgres.patience import USUAL, Patience
from balancer.book.postgres.pool import Pool
from balancer.book.postgres.schema import MIGRATIONS
from balancer.book.protocol import BookUnavailable
from runtime.store import StoreUnusable

CONNECTIONS = 4
MIGRATING = 0x6F72646572  # the advisory lock: one balancer at a time changes tables
NO_LIMIT = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s'"


async def open_book(
    address: BookAddress,
    password_file: Path | None,
    metrics: BookMetrics,
    *,
    patience: Patience = USUAL,
    monotonic_s: Callable[[], float] = time.monotonic,
    unix_s: Callable[[], float] = time.time,
) -> PostgresBook:
    """Return the open book at an address.

    Raises BookUnavailable when no server can be written now, and StoreUnusable when another try would not help: the
    login is refused, or a newer version has written the tables.
    """
    connector = Connector(address, password_file, patience)
    first = await connector.connect()
    try:
        await migrate(first)
        book_id: str = await first.fetchval(statements.READ_BOOK)
    except BaseException as error:
        first.terminate()
        if isinstance(error, MISCONFIGURED):
            raise StoreUnusable(f"the order book at {address}: {error}") from error
        if isinstance(error, (*LOST, asyncpg.PostgresError)):
            raise BookUnavailable(f"{address}: {error}") from error
        raise
    connect = functools.partial(_connect, connector.connect, book_id, patience.answer_s)
    pool = Pool(connect, CONNECTIONS, metrics, patience)
    pool.start(first)
    book = PostgresBook(pool, book_id, metrics, monotonic_s=monotonic_s, unix_s=unix_s)
    try:
        await book.start()
    except BaseException:
        await pool.close()
        raise
    return book


async def migrate(connection: Connection) -> None:
    """Bring the tables up to date and make sure that the book has an id; raises StoreUnusable if they are newer."""
    async with connection.transaction():
        await connection.execute(NO_LIMIT)
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATING)
        if not await connection.fetchval("SELECT to_regnamespace('order_book')"):
            await connection.execute("CREATE SCHEMA order_book")
        if not await connection.fetchval("SELECT to_regclass('order_book.version')"):
            await connection.execute("CREATE TABLE order_book.version (number integer NOT NULL)")
            await connection.execute("INSERT INTO order_book.version VALUES (0)")
        version: int = await connection.fetchval("SELECT number FROM order_book.version")
        if version > len(MIGRATIONS):
            raise StoreUnusable(
                f"the order book has version {version}, and this program knows up to {len(MIGRATIONS)}: use a newer one"
            )
        for script in MIGRATIONS[version:]:
            await connection.execute(script)
        if version < len(MIGRATIONS):
            await connection.execute("UPDATE order_book.version SET number = $1", len(MIGRATIONS))
        await connection.execute(statements.BOOK, secrets.token_hex(8))


async def _connect(connect: Callable[[], Awaitable[Connection]], book_id: str, answer_s: float) -> Connection:
    """Open a connection, but only to this book: after a restore, another one may be at its address."""
    connection = await connect()
    try:
        found = await connection.fetchval(statements.READ_BOOK, timeout=answer_s)
        if found != book_id:
            raise BookUnavailable(f"it is order book {found} now, and was {book_id}: restart the balancer")  # noqa: TRY301 - the connection is closed below
    except BaseException as error:
        connection.terminate()
        if isinstance(error, (*LOST, asyncpg.PostgresError)):
            raise BookUnavailable(str(error)) from error
        raise
    return connection
