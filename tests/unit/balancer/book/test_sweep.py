"""Expired claims and holds are dropped in the order of keys, a bounded piece at a time."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from balancer import wiring
from balancer.book.embedded import EmbeddedBook
from balancer.book.protocol import Claim, Hold
from balancer.book.schema import MIGRATIONS
from balancer.book.sweep import MOST_PRUNED, MOST_SKIPPED, Sweep
from runtime.machine import Machine
from runtime.store import Store, StoreFull

EXPIRED, IN_FORCE = 100, 200
NOW_MS = 150
FILL = """
WITH RECURSIVE n (i) AS (VALUES (:first) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :end)
INSERT INTO claim SELECT printf('anonymous:%08d', i), 'f', 0, 's-1', :expires, 'j' FROM n
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "orders.sqlite", MIGRATIONS)
    yield opened
    opened.close()


def fill(store: Store, first: int, end: int, expires: int) -> None:
    with store.transaction():
        store.run(FILL, {"first": first, "end": end, "expires": expires})


def step(store: Store, sweep: Sweep) -> int:
    with store.transaction():
        return sweep.step(store, NOW_MS)


def undone_step(store: Store, sweep: Sweep) -> None:
    with store.transaction():
        sweep.step(store, NOW_MS)
        raise StoreFull


def left(store: Store, expires: int) -> int:
    found: int = store.rows("SELECT count(*) FROM claim WHERE expires_unix_ms = ?", (expires,))[0][0]
    return found


def test_a_round_drops_all_that_has_expired_and_nothing_else(store: Store) -> None:
    seeded = random.Random(1)
    with store.transaction():
        for number in range(5_000):
            expires = seeded.choice((EXPIRED, IN_FORCE))
            store.run("INSERT INTO claim VALUES (?, 'f', 0, 's-1', ?, 'j')", (f"k-{number}", expires))
    in_force = left(store, IN_FORCE)
    sweep = Sweep("claim", "key")
    for _ in range(5_000 // MOST_PRUNED + 1):
        step(store, sweep)
    assert left(store, EXPIRED) == 0
    assert left(store, IN_FORCE) == in_force


def test_a_step_looks_at_a_bounded_number_from_the_first_expired_one_on(store: Store) -> None:
    fill(store, 0, 10, IN_FORCE)
    fill(store, 10, 10 + MOST_PRUNED // 2, EXPIRED)
    fill(store, 10 + MOST_PRUNED // 2, 5 * MOST_PRUNED, IN_FORCE)
    fill(store, 5 * MOST_PRUNED, 8 * MOST_PRUNED, EXPIRED)
    sweep = Sweep("claim", "key")
    assert [step(store, sweep) for _ in range(6)] == [MOST_PRUNED // 2, *[MOST_PRUNED] * 3, 0, 0]


def test_what_is_in_force_is_passed_a_bounded_number_at_a_time(store: Store) -> None:
    fill(store, 0, 2 * MOST_SKIPPED, IN_FORCE)
    fill(store, 2 * MOST_SKIPPED, 2 * MOST_SKIPPED + 1, EXPIRED)
    sweep = Sweep("claim", "key")
    assert [step(store, sweep) for _ in range(4)] == [0, 0, 1, 0]


def test_after_the_last_row_it_begins_again_with_the_first(store: Store) -> None:
    sweep = Sweep("claim", "key")
    fill(store, 5, 10, EXPIRED)
    assert step(store, sweep) == 5
    fill(store, 0, 3, EXPIRED)
    assert step(store, sweep) == 3


def test_what_an_undone_step_would_have_dropped_is_dropped_in_the_next_round(store: Store) -> None:
    fill(store, 0, 2 * MOST_PRUNED, EXPIRED)
    sweep = Sweep("claim", "key")
    with pytest.raises(StoreFull):
        undone_step(store, sweep)
    assert left(store, EXPIRED) == 2 * MOST_PRUNED
    assert [step(store, sweep) for _ in range(3)] == [MOST_PRUNED, MOST_PRUNED, 0]


def test_a_step_finds_its_rows_by_their_keys(store: Store) -> None:
    sweep = Sweep("claim", "key")
    for sql, values in (
        (sweep._first_expired, ("", 1, 1)),
        (sweep._ahead, ("", 1)),
        (sweep._drop, ("", "k", 1)),
    ):
        plan = " ".join(row["detail"] for row in store.rows(f"EXPLAIN QUERY PLAN {sql}", values))
        assert "SEARCH claim USING PRIMARY KEY (key>?" in plan, plan


@pytest.mark.gen_test
async def test_expired_holds_are_dropped_too(tmp_path: Path) -> None:
    monotonic_s = 1.0
    book = EmbeddedBook(tmp_path / "orders.sqlite", Machine(monotonic_s=lambda: monotonic_s))
    for number in range(3):
        await book.hold(Hold(f"car-{number}", f"k-{number}", 0, "s-1", "j"), None, number * 10_000)
    monotonic_s += 24 * 3600 + 11
    assert await book.prune() == 2
    assert await book.holder("car-0") is None
    assert await book.holder("car-2")
    await book.close()


@pytest.mark.gen_test(timeout=90)
async def test_a_backlog_is_dropped_without_the_usual_pause_between_two_pieces(tmp_path: Path) -> None:
    book = EmbeddedBook(tmp_path / "orders.sqlite")
    fill(book._store, 0, 20 * MOST_PRUNED, EXPIRED)
    chore = asyncio.create_task(wiring._prune(book))
    try:
        async with asyncio.timeout(60):
            while await book._do(lambda store: store.one("SELECT 1 FROM claim")):
                await asyncio.sleep(0.01)
    finally:
        chore.cancel()
        await book.close()


@pytest.mark.gen_test
async def test_a_book_of_the_sixth_version_is_taken_over_with_its_claims_and_holds(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    older = Store(path, MIGRATIONS[:6])
    with older.transaction():
        older.run("INSERT INTO claim VALUES ('old', 'f', 0, 's-1', 100, 'j')")
        older.run("INSERT INTO claim VALUES ('new', 'f', 1, 's-1', ?, 'j')", (2**60,))
        older.run("INSERT INTO hold VALUES ('car', 'new', 1, 's-1', 'j', ?)", (2**60,))
    older.close()
    book = EmbeddedBook(path)
    assert await book.prune() == 1
    assert await book.claim("new", "f", None) == Claim("new", "f", 1, "s-1", "j")
    assert await book.holder("car") == Hold("car", "new", 1, "s-1", "j")
    assert not await book._do(lambda store: store.rows("SELECT 1 FROM sqlite_schema WHERE type = 'index'"))
    await book.close()
