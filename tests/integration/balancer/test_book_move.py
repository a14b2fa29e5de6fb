"""The order book is moved from its file to PostgreSQL, or lost and followed by a new one; substations go along."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from balancer.book.embedded import EmbeddedBook
from balancer.book.lifetimes import CLAIM_MS
from balancer.book.postgres.moving import ASIDE, AlreadyMoved, move
from balancer.book.postgres.opening import open_book
from balancer.book.protocol import Address, BookUnavailable, Claim, Control, Hold, Withdrawal
from balancer.book.schema import MIGRATIONS
from balancer.contract import BalancerOutcome
from runtime.machine import Machine
from runtime.store import Store, StoreUnusable
from substation.contract import Session
from tests.integration.balancer.caller import Caller, caller
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.support.postgres import PostgresServer
from tests.support.processes import HUNG_S, ROOT
from tests.unit.balancer.book.shelves import PATIENT, address_of, metrics

FILE = Path("balancer") / "orders.sqlite"
FORMER = "0123456789abcdef"
HELD = Hold("car", "k-1", 0, "s-1", "j-1")


def command(name: str, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the order book, as an operator does."""
    return subprocess.run(
        [sys.executable, "-m", f"balancer.book.{name}", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        timeout=HUNG_S,
        check=False,
    )


async def placed(client: Caller, key: str, **fields: object) -> Session:
    """Ask until the request is placed, as a client does."""
    while True:
        answer = await client.charge(key, **fields)  # type: ignore[arg-type]
        if answer.session:
            return answer.session
        assert answer.outcome in {BalancerOutcome.UNKNOWN, BalancerOutcome.NO_SUBSTATION}, answer
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def starting_over(grid: Grid, order_book: str = "") -> AsyncIterator[None]:
    """Stop the balancer, do what is inside, and start it with its book at another place."""
    await grid.stop("balancer")
    yield
    object.__setattr__(grid.plan, "order_book", order_book)
    await grid.start("balancer")


async def bound(grid: Grid) -> None:
    """Wait until each substation belongs to the balancer's book."""

    async def ready() -> bool:
        async with grid.session.get(f"{grid.balancer_url}/readyz") as response:
            return response.status == 200 and len(await grid.fleet()) == len(grid.names)

    await until(ready)


@pytest.mark.gen_test
async def test_a_moved_grid_knows_its_keys_and_its_substations_refuse_the_old_book(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.new_database("moved")
    async with (
        running(tmp_path, Plan()) as grid,
        caller(f"{HOST}:{grid.balancer_stream_port}") as client,
    ):
        before = {
            name: (await placed(client, f"key-{name}", substations=(name,), vehicle_id=name)).session_id
            for name in grid.names
        }
        async with starting_over(grid, url):
            copy = tmp_path / "copy.sqlite"
            shutil.copy(tmp_path / FILE, copy)
            told = await asyncio.to_thread(command, "move", DATA_DIR=f"{tmp_path}", ORDER_BOOK=url)
            assert (told.returncode, told.stderr) == (0, "")
            assert "2 claim, 0 hold, 0 withdrawal" in told.stdout
        await bound(grid)
        for name in grid.names:
            again = await placed(client, f"key-{name}", substations=(name,), vehicle_id=name)
            assert again.session_id == before[name]
            await placed(client, f"new-{name}", substations=(name,), vehicle_id=f"new-{name}")
        async with starting_over(grid):  # with a copy of the old book
            (tmp_path / FILE).unlink(missing_ok=True)
            shutil.copy(copy, tmp_path / FILE)
        await until(grid.fleet)
        for key in ("", "key"):
            answer = await client.charge(key)
            assert answer.outcome is BalancerOutcome.NO_SUBSTATION, answer
        assert len(await grid.sessions()) == 2 * len(grid.names)


@pytest.mark.gen_test
async def test_substations_follow_from_a_lost_book_to_a_new_one_once_an_operator_says_so(
    tmp_path: Path,
) -> None:
    async with (
        running(tmp_path, Plan()) as grid,
        caller(f"{HOST}:{grid.balancer_stream_port}") as client,
    ):
        for name in grid.names:
            await placed(client, f"key-{name}", substations=(name,))
        lost = (await grid.get_json(f"{grid.balancer_url}/fleet"))["book_id"]
        async with starting_over(grid):
            for path in (tmp_path / "balancer").glob(f"{FILE.name}*"):
                path.unlink()
        await until(grid.fleet)
        assert (await client.charge("key")).outcome is BalancerOutcome.NO_SUBSTATION
        async with starting_over(grid):
            told = await asyncio.to_thread(command, "follow", lost, DATA_DIR=f"{tmp_path}")
            assert (told.returncode, told.stderr) == (0, "")
        await bound(grid)
        for name in grid.names:
            await placed(client, "key" + name, substations=(name,))


@pytest.mark.gen_test
async def test_everything_in_the_book_is_moved_and_claims_keep_their_age(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    now_s = [1000.0]
    old = EmbeddedBook(tmp_path / "orders.sqlite", machine=Machine(monotonic_s=lambda: now_s[0]))
    claims = [await old.claim(f"k-{n}", "f", "s-1", "j-1") for n in range(30)]
    moved = await old.advance(Claim("k-1", "f", 0, "s-1", "j-1"), "s-2", "j-2")
    await old.withdraw(Withdrawal("~1", 2, "s-1", "j-1"))
    await old.hold(HELD, None, CLAIM_MS)
    await old.set_policy("random")
    await old.decommission("s-9", "j-9")
    await old.saw([Address("http://a:1", "s-1", "j-1")])
    now_s[0] += CLAIM_MS / 1000 - 3600  # an hour before they expire
    await old.prune()
    await old.close()

    address = address_of(postgres.new_database("everything"))
    monotonic_s = [50.0]
    said = await move(tmp_path / "orders.sqlite", address, None)
    assert said.former_id == old.book_id
    book = await open_book(address, None, metrics(), patience=PATIENT, monotonic_s=lambda: monotonic_s[0])
    try:
        assert book.book_id == said.book_id != old.book_id
        assert await book.claim("k-0", "f", None) == claims[0]
        assert await book.claim("k-1", "f", None) == moved
        assert await book.withdrawals() == [Withdrawal("~1", 2, "s-1", "j-1")]
        assert await book.holder("car") == HELD
        seen = frozenset({Address("http://a:1", "s-1", "j-1")})
        gone = frozenset({("s-9", "j-9")})
        assert await book.control() == Control("random", gone, None, seen, frozenset({old.book_id}))
        monotonic_s[0] += 3500
        await book.prune()
        assert await book.claim("k-0", "f", None) == claims[0]
        monotonic_s[0] += 200
        assert await book.prune() >= 30
        assert await book.claim("k-0", "f", None) is None
    finally:
        await book.close()
    with pytest.raises(AlreadyMoved):  # it was interrupted after all was written
        await move(tmp_path / "orders.sqlite", address, None)


@pytest.mark.gen_test
async def test_a_move_that_was_interrupted_is_done_again_from_the_file_that_was_put_aside(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    path = tmp_path / "orders.sqlite"
    book = EmbeddedBook(path)
    claim = await book.claim("k", "f", "s-1")
    in_use = address_of(postgres.new_database("in_use"))
    with pytest.raises(StoreUnusable):  # a balancer runs
        await move(path, in_use, None)
    await book.close()
    other = await open_book(in_use, None, metrics(), patience=PATIENT)
    await other.claim("its own", "f", "s-1")
    await other.close()
    with pytest.raises(StoreUnusable, match="is in use already"):
        await move(path, in_use, None)
    assert not path.exists()
    assert (tmp_path / ASIDE).exists()
    empty = address_of(postgres.new_database("empty"))
    await move(path, empty, None)
    moved = await open_book(empty, None, metrics(), patience=PATIENT)
    assert await moved.claim("k", "f", None) == claim
    await moved.close()
    gone = address_of("postgresql://grid@127.0.0.1:1/grid")
    with pytest.raises(BookUnavailable):
        await move(path, gone, None)


def test_commands_say_what_they_lack() -> None:
    assert command("move").stderr == "ORDER_BOOK is not set: it names the database to move to\n"
    assert command("follow", "x").returncode == 2


@pytest.mark.gen_test
@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
async def test_a_book_of_any_version_is_moved(tmp_path: Path, postgres: PostgresServer, version: int) -> None:
    path = tmp_path / "orders.sqlite"
    expires_ms = int(time.time() * 1000) + CLAIM_MS
    written = Store(path, MIGRATIONS[:version])
    with written.transaction():
        written.run("INSERT INTO book VALUES (1, ?)", (FORMER,))
        written.run(
            "INSERT INTO claim (key, fingerprint, attempt, target, expires_unix_ms) VALUES ('k', 'f', 2, 's-1', ?)",
            (expires_ms,),
        )
        written.run("INSERT INTO withdrawal (key, attempt, target) VALUES ('~1', 0, 's-1')")
    written.close()
    name = f"former_{version}"
    address = address_of(postgres.new_database(name))
    assert (await move(path, address, None)).former_id == FORMER
    book = await open_book(address, None, metrics(), patience=PATIENT)
    try:
        assert await book.claim("k", "f", None) == Claim("k", "f", 2, "s-1")
        assert await book.withdrawals() == [Withdrawal("~1", 0, "s-1")]
        assert await book.prune() == 0
        left_ms = postgres.sql("SELECT expires_ms - unix_ms FROM order_book.claim, order_book.clock", name)
        assert CLAIM_MS - 600_000 < int(left_ms) < CLAIM_MS + 600_000
    finally:
        await book.close()
