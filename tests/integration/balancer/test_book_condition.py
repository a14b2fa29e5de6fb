"""What the metrics say of the database of an order book: its claims, their pruning, its replicas."""

import asyncio
import dataclasses
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from balancer.book.lifetimes import CLAIM_MS
from balancer.book.metrics import BookMetrics
from balancer.book.postgres.address import book_address
from balancer.book.postgres.book import PostgresBook
from balancer.book.postgres.condition_watch import LOOK_EVERY_S
from balancer.book.postgres.opening import open_book
from tests.support.postgres import USER, PostgresServer, owned_folder, server

LIMIT_S = 60.0
NEAR = 100_000  # bytes of log
WATCHER = "watcher"  # a login that may not see what replicas have replayed


@dataclasses.dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclasses.dataclass
class Watched:
    """A book and its metrics; `clock` is the one by which it ages."""

    book: PostgresBook
    registry: CollectorRegistry
    clock: Clock

    def metric(self, name: str) -> float:
        value = self.registry.get_sample_value(f"smartgrid_balancer_book_{name}")
        assert value is not None
        return value

    async def look(self) -> None:
        """Let the book look at its database, as it does every LOOK_EVERY_S."""
        self.clock.now_s += LOOK_EVERY_S
        await self.book.probe()

    async def until(self, seen: Callable[[], bool]) -> None:
        """Look until something is seen."""
        async with asyncio.timeout(LIMIT_S):
            await self.look()
            while not seen():
                await asyncio.sleep(0.05)
                await self.look()


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[Watched]:
    address, registry, clock = book_address(url), CollectorRegistry(), Clock()
    assert address
    book = await open_book(address, None, BookMetrics(registry), monotonic_s=clock)
    try:
        yield Watched(book, registry, clock)
    finally:
        await book.close()


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with server(tmp_path_factory.getbasetemp(), "fsync=off") as started:
        yield started


@pytest.mark.gen_test
async def test_claims_are_counted_and_one_that_should_have_been_dropped_is_seen(
    primary: PostgresServer,
) -> None:
    async with watched(primary.new_database("condition")) as found:
        assert await found.book.claim("key", "f", "s-1")
        await found.until(lambda: found.metric("claims") >= 1)
        assert found.metric("prune_delay_seconds") == 0
        found.clock.now_s += CLAIM_MS / 1000
        await found.look()
        assert 0 < found.metric("prune_delay_seconds") < LIMIT_S * 100
        assert await found.book.prune() >= 1
        await found.look()
        assert found.metric("prune_delay_seconds") == 0


@pytest.mark.gen_test
async def test_a_replica_that_falls_behind_is_seen_and_one_that_is_gone(primary: PostgresServer) -> None:
    url = primary.new_database("seen_by_a_watcher")
    primary.sql(f"CREATE ROLE {WATCHER} LOGIN; GRANT CREATE ON DATABASE seen_by_a_watcher TO {WATCHER}")
    async with watched(primary.url) as found, watched(url.replace(f"{USER}@", f"{WATCHER}@")) as watcher:
        await found.look()
        assert (found.metric("replicas"), math.isnan(found.metric("replica_behind_bytes"))) == (0, True)
        with owned_folder() as own:
            replica = primary.replica(own / "replica", "replica")
            replica.start("fsync=off")
            try:
                await found.until(lambda: found.metric("replicas") >= 1)
                await found.until(lambda: found.metric("replica_behind_bytes") < NEAR)
                replica.sql("SELECT pg_wal_replay_pause()")
                primary.sql(f"SELECT pg_logical_emit_message(false, 'a', repeat('b', {2 * NEAR}))")
                primary.sql("SELECT pg_switch_wal()")
                await found.until(lambda: found.metric("replica_behind_bytes") > NEAR)
                await watcher.until(lambda: watcher.metric("replicas") >= 1)
                assert math.isnan(watcher.metric("replica_behind_bytes"))
                primary.sql(f"GRANT pg_monitor TO {WATCHER}")
                await watcher.until(lambda: watcher.metric("replica_behind_bytes") > NEAR)
            finally:
                replica.stop()
        await found.until(lambda: found.metric("replicas") == 0)
