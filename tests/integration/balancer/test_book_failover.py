"""The order book on a primary with a synchronous replica, which takes over: nothing accepted is forgotten."""

import asyncio
import contextlib
import functools
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from balancer.book.postgres.book import PostgresBook
from balancer.book.postgres.opening import CONNECTIONS, open_book
from balancer.book.protocol import BookUnavailable, Claim, Hold, Withdrawal
from tests.support.postgres import DATABASE, USER, PostgresServer, owned_folder, server
from tests.unit.balancer.book.shelves import address_of, metrics

SYNCHRONOUS = ("synchronous_commit=remote_apply", "synchronous_standby_names=replica")
HELD = Hold("car", "k", 0, "s-1", "j-1")
NOTED = Withdrawal("~1", 0, "s-1", "j-1")
T = TypeVar("T")
QUICK = "fsync=off"  # processes are killed here, and no machine


class Pair:
    """A primary and its replica."""

    def __init__(self, primary: PostgresServer, replica: PostgresServer) -> None:
        self.primary = primary
        self.replica = replica

    @property
    def url(self) -> str:
        hosts = f"{self.primary.host},{self.replica.host}"
        return f"postgresql://{USER}@{hosts}/{DATABASE}?sslmode=disable&target_session_attrs=read-write"

    async def fail_over(self) -> None:
        """End the primary as a crash does, and promote the replica."""
        await asyncio.to_thread(self.primary.stop, signal.SIGQUIT)
        await asyncio.to_thread(self.replica.promote)


@contextlib.contextmanager
def started(folder: Path, *settings: str) -> Iterator[Pair]:
    """Start a pair whose primary has these settings, too."""
    with server(folder, QUICK) as primary, owned_folder() as own:
        replica = primary.replica(own / "replica", "replica")
        replica.start(QUICK)
        primary.stop()
        primary.start(QUICK, *settings)
        try:
            yield Pair(primary, replica)
        finally:
            replica.stop()


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with started(tmp_path_factory.getbasetemp(), *SYNCHRONOUS) as found:
        yield found


@pytest.fixture
def loose_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair whose primary does not wait for its replica, so that it goes on when that is promoted."""
    with started(tmp_path_factory.getbasetemp()) as found:
        yield found


@contextlib.asynccontextmanager
async def opened(pair: Pair) -> AsyncIterator[PostgresBook]:
    """The book, once the replica follows the primary."""
    await followed(pair, "sync")
    book = await at_last(lambda: open_book(address_of(pair.url), None, metrics()))
    try:
        yield book
    finally:
        await book.close()


async def followed(pair: Pair, how: str) -> None:
    """Wait until the replica follows the primary: "sync" or "async"."""
    while not pair.primary.sql(f"SELECT 1 FROM pg_stat_replication WHERE sync_state = '{how}'"):
        await asyncio.sleep(0.02)


async def claimed(book: PostgresBook, key: str) -> Claim:
    """Claim a key, as a client does that asks until there is an answer."""
    claim = await at_last(lambda: book.claim(key, "f", "s-1"))
    assert claim
    return claim


async def at_last(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again and again while the book is unavailable."""
    while True:
        with contextlib.suppress(BookUnavailable):
            return await ask()
        await asyncio.sleep(0.02)


@pytest.mark.gen_test
async def test_claims_that_were_accepted_are_there_after_a_failover(pair: Pair) -> None:
    async with opened(pair) as book:
        accepted: list[Claim] = []
        over = asyncio.Event()

        async def client(number: int) -> None:
            count = 0
            while not over.is_set() or count < 3:
                accepted.append(await claimed(book, f"key-{number}-{count}"))
                count += 1

        clients = [asyncio.create_task(client(number)) for number in range(16)]
        while len(accepted) < 200:
            await asyncio.sleep(0.01)
        await pair.fail_over()
        before = len(accepted)
        while len(accepted) < before + 50:
            await asyncio.sleep(0.01)
        over.set()
        await asyncio.gather(*clients)
        known = [functools.partial(book.claim, claim.key, "f", None) for claim in accepted]
        found = await asyncio.gather(*(at_last(each) for each in known))
        assert found == accepted

        # The server that was replaced comes back, and can be written. It stands first in the URL.
        await asyncio.to_thread(pair.primary.start, QUICK, "synchronous_standby_names=")
        for _ in range(5):
            cut = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'smart%'"
            )
            await asyncio.to_thread(pair.replica.sql, cut)
            assert await claimed(book, accepted[-1].key) == accepted[-1]
        late = await claimed(book, "late")
        count = f"SELECT count(*) FROM order_book.claim WHERE key = '{late.key}'"
        assert (pair.primary.sql(count), pair.replica.sql(count)) == ("0", "1")


