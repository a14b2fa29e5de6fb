"""One book in PostgreSQL and several balancers: they race, one of them goes, connections break."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from balancer.book.lease import Lease
from balancer.book.postgres import withdrawals
from balancer.book.postgres.book import PostgresBook
from balancer.book.postgres.patience import Patience
from balancer.book.protocol import BookUnavailable, Claim, Hold, Withdrawal
from runtime.store import StoreUnusable
from tests.support.postgres import USER, PostgresServer
from tests.support.processes import HUNG_S, ROOT
from tests.unit.balancer.book.shelves import NOW_MS, opened

DATABASE = "shared"
RACERS = 4
KEYS = 200


@pytest.fixture(scope="module")
def url(postgres: PostgresServer) -> str:
    return postgres.new_database(DATABASE)


@contextlib.asynccontextmanager
async def books(url: str, count: int = 2) -> AsyncIterator[list[PostgresBook]]:
    found = [await opened(url) for _ in range(count)]
    try:
        yield found
    finally:
        for book in found:
            await book.close()


@pytest.mark.gen_test
async def test_books_that_open_a_new_database_at_once_are_one_book(postgres: PostgresServer) -> None:
    url = postgres.new_database("new")
    found = await asyncio.gather(*(opened(url) for _ in range(4)))
    assert len({book.book_id for book in found}) == 1
    for book in found:
        await book.close()


@pytest.mark.gen_test
async def test_of_balancers_that_claim_the_same_keys_one_wins_each_and_all_hear_of_it(url: str) -> None:
    async with books(url, RACERS) as found:
        keys = [f"race-{n}" for n in range(KEYS)]
        orders = [keys, keys[::-1], keys[1::2] + keys[::2], keys[100:] + keys[:100]]  # they would deadlock
        claimed = await asyncio.gather(
            *(
                asyncio.gather(*(book.claim(key, "f", f"s-{n}") for key in order))
                for n, (book, order) in enumerate(zip(found, orders, strict=True))
            )
        )
        by_key: dict[str, list[Claim]] = {}
        for claim in (claim for each in claimed for claim in each):
            assert claim
            by_key.setdefault(claim.key, []).append(claim)
        assert by_key.keys() == set(keys)
        for claims in by_key.values():
            assert len(set(claims)) == 1
            assert sum(claim.fresh for claim in claims) == 1


@pytest.mark.gen_test
async def test_of_balancers_that_move_the_same_claims_one_wins_each_and_all_hear_of_it(url: str) -> None:
    async with books(url, RACERS) as found:
        first = [await found[0].claim(f"move-{n}", "f", "s") for n in range(20)]
        claims = [claim for claim in first if claim]
        moved = await asyncio.gather(
            *(
                asyncio.gather(*(book.advance(claim, f"s-{n}") for claim in claims[:: (-1) ** n]))
                for n, book in enumerate(found)
            )
        )
        results = {claim for each in moved for claim in each}
        assert len(results) == len(claims)
        assert {claim.attempt for claim in results} == {1}


@pytest.mark.gen_test
async def test_a_claim_that_expired_meanwhile_is_not_moved(postgres: PostgresServer, url: str) -> None:
    async with books(url, 1) as (book,):
        claim = await book.claim("expired", "f", "s-1", "j-1")
        assert claim
        postgres.sql("DELETE FROM order_book.claim WHERE key = 'expired'", DATABASE)
        assert await book.advance(claim, "s-2", "j-2") == claim


@pytest.mark.gen_test
async def test_of_balancers_that_hold_the_same_vehicles_one_wins_each(url: str) -> None:
    async with books(url, RACERS) as found:
        cars = [f"car-{n}" for n in range(50)]
        held = await asyncio.gather(
            *(
                asyncio.gather(
                    *(book.hold(Hold(car, f"k-{n}", 0, "s", "j"), None, 1000) for car in cars[:: (-1) ** n])
                )
                for n, book in enumerate(found)
            )
        )
        assert len({hold for each in held for hold in each}) == len(cars)


@pytest.mark.gen_test
async def test_what_one_balancer_is_told_by_operators_all_read(url: str) -> None:
    async with books(url) as (one, other):
        await one.set_policy("random")
        await one.decommission("s-1", "j-1")
        lease = await one.take_rushhour(Lease("run", NOW_MS + 9_000), NOW_MS)
        assert (
            (await other.take_rushhour(Lease("late", NOW_MS + 9_000), NOW_MS)).run_id == lease.run_id == "run"
        )
        read = await other.control()
        assert read.policy == "random"
        assert read.decommissioned == {("s-1", "j-1")}
        assert read.rushhour
        assert read.rushhour.run_id == "run"


@pytest.mark.gen_test
async def test_a_withdrawal_is_one_balancer_s_until_it_signs_off(url: str) -> None:
    noted = Withdrawal("~signed-off", 0, "s-1", "j")
    async with books(url) as (one, other):
        await one.withdraw(noted)
        assert await other.withdrawals() == []
        assert await one.withdrawals() == [noted]
        await one.close()
        assert await other.withdrawals() == [noted]
        await other.withdrawn(noted.key)


@pytest.mark.gen_test
async def test_withdrawals_of_a_balancer_that_was_killed_are_taken_over_by_one_other(
    postgres: PostgresServer, url: str
) -> None:
    program = (
        "import asyncio, os\n"
        "from balancer.book.protocol import Withdrawal\n"
        "from tests.unit.balancer.book.shelves import opened\n"
        "async def main():\n"
        f"    book = await opened({url!r})\n"
        "    await asyncio.gather(*(book.withdraw(Withdrawal(f'~{n}', 0, 's-1')) for n in range(20)))\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], cwd=ROOT, timeout=HUNG_S, check=False
    )
    assert ran.returncode == -9
    async with books(url) as (one, other):
        assert await one.withdrawals() == []  # it may be back
        postgres.sql(
            f"UPDATE order_book.balancer SET until_unix_ms = until_unix_ms - {withdrawals.GONE_MS} - 1"
            f" WHERE balancer_id NOT IN ('{one.balancer_id}', '{other.balancer_id}')",
            DATABASE,
        )
        both = await asyncio.gather(one.withdrawals(), other.withdrawals())
        assert sorted(map(len, both)) == [0, 20]


@pytest.mark.gen_test
async def test_statements_whose_connections_are_cut_are_asked_again(
    postgres: PostgresServer, url: str
) -> None:
    cut = (
        f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        f" WHERE datname = '{DATABASE}' AND usename = '{USER}' AND pid <> pg_backend_pid()"
    )
    async with books(url, 1) as (book,):
        done = asyncio.Event()

        async def client(number: int) -> list[Claim]:
            found: list[Claim] = []
            while not done.is_set() or len(found) < 10:
                claim = await book.claim(f"cut-{number}-{len(found)}", "f", f"s-{number}")
                assert claim
                found.append(claim)
            return found

        clients = [asyncio.create_task(client(number)) for number in range(16)]
        total = int(await asyncio.to_thread(postgres.sql, cut, DATABASE))
        done.set()
        claims = [claim for each in await asyncio.gather(*clients) for claim in each]
        assert total >= 1
        known = await asyncio.gather(*(book.claim(claim.key, "f", None) for claim in claims))
        assert known == claims


@pytest.mark.gen_test
async def test_a_book_of_a_newer_version_is_not_opened(postgres: PostgresServer) -> None:
    url = postgres.new_database("newer")
    await (await opened(url)).close()
    postgres.sql("UPDATE order_book.version SET number = 99", "newer")
    with pytest.raises(StoreUnusable, match="version 99"):
        await opened(url)


@pytest.mark.gen_test
async def test_a_database_that_is_not_there_stops_the_start(postgres: PostgresServer) -> None:
    with pytest.raises(StoreUnusable, match='database "nowhere" does not exist'):
        await opened(postgres.url_of("nowhere"))


@pytest.mark.gen_test
async def test_another_book_at_the_same_address_is_not_taken_for_this_one(
    postgres: PostgresServer,
) -> None:
    book = await opened(postgres.new_database("replaced"), Patience(HUNG_S, HUNG_S, grace_s=0.1))
    try:
        postgres.new_database("replaced")  # restored from elsewhere, or made anew
        await (await opened(postgres.url_of("replaced"))).close()
        while "it is order book" not in "".join(book.waiting_for()):
            await asyncio.sleep(0.02)
        with pytest.raises(BookUnavailable, match=r"it is order book .* now"):
            await book.claim("k", "f", "s-1")
    finally:
        await book.close()
