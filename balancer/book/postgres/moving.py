"""Moves an order book from its file to PostgreSQL, with all that it knows.

The file is put aside first, so that no balancer can use it any more; then everything is written in one transaction.
Wherever this is interrupted, it can be done again. The new book has an id of its own, and says that it follows the old
one: substations that belong to that one are taken over. From then on they refuse the old book, and every copy of it.
"""

import dataclasses
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from balancer.book.clock import BookClock
from balancer.book.postgres import statements
from balancer.book.postgres.address import BookAddress
from balancer.book.postgres.connecting import LOST, Connection, Connector
from balancer.book.postgres.opening import NO_LIMIT, migrate
from balancer.book.postgres.patience import UNHURRIED
from balancer.book.postgres.schema import SCHEMA
from balancer.book.protocol import BookUnavailable
from balancer.book.schema import MIGRATIONS
from runtime.store import Store, StoreUnusable

PAGE = 10_000  # rows that are read at once
ASIDE = "orders.moved.sqlite"
# Columns of tables that are the same here and there. Ends are by the book's clock, and are moved to the new one's.
AGEING = {
    "claim": ("key", "fingerprint", "attempt", "target", "journal_id", "expires_unix_ms"),
    "hold": ("vehicle", "key", "attempt", "target", "journal_id", "expires_unix_ms"),
}
AS_THEY_ARE = {
    "withdrawal": ("key", "attempt", "target", "journal_id"),
    "control": ("name", "value"),
    "decommissioned": ("substation_id", "journal_id"),
    "address": ("url", "substation_id", "journal_id"),
}
COLUMN = {"expires_unix_ms": "expires_ms"}  # of the new tables
IN_USE = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in AGEING | AS_THEY_ARE)


class AlreadyMoved(Exception):
    """The database follows this file already."""


@dataclasses.dataclass(frozen=True)
class Moved:
    """What was moved, and the ids of both books."""

    former_id: str
    book_id: str
    counts: dict[str, int]

    def __str__(self) -> str:
        """Return it in words."""
        rows = ", ".join(f"{count} {table}" for table, count in self.counts.items())
        return f"moved order book {self.former_id} to {self.book_id}: {rows}"


async def move(path: Path, address: BookAddress, password_file: Path | None) -> Moved:
    """Move the order book in the file `path`; returns what was moved.

    Raises AlreadyMoved, StoreUnusable when the file is in use, damaged or absent, or the database has a book that is in
    use, and BookUnavailable when the database can't be reached.
    """
    connection = await Connector(address, password_file, UNHURRIED).connect()
    try:
        await migrate(connection)
        store = _put_aside(path)
        try:
            return await _written(connection, store)
        finally:
            store.close()
    except (*LOST, asyncpg.PostgresError) as error:
        raise BookUnavailable(f"{address}: {error}") from error
    finally:
        connection.terminate()


def _put_aside(path: Path) -> Store:
    """Return the opened file of the book under the name that no balancer opens."""
    aside = path.with_name(ASIDE)
    if not path.exists():
        if not aside.exists():
            raise StoreUnusable(f"{path} does not exist")
        return Store(aside, MIGRATIONS, checked=True)
    if aside.exists():
        raise StoreUnusable(f"{aside} is there already, of a former move: put it elsewhere")
    store = Store(path, MIGRATIONS, checked=True)
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    path.rename(aside)  # while it is locked: no balancer has written to it meanwhile
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return store


async def _written(connection: Connection, store: Store) -> Moved:
    former_id: str = store.rows("SELECT book_id FROM book")[0]["book_id"]
    async with connection.transaction():
        await connection.execute(NO_LIMIT)
        await connection.execute("LOCK TABLE claim, hold, withdrawal IN EXCLUSIVE MODE")
        book_id: str = await connection.fetchval(statements.READ_BOOK)
        if await connection.fetchval("SELECT EXISTS (SELECT FROM former WHERE book_id = $1)", former_id):
            raise AlreadyMoved(f"order book {former_id} was moved to {book_id} before")
        if await connection.fetchval(f"SELECT {IN_USE}"):
            raise StoreUnusable(
                f"order book {book_id} of the database is in use already: name an empty database"
            )
        later_ms = await _clock_difference_ms(connection, store)
        counts = {}
        for table, columns in (AGEING | AS_THEY_ARE).items():
            counts[table] = 0
            for rows in _pages(store, table, columns, later_ms if table in AGEING else None):
                counts[table] += len(rows)
                await _copy(connection, table, columns, rows)
        ids = [former_id, *(row[0] for row in store.rows("SELECT book_id FROM former"))]
        await connection.executemany(statements.FOLLOW, [(each,) for each in ids])
    return Moved(former_id, book_id, counts)


async def _clock_difference_ms(connection: Connection, store: Store) -> int:
    """Return by how much the clock of the new book is ahead of that of the old one."""
    await connection.execute(statements.CLOCK)
    new = await connection.fetchrow(statements.READ_CLOCK)
    if new is None:
        raise StoreUnusable("the database has lost the clock of its book")
    new_ms = BookClock.resume(new["book_ms"], new["unix_ms"], new["now_ms"], 0.0).at(0.0)
    unix_ms = int(time.time() * 1000)
    old = store.one("SELECT book_ms, unix_ms FROM clock")
    if old is None:  # of a version before 5, and not opened since: its claims age by the wall clock
        return new_ms - unix_ms
    return new_ms - BookClock.resume(old["book_ms"], old["unix_ms"], unix_ms, 0.0).at(0.0)


def _pages(
    store: Store, table: str, columns: tuple[str, ...], later_ms: int | None
) -> Iterator[list[tuple[object, ...]]]:
    """Yield the rows of a table in the order of their first two columns; the last is brought to the new clock."""
    key = columns[:2] if table == "decommissioned" else columns[:1]
    names, order = ", ".join(columns), ", ".join(key)
    marks = ", ".join("?" for _ in key)
    after: tuple[object, ...] = ("",) * len(key)
    query = f"SELECT {names} FROM {table} WHERE ({order}) > ({marks}) ORDER BY {order} LIMIT {PAGE}"  # noqa: S608 - names of the schema
    while rows := [tuple(row) for row in store.rows(query, after)]:
        after = rows[-1][: len(key)]
        yield rows if later_ms is None else [(*row[:-1], row[-1] + later_ms) for row in rows]


async def _copy(
    connection: Connection, table: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]
) -> None:
    names = [COLUMN.get(column, column) for column in columns]
    if table == "withdrawal":  # of no balancer: the first that looks takes them over
        nobody = secrets.token_hex(8)
        names, rows = [*names, "balancer_id"], [(*row, nobody) for row in rows]
    await connection.copy_records_to_table(table, records=rows, columns=names, schema_name=SCHEMA)