@pytest.mark.gen_test
async def test_nothing_that_the_replica_does_not_have_is_accepted(pair: Pair) -> None:
    async with opened(pair) as book:
        known = await claimed(book, "known")
        pair.replica.signal(signal.SIGSTOP)
        with pytest.raises(BookUnavailable):
            await book.claim("k", "f", "s-1")
        with pytest.raises(BookUnavailable):  # it is asked again: the first try may hold its row
            await book.claim("k", "f", "s-1")
        with pytest.raises(BookUnavailable):
            await asyncio.gather(book.hold(HELD, None, 1000), book.withdraw(NOTED))
        # After a crash, the primary shows what it had written before, although the replica never had it.
        await asyncio.to_thread(pair.primary.stop, signal.SIGQUIT)
        await asyncio.to_thread(pair.primary.start, QUICK, *SYNCHRONOUS)
        assert pair.primary.sql("SELECT count(*) FROM order_book.claim WHERE key = 'k'") == "1"
        while book.waiting_for():
            await asyncio.sleep(0.02)
        with pytest.raises(BookUnavailable):
            await book.claim("k", "f", None)
        assert pair.primary.sql("SELECT count(*) FROM order_book.hold, order_book.withdrawal") == "1"
        asked = (book.holder(HELD.vehicle), book.hold(HELD, None, 1000), book.withdraw(NOTED))
        said = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in said] == [BookUnavailable] * 3
        pair.replica.signal(signal.SIGCONT)
        assert await at_last(lambda: book.hold(HELD, None, 1000)) == HELD
        assert await at_last(lambda: book.holder(HELD.vehicle)) == HELD
        await at_last(lambda: book.withdraw(NOTED))
        assert await at_last(book.withdrawals) == [NOTED]
        assert await claimed(book, "k") == Claim("k", "f", 0, "s-1")
        assert await claimed(book, "known") == known


@pytest.mark.gen_test
async def test_no_connection_stays_with_a_server_that_runs_on_after_it_was_replaced(loose_pair: Pair) -> None:
    pair, ours = loose_pair, "FROM pg_stat_activity WHERE application_name LIKE 'smart%'"
    await followed(pair, "async")
    address = address_of(pair.url)  # the one that is replaced stands first
    book = await open_book(address, None, metrics())
    try:
        while int(pair.primary.sql(f"SELECT count(*) {ours}")) < CONNECTIONS:
            await asyncio.sleep(0.02)
        while not pair.replica.sql("SELECT to_regclass('order_book.claim')"):
            await asyncio.sleep(0.02)
        await asyncio.to_thread(pair.replica.promote)
        # One of the connections is lost. The others lead to the former primary, which can still be written.
        pair.primary.sql(f"SELECT pg_terminate_backend(pid) FROM (SELECT pid {ours} LIMIT 1) AS one")
        while int(pair.primary.sql(f"SELECT count(*) {ours}")):
            await asyncio.sleep(0.02)
        keys = {(await claimed(book, f"k-{n}")).key for n in range(CONNECTIONS)}
    finally:
        await book.close()
    for n in range(3):  # nor does a balancer that starts now choose it
        other = await open_book(address, None, metrics())
        keys |= {(await claimed(other, f"later-{n}")).key}
        await other.close()
    count = "SELECT count(*) FROM order_book.claim"
    assert (pair.primary.sql(count), pair.replica.sql(count)) == ("0", f"{len(keys)}")
