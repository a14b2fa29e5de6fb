"""Connections to the order book are opened again and again, whatever is wrong meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from balancer.book.postgres.connecting import Connection, Connector
from balancer.book.postgres.opening import open_book
from balancer.book.postgres.pool import Pool
from balancer.book.protocol import BookUnavailable
from runtime.store import StoreUnusable
from tests.support.postgres import PostgresServer
from tests.unit.balancer.book.shelves import PATIENT, address_of, metrics

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"
)


async def at_last(ask: Callable[[], Awaitable[object]]) -> object:
    while True:
        try:
            return await ask()
        except BookUnavailable:
            await asyncio.sleep(0.02)


@pytest.mark.gen_test
async def test_a_fault_that_nobody_expects_does_not_end_the_search_for_connections(
    postgres: PostgresServer,
) -> None:
    connector = Connector(address_of(postgres.new_database("strange")), None, PATIENT)
    faults = [LookupError("a server that says what no server says"), None]

    async def connect() -> Connection:
        if fault := faults.pop(0) if faults else None:
            raise fault
        return await connector.connect()

    pool = Pool(connect, 1, metrics(), PATIENT)
    first = await connector.connect()
    pool.start(first)
    try:
        first.terminate()
        assert await at_last(lambda: pool.ask(lambda each: each.fetchval("SELECT 7"))) == 7
        assert not faults
    finally:
        await pool.close()


@pytest.mark.gen_test
async def test_a_password_file_that_is_no_text_is_named_and_read_again(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    address = address_of(postgres.new_database("passwords"))
    file = tmp_path / "password"
    file.write_bytes(b"\xff")
    with pytest.raises(StoreUnusable, match=f"{file} holds no text"):
        await open_book(address, file, metrics(), patience=PATIENT)
    file.write_text("secret")
    book = await open_book(address, file, metrics(), patience=PATIENT)
    try:
        file.write_bytes(b"\xff")
        while "holds no text" not in "".join(book.waiting_for()):
            # again and again: a connection that was being made keeps the password that it has read
            postgres.sql(CUT.format("passwords"), "passwords")
            await asyncio.sleep(0.05)
        file.write_text("another")
        assert await at_last(lambda: book.claim("k", "f", "s-1"))
    finally:
        await book.close()
